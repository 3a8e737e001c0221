"""The content of the codes: the standard pass in our format and as an HCERT, signed once.

A signature differs from run to run, and with it what is read and what is not; so that a run can be repeated, the texts
stand in texts.json. `python -m rain.texts` signs them again.
"""

import json
from pathlib import Path

from qr_sizes import HCERT, OURS, SCHEMES, STANDARD, SUBJECTS, Key

SIGNATURES = 6
_FILE = Path(__file__).with_name("texts.json")

SIGNED: list[dict[str, str]] = json.loads(_FILE.read_text("ascii")) if _FILE.exists() else []
"""For each signature the text by scheme."""


def sign() -> list[dict[str, str]]:
    """Sign the standard pass in both schemes."""
    key = Key.fresh()
    schemes = (OURS, HCERT)
    return [{name: SCHEMES[name](SUBJECTS[STANDARD], key).text for name in schemes} for _ in range(SIGNATURES)]


if __name__ == "__main__":
    _FILE.write_text(json.dumps(sign(), indent=1) + "\n", "ascii")
