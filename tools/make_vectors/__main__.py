"""The command: write the files, or look whether they are as they would be written."""

import json
import sys
from collections.abc import Sequence

from make_vectors.common import FOLDER
from make_vectors.files import files, stale


def main(arguments: Sequence[str]) -> int:
    if arguments == ["--check"]:
        wrong = stale()
        sys.stdout.writelines(f"{name} is not as make_vectors writes it\n" for name in wrong)
        return 1 if wrong else 0
    if arguments:
        sys.stderr.write("usage: python -m make_vectors [--check]\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
        sys.stdout.write(f"{name}: {len(json.loads(data)['vectors'])} vectors, {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
