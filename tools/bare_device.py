"""Proves that a device without extras works: it is installed, syncs over HTTP and verifies.

A new virtual environment gets the base install and nothing else. The authority runs from the environment that runs
this script; the device knows only the root and the address.
"""

import json
import subprocess
import sys
import tempfile
import threading
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
EXTRAS = {"boto3", "botocore", "qrcode", "pillow", "zxing-cpp", "cbor2", "cwt"}
sys.path.insert(0, str(HOUSE / "demo"))

from run import EXAMPLES_NOW, approved_for_today  # noqa: E402 - the demo knows how to move the examples to today


def run(*command: str | Path, given: str | None = None) -> str:
    """Run a command that must succeed; returns what it printed."""
    result = subprocess.run([str(part) for part in command], input=given, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"bare: {command[0]} failed with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


def main() -> None:
    """Install, enroll, sync, verify; say what was shown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "venv", folder / "venv")
        python = folder / "venv" / "bin" / "python"
        pip = (python, "-m", "pip", "--disable-pip-version-check")
        run(*pip, "install", "--quiet", "--constraint", HOUSE / "constraints.txt", HOUSE)
        installed = {row["name"].lower() for row in json.loads(run(*pip, "list", "--format", "json"))}
        if installed & EXTRAS:
            sys.exit(f"bare: the base install brought {installed & EXTRAS}")

        movepass = (sys.executable, "-m", "movepass_cli.main")
        run(*movepass, "init", "--authority", folder / "authority")
        request = approved_for_today(datetime.now(EXAMPLES_NOW.tzinfo))[0]
        issued = run(*movepass, "issue", "--authority", folder / "authority", "-", "--json", given=request)
        text = json.loads(issued)["text"]

        handler = partial(SimpleHTTPRequestHandler, directory=str(folder / "authority" / "repository"))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            device = folder / "venv" / "bin" / "movepass"
            root = folder / "authority" / "repository" / "metadata" / "1.root.json"
            source = f"http://127.0.0.1:{server.server_port}"
            run(device, "enroll", "--store", folder / "device", "--root", root, "--source", source)
            synced = json.loads(run(device, "sync", "--store", folder / "device", "--json"))
            server.shutdown()
        verdict = json.loads(run(device, "verify", "--store", folder / "device", "--json", text))
    if verdict["verdict"] != "valid":
        sys.exit(f"bare: expected valid, got {verdict['verdict']}: {verdict['reason']}")
    print(f"bare: {len(installed)} packages, synced {synced['bytes']} bytes over HTTP, verdict {verdict['verdict']}")


if __name__ == "__main__":
    main()
