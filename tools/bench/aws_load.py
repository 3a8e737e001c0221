"""Load on the functions, on ministack: calls and write units a pass, passes a second, times, cold start.

python tools/bench/aws_load.py [PASSES]

Calls and write units are counted on the wire, so they are AWS's too. What is timed is not: everything runs on one
machine, server and functions alike. ministack hands the function 10 messages at once where AWS hands it 100. As many
functions at a time as sign bare.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import package
from support.cloud import Cloud, event
from support.counting import counting
from support.ministack import REGION, Ministack, running
from support.passes import request
from support.processes import environment
from support.stack import CEREMONY, Stack, deploy

from movepass_issuer.aws import opening
from movepass_keys.signers.kms import create_wrapped_key
from movepass_wire.payload import ESP256

SIGNING = ("awskms", "awskms-wrapped")
AT_ONCE = 4
BARE_SECONDS = 5.0
DIRECT = 200
BATCHES = (1, 10, 100)
STANDARD_BATCH = 10
"""Messages that SQS hands to a function at once if nobody waits for more; the bars are for this one."""
ROUNDS = 10
COLD_RUNS = 9
CALLS_MAX = 1.4
WRITE_UNITS_MAX = 6.0
"""For a pass, in batches of STANDARD_BATCH."""
BAR_COLD = 2.0
IMPORTS = {
    "boto3 and cryptography": "import boto3; from cryptography.hazmat.primitives.asymmetric import ec",
    "issue function": "import movepass_issuer.aws.issue, boto3",
    "revoke function": "import movepass_issuer.aws.revoke, boto3",
    "publish function": "import movepass_issuer.aws.publish, boto3",
}


def sign_bare(url: str, key: str, seconds: float) -> float:
    """Sign as often as possible; gives signatures a second."""
    kms = boto3.client(
        "kms", endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    wanted = {"KeyId": key, "Message": b"m" * 160, "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
    kms.sign(**wanted)
    count, begun = 0, time.monotonic()
    while time.monotonic() < begun + seconds:
        kms.sign(**wanted)
        count += 1
    return count / (time.monotonic() - begun)


def bare(ministack: Ministack) -> float:
    """Have several processes sign at once."""
    key = ministack.key()
    with ProcessPoolExecutor(AT_ONCE) as pool:
        running_ = [pool.submit(sign_bare, ministack.url, key, BARE_SECONDS) for _ in range(AT_ONCE)]
        return sum(one.result() for one in running_)


@dataclass(frozen=True, slots=True)
class Load:
    """The result of a load on the functions.

    Attributes:
        passes: a second, through the queue.
        signatures: a second, by bare kms:Sign, of as many processes.
        p50: milliseconds of a direct invocation, the median.
        p99: the same, the 99th percentile.
    """

    passes: float
    signatures: float
    p50: float
    p99: float

    @property
    def ratio(self) -> float:
        """The rate of passes over that of bare signatures."""
        return self.passes / self.signatures


def load(signing: str, count: int) -> Load:
    """Issue so many passes through the queue, after bare signatures, then some directly."""
    with stack_with(signing) as stack:
        through_the_queue(stack, "warm", 200)
        signatures = bare(stack.ministack)
        return Load(through_the_queue(stack, "load", count), signatures, *direct(stack))


def through_the_queue(stack: Stack, begin: str, count: int) -> float:
    """Fill the queue, let it be read, and wait until all are answered; gives passes a second."""
    sqs, functions = stack.ministack.client("sqs"), stack.ministack.client("lambda")
    (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    now = int(time.time())
    for start in range(0, count, 10):
        entries = [
            {"Id": str(n), "MessageBody": json.dumps(request(f"{begin}-{n}", now))}
            for n in range(start, min(start + 10, count))
        ]
        sqs.send_message_batch(QueueUrl=stack.outputs["RequestsUrl"], Entries=entries)
    scaling = {"MaximumConcurrency": AT_ONCE}
    answers = stack.outputs["AnswersUrl"]
    before = waiting(sqs, answers)
    begun = time.monotonic()
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True, ScalingConfig=scaling)
    while waiting(sqs, answers) < before + count:
        if time.monotonic() > begun + 300:
            sys.exit(f"aws_load: {waiting(sqs, answers) - before} of {count} answers after 300 s")
        time.sleep(0.1)
    return count / (time.monotonic() - begun)


def waiting(sqs: Any, url: str) -> int:
    """Count the messages in a queue."""
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def direct(stack: Stack) -> tuple[float, float]:
    """Invoke one at a time; gives the median and the 99th percentile, in milliseconds."""
    times = []
    for n in range(DIRECT):
        asked, begun = request(f"direct-{n}", int(time.time())), time.perf_counter()
        stack.invoke("Issue", asked)
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


@contextmanager
def stack_with(signing: str) -> Iterator[Stack]:
    """Deploy, and set up an authority whose pass key is in KMS, or wrapped by it."""
    with tempfile.TemporaryDirectory() as temporary, running(Path(temporary)) as ministack:
        folder = Path(temporary)
        files = []
        if signing == "awskms-wrapped":
            os.environ.update(root_environment(ministack))
            create_wrapped_key(folder / "pass.json", ministack.wrapping_key(), ESP256)
            files = [folder / "pass.json"]
        package.build_here(folder / "movepass.zip", files)
        stack = deploy(ministack, folder / "movepass.zip", PublishRate="rate(1 day)")
        pass_signer = f"awskms:{stack.outputs['PassKeyArn']}"
        if files:
            pass_signer = f"awskms-wrapped:{files[0]}"
            unwrap_instead(stack)
        people = root_environment(ministack) if files else stack.environment(CEREMONY)
        subprocess.run(
            [
                sys.executable, "-m", "movepass_cli.main", "init", "--authority", folder / "authority",
                "--ledger", f"dynamodb:{stack.outputs['Table']}", "--pass-signer", pass_signer,
                "--repository", f"s3://{stack.outputs['RepositoryBucket']}",
                "--online-signer", f"awskms:{stack.outputs['OnlineKeyArn'] if not files else ministack.key()}",
            ], check=True, env=environment(people), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        yield stack


def unwrap_instead(stack: Stack) -> None:
    """Have the function unwrap its key, as with Signing=wrapped, whose key policy ministack can't evaluate."""
    functions, name = stack.ministack.client("lambda"), stack.outputs["IssueFunctionName"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables |= {"MOVEPASS_SIGNER": "awskms-wrapped:pass.json"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    stack.ministack.client("iam").put_role_policy(
        RoleName=stack.resources()["IssueRole"], PolicyName="unwrap",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )  # fmt: skip


def root_environment(ministack: Ministack) -> dict[str, str]:
    """Return the environment of the account's root."""
    return {
        "AWS_ENDPOINT_URL": ministack.url, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """What some passes cost on the wire, in batches of one size.

    Attributes:
        size: passes of a batch.
        passes: of all batches.
        counted: calls to AWS for each operation.
        units: write units of DynamoDB.
    """

    size: int
    passes: int
    counted: dict[str, int]
    units: float

    @property
    def calls(self) -> float:
        """Calls to AWS a pass."""
        return sum(self.counted.values()) / self.passes

    @property
    def write_units(self) -> float:
        """Write units of DynamoDB a pass."""
        return self.units / self.passes


def costs(rounds: int = ROUNDS) -> list[Cost]:
    """Count what a warm function asks of AWS, for batches of several sizes, so often each.

    Left out is what does not grow with the passes: the keys, read again each minute, and the lease of a block of
    indexes, one call and one write unit for BLOCK passes.
    """
    with (
        tempfile.TemporaryDirectory() as temporary,
        running(Path(temporary), auth=False) as ministack,
        counting(ministack) as tally,
        patch.object(opening, "KEYS_SECONDS", math.inf),
        patch.dict(os.environ, root_environment(ministack) | {"AWS_ENDPOINT_URL": tally.url}),
    ):
        cloud = Cloud.create(ministack, Path(temporary))
        issue = cloud.issue()
        issue(batch("first", 1), cloud.context)
        counted = []
        for size in BATCHES:
            tally.clear()
            for n in range(rounds):
                issue(batch(f"batch-{size}-{n}", size), cloud.context)
            passes = size * rounds
            if len(cloud.answers()) < passes:
                sys.exit(f"aws_load: {passes} passes asked for in batches of {size}, and not all were answered")
            counted.append(Cost(size, passes, dict(tally.calls.most_common()), tally.write_units))
        return counted


def batch(name: str, size: int) -> dict[str, Any]:
    """Write a batch of the queue."""
    return event(json.dumps(request(f"{name}-{n}", int(time.time()))) for n in range(size))


def cold() -> dict[str, float]:
    """Time the imports of each function from its package, in turns; gives medians in milliseconds."""
    with tempfile.TemporaryDirectory() as temporary:
        zipped, folder = Path(temporary) / "movepass.zip", Path(temporary) / "code"
        package.build_here(zipped)
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(folder)
        times: dict[str, list[float]] = {name: [] for name in IMPORTS}
        for _ in range(COLD_RUNS + 1):  # the first compiles
            for name, code in IMPORTS.items():
                timed = (
                    f"import sys, time; sys.path.insert(0, {str(folder)!r}); t = time.perf_counter(); {code}; "
                    "print(1000 * (time.perf_counter() - t))"
                )
                command = [sys.executable, "-I", "-S", "-c", timed]
                times[name].append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        return {name: statistics.median(some[1:]) for name, some in times.items()}


def main() -> int:
    """Print the figures; the exit code is 1 if a bar is missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    missed = []
    for signing in SIGNING:
        came = load(signing, count)
        print(
            f"{signing}: {came.passes:.0f} passes/s through the queue, bare kms:Sign {came.signatures:.0f}/s: "
            f"{came.ratio:.2f}"
        )
        print(f"{signing}: direct invocation, one at a time: p50 {came.p50:.0f} ms, p99 {came.p99:.0f} ms")
    for cost in costs():
        print(f"a batch of {cost.size}: {cost.calls:.2f} calls to AWS a pass, {cost.write_units:.2f} write units")
    times = cold()
    floor = times["boto3 and cryptography"]
    for name, milliseconds in times.items():
        print(f"importing {name}: {milliseconds:.0f} ms, {milliseconds / floor:.2f} of the floor")
    if times["issue function"] > BAR_COLD * floor:
        missed.append(f"importing the issue function takes {times['issue function'] / floor:.2f} of the floor")
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
