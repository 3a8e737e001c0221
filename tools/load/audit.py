"""After the load: every receipt is compared with the store, and the store with the issuer's ledger."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from load.people import OUTCOMES, Person
from movepass_service.applications.references import hash_secret

STORE, LEDGER = "service.sqlite", "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class Audit:
    """The findings about the applications of a load.

    Attributes:
        received: people who hold a receipt.
        lost: receipts without an application, with another secret or another state than the rules lead to, and
            approved applications without a pass.
        twice: applications that nobody sent, people with two references, and passes beyond one for an application.
        states: applications by state.
        passes: in the issuer's ledger.
        named: some of what is wrong, in words.
    """

    received: int
    lost: int
    twice: int
    states: dict[str, int]
    passes: int
    named: tuple[str, ...]


def audit(data: Path, ledger: Path, people: Sequence[Person]) -> Audit:
    """Compare what people were told with what is kept.

    Args:
        data: the service's folder.
        ledger: the issuer's file.
        people: all who came.
    """
    with closing(sqlite3.connect(data / STORE)) as db:
        query = "SELECT reference, state, secret_hash, pass_text IS NOT NULL FROM applications"
        kept = {reference: rest for reference, *rest in db.execute(query)}
    with closing(sqlite3.connect(ledger)) as db:
        passes = Counter(
            request_id.rpartition(".")[0]
            for (request_id,) in db.execute("SELECT request_id FROM passes WHERE text IS NOT NULL")
        )
        indexes = db.execute("SELECT count(*) - count(DISTINCT day || '.' || idx) FROM passes").fetchone()[0]
    lost, twice = [], ["two passes with one index"] * indexes
    told = [person for person in people if person.references]
    for person in told:
        twice += [f"person {person.number} has {len(person.references)} references"] * (len(person.references) - 1)
        for reference in sorted(person.references):
            state, secret_hash, has_pass = kept.get(reference, ("missing", b"", 0))
            is_whole = state == person.expected and secret_hash == hash_secret(person.secret)
            if not is_whole or (state == "issued") != bool(has_pass) or (state == "issued") != (passes[reference] > 0):
                lost.append(f"{reference}: {state}, expected {person.expected}, {passes[reference]} passes")
    twice += [f"{reference} has {count} passes" for reference, count in passes.items() for _ in range(count - 1)]
    sent = sum(person.has_sent for person in people)
    twice += ["an application nobody sent"] * (len(kept) - sent)
    states = Counter(state for state, *_ in kept.values())
    shown = {state: states[state] for state in (*OUTCOMES, *sorted(states.keys() - set(OUTCOMES))) if states[state]}
    return Audit(len(told), len(lost), len(twice), shown, sum(passes.values()), tuple((lost + twice)[:10]))
