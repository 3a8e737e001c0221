"""Common to all vectors: times, bounds and the form of one vector."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

SEED = "movepass test vectors, format 1"
FORMAT = 1
REPOSITORY = Path(__file__).resolve().parent.parent.parent
FOLDER = REPOSITORY / "tests" / "vectors"
CODES = REPOSITORY / "wire" / "movepass_wire" / "codes.json"

NBF = int(datetime(2026, 11, 22, 3, tzinfo=UTC).timestamp())
EXP = NBF + 3 * 3600
DAY = EXP // 86400
NOW = NBF + 3600
PUBLISHED = NBF - 1800
SYNCED = NBF - 1740
KEY_NBF, KEY_EXP = NBF - 30 * 86400, NBF + 335 * 86400
TIME_LIMIT, INDEX_LIMIT, CODE_LIMIT = 1 << 32, 1 << 30, 1 << 16
PASS_MAX = 12 * 3600
TEXT_MAX = 1024
DHAKA = timezone(timedelta(hours=6))

Vector = dict[str, Any]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def vector(name: str, why: str, kind: str, given: Mapping[str, Any], expect: Mapping[str, Any]) -> Vector:
    return {"id": name, "why": why, "kind": kind, "input": dict(given), "expect": dict(expect)}
