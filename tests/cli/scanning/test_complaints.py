"""Check the most frequent complaints about certificate verifiers, one test per complaint.

Each fails if its answer is taken out. The list, most frequent first, was drawn from public issue trackers of COVID
certificate verifiers.
"""

import re
import shutil
from pathlib import Path

import pytest
import zxingcpp
from support.screens import movepass as command
from support.screens import running
from support.world import World

from cli.conftest import Field, Movepass, run_movepass
from movepass_cli.officer.scanning.screen import banners
from movepass_verifier import Device, Outcome, Verdict
from movepass_verifier.officer.shown import looks
from movepass_words import LANGUAGES, words

HOUR, DAY = 3600, 86400
OLD = 30 * HOUR
"""Older than lists may be, and not yet expired."""
READY = words("en")("scan.ready")
ACCEPT = banners()["half"]["en"]["accept"][1]


@pytest.fixture
def device(field: Field, tmp_path: Path) -> Path:
    """A device of one's own."""
    return shutil.copytree(field.device, tmp_path / "device")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path / "world")


def test_1_a_wrong_clock_is_called_a_wrong_clock_and_never_a_bad_signature(world: World) -> None:
    text = world.issue().text
    world.publish()
    world.sync()
    with world.device(lambda: world.now - DAY) as device:
        result = device.verify(text)
    assert result.verdict is Verdict.CLOCK_WRONG
    assert result.outcome is Outcome.CANNOT_VERIFY
    for language, clock in (("en", "clock"), ("bn", "ঘড়ি")):
        assert clock in words(language).say(result.why)
        assert words(language)("advice.clock-wrong")
    signature = next(check for check in result.checks if check.name == "signature")
    assert signature.state == "passed"


def test_2_ready_is_never_said_over_stale_lists_nor_made_fresh_by_a_sync_that_brought_nothing(world: World) -> None:
    text = world.issue().text
    with world.device(lambda: world.now + OLD) as device:
        published = device.state().lists.published
        device.sync(str(world.repository))
        assert device.state().lists.published == published
        assert device.readiness() is not None
        assert device.verify(text).outcome is not Outcome.ACCEPT
    with running(command("scan", "--store", aged(world, OLD))) as screen:
        screen.shows("No pass can be accepted now.")
        assert READY not in screen.text


def aged(world: World, seconds: int) -> Path:
    """Make a device whose lists were published so long ago."""
    store = world.store.parent / "aged"
    world.publish(world.now - seconds)
    world.enroll(store)
    world.sync(store=store)
    return store


def test_3_a_revocation_counts_at_once_after_the_sync_in_a_screen_that_was_open_all_the_time(world: World) -> None:
    good, bad = world.issue("R-1"), world.issue("R-2")
    with running(command("scan", "--store", world.store, "--close-after", "0")) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(bad.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)
        world.revoke_and_publish(bad)
        world.sync()
        screen.type(bad.text + "\r")
        screen.shows("the pass has been revoked")
        screen.type(good.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)


def test_4_it_works_offline_and_on_the_first_run(field: Field, tmp_path: Path) -> None:
    root = field.authority / "repository/metadata/1.root.json"
    offline = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    fresh = tmp_path / "fresh"
    assert run_movepass("enroll", "--store", fresh, "--root", root, "--source", "https://nowhere.invalid/").code == 0
    with running(command("scan", "--store", fresh), environment=offline) as screen:
        screen.shows("this device has never been synced; sync it")
        screen.type(field.text + "\r")
        screen.shows("this device has no keys yet; sync it")
    with running(command("scan", "--store", field.device), environment=offline) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)


def test_5_which_keys_and_lists_are_there_and_how_old_is_one_command(movepass: Movepass, device: Path) -> None:
    row = movepass("status", "--store", device, "--json").row
    assert row["keys"][0]["kid"]
    assert len(row["lists"]) >= 5
    assert row["freshness"]["age_s"] >= 0
    said = movepass("status", "--store", device, "--details").out
    assert row["keys"][0]["kid"] in said
    assert said.count("0 revoked") >= 5
    with running(command("scan", "--store", device)) as screen:
        screen.until(lambda shown: re.search(r"Lists: .* old", shown))


