"""A device in a process of its own (`python one_device.py STORE NOW`): syncs once and tells what that took, as JSON."""

import json
import sys
import time
from pathlib import Path

from movepass_verifier import Device


def main(store: Path, now: int) -> None:
    """Sync, and print what it took."""
    began = time.monotonic()
    with Device.open(store, clock=lambda: now) as device:
        result = device.sync()
    seconds = time.monotonic() - began
    revoked = sum(log.revoked for log in result.logs)
    told = {"seconds": seconds, "peak_mb": _peak_mb(), "received": result.received, "revoked": revoked}
    print(json.dumps(told))


def _peak_mb() -> float:
    """Read the most memory this process ever had; what getrusage says may be the parent's."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
