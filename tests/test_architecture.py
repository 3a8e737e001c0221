"""The house: imports point one way, and a device loads nothing that only others need."""

import ast
import shutil
import subprocess
import sys
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from support import processes

LINT = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
PACKAGES = {
    "wire": "movepass_wire",
    "words": "movepass_words",
    "keys": "movepass_keys",
    "issuer": "movepass_issuer",
    "verifier": "movepass_verifier",
    "phone": "movepass_phone",
    "service": "movepass_service",
    "cli": "movepass_cli",
}


def lint(house: Path) -> "subprocess.CompletedProcess[str]":
    """Hold the packages in a folder against the contracts in pyproject.toml."""
    path = ":".join(str(house / folder) for folder in PACKAGES)
    config = str(processes.ROOT / "pyproject.toml")
    return subprocess.run(
        [sys.executable, "-c", LINT, "--config", config, "--no-cache"],
        env={**processes.environment(), "PYTHONPATH": path},
        cwd=house,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_point_one_way() -> None:
    result = lint(processes.ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("folder", "wrong"),
    [
        ("verifier", "import movepass_issuer"),
        ("issuer", "import movepass_verifier"),
        ("keys", "import movepass_verifier"),
        ("keys", "import movepass_issuer"),
        ("wire", "import movepass_keys"),
        ("wire", "import movepass_cli"),
        ("verifier", "import movepass_cli"),
        ("wire", "import cryptography"),
        ("wire", "import time"),
        ("wire", "import sqlite3"),
        ("service", "import movepass_verifier"),
        ("service", "import movepass_cli"),
        ("issuer", "import movepass_service"),
    ],
)
def test_an_import_the_wrong_way_is_caught(tmp_path: Path, folder: str, wrong: str) -> None:
    """Else the contract above could say nothing at all."""
    for name, package in PACKAGES.items():
        shutil.copytree(processes.ROOT / name / package, tmp_path / name / package)
    source = tmp_path / folder / PACKAGES[folder] / "errors.py"
    source.write_text(source.read_text("utf-8") + f"\n\ndef _wrong() -> None:\n    {wrong}\n", "utf-8")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 broken" in result.stdout or "2 broken" in result.stdout


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and for type checking count: whoever reads the one must read the other."""
    graph = grimp.build_graph(*PACKAGES.values(), cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 200
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as e:
        pytest.fail(" -> ".join(e.args[1]))


SAME_BY_PURPOSE = {
    "decode": "called as base45.decode and cbor.decode, as json's is",
    "encode": "likewise",
    "handler": "what Lambda calls, in one module a function",
    "main": "what a process calls",
}


def public_names(path: Path) -> set[str]:
    """Return the classes, functions and type aliases of a module. A command's function has the command's name."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.FunctionDef(decorator_list=[_, *_]) if "cli" in path.parts:
                pass
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.isupper():
                found.add(name)
    return {name for name in found if not name.startswith("_") and name not in SAME_BY_PURPOSE}


def test_no_two_things_have_one_name() -> None:
    """Else who looks for one finds another. The service, which nothing below it knows, keeps names of its own."""
    homes = defaultdict(list)
    for folder, package in PACKAGES.items():
        for path in (processes.ROOT / folder / package).rglob("*.py") if folder != "service" else ():
            for name in public_names(path):
                homes[name].append(str(path.relative_to(processes.ROOT)))
    assert len(homes) > 500
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


LOADED = """
import sys
{code}
print(*sorted(name for name in sys.modules if "." not in name))
"""
OTHERS_ONLY = {"PIL", "boto3", "botocore", "qrcode", "zxingcpp", "movepass_issuer", "movepass_cli"}
AWS = {"boto3", "botocore"}
"""securesystemslib, which tuf signs and verifies with, loads these wherever they are installed."""
SYNC_ONLY = {"tuf", "securesystemslib", "urllib3"}
SLOW_TO_IMPORT = {"hashlib", "hmac", "secrets", "shutil", "tempfile", "traceback", "zipfile"}


def loaded(code: str) -> set[str]:
    return set(processes.run(LOADED.format(code=code)).split())


def test_importing_the_verifier_loads_neither_what_syncing_needs_nor_what_issuing_needs() -> None:
    modules = loaded("import movepass_verifier")
    assert "movepass_verifier" in modules
    assert not modules & (OTHERS_ONLY | SYNC_ONLY)


def test_verifying_a_text_with_a_device_loads_no_more(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from movepass_verifier import Device
from movepass_verifier.store.store import Store
Store.create(Path({str(tmp_path / "device")!r}), root=b'{{"signed": {{"version": 1}}}}', sources=[""])
with Device.open({str(tmp_path / "device")!r}) as device:
    assert device.verify("MP1:" + "0" * 250).verdict.value == "malformed"
"""
    assert not loaded(code) & (OTHERS_ONLY | SYNC_ONLY)


def test_a_check_by_command_starts_without_what_no_check_uses() -> None:
    """Each takes milliseconds of an officer's first scan; tools/bench/post.py measures the whole."""
    modules = loaded(
        "import movepass_cli.officer.verifying\n"
        "assert 'cryptography.hazmat.primitives.serialization' not in sys.modules"
    )
    assert "movepass_cli" in modules
    assert not modules & ((OTHERS_ONLY - {"movepass_cli"}) | SYNC_ONLY | SLOW_TO_IMPORT)


def test_syncing_needs_none_of_the_extras() -> None:
    modules = loaded("import movepass_verifier.sync.sync")
    assert modules >= SYNC_ONLY
    assert not modules & (OTHERS_ONLY - AWS)


def test_issuing_needs_no_picture_library_until_a_picture_is_asked_for() -> None:
    modules = loaded("import movepass_issuer, movepass_issuer.authority.folder, movepass_issuer.printing.qr")
    assert "movepass_issuer" in modules
    assert not modules & {"PIL", "qrcode", "zxingcpp", "movepass_verifier", "movepass_cli"}


def test_keys_load_the_update_framework_only_for_those_who_publish_or_sync() -> None:
    assert not loaded("import movepass_keys") & SYNC_ONLY


def test_the_wire_format_needs_the_standard_library_alone() -> None:
    modules = loaded("import movepass_wire, movepass_wire.codes")
    third_party = modules - set(sys.stdlib_module_names) - {"movepass_wire"}
    assert {name for name in third_party if not name.startswith("_")} == set()
