"""The ledger on AWS: one DynamoDB table. Needs the [aws] extra.

Items, by partition key `pk` and sort key `sk`:

    R#REQUEST-ID         -            content hash, day, index; when revoked and why; no hash and no index if it was
                                      revoked in another region before it had a pass here
    T#REQUEST-ID         -            the payload, apart because it is deleted sooner
    I#DAY#INDEX          -            the request id of a pass number
    NEXT#DAY#REGION      -            the next block of indexes
    PENDING#SHARD        DAY#INDEX    revoked and not yet published
    REVOKED#DAY#SHARD    INDEX        revoked, published or not, by any region
    COUNT#DAY#SHARD      -            the number of these
    OUTBOX#REGION#SHARD  DAY#INDEX    revoked and not yet told to another region
                         R#REQUEST-ID the same of a request
    ANNOUNCED            VERSION#HASH timestamps that were published, or were about to be
    FORGOTTEN            -            the day up to which personal data is deleted

Reads are consistent, and there is no secondary index. Items that all writers would put into one partition are spread
over SHARDS of them. An index block is leased by one update of its day's counter, so the counter is no hot key either.
TTL (attribute `expires`) deletes an item within days of its time; until then it is hidden.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from movepass_issuer.errors import LedgerError, UnknownPassError
from movepass_issuer.issuing.ledger import (
    NO_INDEX,
    PERSONAL_DAYS,
    REASON_MAX_CHARS,
    REQUEST_DAYS,
    Announced,
    Entry,
    Request,
    check_reason,
)
from movepass_issuer.regions.ledger import BLOCK, AnyRevocation, Region, RequestRevocation, Revocation
from movepass_keys.aws import Patience
from movepass_keys.dynamodb import ATTEMPTS, PATIENCE, TRANSACTION_ITEMS, Item, TableCalls, TableError, groups
from movepass_wire.limits import INDEX_LIMIT
from movepass_wire.times import DAY_SECONDS

SHARDS = 8
"""Partitions for what all revocations write to; each carries 500 transactional writes a second."""
_NONE = {"S": "-"}
_NOBODY = ""
"""The request id at an index that was revoked before any request got it."""
_ANNOUNCED = "ANNOUNCED"
_VERSION_DIGITS = 15
_ONLY_REGION = Region()


class DynamoDbLedger:
    """The ledger in a DynamoDB table; see ledger.Ledger for what each method promises.

    IAM, on the table: dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:UpdateItem (to issue and to revoke);
    dynamodb:BatchGetItem, dynamodb:PutItem, dynamodb:Query, dynamodb:BatchWriteItem (to publish, and to tell other
    regions); dynamodb:Scan (in_force, after a key leaked or a region was lost; issued).
    """

    def __init__(
        self, table: str, *, client: Any = None, region: Region = _ONLY_REGION, block: int = BLOCK,
        patience: Patience = PATIENCE,
    ) -> None:  # fmt: skip
        """Use a table; nothing is read from it yet.

        Args:
            table: its name, or its ARN if it is in another AWS region than boto3 finds.
            client: boto3's; by default one for that region, with the credentials that boto3 finds.
            region: which of several regions that issue at once this is.
            block: how many indexes are leased at once.
            patience: how long a call may take.

        Raises:
            LedgerError: the [aws] extra, the region or the credentials are missing.
        """
        self._calls = TableCalls(table, _error_of, client=client, patience=patience)
        self._table = self._calls.name
        self._region = region
        self._block = block
        self._leased: dict[int, Iterator[int]] = {}
        self._forgotten: int | None = None

    @staticmethod
    def create(table: str, *, client: Any) -> None:
        """Make a table like the template's, for tests and trials: on demand, with TTL and point-in-time recovery."""
        client.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
        client.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )
        client.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )

    def find(self, request_ids: Sequence[str]) -> dict[str, Entry]:
        """See Ledger."""
        wanted = list(dict.fromkeys(request_ids))
        if not wanted:
            return {}
        items = self._get([_key(f"{kind}#{request_id}") for request_id in wanted for kind in "RT"])
        forgotten = self._forgotten_day() if items else 0
        found = {}
        for request_id in wanted:
            item, payload = items.get(f"R#{request_id}"), items.get(f"T#{request_id}")
            if item is not None and int(item["day"]["N"]) >= forgotten - REQUEST_DAYS:
                found[request_id] = _entry(request_id, item, payload, forgotten)
        return found

    def find_index(self, day: int, index: int) -> Entry | None:
        """See Ledger."""
        name = f"I#{_pass(day, index)}"
        item = self._get([_key(name)]).get(name)
        return None if item is None else self.find([item["request_id"]["S"]]).get(item["request_id"]["S"])

    def reserve(self, requests: Sequence[Request], *, absent: Collection[str] = ()) -> list[Entry]:
        """See Ledger. One transaction for fifty requests: a crash leaves each of these reserved or none.

        Where another process was faster with an absent one, the transaction is refused, and an index stays a gap.
        """
        entries = self.find([r.request_id for r in requests if r.request_id not in absent])
        new = {r.request_id: r for r in requests if r.request_id not in entries}
        for group in groups(new.values(), TRANSACTION_ITEMS // 2):
            entries |= self._reserve_group(group)
        return [entries[request.request_id] for request in requests]

    def store(self, texts: Sequence[tuple[str, str]], *, reserved: Iterable[Entry] = ()) -> dict[str, str]:
        """See Ledger. Each payload is written only if its request has none."""
        known = {entry.request_id: entry for entry in reserved if entry.text is None}
        entries = known | self.find([request_id for request_id, _ in texts if request_id not in known])
        unsigned = {i: text for i, text in texts if i in entries and entries[i].text is None}
        stored: dict[str, str | None] = {
            i: entries[i].text for i, _ in texts if i in entries and entries[i].text is not None
        }
        for group in groups(unsigned, TRANSACTION_ITEMS):
            stored |= self._store_group([(entries[i], unsigned[i]) for i in group])
        return {request_id: text or "" for request_id, text in stored.items()}

    def revoke(self, day: int, index: int, *, reason: str, now: int) -> Entry:
        """See Ledger."""
        check_reason(reason)
        entry = self.find_index(day, index)
        if entry is None:
            raise UnknownPassError("no pass of this number in the ledger")
        if entry.revoked_at is not None:
            return entry
        revoked = replace(entry, revoked_at=now, reason=reason)
        marks = self._mark_revoked(entry, now, reason)
        if self._revoke(Revocation(day, index, now, reason), marks, self._region.others):  # another process was faster
            return self.find_index(day, index) or revoked
        return revoked

    def take(self, revocation: Revocation, *, tell: Iterable[int] = ()) -> None:
        """See RegionalLedger."""
        day, index = revocation.day, revocation.index
        for _ in range(ATTEMPTS):
            marks = []
            if self._region.owner(index, self._block) == self._region.number:
                entry = self.find_index(day, index)
                if entry is not None and entry.revoked_at is not None:
                    return
                marks = self._mark_revoked(entry, revocation.at, revocation.reason) if entry else [
                    self._put_index(Entry(_NOBODY, b"", day, index))
                ]  # fmt: skip
            refused = self._revoke(revocation, marks, tell)
            if len(marks) in refused or not refused:  # it is among the revoked, or is now
                return
        raise self._calls.too_busy()

    def take_request(self, revocation: RequestRevocation, *, tell: Iterable[int] = ()) -> None:
        """See RegionalLedger. The note that a request gets no pass is written where a pass would be reserved."""
        request_id, day = revocation.request_id, revocation.day
        values = {
            "day": {"N": str(day)}, "revoked_at": {"N": str(revocation.at)}, "reason": {"S": revocation.reason},
            "expires": {"N": str(_after(day, REQUEST_DAYS))},
        }  # fmt: skip
        for _ in range(ATTEMPTS):
            entry = self.find([request_id]).get(request_id)
            notes: list[Item] = [
                {"Put": {"TableName": self._table, "Item": _outbox_key(n, revocation) | values}} for n in tell
            ]
            if entry is None:
                notes.append(self._put_unless_kept(_key(f"R#{request_id}") | values))
            if not notes or not self._calls.transact(notes):
                break
        else:
            raise self._calls.too_busy()
        if entry is not None and entry.index != NO_INDEX:
            self.revoke(entry.day, entry.index, reason=revocation.reason, now=revocation.at)

    def taken(self, day: int, index: int) -> int | None:
        """See RegionalLedger."""
        name = _revoked(day, index)
        item = self._get([_key(name, str(index))]).get(name)
        return int(item["at"]["N"]) if item and "at" in item else None

    def outbox(self, region: int) -> Iterator[AnyRevocation]:
        """See RegionalLedger."""
        for shard in range(SHARDS):
            for item in self._partition(f"OUTBOX#{region}#{shard}"):
                kind, _, name = item["sk"]["S"].partition("#")
                reason = item["reason"]["S"][
                    :REASON_MAX_CHARS
                ]  # reasons stored before the limit existed may be too long
                if kind == "R":
                    yield RequestRevocation(name, int(item["day"]["N"]), int(item["revoked_at"]["N"]), reason)
                else:
                    yield Revocation(int(kind), int(name), int(item["at"]["N"]), reason)

    def told(self, region: int, revocations: Iterable[AnyRevocation]) -> None:
        """See RegionalLedger."""
        keys = [_outbox_key(region, revocation) for revocation in revocations]
        self._calls.delete_many(
            {(key["pk"]["S"], key["sk"]["S"]): key for key in keys}.values()
        )  # DynamoDB refuses the same key twice

    def in_force(self, today: int) -> Iterator[list[Entry]]:
        """See Ledger. It reads the whole table, for the day after a leak; the cost grows with the table."""
        pages = self._scan(
            " AND #day >= :today AND attribute_not_exists(revoked_at)",
            ExpressionAttributeNames={"#day": "day"},
            ExpressionAttributeValues={":today": {"N": str(today)}},
        )
        for entries in pages:
            if found := [entry for entry in entries if entry.text and entry.revoked_at is None]:
                yield found

    def issued(self) -> Iterator[list[Entry]]:
        """See Ledger. It reads the whole table. What never got its payload counts once its day is forgotten."""
        for entries in self._scan(" AND attribute_exists(idx)"):
            if found := [entry for entry in entries if entry.text is not None]:
                yield found

    def _scan(self, condition: str, **parameters: Any) -> Iterator[list[Entry]]:
        """Yield the entries of requests that meet a condition, a page at a time."""
        values = {":r": {"S": "R#"}} | parameters.pop("ExpressionAttributeValues", {})
        pages = self._pages(
            "scan", FilterExpression=f"begins_with(pk, :r){condition}", ExpressionAttributeValues=values, **parameters
        )
        for items in pages:
            yield list(self.find([item["pk"]["S"].removeprefix("R#") for item in items]).values())

    def skip(self, days: Iterable[int], count: int) -> None:
        """See Ledger. Rounded up to whole blocks; blocks that other processes hold stay theirs."""
        for day in days:
            self._leased.pop(day, None)
            self._lease(day, blocks=-(-count // self._block))

    def has_issued_as(self, number: int, days: Iterable[int]) -> bool:
        """See RegionalLedger."""
        return bool(self._get([_key(_next(day, number)) for day in days]))

    def pending(self) -> list[tuple[int, int]]:
        """See Ledger."""
        keys = [item["sk"]["S"] for shard in range(SHARDS) for item in self._partition(f"PENDING#{shard}")]
        return sorted((int(day), int(index)) for day, _, index in (key.partition("#") for key in keys))

    def revoked(self, day: int) -> list[int]:
        """See Ledger."""
        names = [_revoked(day, shard) for shard in range(SHARDS)]
        return [int(item["sk"]["S"]) for name in names for item in self._partition(name)]

    def revoked_count(self, day: int) -> int:
        """See Ledger."""
        items = self._get([_key(_count(day, shard)) for shard in range(SHARDS)])
        return sum(int(item["revoked"]["N"]) for item in items.values())

    def announced(self) -> list[Announced]:
        """See Ledger."""
        found = []
        for item in self._partition(_ANNOUNCED):
            version, _, digest = item["sk"]["S"].partition("#")
            found.append(Announced(int(version), bytes.fromhex(digest), item["settled"]["BOOL"]))
        return found

    def has_announced(self, timestamp: Announced) -> bool:
        """See Ledger. Read by its key: the functions that issue and revoke may not query."""
        return bool(self._get([_announced(timestamp)]))

    def announce(self, timestamp: Announced) -> None:
        """See Ledger."""
        self._calls.transact([self._put({**_announced(timestamp), "settled": {"BOOL": False}})])

    def settle(self, published: Iterable[tuple[int, int]], timestamp: Announced) -> None:
        """See Ledger. If it is cut short, the timestamp is not settled, and the next publication compares all."""
        self._calls.delete_many(_key(_pending(index), _pass(day, index)) for day, index in published)
        settled = self._put({**_announced(timestamp), "settled": {"BOOL": True}})
        settled["Put"]["ConditionExpression"] = "attribute_exists(pk)"  # else a later one has been settled
        self._calls.transact([settled])
        before = (a for a in self.announced() if a.version <= timestamp.version and a.digest != timestamp.digest)
        self._calls.delete_many(_announced(a) for a in before)

    def forget(self, today: int) -> None:
        """See Ledger. It notes the day, which hides old items; TTL deletes them."""
        if today > self._forgotten_day():
            item = _key("FORGOTTEN") | {"day": {"N": str(today)}}
            self._calls.call("put_item", Item=item)
            self._forgotten = today

    def close(self) -> None:
        """See Ledger. There is nothing to close; the rest of a leased block stays a gap."""

    def _mark_revoked(self, entry: Entry, now: int, reason: str) -> list[Item]:
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": _key(f"R#{entry.request_id}"),
                    "UpdateExpression": "SET revoked_at = :now, reason = :reason",
                    "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(revoked_at)",
                    "ExpressionAttributeValues": {":now": {"N": str(now)}, ":reason": {"S": reason}},
                }
            }
        ]

    def _revoke(self, revocation: Revocation, marks: list[Item], tell: Iterable[int]) -> list[int]:
        """Write a revocation in one transaction, and return the places of parts whose condition did not hold."""
        day, index = revocation.day, revocation.index
        expires = {"N": str(_after(day, REQUEST_DAYS))}
        at, reason = {"at": {"N": str(revocation.at)}, "expires": expires}, {"reason": {"S": revocation.reason}}
        return self._calls.transact(
            [
                *marks,
                self._put({**_key(_revoked(day, index), str(index)), **at}),
                self._put(_key(_pending(index), _pass(day, index))),
                {
                    "Update": {
                        "TableName": self._table,
                        "Key": _key(_count(day, index)),
                        "UpdateExpression": "SET expires = :expires ADD revoked :one",
                        "ExpressionAttributeValues": {":expires": expires, ":one": {"N": "1"}},
                    }
                },
                *(self._put({**_outbox_key(region, revocation), **at, **reason}) for region in tell),
            ]
        )

    def _reserve_group(self, group: list[Request]) -> dict[str, Entry]:
        """Reserve requests that were just not found; if another process was faster with one, read its entry."""
        entries: dict[str, Entry] = {}
        for _ in range(ATTEMPTS):
            made = [Entry(r.request_id, r.content_hash, r.day, self._next(r.day)) for r in group]
            puts = [put for entry in made for put in (self._put_request(entry), self._put_index(entry))]
            refused = self._calls.transact(puts)
            if not refused:
                return entries | {entry.request_id: entry for entry in made}
            taken = [group[place // 2].request_id for place in refused if place % 2 == 0]
            entries |= self.find(taken)
            group = [request for request in group if request.request_id not in entries]
            for place in refused:
                if place % 2:  # the index was given before: the counter was restored from a backup
                    self._leased.pop(made[place // 2].day, None)
            if not group:
                return entries
        raise self._calls.too_busy()

    def _store_group(self, group: list[tuple[Entry, str]]) -> dict[str, str | None]:
        stored: dict[str, str | None] = {}
        for _ in range(ATTEMPTS):
            refused = self._calls.transact([self._put_text(entry, text) for entry, text in group])
            if not refused:
                return stored | {entry.request_id: text for entry, text in group}
            taken = [group[place][0].request_id for place in refused]
            stored |= {i: entry.text for i, entry in self.find(taken).items()}
            group = [pair for place, pair in enumerate(group) if place not in refused]
            if not group:
                return stored
        raise self._calls.too_busy()

    def _put_request(self, entry: Entry) -> Item:
        return self._put_unless_kept(
            {
                **_key(f"R#{entry.request_id}"),
                "content_hash": {"B": entry.content_hash},
                "day": {"N": str(entry.day)},
                "idx": {"N": str(entry.index)},
                "expires": {"N": str(_after(entry.day, REQUEST_DAYS))},
            }
        )

    def _put_unless_kept(self, item: Item) -> Item:
        """Put a request's item, over a forgotten one of the same id that TTL has not deleted yet."""
        put = self._put(item, " OR #day < :kept", {":kept": {"N": str(self._forgotten_day() - REQUEST_DAYS)}})
        put["Put"]["ExpressionAttributeNames"] = {"#day": "day"}
        return put

    def _put_index(self, entry: Entry) -> Item:
        expires = {"N": str(_after(entry.day, REQUEST_DAYS))}
        name = f"I#{_pass(entry.day, entry.index)}"
        return self._put({**_key(name), "request_id": {"S": entry.request_id}, "expires": expires})

    def _put_text(self, entry: Entry, text: str) -> Item:
        """Put a payload, over one of a forgotten request of the same id that TTL has not deleted yet."""
        expires = {"N": str(_after(entry.day, PERSONAL_DAYS))}
        pass_ = {"S": _pass(entry.day, entry.index)}
        item = {**_key(f"T#{entry.request_id}"), "text": {"S": text}, "pass": pass_, "expires": expires}
        put = self._put(item, " OR #pass <> :pass", {":pass": pass_})
        put["Put"]["ExpressionAttributeNames"] = {"#pass": "pass"}
        return put

    def _put(self, item: Item, unless: str = "", values: Item | None = None) -> dict[str, Any]:
        condition = f"attribute_not_exists(pk){unless}"
        put: dict[str, Any] = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        return {"Put": put | ({"ExpressionAttributeValues": values} if values else {})}

    def _next(self, day: int) -> int:
        index = next(self._leased.get(day, iter(())), None)
        if index is None:
            self._leased[day] = self._lease(day)
            index = next(self._leased[day])
        return index

    def _lease(self, day: int, blocks: int = 1) -> Iterator[int]:
        """Take the next blocks of a day for this process alone, and return the last one's indexes."""
        answer = self._calls.call(
            "update_item",
            Key=_key(_next(day, self._region.number)),
            UpdateExpression="ADD blocks :n",
            ExpressionAttributeValues={":n": {"N": str(blocks)}},
            ReturnValues="UPDATED_NEW",
        )
        number = (int(answer["Attributes"]["blocks"]["N"]) - 1) * self._region.count + self._region.number
        start = number * self._block
        if start >= INDEX_LIMIT:
            raise LedgerError(f"all {INDEX_LIMIT} indexes of that day are taken")
        return iter(range(start, min(start + self._block, INDEX_LIMIT)))

    def _forgotten_day(self) -> int:
        """Return the day up to which personal data is deleted; read once a process, since it changes once a day."""
        if self._forgotten is None:
            item = self._get([_key("FORGOTTEN")]).get("FORGOTTEN")
            self._forgotten = int(item["day"]["N"]) if item else 0
        return self._forgotten

    def _get(self, keys: Sequence[Item]) -> dict[str, Item]:
        """Read items consistently, by their partition key."""
        return {item["pk"]["S"]: item for item in self._calls.get_many(keys)}

    def _partition(self, name: str) -> Iterator[Item]:
        pages = self._pages(
            "query",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": name}},
        )
        return (item for items in pages for item in items)

    def _pages(self, operation: str, **parameters: Any) -> Iterator[list[Item]]:
        """Read the results of a query or scan consistently, a page at a time."""
        return self._calls.pages(operation, ConsistentRead=True, **parameters)


def _error_of(error: TableError) -> LedgerError:
    return LedgerError(str(error))


def _key(pk: str, sk: str = _NONE["S"]) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _pass(day: int, index: int) -> str:
    return f"{day}#{index}"


def _pending(index: int) -> str:
    return f"PENDING#{index % SHARDS}"


def _next(day: int, region: int) -> str:
    return f"NEXT#{day}#{region}"


def _revoked(day: int, index: int) -> str:
    return f"REVOKED#{day}#{index % SHARDS}"


def _count(day: int, index: int) -> str:
    return f"COUNT#{day}#{index % SHARDS}"


def _outbox_key(region: int, told: AnyRevocation) -> dict[str, Any]:
    if isinstance(told, RequestRevocation):
        shard, name = crc32(told.request_id.encode()), f"R#{told.request_id}"
    else:
        shard, name = told.index, _pass(told.day, told.index)
    return _key(f"OUTBOX#{region}#{shard % SHARDS}", name)


def _announced(timestamp: Announced) -> dict[str, Any]:
    return _key(_ANNOUNCED, f"{timestamp.version:0{_VERSION_DIGITS}}#{timestamp.digest.hex()}")


def _after(day: int, days: int) -> int:
    """Return the end of some days after a day, in seconds since 1970 UTC."""
    return (day + days + 1) * DAY_SECONDS


def _entry(request_id: str, item: Item, payload: Item | None, forgotten: int) -> Entry:
    day, revoked_at = int(item["day"]["N"]), item.get("revoked_at")
    index = int(item["idx"]["N"]) if "idx" in item else NO_INDEX
    text = payload["text"]["S"] if payload and payload["pass"]["S"] == _pass(day, index) else None
    return Entry(
        request_id,
        bytes(item["content_hash"]["B"]) if "content_hash" in item else b"",
        day,
        index,
        "" if day < forgotten - PERSONAL_DAYS else text,
        int(revoked_at["N"]) if revoked_at else None,
        item["reason"]["S"] if revoked_at else None,
    )
