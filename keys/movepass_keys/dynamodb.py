"""Calls to one DynamoDB table: patient, in batches and transactions, with errors in words. Needs the [aws] extra.

Source: Amazon DynamoDB API Reference, https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
(TransactWriteItems: 100 items; BatchGetItem: 100; BatchWriteItem: 25).
"""

import random
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from movepass_keys.aws import (
    NO_CONNECTION,
    AwsClientError,
    Patience,
    RefusedError,
    UnintelligibleError,
    patient_client,
    patiently,
)
from movepass_keys.errors import KeysError

TRANSACTION_ITEMS, GET_KEYS, DELETE_ITEMS = 100, 100, 25
ATTEMPTS = 10
"""Attempts of a call that other writers or a limit obstruct; the waits in between double."""
_WAIT_SECONDS, _WAIT_MAX_SECONDS = 0.02, 1.0
PATIENCE = Patience(deadline=20, connect=2, read=5, backoff_first=0.05, backoff_max=2)
"""The time that one call may take."""
_AT_ONCE = 32
"""Connections that are kept: of calls that a process makes at once."""
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):[0-9]{12}:table/([A-Za-z0-9_.-]+)")
_THROTTLED = {
    "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
    "TransactionInProgressException",
}  # fmt: skip
"""Codes that mean "not now"; so does any status from 500 on."""
_REASONS_THAT_PASS = {None, "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Transient reasons for a cancelled transaction."""
_FAILED = "ConditionalCheckFailed"
_WITHOUT_TABLE = {"batch_get_item", "batch_write_item", "transact_write_items"}
"""Operations that name the table inside their parameters."""
_HINTS = {
    "AccessDeniedException": "these credentials may not do {action} on it; add it to the role's policy",
    "ResourceNotFoundException": "there is no such table in this account and region; is the stack deployed?",
    **dict.fromkeys(NO_CONNECTION, "no answer after {attempts} ({said})"),
    **dict.fromkeys(_THROTTLED, "throttled for longer than we wait; ask again"),
}
_REFUSALS = {"AccessDeniedException", "ResourceNotFoundException"}
Item = Mapping[str, Any]
"""As DynamoDB spells it: {"pk": {"S": …}}."""
_T = TypeVar("_T")


class TableError(KeysError):
    """A table can't be read or written.

    Attributes:
        is_busy: whether it is throttled, or other writers obstruct the call, for longer than we wait.
        is_refusal: whether it answers and refuses: it is not there, or the credentials may not do that.
    """

    def __init__(self, said: str, *, is_busy: bool = False, is_refusal: bool = False) -> None:
        super().__init__(said)
        self.is_busy = is_busy
        self.is_refusal = is_refusal


class TableCalls:
    """The calls to a table. What goes wrong is raised as the caller wants it (see `raises`).

    Attributes:
        name: the table's.
        client: boto3's.
    """

    def __init__(
        self, table: str, raises: Callable[[TableError], Exception], *, client: Any = None,
        patience: Patience = PATIENCE,
    ) -> None:  # fmt: skip
        """Take a table; nothing is read from it yet.

        Args:
            table: its name, or its ARN if it is in another AWS region than boto3 finds.
            raises: makes the exception that is raised.
            client: boto3's; by default one for that region, with the credentials that boto3 finds.
            patience: how long a call may take.

        Raises:
            Exception: what `raises` makes: the [aws] extra, the region or the credentials are missing.
        """
        arn = _ARN.fullmatch(table)
        self.name = arn[2] if arn else table
        self._raises = raises
        self._patience = patience
        try:
            region = arn[1] if arn else None
            self.client = client or patient_client("dynamodb", patience, region, at_once=_AT_ONCE)
        except AwsClientError as e:
            raise raises(TableError(f"DynamoDB: {e}")) from e

    def call(self, operation: str, **parameters: Any) -> Any:
        """Call an operation of the table by its name in boto3, and return the answer."""
        try:
            return self._ask(operation, **parameters)
        except RefusedError as e:
            raise self._raises(self._in_words(e, operation)) from e

    def holds(self, operation: str, **parameters: Any) -> bool:
        """Write under a condition; returns whether it held."""
        try:
            self._ask(operation, **parameters)
        except RefusedError as e:
            if e.code == f"{_FAILED}Exception":
                return False
            raise self._raises(self._in_words(e, operation)) from e
        return True

    def pages(self, operation: str, **parameters: Any) -> Iterator[list[Item]]:
        """Yield the items of a query or scan, a page at a time."""
        return (answer["Items"] for answer in self.answers(operation, **parameters))

    def answers(self, operation: str, **parameters: Any) -> Iterator[Any]:
        """Yield the answers to a query or scan, a page at a time."""
        start: dict[str, Any] = {}
        while True:
            answer = self.call(operation, **parameters, **start)
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def get_many(self, keys: Iterable[Item]) -> Iterator[Item]:
        """Yield those items that there are, read consistently, in any order."""
        for group in groups(keys, GET_KEYS):
            requests = {self.name: {"Keys": group, "ConsistentRead": True}}
            for answer in self._until_done("batch_get_item", requests, "UnprocessedKeys"):
                for items in answer["Responses"].values():  # by the table's name, or its ARN
                    yield from items

    def delete_many(self, keys: Iterable[Item]) -> None:
        """Delete items. DynamoDB refuses the same key twice."""
        for group in groups(keys, DELETE_ITEMS):
            requests = {self.name: [{"DeleteRequest": {"Key": key}} for key in group]}
            for _ in self._until_done("batch_write_item", requests, "UnprocessedItems"):
                pass

    def transact(self, parts: Sequence[Item]) -> list[int]:
        """Write all parts in one transaction, or none; returns the places of those whose condition did not hold."""
        for wait in waits():
            reasons = self._transacted(parts)
            refused = [place for place, code in enumerate(reasons) if code == _FAILED]
            if refused or not reasons:
                return refused
            if not set(reasons) <= _REASONS_THAT_PASS:
                raise self._error(f"a transaction was refused: {reasons}")
            time.sleep(wait)
        raise self.too_busy()

    def too_busy(self) -> Exception:
        """Return what to raise after ATTEMPTS attempts that others obstructed."""
        return self._error(f"it is too busy: {ATTEMPTS} attempts; nothing is lost, ask again", is_busy=True)

    def _transacted(self, parts: Sequence[Item]) -> list[str | None]:
        """Write a transaction, and return why it was cancelled, for each of its parts, or nothing."""
        once = secrets.token_hex(16)  # by which DynamoDB recognises a retry after a lost answer
        try:
            self._ask("transact_write_items", TransactItems=parts, ClientRequestToken=once)
        except RefusedError as e:
            if e.code != "TransactionCanceledException":
                raise self._raises(self._in_words(e, "transact_write_items")) from e
            given = e.answer.get("CancellationReasons")
            codes = [r.get("Code") if isinstance(r, dict) else "" for r in given] if isinstance(given, list) else []
            if len(codes) != len(parts) or set(codes) <= {None, "None"}:
                raise self._error(f"a transaction was cancelled, without saying why: {codes}; ask again") from e
            return codes
        return []

    def _until_done(self, operation: str, requests: Any, left: str) -> Iterator[Any]:
        """Call a batch operation until it has handled all of its requests."""
        for wait in waits():
            answer = self.call(operation, RequestItems=requests)
            if left not in answer:  # a missing item and an unread one would look the same
                raise self._error(f"{operation} was answered without {left}; ask again")
            yield answer
            requests = answer[left]
            if not requests:
                return
            time.sleep(wait)
        raise self.too_busy()

    def _ask(self, operation: str, **parameters: Any) -> Any:
        """Call DynamoDB.

        Raises:
            RefusedError: it refuses.
            Exception: what `raises` makes: the answer is not DynamoDB's, or boto3 fails.
        """
        table = {} if operation in _WITHOUT_TABLE else {"TableName": self.name}
        try:
            call = getattr(self.client, operation)
            return patiently(self.client, lambda: call(**table, **parameters), self._patience, _passes)
        except RefusedError:
            raise
        except UnintelligibleError as e:
            raise self._error(str(e)) from e
        except Exception as e:
            raise self._error(f"{type(e).__name__}: {e}") from e

    def _in_words(self, refused: RefusedError, operation: str) -> TableError:
        action = "dynamodb:" + "".join(word.title() for word in operation.split("_"))
        if operation == "transact_write_items":
            action = "dynamodb:PutItem and dynamodb:UpdateItem"
        hint = _HINTS.get(refused.kind, "{said}").format(
            action=action, said=refused.said, attempts=self._patience.in_words(refused.attempts)
        )
        return TableError(
            f"the table {self.name}: {refused.kind}: {hint}", is_busy=refused.code in _THROTTLED,
            is_refusal=refused.code in _REFUSALS,
        )  # fmt: skip

    def _error(self, said: str, *, is_busy: bool = False) -> Exception:
        return self._raises(TableError(f"the table {self.name}: {said}", is_busy=is_busy))


def waits() -> Iterator[float]:
    """Yield a random wait for each attempt, from ever longer spans ("full jitter")."""
    for attempt in range(ATTEMPTS):
        yield random.uniform(0, min(_WAIT_SECONDS * 2**attempt, _WAIT_MAX_SECONDS))  # noqa: S311 - no secret


def groups(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield items in lists of at most a size."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _passes(refused: RefusedError) -> bool:
    return refused.code in _THROTTLED
