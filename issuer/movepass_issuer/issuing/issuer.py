"""Issues, finds and revokes passes: one signed pass for each request id."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from movepass_issuer.errors import IssuerError, KeyPeriodError, RequestConflictError, RequestError, UnknownPassError
from movepass_issuer.issuing.approved import ApprovedPass, check_timely
from movepass_issuer.issuing.ledger import NO_INDEX, PERSONAL_DAYS, Entry, Ledger, Request
from movepass_issuer.issuing.request_ids import (
    earlier_reissue_name,
    objection_to_new,
    reissue_name,
    request_of,
    spellings,
)
from movepass_issuer.storage.renaming import replaces
from movepass_keys import KeySet, PassKey, Signer, SignerError
from movepass_keys.records.algorithms import algorithm_of, key_id, verify_signature
from movepass_wire import (
    ClaimsError,
    NumberError,
    Pass,
    Trip,
    decode_claims,
    encode_claims,
    format_number,
    number_claims,
    open_text,
    parse_number,
    seal,
    to_be_signed,
)
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
        pass_: its content.
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
        from movepass_issuer.printing.qr import qr_png  # noqa: PLC0415 - issuing itself needs no pictures

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
        from movepass_issuer.printing.card import render_card, save_card  # noqa: PLC0415 - issuing itself needs no pictures

        out = BytesIO()
        save_card(render_card(self.pass_, self.text, self.number, authority=authority, test=test), out, file_format)
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A pass to issue.

    Attributes:
        names: under which the ledger may hold it, the present one first.
        trip: its content.
        content_hash: see ApprovedPass.
        claims: of the trip under index 0.
        is_reissue: whether it replaces another pass, whose content has been approved before.
    """

    names: tuple[str, ...]
    trip: Trip
    content_hash: bytes
    claims: bytes
    is_reissue: bool = False

    def request(self, known: Mapping[str, Entry]) -> Request:
        """Return what to ask the ledger for, among the entries that it has."""
        entry = _first(known, self.names)
        return Request(entry.request_id if entry else self.names[0], self.content_hash, day_of(self.trip.not_after))


IssueResult = SignedPass | RequestError | KeyPeriodError
"""The result of a request: its pass, why it has none, or why the authority's key can't sign it now."""


class Passes(Protocol):
    """The part of a ledger that finds and revokes passes; see Ledger."""

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """See Ledger."""

    def find_index(self, day: int, index: int) -> Entry | None:
        """See Ledger."""

    def revoke(self, day: int, index: int, *, reason: str, now: int) -> Entry:
        """See Ledger."""


