"""The files, a line a vector."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from make_vectors.common import FOLDER, FORMAT, Vector
from make_vectors.enrolment import enrolment_vectors
from make_vectors.key_documents import key_vectors
from make_vectors.number import number_vectors
from make_vectors.packs import pack_vectors
from make_vectors.payload import payload_vectors
from make_vectors.statuslog import statuslog_vectors
from make_vectors.sync import repositories, sync_vectors
from make_vectors.verify import states, verify_vectors


def document(name: str, note: str, vectors: Sequence[Vector], **shared: Any) -> bytes:
    """Write one file: a line a vector, ASCII only."""
    names = [v["id"] for v in vectors]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    lines = [f'"format": {FORMAT}', f'"name": {json.dumps(name)}', f'"note": {json.dumps(note)}']
    for title, entries in shared.items():
        lines.append(_block(title, "{", (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()), "}"))
    lines.append(_block("vectors", "[", map(json.dumps, vectors), "]"))
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _block(title: str, start: str, entries: Iterable[str], end: str) -> str:
    return f'"{title}": {start}\n' + ",\n".join(entries) + f"\n{end}"


def files() -> dict[str, bytes]:
    made = "Written by tools/make_vectors; see README.md."
    return {
        "payload.json": document("payload", f"Texts, taken apart or refused. {made}", payload_vectors()),
        "verify.json": document("verify", f"Texts and their verdicts. {made}", verify_vectors(), states=states()),
        "statuslog.json": document("statuslog", f"Status logs, read and written. {made}", statuslog_vectors()),
        "keys.json": document("keys", f"Published key documents, read or refused. {made}", key_vectors()),
        "enrolment.json": document("enrolment", f"Codes that set devices up. {made}", enrolment_vectors()),
        "sync.json": document(
            "sync",
            f"Repositories as files, taken over or refused. {made}",
            [*sync_vectors(), *pack_vectors()],
            repositories=repositories(),
        ),
        "number.json": document("number", f"Pass numbers, read and written. {made}", number_vectors()),
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Name the files that are not as they would be written."""
    made = files()
    return [
        name for name, data in made.items() if not (folder / name).is_file() or (folder / name).read_bytes() != data
    ]