def test_6_every_verdict_has_a_reason_and_advice_and_only_a_held_signature_shows_a_holder(field: Field) -> None:
    newer = "MP2:" + field.text[4:]
    changed = field.text[:60] + ("A" if field.text[60] != "A" else "B") + field.text[61:]
    with Device.open(field.device) as device:
        for text, verdict in ((newer, Verdict.UNSUPPORTED_VERSION), (changed, Verdict.FORGED)):
            result = device.verify(text)
            assert result.verdict is verdict
            assert result.pass_ is None
        assert device.verify(newer).outcome is Outcome.CANNOT_VERIFY, "unsupported is not invalid"
    for language in LANGUAGES:
        reasons = {words(language)(f"advice.{verdict.value}") for verdict in Verdict}
        assert all(reasons)
    with running(command("scan", "--store", field.device)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(changed + "\r")
        screen.shows("the signature does not hold")
        assert "Rahima" not in screen.text


def test_7_codes_are_large_and_a_picture_that_shows_none_is_looked_at_again(field: Field, tmp_path: Path) -> None:
    from PIL import Image, ImageFilter  # noqa: PLC0415

    from movepass_issuer.printing.card import QR_MM  # noqa: PLC0415
    from movepass_verifier.reading.image import read_qr  # noqa: PLC0415

    assert QR_MM >= 60, "millimetres on the card"
    with Image.open(field.png) as picture:
        grey = picture.convert("L").resize((420, 420))
    blurred = next(
        blur for radius in range(20, 60)
        if not zxingcpp.read_barcodes(blur := grey.filter(ImageFilter.GaussianBlur(radius / 10)))
    )  # fmt: skip
    blurred.save(tmp_path / "blurred.png")
    assert read_qr(tmp_path / "blurred.png") == field.text


def test_8_a_hand_scanner_that_types_works_and_one_with_another_layout_is_told_apart_from_a_forgery(
    field: Field,
) -> None:
    with running(command("scan", "--store", field.device)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)
        screen.type(field.text.replace(":", "Ö", 1) + "\r")
        screen.shows("types as on a German or Swedish keyboard")


def test_9_what_is_being_read_does_not_go_while_an_officer_turns_to_the_papers(field: Field) -> None:
    """There is no torch on a desk; what went out while the ID card was read was the verdict."""
    with running(command("scan", "--store", field.device, "--close-after", "4")) as screen:
        screen.until(lambda shown: READY in shown)
        for _ in range(2):
            screen.type(field.text + "\r")
            screen.until(lambda shown: "Rahima" in shown)
            screen.idle(1)
            assert "Rahima" in screen.text
            screen.type("d")
            screen.idle(1)
            assert "Details of the verdict" in screen.text
            screen.type("d")
            screen.until(lambda shown: READY in shown)  # a code of one key could have been a scan: scan again


def test_10_names_are_shown_in_the_script_they_were_issued_in_whatever_the_officers_language(world: World) -> None:
    bangla = world.issue("R-1", holder={"name": "রহিমা খাতুন", "id_type": "nid", "id_last": "৪৮২১"})
    english = world.issue("R-2")
    for language in LANGUAGES:
        environment = {"MOVEPASS_LANGUAGE": language}
        with running(command("scan", "--store", world.store), environment=environment) as screen:
            screen.until(lambda shown: shown.strip())
            for text, name in ((bangla.text, "রহিমা খাতুন"), (english.text, "Rahima Khatun")):
                screen.type(text + "\r")
                screen.shows(name)


def test_besides_status_is_never_by_colour_alone(field: Field) -> None:
    with running(command("scan", "--store", field.device), environment={"NO_COLOR": "1"}) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type("hello\r")
        screen.until(lambda shown: looks()[Outcome.REJECT].symbol in shown)
        assert banners()["whole"]["en"]["reject"][0] in screen.text


def test_besides_a_pass_shown_twice_says_so_and_the_log_keeps_nobody(field: Field, device: Path) -> None:
    import time  # noqa: PLC0415

    from movepass_verifier.officer.journal import DOUBLE_READ_SECONDS  # noqa: PLC0415

    with running(command("scan", "--store", device)) as screen:
        screen.until(lambda shown: READY in shown)
        screen.type(field.text + "\r")
        screen.until(lambda shown: ACCEPT in shown)
        time.sleep(DOUBLE_READ_SECONDS + 1)
        screen.type(field.text + "\r")
        screen.shows("SHOWN BEFORE on this device")
    kept = b"".join(file.read_bytes() for file in device.rglob("*") if file.is_file())
    assert b"Rahima" not in kept
    assert field.number.encode() not in kept
