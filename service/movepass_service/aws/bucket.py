"""The facts in S3, laid out as the folder of the embedded service: parts, a compacted file a day, and how far was read.

    parts/day=2026-11-22/NAME.jsonl
    facts/day=2026-11-22/facts.parquet
    state.json
    damaged/day=2026-11-22/facts.parquet     a file that could not be read, put aside when its day was built again

Whoever writes an object twice writes the same, or one in which events count once. So no write needs a condition.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from movepass_keys import files
from movepass_keys.aws import AwsClientError, Patience, RefusedError, UnintelligibleError, patient_client, patiently
from movepass_service.statistics.facts import FactsError
from movepass_service.statistics.folder import FACTS, PARTS, STATE, day_path, make_folder, part_path
from movepass_service.statistics.parts import Collected

_PATIENCE = Patience(deadline=60, connect=2, read=30, backoff_first=0.1, backoff_max=2)
_THROTTLED = {"SlowDown", "ThrottlingException", "RequestLimitExceeded"}
_MISSING = {"NoSuchKey", "404"}
_DAY = re.compile(rf"{PARTS}/day=(\d{{4}}-\d\d-\d\d)/([^/]+)\.jsonl")
DAMAGED = "damaged"
_DELETED_AT_ONCE = 1000
_T = TypeVar("_T")


class FactsBucket:
    """Keeps facts in a bucket that holds nothing else; see statistics.parts.Parts.

    IAM: s3:GetObject and s3:PutObject on the objects, s3:ListBucket on the bucket (without it S3 answers 403 for what
    is not there); to compact, s3:DeleteObject on parts/*, and to build a day again on facts/*.
    """

    def __init__(self, bucket: str, *, client: Any = None) -> None:
        """Take a bucket; nothing is read from it yet.

        Raises:
            FactsError: the [aws] extra, the region or the credentials are missing.
        """
        self.name = f"s3://{bucket}"
        self._bucket = bucket
        try:
            self._client = client or patient_client("s3", _PATIENCE)
        except AwsClientError as e:
            raise FactsError(f"{self.name}: {e}") from e

    def state(self) -> Collected:
        """See Parts."""
        data = self._get(STATE)
        return Collected() if data is None else Collected.from_bytes(data, f"{self.name}/{STATE}")

    def write_state(self, state: Collected) -> None:
        """See Parts."""
        self._put(STATE, state.to_bytes())

    def write(self, day: str, name: str, lines: bytes) -> None:
        """See Parts."""
        self._put(str(part_path(Path(), day, name)), lines)

    def parts(self) -> dict[str, list[str]]:
        """Return the keys of all parts, by day."""
        found: dict[str, list[str]] = {}
        for key in self._keys(f"{PARTS}/"):
            if match := _DAY.fullmatch(key):
                found.setdefault(match[1], []).append(key)
        return found

    def fetch(self, day: str, parts: Sequence[str], folder: Path) -> None:
        """Copy a day into a folder: its compacted file, if there is one, and the given parts."""
        for key in (f"{FACTS}/day={day}/{day_path(folder, day).name}", *parts):
            data = self._get(key)
            if data is not None:
                make_folder((folder / key).parent)
                files.write_whole(folder / key, data)

    def mirror(self, days: Iterable[str], folder: Path) -> None:
        """Copy all that there is of some days into a folder."""
        parts = self.parts()
        for day in days:
            self.fetch(day, parts.get(day, ()), folder)

    def put_aside(self, day: str) -> None:
        """Move the compacted file of a day to damaged/, where nobody reads it, not even Athena."""
        path = str(day_path(Path(), day))
        data = self._get(path)
        if data is not None:
            self._put(f"{DAMAGED}/{path.removeprefix(f'{FACTS}/')}", data)
            self.delete([path])

    def put_day(self, day: str, folder: Path) -> None:
        """Copy the compacted file of a day from a folder, in place of the one before."""
        path = day_path(folder, day)
        self._put(str(path.relative_to(folder)), path.read_bytes())

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            some = keys[start : start + _DELETED_AT_ONCE]
            wanted = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            answer = self._call(partial(self._client.delete_objects, Bucket=self._bucket, Delete=wanted))
            if errors := answer.get("Errors"):
                raise FactsError(f"{self.name}: {len(errors)} parts were not deleted: {errors[0].get('Code')}")

    def _keys(self, prefix: str) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            page = self._call(partial(self._client.list_objects_v2, Bucket=self._bucket, Prefix=prefix, **more))
            yield from (listed["Key"] for listed in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _get(self, key: str) -> bytes | None:
        def read() -> bytes:
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

        try:
            return self._call(read)
        except _MissingError:
            return None

    def _put(self, key: str, data: bytes) -> None:
        self._call(partial(self._client.put_object, Bucket=self._bucket, Key=key, Body=data))

    def _call(self, call: Callable[[], _T]) -> _T:
        try:
            return patiently(self._client, call, _PATIENCE, lambda refused: refused.code in _THROTTLED)
        except RefusedError as e:
            if e.code in _MISSING:
                raise _MissingError from e
            raise FactsError(f"{self.name}: {e.kind}: {e.said}") from e
        except UnintelligibleError as e:
            raise FactsError(f"{self.name}: {e}") from e


class _MissingError(FactsError):
    """There is no such object."""
