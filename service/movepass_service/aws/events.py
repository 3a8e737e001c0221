"""Reading what comes to the functions: records of the table's stream, messages of a queue, references. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from movepass_service.errors import ServiceError
from movepass_service.stores.dynamodb.document import CONTENT, STATE

_APPLICATION = "A#"
_WRITTEN = frozenset(["INSERT", "MODIFY"])


class UnknownEventError(ServiceError):
    """An event of an AWS service that this function is not for."""

    is_input = True


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the stream: an application came or was corrected (CONTENT), or its state changed (STATE).

    Attributes:
        id: the record's sequence number, by which Lambda is told that it must come again.
        reference: the application's.
        what: CONTENT or STATE.
    """

    id: str
    reference: str
    what: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a queue."""

    id: str
    body: str


def changes_of(event: Mapping[str, Any]) -> list[Change]:
    """Read the changes of applications from records of the table's stream; other items are left out.

    Raises:
        UnknownEventError: it holds no such records.
    """
    found = []
    for record in _records(event):
        try:
            kind, stream = record["eventName"], record["dynamodb"]
            pk, sk, id_ = stream["Keys"]["pk"]["S"], stream["Keys"]["sk"]["S"], stream["SequenceNumber"]
        except (LookupError, TypeError) as e:
            raise UnknownEventError("expected records of the table's stream") from e
        if kind in _WRITTEN and pk.startswith(_APPLICATION) and sk in {CONTENT, STATE}:
            found.append(Change(id_, pk.removeprefix(_APPLICATION), sk))
    return found


def references_of(changes: Iterable[Change], what: str) -> list[str]:
    """Return the references of one kind of change, each once, in order."""
    return list(dict.fromkeys(change.reference for change in changes if change.what == what))


def messages_of(event: Mapping[str, Any]) -> list[Message]:
    """Read the messages of a queue.

    Raises:
        UnknownEventError: it holds none.
    """
    try:
        return [Message(record["messageId"], record["body"]) for record in _records(event)]
    except (LookupError, TypeError) as e:
        raise UnknownEventError("expected messages of a queue") from e


def come_again(ids: Iterable[str]) -> dict[str, Any]:
    """Answer Lambda: these records or messages must come again, and no others.

    Of a stream Lambda hands out again everything from the first of them on.
    """
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in ids]}


def handed_references(event: object) -> list[str] | None:
    """Return the applications that the sweep hands over; None where the event is another one.

    Raises:
        UnknownEventError: it names none.
    """
    if not isinstance(event, Mapping) or "references" not in event:
        return None
    names = event["references"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UnknownEventError("references: expected a list of references")
    return list(dict.fromkeys(names))


def _records(event: Mapping[str, Any]) -> Sequence[Any]:
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise UnknownEventError("expected records of a stream or a queue")
    return records
