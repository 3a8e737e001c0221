"""The published repository as an S3 bucket, or a part of one: s3://BUCKET/PREFIX. Needs the [aws] extra.

    IAM: s3:GetObject, s3:PutObject, s3:DeleteObject on arn:aws:s3:::BUCKET/PREFIX/*
         s3:ListBucket on arn:aws:s3:::BUCKET (without it, S3 answers 403 for what is not there)

Versions are created with If-None-Match, and the timestamp is replaced with If-Match: S3 accepts one of several writers.
A write whose answer was lost is tried again. If its condition then fails, the object shows whether the first try
succeeded.

The lease is an object too, taken and released by conditional writes. Its age is the time of S3's answer less the time
at which the lease was written, both by S3's clock, so machines need not agree on the time. If a lease expires while its
publisher sleeps, that publisher loses the race for the timestamp, and nothing else is lost.

boto3 finds region, endpoint and credentials (AWS_REGION, AWS_ENDPOINT_URL, AWS_PROFILE, a role …).

Sources: the S3 API Reference, PutObject (If-Match, If-None-Match, 409 ConditionalRequestConflict) and ListObjectsV2;
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from movepass_issuer.errors import BusyError, RepositoryError
from movepass_issuer.storage.repository import versions_in
from movepass_keys.aws import (
    NO_CONNECTION,
    NO_CREDENTIALS,
    AwsClientError,
    Patience,
    RefusedError,
    UnintelligibleError,
    patient_client,
    patiently,
)
from movepass_keys.records.layout import LOG_MAX_BYTES, METADATA_FOLDER, PACKS_FOLDER, TARGETS_FOLDER, TIMESTAMP

LEASE_SECONDS = 120
"""A lease expires so long after it was taken: several times the length of a publication, and the time that a killed
publisher blocks the others."""
DEADLINE_SECONDS = 30.0
"""How long one call may take with all its attempts, waits included."""
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""Limits of one attempt; no attempt begins when less than both is left until the deadline."""
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MAX_SECONDS = 4.0
"""Before attempt n+1 a random time from 0 to FIRST * 2^n, at most MAX ("full jitter")."""
TIMESTAMP_MAX_AGE = 30
"""Seconds for which a cache may keep the timestamp or a pack; every other published file never changes."""

_LEASE = "publisher.lease"
_HELD, _FREE = b"held", b"free"
_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
_FOREVER = "public, max-age=31536000, immutable"
_PUBLISHED = (f"{METADATA_FOLDER}/", f"{TARGETS_FOLDER}/")
_CONTENT_TYPES = {".json": "application/json"}
_DOCUMENT_MAX_BYTES = 5_000_000
"""Bytes of an object that is no log: as much as devices accept (docs/spec.md), whoever wrote it."""
_PRECONDITION_FAILED, _SERVER_ERROR = 412, 500
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Object:
    """An object in S3: its content, its tag, and its age in seconds by S3's clock."""

    data: bytes
    etag: str
    age: float


class _MissingError(Exception):
    """There is no such object."""


class _ConditionError(Exception):
    """A write's condition did not hold; `attempts` tells whether an earlier attempt may have got through."""

    def __init__(self, attempts: int) -> None:
        super().__init__()
        self.attempts = attempts


