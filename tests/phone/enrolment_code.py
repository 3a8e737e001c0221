"""Prints the code that sets a phone up: `enrolment_code.py SOURCE AUTHORITY [HASH]`, HASH in place of the root's."""

import hashlib
import sys
from pathlib import Path

from movepass_verifier.sync.enrolment import PREFIX, code
from movepass_wire import base45


def main(source: str, authority: str, other_hash: str = "") -> None:
    """Print it."""
    root = (Path(authority) / "repository" / "metadata" / "1.root.json").read_bytes()
    text = code([source], root)
    if other_hash:
        document = base45.decode(text.removeprefix(PREFIX))
        wrong = document.replace(hashlib.sha256(root).hexdigest().encode(), other_hash.encode())
        text = PREFIX + base45.encode(wrong)
    print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
