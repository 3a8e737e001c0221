"""hashes/*.txt: what is shipped, whole, in the versions that are tested, and without an address."""

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SHIPPED, FUNCTIONS = ROOT / "hashes" / "shipped.txt", ROOT / "hashes" / "functions.txt"
SERVICE, STATISTICS = FUNCTIONS.with_name("service.txt"), FUNCTIONS.with_name("statistics.txt")
EXTRAS = {"aws", "camera", "hsm", "issuer", "s3", "scan", "service", "service-aws"}
ENTRY = re.compile(r"^([a-z0-9-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE)


def versions(path: Path) -> dict[str, str]:
    return {name: version for name, version, _ in ENTRY.findall(path.read_text("utf-8"))}


def pins() -> dict[str, str]:
    found = re.findall(r"^([^#=\s]+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def stood_on(name: str, extras: set[str]) -> set[str]:
    """Give all that a distribution stands on here, by what is installed."""
    found: set[str] = set()
    for line in requires(name) or ():
        requirement = Requirement(line)
        if any(requirement.marker is None or requirement.marker.evaluate({"extra": e}) for e in {"", *extras}):
            found |= {canonicalize_name(requirement.name)} | stood_on(requirement.name, requirement.extras)
    return found - {"movepass"}


@pytest.mark.parametrize("path", [SHIPPED, FUNCTIONS, SERVICE, STATISTICS], ids=lambda path: path.stem)
def test_the_file_is_versions_and_hashes_and_nothing_else(path: Path) -> None:
    assert ENTRY.sub("", path.read_text("utf-8")) == ""


def test_all_that_is_shipped_is_there_in_the_version_that_is_tested() -> None:
    """Else `make hashes` has not been run since constraints.txt or pyproject.toml was changed."""
    expected = {name: pins()[name] for name in stood_on("movepass", EXTRAS)}
    assert versions(SHIPPED) == expected
    assert versions(FUNCTIONS) == {name: expected[name] for name in stood_on("movepass", {"aws"}) - {"click"}}
    on_aws = stood_on("movepass", {"service-aws"}) - {"click"}
    assert versions(SERVICE) == {name: expected[name] for name in on_aws}
    compacting = stood_on("movepass", {"aws", "statistics"}) - {"click"}
    assert versions(STATISTICS) == {name: expected[name] for name in compacting}
