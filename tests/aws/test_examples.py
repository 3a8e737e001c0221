"""The examples run as they stand."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from support.ministack import REGION
from support.passes import request
from support.processes import ROOT, environment
from support.stack import CEREMONY, Stack
from support.world import World

EXAMPLES = ROOT / "examples"
PORT = 18_431


def post(path: str, document: object) -> Any:
    return json.loads(urlopen(f"http://127.0.0.1:{PORT}{path}", json.dumps(document).encode(), timeout=10).read())


def test_a_service_that_embeds_the_library(world: World) -> None:
    command = [sys.executable, str(EXAMPLES / "issuing_service.py"), str(world.authority.folder), str(PORT)]
    service = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
    try:
        asked, end = request("R-1", world.now), time.monotonic() + 30
        while True:
            try:
                answer = post("/passes", asked)
                break
            except URLError:
                assert time.monotonic() < end
                time.sleep(0.1)
        assert world.verdict(answer["text"]) == "valid"
        assert post("/passes", asked) == answer
        revoked = post("/revocations", {"request_id": "R-1"})
        assert post("/passes", asked) == answer | {"revoked_at": revoked["revoked_at"]}
        with pytest.raises(HTTPError, match="422"):
            post("/passes", {"request_id": "R-2"})
    finally:
        service.kill()
        service.wait()


def test_a_service_that_calls_the_functions(deployed: Stack, tmp_path: Path) -> None:
    outputs = deployed.outputs
    if not _is_set_up(deployed):
        subprocess.run(
            [
                sys.executable, "-m", "movepass_cli.main", "init", "--authority", tmp_path / "authority",
                "--ledger", f"dynamodb:{outputs['Table']}", "--repository", f"s3://{outputs['RepositoryBucket']}",
                "--pass-signer", f"awskms:{outputs['PassKeyArn']}",
                "--online-signer", f"awskms:{outputs['OnlineKeyArn']}",
            ], check=True, env=environment(deployed.environment(CEREMONY)),
        )  # fmt: skip
    (tmp_path / "request.json").write_text(json.dumps(request("E-1", int(time.time()))))
    root = {"AWS_ENDPOINT_URL": deployed.ministack.url, "AWS_DEFAULT_REGION": REGION}
    done = subprocess.run(
        [sys.executable, EXAMPLES / "lambda_client.py", deployed.name, tmp_path / "request.json"],
        capture_output=True, text=True, check=True, timeout=60,
        env=environment(root | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}),
    )  # fmt: skip
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == second
    assert first["request_id"] == "E-1"
    assert first["text"].startswith("MP1:")


def _is_set_up(stack: Stack) -> bool:
    s3 = stack.ministack.client("s3")
    return bool(s3.list_objects_v2(Bucket=stack.outputs["RepositoryBucket"])["KeyCount"])
