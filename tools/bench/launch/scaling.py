"""What each part on AWS must scale to in April 2021 as it is replayed, beside its default quota, and what it costs.

Processor time is measured (handlers.py); so are calls and write units (docs/aws.md, tests/service/stores), pages' bytes
and what an applicant fetches. A Lambda function with 1,769 MB has one processor, so with 1 GB a millisecond here is
1.7 ms there. The seed's design has an API, a FIFO queue and a function, and no line and no cached status.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from launch.crowd import CAPACITY, LOOK_S
from launch.handlers import Visit
from launch.replay import ISSUED_SHARE, Minute, peak, play, total

PROCESSOR_MB = 1769
FUNCTION_MB = 1024
WAIT_MS = 20
"""A function waits for DynamoDB or the queue: some milliseconds a call; assumed."""
STATUS_READ_UNITS = 2
SERVICE_CALLS, SERVICE_WRITE_UNITS = 5.1, 4.2
ISSUER_CALLS, ISSUER_WRITE_UNITS = 1.4, 6
"""For an application, in batches of 10: counted on the wire."""
_SEEDS_CALLS = 4
"""API calls of an applicant of the seed's: register, log in, apply, ask for the pass."""
_LAMBDA_GB_S, _LAMBDA_CALL = 0.0000133334, 0.20e-6
_WRITE_UNIT, _READ_UNIT = 0.625e-6, 0.125e-6
_GATEWAY, _CDN_CALL, _SQS, _SIGN = 1.00e-6, 1.0e-6, 0.40e-6, 15e-6
_CDN_GB = 0.109e-9


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a design in the busiest minute.

    Attributes:
        name: for the table.
        pages: what it must bear if refreshes are of pages, in its quota's unit.
        status: the same if they are of status pages.
        unit: that unit.
        quota: the default; infinite where AWS says that it is nearly so.
        source: of the quota.
    """

    name: str
    pages: float
    status: float
    unit: str
    quota: float
    source: str

    @property
    def share(self) -> float:
        """Return the greater need as a share of the quota."""
        return max(self.pages, self.status) / self.quota


_LAMBDA = "[Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)"
_GATEWAYS = "[API Gateway quotas](https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html)"
_TABLES = "[warm throughput](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html)"
_KEYS = "[KMS request quotas](https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html)"
_QUEUES = (
    "[SQS quotas](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html)"
)
_CDN = "[CloudFront quotas](https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html)"
_CDN_PER_S = 250_000
_NEW_WRITES, _NEW_READS, _KEY_WRITES = 4000, 12_000, 1000


@dataclass(frozen=True, slots=True)
class Launch:
    """April 2021 with and without a line, and the costs that were measured.

    Attributes:
        ms: milliseconds of processor time, by what for.
        visit: what an applicant fetches.
        ours: the minutes with our line.
        theirs: the minutes without a line.
    """

    ms: Mapping[str, float]
    visit: Visit
    ours: list[Minute]
    theirs: list[Minute]

    @classmethod
    def of(cls, ms: Mapping[str, float], visit: Visit) -> "Launch":
        """Replay it."""
        capacity = CAPACITY.urgent_per_s + CAPACITY.ordinary_per_s
        ours = play(visit, capacity_per_s=capacity, look_s=LOOK_S)
        return cls(ms, visit, ours, play(visit, capacity_per_s=math.inf, look_s=LOOK_S))


def _at_once(per_s: float, ms: float, calls: float = 1) -> float:
    """Return how many functions work at one time: their own time, and the wait for each call."""
    return per_s * (ms * PROCESSOR_MB / FUNCTION_MB + WAIT_MS * calls) / 1000


def ours(launch: Launch) -> list[Part]:
    """Return the parts of our design: caches take pages, the line holds back, the table's stream feeds the rules."""
    ms, minutes = launch.ms, launch.ours
    arrived, entered, refreshes = (peak(minutes, what) for what in ("arrived", "entered", "refreshes"))
    cached = peak(minutes, "kept") + peak(minutes, "looks")
    asked = 2 * arrived + entered * 2  # check and send when it comes; two looks at its status
    work = (
        _at_once(arrived, ms["check page"], 0) + _at_once(arrived, ms["place in line"], 0.1)
        + _at_once(entered, ms["send"], 3) + _at_once(2 * entered, ms["status"])
        + _at_once(entered / 10, 10 * ms["decide"], 11) + _at_once(entered / 10, 10 * ms["seal, issue"], 24)
    )  # fmt: skip
    looking = _at_once(refreshes, ms["status, unchanged"])
    reads, ledger = STATUS_READ_UNITS * 2 * entered, ISSUER_WRITE_UNITS * entered * ISSUED_SHARE
    return [
        Part("CloudFront", cached + asked + refreshes, cached + asked + refreshes, "requests/s", _CDN_PER_S, _CDN),
        Part("API Gateway", asked, asked + refreshes, "requests/s", 10_000, _GATEWAYS),
        Part("Lambda, all functions", work, work + looking, "at once", 1000, _LAMBDA),
        _both("DynamoDB, applications, a new table", SERVICE_WRITE_UNITS * entered, "write units/s", _NEW_WRITES),
        Part(
            "DynamoDB, applications, reading", reads, reads + STATUS_READ_UNITS * refreshes, "read units/s",
            _NEW_READS, _TABLES,
        ),
        _both("DynamoDB, ledger, a new table", ledger, "write units/s", _NEW_WRITES),
        _both("its busiest key: the line", 2 * 4 + arrived / 64, "write units/s", _KEY_WRITES),
        _both("KMS, ECC keys", entered * ISSUED_SHARE + 1, "signatures/s", 1000, _KEYS),
        _both("SQS, standard queues", entered * 2 * 3 / 10, "calls/s", math.inf, _QUEUES),
    ]  # fmt: skip


