"""Fixtures for all tests: worlds are copied from one that is made once. In CI, a skipped test is a failed one."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.ministack import Ministack, running
from support.world import World

from movepass_verifier.sync import packs

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")  # other processes may hold a test up, which says nothing about the code


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world to copy from; nothing may change it."""
    return World.create(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    """An authority and a device that has synced once, to do with as the test likes."""
    return template.copy(tmp_path)


@pytest.fixture
def without_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let devices ask for no pack, as old ones do, and as each does where a source has none for it."""
    monkeypatch.setattr(packs, "request_pack", lambda *_: packs.NO_PACK)


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """AWS's API on this machine; a test that needs it is skipped where it is not installed."""
    with running(tmp_path_factory.mktemp("ministack")) as server:
        yield server


SLOWEST = (
    "service/web/test_browser.py", "aws/test_functions.py", "aws/test_region_service.py",
    "aws/test_service_stack.py", "service/desk/test_browser.py", "aws/test_service_faults.py",
    "cli/scanning/test_scan.py", "cli/scanning/test_hostile_codes.py", "tools/test_bench.py", "issuer/test_races.py",
    "aws/test_two_regions.py", "issuer/test_qr_card.py", "cli/test_bad_input.py", "aws/test_crashes.py",
    "tools/test_load.py", "keys/test_kms.py", "issuer/test_regions.py", "cli/test_anchor.py", "cli/test_sync_watch.py",
    "test_vectors.py", "issuer/test_replication.py", "issuer/test_compaction.py", "issuer/test_publisher.py",
    "verifier/test_image.py", "cli/test_command.py", "docs/test_examples.py", "tools/test_rain.py",
)  # fmt: skip
"""Files that take longest, longest first: begun late, one would leave the other workers idle at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest files; `--dist loadfile` gives each to one worker, which sets up once what it needs."""
    places = {name: place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0].removeprefix("tests/"), len(SLOWEST)))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the report of a test say what it samples."""
    item.user_properties += [("sampled", mark.args[0]) for mark in item.iter_markers("sampled")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End the run by naming what was sampled, and what was skipped and why."""
    _name_samples(terminalreporter)
    _name_skipped(terminalreporter)


def _name_samples(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    samples = {said for report in reports for name, said in report.user_properties if name == "sampled"}
    if samples:
        terminalreporter.section("sampled; make slow runs all of it")
    for said in sorted(samples):
        terminalreporter.line(said)


def _name_skipped(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each reason, which says how to install what is missing."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    if reasons:
        terminalreporter.section("not run")
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count} tests: {reason}" if count > 1 else f"1 test: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run where a test was skipped that a machine in CI must be able to run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("CI") and skipped and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
