"""The functions' package: it stands on nothing but itself, and is the same bytes from the same versions."""

from pathlib import Path

import package as packaging


def test_each_handler_imports_from_the_package_alone(package: Path) -> None:
    packaging.check(package)


def test_the_package_is_the_same_bytes_when_it_is_built_again(package: Path, tmp_path: Path) -> None:
    packaging.build_here(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == package.read_bytes()


def test_the_package_stays_below_what_lambda_takes_directly(package: Path) -> None:
    assert package.stat().st_size < packaging.LIMIT_BYTES
