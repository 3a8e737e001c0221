"""What each part on AWS must scale to at the peak of April 2021, beside its default quota, and what it costs.

Processor time is measured (handlers.py); calls, write units, signatures and messages are counted by the design
(docs/aws.md). A Lambda function with 1,769 MB has one processor, so with 1 GB a millisecond here is 1.7 ms there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

APPLICATIONS_PER_S = 250
"""15,000 a minute."""
HITS = 160_000_000
HITS_HOURS = 46
HITS_PEAK_PER_S = 58_000 * 4 / 60
"""Assumed: the busiest minute has four times the hits of the mean, 58,000 a minute."""
STORED = 400_000
"""Applications in these 46 hours; the hits come to 400 for each."""
ISSUED_SHARE = 0.8
PROCESSOR_MB = 1769
FUNCTION_MB = 1024
WAIT_MS = 20
"""A function waits for DynamoDB or the queue: some milliseconds a call; assumed."""
_LAMBDA_GB_S, _LAMBDA_CALL = 0.0000133334, 0.20e-6
_WRITE_UNIT, _READ_UNIT = 0.625e-6, 0.125e-6
_GATEWAY, _CDN_CALL, _SQS, _SIGN = 1.00e-6, 1.0e-6, 0.40e-6, 15e-6
_CDN_GB, _PAGE_GB = 0.109, 6e-6
"""A hit fetches 6 KB, zipped."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a design at the peak.

    Attributes:
        name: for the table.
        need: what it must bear at the peak, in its quota's unit.
        unit: that unit.
        quota: the default; infinite where AWS says that it is nearly so.
        source: of the quota.
    """

    name: str
    need: float
    unit: str
    quota: float
    source: str

    @property
    def share(self) -> float:
        """Return the need as a share of the quota."""
        return self.need / self.quota


_LAMBDA = "[Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)"
_GATEWAYS = "[API Gateway quotas](https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html)"
_TABLES = "[DynamoDB quotas](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html)"
_KEYS = "[KMS request quotas](https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html)"
_QUEUES = (
    "[SQS quotas](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html)"
)
_CDN = "[CloudFront quotas](https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html)"
_CDN_PER_S = 250_000


def _at_once(per_s: float, ms: float, calls: float = 1) -> float:
    """Return how many functions work at one time: their own time, and the wait for each call."""
    return per_s * (ms * PROCESSOR_MB / FUNCTION_MB + WAIT_MS * calls) / 1000


def ours(ms: Mapping[str, float]) -> list[Part]:
    """Return the parts of our design: caches take the hits, the table's stream feeds the rules."""
    a, cached = APPLICATIONS_PER_S, HITS_PEAK_PER_S
    asked = a * 4  # check, send, and two looks at a status that no cache had
    functions = (
        _at_once(a, ms["check page"], 0) + _at_once(a, ms["send"]) + _at_once(2 * a, ms["status"])
        + _at_once(a / 10, 10 * ms["decide"], 20) + _at_once(a / 10, 10 * ms["seal, issue"], 24)
    )  # fmt: skip
    return [
        Part("CloudFront", cached, "requests/s", _CDN_PER_S, _CDN),
        Part("API Gateway", asked, "requests/s", 10_000, _GATEWAYS),
        Part("Lambda, all functions", functions, "at once", 1000, _LAMBDA),
        Part("DynamoDB, a new table on demand", 12 * a, "write units/s", 4000, _TABLES),
        Part("its busiest key: the line", 12, "write units/s", 1000, _TABLES),
        Part("KMS, ECC keys", a * ISSUED_SHARE + 1, "signatures/s", 300, _KEYS),
        Part("SQS, standard queues", a * 2 * 3 / 10, "calls/s", math.inf, _QUEUES),
    ]


def seed(ms: Mapping[str, float]) -> list[Part]:
    """Return the parts of the seed's design: API to FIFO queue to function, nothing cached, measured as ours."""
    a, hits = APPLICATIONS_PER_S, HITS_PEAK_PER_S
    functions = (
        _at_once(hits, ms["status"]) + _at_once(a, ms["send"]) + _at_once(a, ms["decide"] + ms["seal, issue"], 3)
    )
    return [
        Part("API Gateway", hits, "requests/s", 10_000, _GATEWAYS),
        Part("Lambda, all functions", functions, "at once", 1000, _LAMBDA),
        Part("DynamoDB, a new table on demand", hits / 2, "read units/s", 12_000, _TABLES),
        Part("SQS FIFO, one queue, no batches", a, "calls/s", 300, _QUEUES),
    ]


def cost_of_ours(ms: Mapping[str, float]) -> dict[str, float]:
    """Return what the 46 hours cost, in USD."""
    n, issued = STORED, STORED * ISSUED_SHARE
    calls = 4 * n + 0.3 * n
    milliseconds = n * (
        ms["check page"] + ms["send"] + 2 * ms["status"] + ms["decide"] + ms["seal, issue"] + 8 * WAIT_MS
    )
    return {
        "CloudFront": HITS * _CDN_CALL + HITS * _PAGE_GB * _CDN_GB,
        "API Gateway": 4 * n * _GATEWAY,
        "Lambda": calls * _LAMBDA_CALL + _gigabyte_seconds(milliseconds) * _LAMBDA_GB_S,
        "DynamoDB": 12 * n * _WRITE_UNIT + 6 * n * _READ_UNIT,
        "KMS": issued * _SIGN,
        "SQS": 0.6 * n * _SQS,
    }


def cost_of_seed(ms: Mapping[str, float]) -> dict[str, float]:
    """Return what the same hours would cost the seed's design, in USD, if its quotas let it."""
    n = STORED
    milliseconds = HITS * (ms["status"] + WAIT_MS) + n * (ms["send"] + ms["decide"] + ms["seal, issue"] + 4 * WAIT_MS)
    return {
        "API Gateway": HITS * _GATEWAY + HITS * _PAGE_GB * _CDN_GB,
        "Lambda": (HITS + 2 * n) * _LAMBDA_CALL + _gigabyte_seconds(milliseconds) * _LAMBDA_GB_S,
        "DynamoDB": 3 * n * _WRITE_UNIT + HITS / 2 * _READ_UNIT,
        "SQS": 3 * n * _SQS * 1.25,
    }


def _gigabyte_seconds(milliseconds: float) -> float:
    return milliseconds / 1000 * FUNCTION_MB / 1024
