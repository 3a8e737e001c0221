"""Draws what an officer sees: `movepass scan` itself, shown one code for each verdict, in both languages.

    PYTHONPATH=tests python demo/officer.py docs/officer

Every picture is what the command wrote into a terminal, and is written only if the verdict is the one it is named for.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import screens
from support.passes import DAY, HOUR, approved

from movepass_issuer import Issuer, SignedPass
from movepass_issuer.authority.ceremony_desk import deny
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys import signer_from_uri
from movepass_keys.records.algorithms import algorithm_of, key_id
from movepass_verifier import Device, Verdict
from movepass_wire import Pass, base45, encode_claims, open_text, seal, to_be_signed
from movepass_words import LANGUAGES, words

NAME = "Dhaka Metropolitan Police"
BANGLA: dict[str, Any] = {
    "holder": {"name": "রহিমা খাতুন", "id_type": "nid", "id_last": "৪৮২১"},
    "from": {"district": "dhaka", "place": "মিরপুর ১০"},
    "vehicle": {"registration": "ঢাকা মেট্রো গ ১১-২২৩৩"},
}
_SETTLED_SECONDS = 0.4


@dataclass(frozen=True)
class Showing:
    """A code that is shown to a device, and the verdict that must come."""

    verdict: Verdict
    store: Path
    text: str


class Post:
    """An authority, and devices that know more or less of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = int(time.time())
        self._authority = create_authority(
            folder / "authority", name=NAME, test=False, now=self._now - 27 * HOUR, days_ahead=0
        )

    def showings(self) -> list[Showing]:
        """Set the post up, and give a code for each verdict."""
        now = self._now
        unlisted = self._device("unlisted", self._publish(now - 26 * HOUR, days_ahead=0))
        stale = self._device("stale", self._publish(now - 25 * HOUR))
        good, bad = self._issue("R-1", **BANGLA), self._issue("R-2")
        with self._authority.issuer() as issuer:
            issuer.revoke(number=bad.number)
        fresh = self._device("fresh", self._publish(now))
        denied = self._device("denied", self._denied(good))
        future = self._device("future", self._publish(now + 2 * HOUR))
        return [
            Showing(Verdict.VALID, fresh, good.text),
            Showing(Verdict.REVOKED, fresh, bad.text),
            Showing(Verdict.FORGED, fresh, tampered(good.text)),
            Showing(Verdict.EXPIRED, fresh, self._issue("R-3", at=now - 5 * HOUR).text),
            Showing(Verdict.NOT_YET_VALID, fresh, self._issue("R-4", at=now + DAY).text),
            Showing(Verdict.KEY_REVOKED, denied, good.text),
            Showing(Verdict.KEY_NOT_VALID_THEN, fresh, self._signed_for(now - 9 * DAY)),
            Showing(Verdict.MALFORMED, fresh, good.text[:120]),
            Showing(Verdict.NOT_A_PASS, fresh, "HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL-AH-R6IOOK.IR9B"),
            Showing(Verdict.UNKNOWN_KEY, fresh, self._strangers()),
            Showing(Verdict.UNSUPPORTED_VERSION, fresh, "MP2:" + good.text[4:]),
            Showing(Verdict.STATUS_UNKNOWN, unlisted, good.text),
            Showing(Verdict.STALE, stale, good.text),
            Showing(Verdict.CLOCK_WRONG, future, good.text),
            Showing(Verdict.SCANNER_WRONG, fresh, "]Q1" + good.text),
        ]  # fmt: skip

    def _issue(self, request_id: str, *, at: int | None = None, **changes: Any) -> SignedPass:
        signer = signer_from_uri(self._authority.pass_signer, self._authority.folder)
        when = self._now if at is None else at
        ledger = SqliteLedger(self._authority.ledger_path)
        try:
            issuer = Issuer(signer=signer, ledger=ledger, clock=lambda: when)
            return issuer.issue(approved(request_id, when, **changes))
        finally:
            ledger.close()

    def _publish(self, now: int, **how: Any) -> Path:
        """Publish as of a time, and give a copy of what is published then."""
        with self._authority.publisher() as publisher:
            publisher.publish(now, clock_checked=True, **how)
        copy = self._folder / f"published-{now}"
        shutil.copytree(self._authority.repository_path, copy)
        return copy

    def _denied(self, signed: SignedPass) -> Path:
        """Deny the key of a pass, in a copy of the authority, and give what is published then."""
        shutil.copytree(self._authority.folder, self._folder / "leaked")
        leaked = Authority.open(self._folder / "leaked")
        deny(leaked, open_text(signed.text).kid, "stolen", self._now)
        return leaked.repository_path

    def _device(self, name: str, repository: Path) -> Path:
        store = self._folder / name
        Device.enroll(store, root=self._authority.root_path.read_bytes(), sources=[str(repository)])
        with Device.open(store) as device:
            device.sync()
        return store

    def _signed_for(self, now: int) -> str:
        """Sign a pass for a time at which the key was not yet valid; no issuer would."""
        signer = signer_from_uri(self._authority.pass_signer, self._authority.folder)
        alg, kid = algorithm_of(signer.public_key), key_id(signer.public_key)
        claims = encode_claims(Pass(7, approved("R-7", now).trip))
        return seal(alg, kid, claims, signer.sign(to_be_signed(alg, kid, claims)))

    def _strangers(self) -> str:
        stranger = create_authority(self._folder / "stranger", name="Another", test=False)
        with stranger.issuer() as issuer:
            return issuer.issue(approved("R-1", self._now)).text


def tampered(text: str) -> str:
    """Change one letter of the name in a payload."""
    data = bytearray(base45.decode(text.removeprefix("MP1:")))
    data[len(data) // 3] ^= 1
    return "MP1:" + base45.encode(bytes(data))


def draw(showings: Sequence[Showing], language: str, folder: Path) -> dict[str, str]:
    """Show each code to `movepass scan`, with a store of its own, and draw its screen.

    Raises:
        AssertionError: the screen does not say why, as the verdict's reason has it.
    """
    pictures = {}
    for showing in showings:
        with Device.open(showing.store) as device:
            result = device.verify(showing.text)
        assert result.verdict is showing.verdict, (showing.verdict, result.verdict, result.reason)
        reason = "".join(words(language).say(result.why).split())[:40]
        store = shutil.copytree(showing.store, folder / f"{language}-{showing.verdict.value}")
        command = screens.movepass("scan", "--store", store, "--silent")
        with screens.running(command, environment={"MOVEPASS_LANGUAGE": language}) as screen:
            screen.until(lambda shown: shown.strip())
            screen.type(showing.text + "\r")
            screen.shows_run_together(reason)
            screen.settle(_SETTLED_SECONDS)
            pictures[showing.verdict.value] = screen.svg()
            if showing.verdict is Verdict.STALE:
                screen.type("d")
                screen.until(lambda shown: "✘" in shown)
                screen.settle(_SETTLED_SECONDS)
                pictures["details"] = screen.svg()
    return pictures


def main() -> None:
    """Draw all screens into a folder."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        showings = Post(Path(folder)).showings()
        for language in LANGUAGES:
            for name, picture in draw(showings, language, Path(folder)).items():
                (out / f"{name}-{language}.svg").write_text(picture, "utf-8")
                print(out / f"{name}-{language}.svg")


if __name__ == "__main__":
    main()
