"""The benchmark of the post: all of it works with tiny numbers, a wrong verdict stops it, its bars can be missed."""

from pathlib import Path

import post
import pytest
from support.screens import movepass, running
from support.world import World

from movepass_verifier.officer.journal import ENTRIES_MOST


def names(figures: list[post.Figure]) -> list[str]:
    assert all(figure.value == figure.value for figure in figures), figures
    return [figure.name for figure in figures]


def test_scans_are_timed_while_lists_change(world: World) -> None:
    figures = post.screen(world, 14)
    assert names(figures) == ["screen_beyond_verify_median", "screen_beyond_verify_99th"]
    assert 0 < figures[0].value < figures[1].value
    assert "14 scans" in figures[0].beside
    assert " 0 syncs" not in figures[0].beside


def test_another_verdict_than_the_expected_one_is_no_time(world: World) -> None:
    signed = world.issue()
    with running(movepass("scan", "--store", world.store)) as shown:
        shown.until(lambda text: text.strip())
        with pytest.raises(RuntimeError, match="expected reject of"):
            post._scan(shown, signed, "reject")


def test_pictures_are_read_to_their_verdict(world: World, tmp_path: Path) -> None:
    figures = post.pictures(world, tmp_path, 0)
    assert names(figures) == ["image_verify_vs_decoder"] * 3
    assert [figure.beside.partition(":")[0] for figure in figures] == ["code", "card", "photo"]


def test_a_first_check_is_a_process_of_its_own(world: World) -> None:
    figure = post.cold(world, 0)
    assert figure.name == "cold_verify_vs_floor"
    assert figure.value > 0


def hold_a_shift(world: World, scans: int) -> None:
    figures = post.shift(world, scans)
    assert names(figures) == ["shift_memory_growth", "shift_journal_entries"]
    assert post.missed_bars(figures) == []
    assert 0 < figures[1].value <= ENTRIES_MOST


def test_a_shift_ends_with_a_full_journal_flat_memory_and_every_verdict(world: World) -> None:
    hold_a_shift(world, 1_500)


@pytest.mark.slow
def test_a_shift_of_a_hundred_thousand_scans(world: World) -> None:
    hold_a_shift(world, 100_000)


def test_a_wrong_verdict_ends_a_shift(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "_texts", lambda _: [("noise", "valid")])
    with pytest.raises(RuntimeError, match="expected valid of noise"):
        post.shift(world, 10)


def test_bars_can_be_missed() -> None:
    good = post.Figure("cold_verify_vs_floor", 1.5, "", 1.5, "70 ms")
    slow = post.Figure("screen_beyond_verify_99th", 20.5, "ms", 20.0, "")
    assert post.missed_bars([good, slow]) == ["screen_beyond_verify_99th is 20.50 ms; at most 20"]
