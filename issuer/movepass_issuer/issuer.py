"""Approved pass -> signed pass, once for each request id."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from movepass_issuer.approved import ApprovedPass
from movepass_issuer.errors import IssuerError, RequestConflictError, RequestError, UnknownPassError
from movepass_issuer.ledger import NO_INDEX, PERSONAL_DAYS, Entry, Ledger, Request
from movepass_keys import KeySet, PassKey, Signer, SignerError
from movepass_keys.algorithms import algorithm_of, key_id, verify
from movepass_wire import (
    NumberError,
    Pass,
    decode_claims,
    encode_claims,
    format_number,
    open_text,
    parse_number,
    seal,
    to_be_signed,
)
from movepass_wire.limits import ISSUE_AHEAD_MAX_SECONDS
from movepass_wire.number import resolve_day
from movepass_wire.times import day_of, iso, local

GROUP = 500
"""Requests of a batch that share their two durable commits."""


@dataclass(frozen=True, slots=True)
class SignedPass:
    """A pass that may leave the issuer.

    Attributes:
        request_id: the caller's.
        text: the payload, which the QR code holds.
        number: the pass number, "A1B-2C3-D4E".
        pass_: what it says.
        revoked_at: when it was revoked (seconds since 1970 UTC), or None.
    """

    request_id: str
    text: str
    number: str
    pass_: Pass
    revoked_at: int | None = None

    def png(self) -> bytes:
        """Draw the QR code; needs the [issuer] extra.

        Raises:
            QrError: the extra is missing.
        """
        from movepass_issuer.qr import qr_png  # noqa: PLC0415 - issuing itself needs no pictures

        return qr_png(self.text)

    def card(self, *, authority: str, test: bool, file_format: str = "PNG") -> bytes:
        """Draw the card to print, A6 at 300 dpi; needs the [issuer] extra.

        Args:
            authority: its name.
            test: whether it is a TEST authority.
            file_format: PNG or PDF.

        Raises:
            CardError: the extra or what it stands on is missing, or another format.
        """
        from movepass_issuer.card import render_card, save_card  # noqa: PLC0415 - issuing itself needs no pictures

        out = BytesIO()
        save_card(render_card(self.pass_, self.text, self.number, authority=authority, test=test), out, file_format)
        return out.getvalue()


class Passes(Protocol):
    """What of a ledger it takes to find and revoke passes; see Ledger."""

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """See Ledger."""

    def find_index(self, day: int, index: int) -> Entry | None:
        """See Ledger."""

    def revoke(self, day: int, index: int, *, reason: str, now: int) -> Entry:
        """See Ledger."""


class Revoker:
    """Finds issued passes and revokes them: what takes no key."""

    def __init__(self, *, ledger: Passes, kids: Iterable[bytes], clock: Callable[[], float] = time.time) -> None:
        """Take a ledger.

        Args:
            ledger: keeps what was issued.
            kids: every key that passes may have been issued anew under (see Issuer.reissue).
            clock: gives the time in seconds since 1970 UTC.
        """
        self._passes = ledger
        self._kids = frozenset(kids)
        self._clock = clock

    def find(self, *, number: str | None = None, request_id: str | None = None) -> SignedPass:
        """Find an issued pass, to show or reprint it.

        Raises:
            UnknownPassError: none such, or its personal data has gone.
            NumberError: not a pass number.
        """
        return self._signed(self.find_entry(number=number, request_id=request_id))

    def find_entry(self, *, number: str | None = None, request_id: str | None = None) -> Entry:
        """Find a pass's entry in the ledger.

        Raises:
            UnknownPassError: none such.
            NumberError: not a pass number.
        """
        if number is not None:
            short_day, index = parse_number(number)
            day = resolve_day(short_day, day_of(int(self._clock())))
            entry = self._passes.find_index(day, index)
        elif request_id is not None:
            entry = self._passes.find([request_id]).get(request_id)
        else:
            raise NumberError("expected a pass number or a request id, got neither")
        if entry is None:
            raise UnknownPassError(f"no pass {number or request_id!r} in the ledger")
        return entry

    def revoke(self, *, number: str | None = None, request_id: str | None = None, reason: str = "") -> Entry:
        """Revoke a pass, and those it was issued anew as: durable when this returns.

        Devices refuse it after the next publication and their sync.

        Raises:
            UnknownPassError: none such.
            NumberError: not a pass number.
            ReasonError: more than REASON_MAX_CHARS printable characters (movepass_issuer.ledger).
        """
        entry = self.find_entry(number=number, request_id=request_id)
        for again in self._issued_anew(entry):
            self._passes.revoke(again.day, again.index, reason=reason, now=int(self._clock()))
        return self._passes.revoke(entry.day, entry.index, reason=reason, now=int(self._clock()))

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Revoke several in here: where there are other regions, all is durable before those are told of any."""
        yield

    def _issued_anew(self, entry: Entry) -> list[Entry]:
        """Give the passes that a pass was issued anew as, under other keys (see reissue)."""
        if not entry.request_id:  # it is in a region that can't be reached
            return []
        found = list(self._passes.find([f"{entry.request_id}+{kid.hex()}" for kid in self._kids]).values())
        return found + [again for one in found for again in self._issued_anew(one)]

    def _signed(self, entry: Entry) -> SignedPass:
        if entry.index == NO_INDEX:
            raise UnknownPassError(f"request {entry.request_id!r} was revoked, and has no pass here")
        number = format_number(entry.day, entry.index)
        if entry.text is None:
            raise UnknownPassError(f"pass {number} was begun and never finished; send its request again")
        if not entry.text:
            raise UnknownPassError(f"pass {number}: its personal data went {PERSONAL_DAYS} days after its day")
        pass_ = decode_claims(open_text(entry.text).claims)
        return SignedPass(entry.request_id, entry.text, number, pass_, entry.revoked_at)


