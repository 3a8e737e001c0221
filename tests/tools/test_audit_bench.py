"""The measurement of the audit: its copies are honest, and as many as it says."""

from pathlib import Path

from audit import measure, write_copies


def test_a_small_audit_is_whole_and_measured(tmp_path: Path) -> None:
    write_copies(tmp_path / "copies", 200)
    measured = measure(tmp_path / "copies")
    assert (measured["exit"], measured["leaves"], measured["issued"]) == (0, 420, 200)
    assert measured["counts"] == {"signatures-not-checked": 1}
    assert isinstance(measured["audit_mib"], int)