class S3Repository:
    """A repository in S3; see Repository."""

    def __init__(self, uri: str, *, aws_region: str | None = None, patience: Patience | None = None) -> None:
        """Make a client; nothing is read from S3 yet.

        Args:
            uri: s3://BUCKET or s3://BUCKET/PREFIX.
            aws_region: the bucket's; by default the one that boto3 finds.
            patience: how long a call may take; by default the constants above.

        Raises:
            RepositoryError: another kind of address, no [aws] extra, or settings that boto3 can't use.
        """
        match = _URI.fullmatch(uri)
        if match is None:
            raise RepositoryError(f"expected a repository like s3://BUCKET/PREFIX, got {uri!r}")
        prefix = (match[2] or "").strip("/")
        self._bucket, self._prefix = match[1], f"{prefix}/" if prefix else ""
        self._patience = patience or Patience(
            DEADLINE_SECONDS, CONNECT_SECONDS, READ_SECONDS, BACKOFF_FIRST_SECONDS, BACKOFF_MAX_SECONDS
        )
        self._own_packs: dict[str, tuple[bytes, str]] = {}
        try:
            self._client = patient_client("s3", self._patience, aws_region)
        except AwsClientError as e:
            raise RepositoryError(f"{self.name}: {e}") from e

    @classmethod
    def create(cls, uri: str) -> "S3Repository":
        """Prepare a place in a bucket for a new repository.

        Raises:
            RepositoryError: something is published there, or it can't be read.
        """
        made = cls(uri)
        if made.files(METADATA_FOLDER):
            raise RepositoryError(f"{made.name} holds a repository already; choose another prefix")
        return made

    @property
    def name(self) -> str:
        """See Repository."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @contextmanager
    def lease(self) -> Iterator[None]:
        """See Repository. If its holder is killed, it lasts for LEASE_SECONDS."""
        mine = self._take_lease()
        try:
            yield
        finally:
            with suppress(RepositoryError):  # the publication stands; the lease expires by itself
                self._put_if(_LEASE, _FREE, IfMatch=mine)

    def read(self, name: str) -> bytes | None:
        """See Repository."""
        found = self._get(name)
        return None if found is None else found.data

    def files(self, folder: str) -> Mapping[str, float]:
        """See Repository."""
        wanted = {"Bucket": self._bucket, "Prefix": f"{self._prefix}{folder}/", "Delimiter": "/"}
        found: dict[str, float] = {}
        while True:
            answer = self._call("s3:ListBucket", wanted["Prefix"], lambda: self._list(wanted))
            for listed in answer.get("Contents", []):
                found[listed["Key"].removeprefix(self._prefix)] = listed["LastModified"].timestamp()
            if not answer["IsTruncated"]:
                return found
            wanted["ContinuationToken"] = answer["NextContinuationToken"]

    def versions(self, role: str) -> list[int]:
        """See Repository."""
        return versions_in(self.files(METADATA_FOLDER), role)

    def create_version(self, name: str, data: bytes) -> None:
        """See Repository."""
        if self._put_if(name, data, IfNoneMatch="*") is None:
            raise BusyError(f"{name} exists: another publisher was first; publish again")

    def put_target(self, name: str, data: bytes) -> None:
        """See Repository."""
        tag = self._put(name, data)
        if name.startswith(f"{PACKS_FOLDER}/"):
            self._own_packs[name] = data, tag

    def replace(self, name: str, data: bytes, *, expected: bytes | None) -> None:
        """See Repository. A pack that this publisher put there last is not read again."""
        known, tag = self._own_packs.pop(name, (None, None))
        if known is None or known != expected:
            found = self._get(name)
            known, tag = (None, None) if found is None else (found.data, found.etag)
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        if known != expected or self._put_if(name, data, **condition) is None:
            raise BusyError(f"another publisher replaced {name} meanwhile; publish again")

    def replace_timestamp(self, data: bytes, *, expected: bytes | None) -> None:
        """See Repository."""
        self.replace(TIMESTAMP, data, expected=expected)

    def delete(self, name: str) -> None:
        """See Repository."""
        key = self._prefix + name
        self._call("s3:DeleteObject", key, lambda: self._client.delete_object(Bucket=self._bucket, Key=key))

    def _take_lease(self) -> str:
        """Take the lease, and return its tag.

        Raises:
            BusyError: another publisher holds it.
        """
        found = self._get(_LEASE)
        if found is not None and found.data.startswith(_HELD) and found.age < LEASE_SECONDS:
            raise BusyError(
                f"another publisher is at work since {found.age:.0f} s; try again when it has finished. If it was "
                f"killed, its lease ends in {LEASE_SECONDS - found.age:.0f} s"
            )
        condition = {"IfNoneMatch": "*"} if found is None else {"IfMatch": found.etag}
        mine = self._put_if(_LEASE, _HELD + b" " + secrets.token_hex(16).encode(), **condition)
        if mine is None:
            raise BusyError("another publisher is at work; try again when it has finished")
        return mine

    def _get(self, name: str) -> _Object | None:
        key = self._prefix + name

        def ask() -> _Object:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            written: datetime = answer["LastModified"]
            age = (_answered_at(answer) - written).total_seconds()
            if answer["ContentLength"] > (most := _most_bytes(name)):
                answer["Body"].close()
                raise RepositoryError(f"{self._where(key)} has {answer['ContentLength']:,} bytes; at most {most:,}")
            return _Object(answer["Body"].read(), answer["ETag"], age)

        try:
            return self._call("s3:GetObject", key, ask)
        except _MissingError:
            return None

    def _list(self, wanted: Mapping[str, str]) -> Any:
        answer = self._client.list_objects_v2(**wanted)
        if "IsTruncated" not in answer:
            raise LookupError
        return answer

    def _put_if(self, name: str, data: bytes, **condition: str) -> str | None:
        """Write an object on a condition, and return its tag, or None if the condition does not hold."""
        try:
            return self._put(name, data, **condition)
        except _ConditionError as e:
            found = self._get(name) if e.attempts > 1 else None
            return found.etag if found is not None and found.data == data else None

    def _put(self, name: str, data: bytes, **condition: str) -> str:
        key = self._prefix + name
        headers = {
            "ContentType": _CONTENT_TYPES.get(name[name.rfind(".") :], "application/octet-stream"),
            "CacheControl": _cache_control(name),
        }

        def ask() -> str:
            answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=data, **headers, **condition)
            return str(answer["ETag"])

        return self._call("s3:PutObject", key, ask)

    def _call(self, action: str, key: str, ask: Callable[[], _T]) -> _T:
        """Call S3, with retries until the deadline.

        Raises:
            _MissingError: there is no such object.
            _ConditionError: a write's condition does not hold.
            RepositoryError: it failed; the message names bucket, key, the IAM action and what to do.
        """
        try:
            return patiently(self._client, ask, self._patience, lambda refused: refused.code in _PASSING)
        except RefusedError as e:
            if e.code == "NoSuchKey" and action == "s3:GetObject":
                raise _MissingError from e
            if e.status == _PRECONDITION_FAILED or e.code == "NoSuchKey":  # the latter: the object to replace is gone
                raise _ConditionError(e.attempts) from e
            raise RepositoryError(self._explain(e, action, key)) from e
        except UnintelligibleError as e:
            raise RepositoryError(f"{self._where(key)}: {e}") from e

    def _where(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def _explain(self, refused: RefusedError, action: str, key: str) -> str:
        otherwise = _BROKEN if refused.status >= _SERVER_ERROR else _OTHERWISE
        advice = _ADVICE.get(refused.kind, otherwise).format(
            action=action,
            on=f"arn:aws:s3:::{self._bucket}" + ("" if action == "s3:ListBucket" else f"/{self._prefix}*"),
            bucket=self._bucket,
            endpoint=self._client.meta.endpoint_url,
            attempts=self._patience.in_words(refused.attempts),
        )
        return f"{self._where(key)}: {action}: {advice} ({refused.kind}: {refused.said})"


_NO_PERMISSION = "no permission; allow {action} on {on} to the caller, in an IAM policy or the bucket's"
_BAD_CREDENTIALS = "AWS does not accept the credentials; renew them"
_NO_CREDENTIALS = (
    "no AWS credentials that may use {action}; give this machine a role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID"
)
_ELSEWHERE = "the bucket {bucket} is in another region; name its region with AWS_REGION"
_NO_CONNECTION = (
    "no answer from {endpoint} after {attempts}; look at the region, the network or VPC endpoint, and AWS_ENDPOINT_URL "
    "if it is set"
)
_BUSY = "S3 asks to slow down: no answer after {attempts}; try again later"
_BROKEN = "{endpoint} failed {attempts}; nothing is wrong with the request: try again later. Is it S3? AWS_ENDPOINT_URL"
_OTHERWISE = "failed; the caller needs {action} on {on}"
_ADVICE = {
    "AccessDenied": _NO_PERMISSION,
    "AllAccessDisabled": _NO_PERMISSION,
    "NoSuchBucket": "there is no bucket {bucket}; look at the name in the authority's settings, or make it",
    "InvalidAccessKeyId": _BAD_CREDENTIALS,
    "SignatureDoesNotMatch": _BAD_CREDENTIALS,
    "ExpiredToken": _BAD_CREDENTIALS,
    "InvalidToken": _BAD_CREDENTIALS,
    "RequestTimeTooSkewed": "S3 says that this machine's clock is wrong; set it",
    "PermanentRedirect": _ELSEWHERE,
    "TemporaryRedirect": _ELSEWHERE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
    **dict.fromkeys(NO_CREDENTIALS, _NO_CREDENTIALS),
    **dict.fromkeys(NO_CONNECTION, _NO_CONNECTION),
    "ResponseStreamingError": _NO_CONNECTION,
    "IncompleteReadError": _NO_CONNECTION,
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
    "ThrottlingException": _BUSY,
    "InternalError": _BROKEN,
    "OperationAborted": _BUSY,
    "ConditionalRequestConflict": _BUSY,
}
"""By S3's error code, or botocore's exception: what is wrong and what to do."""
_PASSING = {"SlowDown", "RequestTimeout", "ThrottlingException", "OperationAborted", "ConditionalRequestConflict"}
"""Codes that mean "not now"; so does any status from 500 on."""


def _cache_control(name: str) -> str:
    if name == TIMESTAMP or name.startswith(f"{PACKS_FOLDER}/"):
        return f"public, max-age={TIMESTAMP_MAX_AGE}"
    return _FOREVER if name.startswith(_PUBLISHED) else "no-store"


def _most_bytes(name: str) -> int:
    return LOG_MAX_BYTES if name.endswith(".log") else _DOCUMENT_MAX_BYTES


def _answered_at(answer: Mapping[str, Any]) -> datetime:
    """Return the time of an answer by the server's clock."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