class Revoker:
    """Finds issued passes and revokes them. This needs no key."""

    def __init__(self, *, ledger: Passes, kids: Iterable[bytes], clock: Callable[[], float] = time.time) -> None:
        """Take a ledger.

        Args:
            ledger: keeps what was issued.
            kids: every key under which passes may have been reissued (see Issuer.reissue).
            clock: gives the time in seconds since 1970 UTC.
        """
        self._passes = ledger
        self._kids = frozenset(kids)
        self._clock = clock

    def find(self, *, number: str | None = None, request_id: str | None = None) -> SignedPass:
        """Find an issued pass, to show or reprint it.

        Raises:
            UnknownPassError: there is no such pass, or its personal data has been deleted.
            NumberError: not a pass number.
        """
        return self._signed(self.find_entry(number=number, request_id=request_id))

    def find_entry(self, *, number: str | None = None, request_id: str | None = None) -> Entry:
        """Find a pass's entry in the ledger.

        Raises:
            UnknownPassError: there is no such pass.
            NumberError: not a pass number.
        """
        return self._entries(number, request_id)[0]

    def _entries(self, number: str | None, request_id: str | None) -> list[Entry]:
        """Return the pass of a number or request: several where an earlier version took several spellings of the id."""
        if number is not None:
            short_day, index = parse_number(number)
            day = resolve_day(short_day, day_of(int(self._clock())))
            found = [entry] if (entry := self._passes.find_index(day, index)) else []
        elif request_id is not None:
            names = spellings(request_id)
            known = self._passes.find(names)
            found = [known[name] for name in names if name in known]
        else:
            raise NumberError("expected a pass number or a request id, got neither")
        if not found:
            raise UnknownPassError(f"no pass {number or request_id!r} in the ledger")
        return found

    def revoke(self, *, number: str | None = None, request_id: str | None = None, reason: str = "") -> Entry:
        """Revoke a pass and its reissues: durable when this returns.

        Devices refuse it after the next publication and their sync.

        Raises:
            UnknownPassError: there is no such pass.
            NumberError: not a pass number.
            ReasonError: more than REASON_MAX_CHARS printable characters (movepass_issuer.issuing.ledger).
        """
        first, *twins = self._entries(number, request_id)
        reissued = [again for entry in (first, *twins) for again in self._find_reissues(entry)]
        for other in (*reissued, *twins):
            self._passes.revoke(other.day, other.index, reason=reason, now=int(self._clock()))
        return self._passes.revoke(first.day, first.index, reason=reason, now=int(self._clock()))

    def find_reissues(self, request_ids: Sequence[str]) -> dict[str, list[tuple[Entry, Entry]]]:
        """Find the passes that were issued again under other keys (see Issuer.reissue), for many requests at once.

        Args:
            request_ids: the callers', in the spelling in which they were sent.

        Returns:
            By request id, each replaced pass and the one that replaces it, in the order of their replacement. Requests
            without any are left out, and passes that have no payload yet or no longer.
        """
        entries = [entry for entry in self._passes.find(request_ids).values() if entry.index != NO_INDEX]
        found: dict[str, list[tuple[Entry, Entry]]] = {}
        while entries:
            replaced = [
                (entry, again)
                for kid in sorted(self._kids)
                for made in [self._replacements(entries, kid)]
                for entry in entries
                if (again := made.get(entry.request_id)) is not None and again.text
            ]
            for pair in replaced:
                found.setdefault(request_of(pair[0].request_id), []).append(pair)
            entries = [again for _, again in replaced]
        return found

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Revoke several passes in this context: all are durable before other regions are told of any."""
        yield

    def _find_reissues(self, entry: Entry) -> list[Entry]:
        """Return the passes that replace a pass under other keys, and those that replace these (see reissue)."""
        if not entry.request_id:  # it is in a region that can't be reached
            return []
        found = [again for kid in self._kids for again in self._replacements([entry], kid).values()]
        return found + [again for one in found for again in self._find_reissues(one)]

    def _replacements(self, entries: Sequence[Entry], kid: bytes) -> dict[str, Entry]:
        """Return the passes that replace some passes under one key, by the names of the replaced ones."""
        now = {entry.request_id: reissue_name(entry.request_id, kid) for entry in entries}
        before = {entry.request_id: earlier_reissue_name(entry.request_id, kid) for entry in entries}
        found = self._passes.find([*now.values(), *before.values()])
        replacements = {}
        for entry in entries:
            again, earlier = found.get(now[entry.request_id]), found.get(before[entry.request_id])
            if again is None and earlier is not None and replaces(earlier, entry, kid):
                again = earlier
            if again is not None:
                replacements[entry.request_id] = again
        return replacements

    def _signed(self, entry: Entry) -> SignedPass:
        if entry.index == NO_INDEX:
            raise UnknownPassError(f"request {request_of(entry.request_id)!r} was revoked, and has no pass here")
        number = format_number(entry.day, entry.index)
        if entry.text is None:
            raise UnknownPassError(f"pass {number} was begun and never finished; send its request again")
        if not entry.text:
            raise UnknownPassError(f"pass {number}: its personal data went {PERSONAL_DAYS} days after its day")
        pass_ = decode_claims(open_text(entry.text).claims)
        return SignedPass(request_of(entry.request_id), entry.text, number, pass_, entry.revoked_at)


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
            keys: the published keys; with them, no pass is signed that devices would refuse.
            usable_from: when devices can know the key, seconds since 1970 UTC; no pass is signed before.
            clock: gives the time in seconds since 1970 UTC.

        Raises:
            IssuerError: the signer's key is not published, or has been revoked.
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
            RequestError: the request can't become a pass (RequestConflictError: its id was used for other content).
            KeyPeriodError: the authority's key can't sign it now; ask again once there is another key.
            LedgerError, SignerError: the ledger or the signer failed; ask again, nothing is issued twice.
        """
        result = self.issue_many([approved])[0]
        if isinstance(result, IssuerError):
            raise result
        return result

    def issue_many(self, requests: Sequence[ApprovedPass]) -> list[IssueResult]:
        """Issue many, with two durable commits for each GROUP of them.

        Returns:
            For each request, in order, its pass or why it has none.

        Raises:
            LedgerError, SignerError: the ledger or the signer failed; ask again, nothing is issued twice.
        """
        results: list[IssueResult] = []
        for start in range(0, len(requests), GROUP):
            group = requests[start : start + GROUP]
            results += self._issue_group([_Wanted(a.names, a.trip, a.content_hash, a.claims) for a in group])
        return results

    @property
    def key(self) -> PassKey | None:
        """The key that signs, as devices are told of it; None where it was opened without that."""
        return self._key

    def known(self, requests: Sequence[ApprovedPass]) -> list[SignedPass | None]:
        """Return the passes that some requests have already; nothing is reserved or signed.

        Raises:
            LedgerError: the ledger failed.
        """
        entries = self._ledger.find([name for approved in requests for name in approved.names])
        found = [_first(entries, approved.names) for approved in requests]
        return [
            self._signed(entry) if entry and entry.text and entry.content_hash == approved.content_hash else None
            for entry, approved in zip(found, requests, strict=True)
        ]

    def reissue(self, kid: bytes) -> Iterator[tuple[SignedPass, SignedPass]]:
        """Replace every pass in force that another key signed: after a leak its passes are void.

        If it is run again, it gives the same passes. Revoked passes are left out.

        Args:
            kid: the key whose passes to replace.

        Yields:
            The old pass and the new one, both under the caller's request id.

        Raises:
            IssuerError: the key is the one in use, or the ledger or the signer failed.
        """
        if kid == self._kid:
            raise IssuerError(f"{kid.hex()} is the key in use; first: movepass keys use ANOTHER")
        for entries in self._ledger.in_force(day_of(int(self._clock()))):
            old = self._in_force_under(kid, entries)
            wanted = self._plan_reissues(old)
            for start in range(0, len(wanted), GROUP):
                part = slice(start, start + GROUP)
                for (_, before), after in zip(old[part], self._issue_group(wanted[part]), strict=True):
                    if isinstance(after, IssuerError):
                        raise IssuerError(f"pass {before.number} (request {before.request_id}): {after}")
                    yield before, after

    def _in_force_under(self, kid: bytes, entries: Iterable[Entry]) -> list[tuple[Entry, SignedPass]]:
        """Return the passes among some entries that a key signed and that are not over yet."""
        signed = [(entry, self._signed(entry)) for entry in entries if open_text(entry.text or "").kid == kid]
        return [(entry, pass_) for entry, pass_ in signed if pass_.pass_.trip.not_after > self._clock()]

    def _plan_reissues(self, old: Sequence[tuple[Entry, SignedPass]]) -> list[_Wanted]:
        """Return the passes that replace some others, each under the name it already has or a new one."""
        made = self._replacements([entry for entry, _ in old], self._kid)
        wanted = []
        for entry, before in old:
            known = made.get(entry.request_id)
            name = known.request_id if known else reissue_name(entry.request_id, self._kid)
            trip = before.pass_.trip
            claims = encode_claims(Pass(0, trip))
            wanted.append(_Wanted((name,), trip, entry.content_hash, claims, is_reissue=True))
        return wanted

    def _issue_group(self, group: Sequence[_Wanted]) -> list[IssueResult]:
        """Look a group up, reserve what is new, sign what has no payload, store it, and answer with what is stored."""
        now = int(self._clock())
        known = self._ledger.find([name for wanted in group for name in wanted.names])
        requests = [wanted.request(known) for wanted in group]
        refusals = [
            self._refusal(wanted, known.get(request.request_id), now)
            for wanted, request in zip(group, requests, strict=True)
        ]
        accepted = [request for request, refusal in zip(requests, refusals, strict=True) if refusal is None]
        entries = known | self._reserve([request for request in accepted if request.request_id not in known])
        unsigned: dict[str, tuple[Entry, _Wanted]] = {}
        for wanted, request, refusal in zip(group, requests, refusals, strict=True):
            if refusal is None and _needs_payload(entries[request.request_id], request):
                unsigned.setdefault(request.request_id, (entries[request.request_id], wanted))
        stored = self._sign_and_store(unsigned.values())
        return [
            refusal or self._answer(wanted, request, entries[request.request_id], stored)
            for wanted, request, refusal in zip(group, requests, refusals, strict=True)
        ]

    def _reserve(self, new: Sequence[Request]) -> dict[str, Entry]:
        """Reserve an index for each of some requests that the ledger has just not found."""
        if not new:
            return {}
        absent = {request.request_id for request in new}
        return {entry.request_id: entry for entry in self._ledger.reserve(new, absent=absent)}

    def _sign_and_store(self, unsigned: Collection[tuple[Entry, _Wanted]]) -> dict[str, str]:
        """Sign the passes of some entries, and return what is then stored of them, by request id.

        If the signer fails midway, what it has signed is stored first: a slow or failing signer would never get through
        a group otherwise.
        """
        reserved, texts = [entry for entry, _ in unsigned], []
        try:
            for entry, wanted in unsigned:
                texts.append((entry.request_id, self._sign(Pass(entry.index, wanted.trip), wanted.claims)))
        except (IssuerError, SignerError):
            self._ledger.store(texts, reserved=reserved)
            raise
        return self._ledger.store(texts, reserved=reserved) if texts else {}

    def _refusal(self, wanted: _Wanted, entry: Entry | None, now: int) -> RequestError | KeyPeriodError | None:
        """Return why a request without a payload can't be issued now, or None."""
        if entry and entry.text is not None:
            return None
        if entry and entry.revoked_at is not None:
            return _revoked_before(entry.revoked_at)
        if entry is None and not wanted.is_reissue and (objection := objection_to_new(wanted.names[0])):
            return RequestError(f"request_id: {objection}")
        return self._untimely(wanted.trip, now)

    def _untimely(self, trip: Trip, now: int) -> RequestError | KeyPeriodError | None:
        try:
            check_timely(trip, now)
        except ClaimsError as e:
            return RequestError(str(e))
        return self._key_refusal(trip.not_before, trip.not_after, now)

    def _key_refusal(self, not_before: int, not_after: int, now: int) -> KeyPeriodError | None:
        """Return why the authority's key can't sign a pass of that time, or None; the request is not at fault."""
        kid, key = self._kid.hex(), self._key
        if now < self._usable_from:
            why = f"devices may not know the key {kid} before {local(self._usable_from)}"
        elif key is None or key.covers(not_before, not_after):
            return None
        elif key.not_after <= now:
            why = f"the authority's key {kid} ended at {local(key.not_after)}"
        elif not_before < key.not_before:
            why = f"the authority's key {kid} is valid from {local(key.not_before)} on, after the pass begins"
        else:
            why = f"the authority's key {kid} ends at {local(key.not_after)}, before the pass does"
        return KeyPeriodError(f"{why}. The request is right; the authority must use another key (movepass keys list)")

    def _answer(self, wanted: _Wanted, request: Request, entry: Entry, stored: dict[str, str]) -> IssueResult:
        if entry.index == NO_INDEX:
            return _revoked_before(entry.revoked_at or 0)
        if entry.content_hash != request.content_hash:
            return RequestConflictError("request_id: used before for other content; a changed pass needs a new id")
        text = stored.get(request.request_id) or entry.text
        if not text:
            number = format_number(entry.day, entry.index)
            return RequestError(f"request_id: used before, for pass {number}, whose personal data has gone")
        return SignedPass(
            request_of(wanted.names[0]), text, format_number(entry.day, entry.index),
            Pass(entry.index, wanted.trip), entry.revoked_at,
        )  # fmt: skip

    def _sign(self, pass_: Pass, unnumbered: bytes) -> str:
        """Sign a pass, and check the payload as a device would before it leaves."""
        claims = number_claims(unnumbered, pass_)
        message = to_be_signed(self._alg, self._kid, claims)
        signature = self._signer.sign(message)
        if not verify_signature(self._public_key, signature, message):
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


def _needs_payload(entry: Entry, request: Request) -> bool:
    return entry.text is None and entry.content_hash == request.content_hash


def _first(entries: Mapping[str, Entry], names: Iterable[str]) -> Entry | None:
    """Return the entry of the first name that has one."""
    return next((entries[name] for name in names if name in entries), None)
