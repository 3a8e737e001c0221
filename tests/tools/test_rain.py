"""The abuse benchmark: a short version of its table, and that it compares like with like."""

import io
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from page import put
from PIL import Image
from qr_sizes import HCERT, OURS
from rain import codes, report, texts, trials
from rain.abuse import KINDS
from rain.codes import CARD, OURS_AS_DRAWN, PEERS, SCREEN, Code, shot
from rain.trials import Rates, Trial, photograph, play

from movepass_issuer.printing.qr import qr_image
from movepass_verifier.reading import decoder

PAGE = Path(__file__).parents[2] / "docs" / "rain.md"
NUMBER = {kind.name: number for number, kind in enumerate(KINDS)}
EVERY_MEDIUM = pytest.mark.parametrize("medium", [CARD, SCREEN])

SEEDS = 2
READ = 27
"""Of the 32 photographs of ours, no fewer are read than that."""
STRENGTH = dict.fromkeys(NUMBER, 2) | {"faded": 1}
"""Where some are read and some not. Of what is faded more than that, noise alone decides."""


@pytest.fixture(scope="module")
def read() -> dict[tuple[str, str], int]:
    """Give how many of SEEDS photographs of each kind are read, ours and the peers', in one strength of each."""
    return {
        (name, kind.name): sum(play(Trial(number, strength, code[medium], seed)).read for seed in range(SEEDS))
        for number, kind in enumerate(KINDS)
        for medium, strength in [(CARD if CARD in kind.on else SCREEN, STRENGTH[kind.name])]
        for name, code in {"ours": OURS_AS_DRAWN, **PEERS}.items()
    }


@pytest.mark.parametrize("kind", NUMBER)
def test_ours_is_read_at_least_as_often_as_an_hcert_of_level_m(kind: str, read: dict[tuple[str, str], int]) -> None:
    assert read["ours", kind] >= read["HCERT-M", kind]


def test_what_is_read_is_more_than_of_an_hcert_and_no_less_than_it_was(read: dict[tuple[str, str], int]) -> None:
    ours, *peers = (sum(read[name, kind] for kind in NUMBER) for name in ("ours", *PEERS))
    assert ours >= READ
    assert ours > max(peers)


@pytest.mark.parametrize(("kind", "look"), [("noise", 1), ("moved", 2), ("wet", 4)])
def test_each_further_look_reads_what_those_before_do_not(kind: str, look: int) -> None:
    with Image.open(io.BytesIO(photograph(Trial(NUMBER[kind], 2, OURS_AS_DRAWN[CARD], 0)))) as picture:
        read = [bool(zxingcpp.read_barcodes(one)) for one in decoder._looks(picture.convert("L"))]
    assert read.index(True) == look


# Like with like


def _reach(code: Code) -> int:
    """Give the pixels from a code's upper left corner to its lower right."""
    (found,) = zxingcpp.read_barcodes(
        shot(code, 0).scene.astype(np.uint8), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    assert found.text == code.text(0)
    at = found.position
    return at.bottom_right.x - at.top_left.x


@EVERY_MEDIUM
def test_codes_are_of_one_size_with_their_quiet_zones(medium: str) -> None:
    ours = _reach(OURS_AS_DRAWN[medium])
    assert ours == pytest.approx(759 * 61 / 69, abs=3)
    for name, modules in (("HCERT-M", 65), ("HCERT-Q", 77)):
        assert _reach(PEERS[name][medium]) == pytest.approx(759 * modules / (modules + 8), abs=3)


def test_a_code_of_our_level_is_drawn_as_our_issuer_draws_it() -> None:
    code = Code(CARD, level="Q")
    ours = qr_image(code.text(0), module_px=759 // 69).convert("L")
    assert codes._drawn(code.text(0), code).tobytes() == ours.tobytes()


def test_texts_are_as_long_as_those_signed_today() -> None:
    today = texts.sign()
    assert len(texts.SIGNED) == len(today) == texts.SIGNATURES
    for scheme, spread in ((OURS, 0), (HCERT, 6)):  # what zlib makes of a signature differs by some bytes
        lengths = {len(signed[scheme]) for signed in (*texts.SIGNED, *today)}
        assert max(lengths) - min(lengths) <= spread


def test_a_trial_is_repeated_exactly_and_another_seed_is_another_photograph() -> None:
    trial = Trial(NUMBER["folded"], 0, OURS_AS_DRAWN[CARD], 0)
    assert photograph(trial) == photograph(trial)
    assert photograph(trial) != photograph(Trial(trial.kind, trial.strength, trial.code, texts.SIGNATURES))


def test_a_code_read_as_something_else_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "read_qr", lambda _: "MP1:OTHER")
    with pytest.raises(RuntimeError, match="read 'MP1:OTHER', it says"):
        play(Trial(0, 0, OURS_AS_DRAWN[CARD], 0))


# What is told


def _rates(peer_alone: int, ours_alone: int) -> Rates:
    """Let both be read everywhere, but for some photographs of one row."""
    peer = PEERS["HCERT-M"][CARD]
    every = [code for by_medium in (OURS_AS_DRAWN, *PEERS.values()) for code in by_medium.values()]
    rates = Rates(20)
    rates.read = dict.fromkeys(trials.trials(every, 20), True)
    for seed in range(peer_alone + ours_alone):
        rates.read[Trial(0, 0, OURS_AS_DRAWN[CARD] if seed < peer_alone else peer, seed)] = False
    return rates


@pytest.mark.parametrize(
    ("peer_alone", "ours_alone", "named"), [(0, 0, False), (6, 0, False), (7, 0, True), (10, 5, False), (12, 1, True)]
)
def test_a_row_is_missed_where_a_peer_is_read_more_often_than_by_chance(
    peer_alone: int, ours_alone: int, *, named: bool
) -> None:
    missed = report.missed(_rates(peer_alone, ours_alone))
    told = f"out of focus, 0.4 mm, card: HCERT-M is read more often than ours, {peer_alone} photographs to {ours_alone}"
    # HCERT-Q is read wherever HCERT-M is not, and so is named where ours fails often enough.
    assert [line for line in missed if "HCERT-M" in line] == [told] * named


def test_shares_are_of_the_photographs_that_can_be_taken() -> None:
    rates = _rates(peer_alone=5, ours_alone=0)
    ours = OURS_AS_DRAWN[CARD]
    assert rates.row(0, 0, ours) == 0.75
    assert rates.of_kind(0, ours) == 0.9375
    assert rates.of_kind(NUMBER["moiré"], ours) is None
    assert rates.overall(ours) == pytest.approx(1 - 0.0625 / 15)


def test_the_page_has_every_row_and_its_picture() -> None:
    page = PAGE.read_text("utf-8")
    table = page.split("<!-- beside -->\n")[1].split("<!-- /beside -->")[0]
    rows = [line.split(" | ")[:2] for line in table.splitlines()[2:-1]]
    expected = [
        [f"| {kind.name if number == 0 else ''}", kind.unit.format(strength)]
        for kind in KINDS
        for number, strength in enumerate(kind.strengths)
    ]
    assert rows == expected
    assert put(page, {"beside": table.rstrip("\n")}) == page
    with Image.open(PAGE.with_suffix(".png")) as sheet:
        assert sheet.width == 760
