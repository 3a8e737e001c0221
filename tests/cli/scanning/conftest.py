"""Provide a post whose verdicts the test chooses."""

from dataclasses import dataclass, field

import pytest

from movepass_cli.officer.scanning.screen import Badge
from movepass_verifier import Freshness, Outcome, Verdict, Verification
from movepass_verifier.officer.by_number import NumberAnswer
from movepass_verifier.officer.journal import Decision, Noted, Seen
from movepass_wire import Pass, Place, Trip
from movepass_words import message

NOW = 1795316400
FRESH = Freshness(NOW - 720, NOW - 600, NOW, 6 * 3600, 24 * 3600)
TRIP = Trip(
    NOW - 3600, NOW + 7200, "Rahima Khatun", 1, "4821", Place(13, "Mirpur 10"), Place(18), 3,
    vehicle="DHAKA METRO GA 11-2233", driver_name="Abdul Karim", driver_licence_last="77AB",
)  # fmt: skip
WHY = {
    Verdict.VALID: message("reason.valid", until=NOW + 7200),
    Verdict.REVOKED: message("reason.revoked"),
    Verdict.FORGED: message("reason.forged"),
    Verdict.STALE: message("reason.stale", age=90000, max=86400),
}
FAILED = {Verdict.VALID: None, Verdict.REVOKED: "status", Verdict.FORGED: "signature", Verdict.STALE: "freshness"}


def result(verdict: Verdict, *, test: bool = False, trip: Trip = TRIP) -> Verification:
    pass_ = None if verdict is Verdict.FORGED else Pass(12, trip)
    return Verification(
        verdict, WHY[verdict], "", FAILED[verdict], pass_, "Dhaka Metropolitan Police" if pass_ else None, test, FRESH
    )


@dataclass
class FakePost:
    """A device: a code is the name of its verdict."""

    seen: Seen | None = None
    test: bool = False
    trip: Trip = TRIP
    noted: list[Verdict] = field(default_factory=list)
    decided: list[tuple[int, Decision]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def verify(self, text: str) -> Verification:
        return result(Verdict(text), test=self.test, trip=self.trip)

    def check_number(self, text: str) -> NumberAnswer:
        self.asked.append(text)
        return NumberAnswer(
            Outcome.CANNOT_VERIFY, "9B0-00C-6MR", message("number.no-signature"), (), (), readable=True, freshness=FRESH
        )

    def note(self, result: Verification) -> Noted | None:
        self.noted.append(result.verdict)
        return Noted(len(self.noted), self.seen)

    def decide(self, entry: int, decision: Decision) -> None:
        self.decided.append((entry, decision))


@pytest.fixture
def post() -> FakePost:
    return FakePost()


@pytest.fixture
def badge() -> Badge:
    return Badge("Dhaka Metropolitan Police", test=False, freshness=FRESH, problem=None)