class Issuer(Revoker):
    """Turns approved passes into signed ones, and revokes them."""

    def __init__(
        self,
        *,
        signer: Signer,
        ledger: Ledger,
        keys: KeySet | None = None,
        usable_from: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a signer and a ledger.

        Args:
            signer: holds the pass key.
            ledger: keeps what was issued.
            keys: what devices are told of the keys; with it, no pass is signed that they would refuse.
            usable_from: when devices can know the key, seconds since 1970 UTC; no pass is signed before.
            clock: gives the time in seconds since 1970 UTC.

        Raises:
            IssuerError: the signer's key is not among those keys, or has been revoked.
        """
        self._ledger = ledger
        self._signer = signer
        self._usable_from = usable_from
        self._public_key = signer.public_key
        self._alg = algorithm_of(self._public_key)
        self._kid = key_id(self._public_key)
        super().__init__(ledger=ledger, kids={self._kid, *(keys.keys if keys else ())}, clock=clock)
        self._key = self._published(keys) if keys else None

    def issue(self, approved: ApprovedPass) -> SignedPass:
        """Issue one pass; the same request again gives the same pass.

        Raises:
            RequestError: it can't become a pass (RequestConflictError: its id was used for other content).
            LedgerError, SignerError: the ledger or the signer failed; ask again, nothing is issued twice.
        """
        result = self.issue_many([approved])[0]
        if isinstance(result, RequestError):
            raise result
        return result

    def issue_many(self, requests: Sequence[ApprovedPass]) -> list[SignedPass | RequestError]:
        """Issue many, with two durable commits for each GROUP of them.

        Returns:
            For each request, in order, its pass or why it has none.

        Raises:
            LedgerError, SignerError: the ledger or the signer failed; ask again, nothing is issued twice.
        """
        results: list[SignedPass | RequestError] = []
        for start in range(0, len(requests), GROUP):
            results += self._issue_group(requests[start : start + GROUP])
        return results

    def known(self, requests: Sequence[ApprovedPass]) -> list[SignedPass | None]:
        """Look up the passes that some requests have already; nothing is reserved or signed.

        Raises:
            LedgerError: the ledger failed.
        """
        entries = self._ledger.find([approved.request_id for approved in requests])
        found = [entries.get(approved.request_id) for approved in requests]
        return [
            self._signed(entry) if entry and entry.text and entry.content_hash == approved.content_hash else None
            for entry, approved in zip(found, requests, strict=True)
        ]

    def reissue(self, kid: bytes) -> Iterator[tuple[SignedPass, SignedPass]]:
        """Issue anew every pass in force that another key signed: after a leak its passes are void.

        Begun again, it gives the same passes. Revoked passes are left out.

        Args:
            kid: the key whose passes to replace.

        Yields:
            The old pass and the new one, whose request id is the old one's with this key's kid behind it.

        Raises:
            IssuerError: that is the key in use, or the ledger or the signer failed.
        """
        if kid == self._kid:
            raise IssuerError(f"{kid.hex()} is the key in use; first: movepass keys use ANOTHER")
        for entries in self._ledger.in_force(day_of(int(self._clock()))):
            old = [self._signed(entry) for entry in entries if open_text(entry.text or "").kid == kid]
            old = [o for o in old if o.pass_.trip.not_after > self._clock()]
            wanted = [ApprovedPass(f"{o.request_id}+{self._kid.hex()}", o.pass_.trip) for o in old]
            for before, made in zip(old, self.issue_many(wanted), strict=True):
                if isinstance(made, RequestError):
                    raise IssuerError(f"pass {before.number} (request {before.request_id}): {made}")
                yield before, made

    def _issue_group(self, group: Sequence[ApprovedPass]) -> list[SignedPass | RequestError]:
        now = int(self._clock())
        if now < self._usable_from:
            raise IssuerError(f"devices may not know the key {self._kid.hex()} before {local(self._usable_from)}")
        requests = [Request(a.request_id, a.content_hash, day_of(a.trip.not_after)) for a in group]
        known = self._ledger.find([request.request_id for request in requests])
        refused = [self._refusal(a, known, now) for a in group]
        wanted = [request for request, no in zip(requests, refused, strict=True) if no is None]
        new = [request for request in wanted if request.request_id not in known]
        entries = {**known, **{entry.request_id: entry for entry in (self._ledger.reserve(new) if new else ())}}
        texts: dict[str, str] = {}
        try:
            for approved, request, no in zip(group, requests, refused, strict=True):
                entry = entries.get(request.request_id)
                unsigned = entry and entry.text is None and entry.content_hash == request.content_hash
                if no is None and entry and unsigned and request.request_id not in texts:
                    texts[request.request_id] = self._sign(Pass(entry.index, approved.trip))
        except (IssuerError, SignerError):
            self._ledger.store(
                list(texts.items())
            )  # else a signer that is slow or fails now and then never gets through
            raise
        stored = self._ledger.store(list(texts.items())) if texts else {}
        return [
            no or self._answer(approved, request, entries[approved.request_id], stored)
            for approved, request, no in zip(group, requests, refused, strict=True)
        ]

    def _refusal(self, approved: ApprovedPass, known: dict[str, Entry], now: int) -> RequestError | None:
        """Say why a request that has no payload yet can't be issued now, or None."""
        trip = approved.trip
        entry = known.get(approved.request_id)
        if entry and entry.text is not None:
            return None
        if entry and entry.revoked_at is not None:
            return _revoked_before(entry.revoked_at)
        if trip.not_after <= now:
            return RequestError(f"not_after: {iso(trip.not_after)} is over; a pass for the past helps nobody")
        if trip.not_before > now + ISSUE_AHEAD_MAX_SECONDS:
            hours = ISSUE_AHEAD_MAX_SECONDS // 3600
            return RequestError(f"not_before: {iso(trip.not_before)} is more than {hours} hours ahead")
        if self._key and not self._key.covers(trip.not_before, trip.not_after):
            key = self._key
            return RequestError(
                f"not_before, not_after: outside the validity of the key {key.kid.hex()}, "
                f"{iso(key.not_before)} to {iso(key.not_after)}"
            )
        return None

    def _answer(
        self, approved: ApprovedPass, request: Request, entry: Entry, stored: dict[str, str]
    ) -> SignedPass | RequestError:
        if entry.index == NO_INDEX:
            return _revoked_before(entry.revoked_at or 0)
        if entry.content_hash != request.content_hash:
            return RequestConflictError("request_id: used before for other content; a changed pass needs a new id")
        text = stored.get(approved.request_id) or entry.text
        if not text:
            number = format_number(entry.day, entry.index)
            return RequestError(f"request_id: used before, for pass {number}, whose personal data has gone")
        return SignedPass(
            entry.request_id, text, format_number(entry.day, entry.index), Pass(entry.index, approved.trip),
            entry.revoked_at,
        )  # fmt: skip

    def _sign(self, pass_: Pass) -> str:
        """Sign a pass, and check the payload as a device would before it leaves."""
        claims = encode_claims(pass_)
        message = to_be_signed(self._alg, self._kid, claims)
        signature = self._signer.sign(message)
        if not verify(self._public_key, signature, message):
            raise SignerError("the signer gave a signature that its own public key does not verify; nothing issued")
        text = seal(self._alg, self._kid, claims, signature)
        envelope = open_text(text)
        if (envelope.signed, envelope.signature) != (message, signature) or decode_claims(envelope.claims) != pass_:
            raise IssuerError("the payload does not say what was approved; nothing issued: a defect, please report it")
        return text

    def _published(self, keys: KeySet) -> PassKey:
        key = keys.keys.get(self._kid)
        if key is None:
            raise IssuerError(f"devices do not know the key {self._kid.hex()}; publish it before signing with it")
        withdrawn = keys.withdrawn(self._kid)
        if withdrawn:
            raise IssuerError(f"the key {self._kid.hex()} has been revoked ({withdrawn.reason}); use another")
        return key


def _revoked_before(at: int) -> RequestError:
    return RequestError(
        f"request_id: revoked at {iso(at)}, before it had a pass; what is approved since needs a new id"
    )