def seed(launch: Launch) -> list[Part]:
    """Return the parts of the seed's design: API to FIFO queue to function, measured as ours."""
    ms, minutes = launch.ms, launch.theirs
    arrived, refreshes, cached = (peak(minutes, what) for what in ("arrived", "refreshes", "kept"))
    asked = _SEEDS_CALLS * arrived
    work = (
        _at_once(2 * arrived, ms["status"]) + _at_once(arrived, ms["send"]) + _at_once(arrived, ms["status"])
        + _at_once(arrived, ms["decide"] + ms["seal, issue"], 3)
    )  # fmt: skip
    return [
        Part("CloudFront or a web server", cached + refreshes, cached, "requests/s", _CDN_PER_S, _CDN),
        Part("API Gateway", asked, asked + refreshes, "requests/s", 10_000, _GATEWAYS),
        Part("Lambda, all functions", work, work + _at_once(refreshes, ms["status"]), "at once", 1000, _LAMBDA),
        _both("DynamoDB, a new table", 3 * arrived, "write units/s", _NEW_WRITES),
        Part("DynamoDB, reading", 2 * arrived, 2 * arrived + refreshes, "read units/s", _NEW_READS, _TABLES),
        _both("SQS FIFO, one queue, no batches", arrived, "calls/s", 300, _QUEUES),
    ]


def _both(name: str, need: float, unit: str, quota: float, source: str = "") -> Part:
    """Return a part that refreshes do not reach."""
    known = {"DynamoDB": _TABLES, "its busi": _TABLES, "KMS, ECC": _KEYS, "SQS, sta": _QUEUES, "SQS FIFO": _QUEUES}
    return Part(name, need, need, unit, quota, source or known[name[:8]])


def cost_of_ours(launch: Launch, *, is_status: bool) -> dict[str, float]:
    """Return what the 46 hours cost, in USD.

    Args:
        launch: the replay.
        is_status: whether refreshes are of status pages.
    """
    ms, visit, minutes = launch.ms, launch.visit, launch.ours
    n, looks, refreshes = (total(minutes, what) for what in ("entered", "looks", "refreshes"))
    asked = n * visit.asked + (refreshes if is_status else 0)
    hits = n * (visit.kept + visit.asked) + looks + refreshes
    milliseconds = n * (
        ms["check page"] + ms["send"] + 2 * ms["status"] + ms["decide"] + ms["seal, issue"]
        + (SERVICE_CALLS + ISSUER_CALLS + 2) * WAIT_MS
    ) + (refreshes * (ms["status, unchanged"] + WAIT_MS) if is_status else 0)  # fmt: skip
    writes = n * (SERVICE_WRITE_UNITS + ISSUER_WRITE_UNITS * ISSUED_SHARE)
    reads = n * 6 + (refreshes * STATUS_READ_UNITS if is_status else 0)
    sent = n * visit.bytes_whole + refreshes * (visit.bytes_unchanged if is_status else visit.bytes_page)
    return {
        "CloudFront": hits * _CDN_CALL + sent * _CDN_GB,
        "API Gateway": asked * _GATEWAY,
        "Lambda": (asked + 0.3 * n) * _LAMBDA_CALL + _gigabyte_seconds(milliseconds) * _LAMBDA_GB_S,
        "DynamoDB": writes * _WRITE_UNIT + reads * _READ_UNIT,
        "KMS": n * ISSUED_SHARE * _SIGN,
        "SQS": 0.6 * n * _SQS,
    }


def cost_of_seed(launch: Launch, *, is_status: bool) -> dict[str, float]:
    """Return what the same hours would cost the seed's design, in USD, if its quotas let it."""
    ms, visit, minutes = launch.ms, launch.visit, launch.theirs
    n, refreshes = total(minutes, "entered"), total(minutes, "refreshes")
    calls = n * _SEEDS_CALLS + (refreshes if is_status else 0)
    cached = n * visit.kept + (0 if is_status else refreshes)
    milliseconds = calls * (ms["status"] + WAIT_MS) + n * (ms["send"] + ms["decide"] + ms["seal, issue"] + 3 * WAIT_MS)
    sent = n * visit.bytes_whole + refreshes * (visit.bytes_status if is_status else visit.bytes_page)
    return {
        "CloudFront": cached * _CDN_CALL + sent * _CDN_GB,
        "API Gateway": calls * _GATEWAY,
        "Lambda": (calls + n) * _LAMBDA_CALL + _gigabyte_seconds(milliseconds) * _LAMBDA_GB_S,
        "DynamoDB": 3 * n * _WRITE_UNIT + (calls + n) * _READ_UNIT,
        "SQS": 3 * n * _SQS * 1.25,
    }


def _gigabyte_seconds(milliseconds: float) -> float:
    return milliseconds / 1000 * FUNCTION_MB / 1024
