"""Packs among what a source offers: which are asked for, what they may replace, and which are of no use."""

import json
import struct
from collections.abc import Iterable
from dataclasses import replace

from make_vectors.common import DAY, PUBLISHED, Vector
from make_vectors.statuslog import log
from make_vectors.sync import FIRST, LATER, OTHER_ONLINE, SECOND, Files, Publication, case, plain_name

SOON = PUBLISHED + 300
NEWER = replace(SECOND, at=SOON)
NEWEST = replace(NEWER, version=3, at=SOON + 60, logs={**SECOND.logs, f"status/{DAY + 2}.log": log(DAY + 2, [3])})
FRESH, RECENT, HOURS, AHEAD = 600, 4500, 13, 300
"""Of docs/spec.md, in seconds and hours."""
TIMESTAMP = "metadata/timestamp.json"
Parts = dict[str, tuple[int, bytes]]


def pack(parts: Parts) -> bytes:
    """Write a pack."""
    return b"MPK1" + b"".join(
        bytes([len(name)]) + name.encode("latin-1") + struct.pack(">II", start, len(data)) + data
        for name, (start, data) in parts.items()
    )


def parts_of(publication: Publication, since: Publication | None = FIRST) -> Parts:
    """Return what devices lack that hold one publication and are to have another."""
    held = since.files() if since else {}
    files = {path: data for path, data in publication.files().items() if held.get(path) != data}
    parts = {plain_name(path): (0, data) for path, data in files.items()}
    for name, before in (since.logs if since else {}).items():
        if name in parts and parts[name][1].startswith(before):
            parts[name] = (len(before), parts[name][1][len(before) :])
    return parts


def offering(packs: dict[str, bytes], files: Files | None = None) -> Files:
    return {**(files or {}), **{f"packs/{name}": data for name, data in packs.items()}}


def pack_vectors() -> list[Vector]:
    return [*used(), *of_no_use(), *time_of_a_pack(), *hostile()]


ALL = parts_of(NEWER)
NOW = SOON + 30
AT_ONCE = PUBLISHED + 30


def used() -> Iterable[Vector]:
    """In most of these, nothing but the pack is there."""
    yield case("pack", "a pack alone brings a newer publication", offering({"1": pack(ALL)}), NEWER, now=NOW)
    own = {"1": pack({TIMESTAMP: (0, FIRST.files()[TIMESTAMP])})}
    yield case("pack-own", "a pack says that nothing is newer", offering(own), FIRST, now=AT_ONCE)
    yield case("pack-own-hides", "and a device believes it", offering(own, NEWER.files()), FIRST, now=AT_ONCE)
    whole = pack(parts_of(NEWER, None))
    yield case("pack-whole", "logs from their beginning on", offering({"1": whole}), NEWER, now=NOW)
    rooted = replace(NEWER, root=2, targets=2, online=OTHER_ONLINE)
    yield case("pack-root", "a new root", offering({"1": pack(parts_of(rooted))}), rooted, now=NOW)
    unrooted = offering({"1": pack(ALL)}, {"metadata/2.root.json": b"never asked for"})
    yield case("pack-without-root", "a current pack without a root: there is none", unrooted, NEWER, now=NOW)
    for name, left in (("log", f"status/{DAY}.log"), ("status", "metadata/2.status.json")):
        parts = {part: data for part, data in ALL.items() if part != left}
        files = {path: data for path, data in NEWER.files().items() if plain_name(path) == left}
        yield case(f"pack-lacks-{name}", f"{name} is fetched", offering({"1": pack(parts)}, files), NEWER, now=NOW)
    more = pack({**ALL, "status/notes.txt": (7, b"x"), "a" * 255: (0, b"")})
    yield case("pack-other-names", "names that nobody asks for", offering({"1": more}), NEWER, now=NOW)


def of_no_use() -> Iterable[Vector]:
    """The whole repository is there as well, and is what is taken."""
    newest = NEWEST.files()
    yield case("pack-none", "no pack at all", newest, NEWEST, now=NOW)
    yield case("pack-empty", "a pack of no parts", offering({"1": pack({})}, newest), NEWEST, now=NOW)
    yield case("pack-empty-alone", "and of nothing else", offering({"1": pack({})}), "unreachable", now=NOW)
    behind = offering({"2": pack({TIMESTAMP: (0, FIRST.files()[TIMESTAMP])})}, SECOND.files())
    yield case("pack-behind", "an older timestamp is not the source's", behind, SECOND, held="second", now=LATER + 30)
    for name, left in (
        ("timestamp", TIMESTAMP), ("snapshot", "metadata/2.snapshot.json"), ("status", "metadata/2.status.json"),
        ("log", f"status/{DAY}.log"), ("denied", "status/denied-keys.json"),
    ):  # fmt: skip
        start, data = ALL[left]
        wrong = pack({**ALL, left: (start, data[:-1] + bytes([data[-1] ^ 1]))})
        files = offering({"1": wrong}, NEWER.files())
        yield case(f"pack-wrong-{name}", f"another byte of {name}", files, NEWER, now=NOW)
        moved = pack({**ALL, left: (start + 1, data)})
        yield case(f"pack-moved-{name}", f"{name} elsewhere", offering({"1": moved}, NEWER.files()), NEWER, now=NOW)
    thief = {**ALL, "metadata/2.root.json": (0, b"{}")}
    yield case("pack-root-bad", "a root of nobody's", offering({"1": pack(thief)}, NEWER.files()), NEWER, now=NOW)


def time_of_a_pack() -> Iterable[Vector]:
    newest, both = NEWEST.files(), {"1": pack(ALL)}
    own = {"1": pack({TIMESTAMP: (0, FIRST.files()[TIMESTAMP])})}
    end = PUBLISHED + FRESH
    yield case("pack-own-last", "its last second", offering(own, newest), FIRST, now=end)
    yield case("pack-own-old", "then it hides nothing", offering(own, newest), NEWEST, now=end + 1)
    yield case("pack-last", "the last second of one that brings more", offering(both, newest), NEWER, now=SOON + FRESH)
    yield case("pack-old", "then the timestamp is asked for", offering(both, newest), NEWEST, now=SOON + FRESH + 1)
    files = {TIMESTAMP: NEWER.files()[TIMESTAMP]}
    alone = offering(both, files)
    yield case("pack-old-used", "and the pack has the rest", alone, NEWER, now=SOON + FRESH + 1)
    rooted = replace(NEWER, root=2, targets=2, online=OTHER_ONLINE)
    parts = {name: part for name, part in parts_of(rooted).items() if name != "metadata/2.root.json"}
    files = {path: rooted.files()[path] for path in (TIMESTAMP, "metadata/2.root.json")}
    rest = offering({"1": pack(parts)}, files)
    yield case("pack-old-root", "an old pack's roots are asked for", rest, rooted, now=SOON + FRESH + 1)
    early = PUBLISHED - AHEAD
    yield case("pack-ahead", "a clock that is just not too far behind", offering(own, newest), FIRST, now=early)
    yield case("pack-too-far-ahead", "a clock that is", offering(own, newest), NEWEST, now=early - 1)
    late = replace(NEWER, at=PUBLISHED + RECENT)
    by_version, by_hour = {"1": pack(parts_of(late))}, {f"hour-{PUBLISHED // 3600}": pack(parts_of(late))}
    yield case("pack-version", "the pack of a version", offering(by_version), late, now=PUBLISHED + RECENT)
    yield case("pack-not-hour", "and of no hour", offering(by_hour), "unreachable", now=PUBLISHED + RECENT)
    yield case("pack-hour", "then that of an hour", offering(by_hour), late, now=PUBLISHED + RECENT + 1)
    last = (PUBLISHED // 3600 + HOURS + 1) * 3600
    day = replace(NEWER, at=last - 60)
    by_hour = {f"hour-{PUBLISHED // 3600}": pack(parts_of(day))}
    yield case("pack-hour-last", "its last second", offering(by_hour), day, now=last - 1)
    yield case("pack-hour-over", "then none", offering(by_hour), "unreachable", now=last)


def hostile() -> Iterable[Vector]:
    """They are no packs, and nothing else is there."""
    good = pack(ALL)
    first = len(pack({TIMESTAMP: ALL[TIMESTAMP]}))
    for name, why, data in (
        ("torn", "its last byte is missing", good[:-1]),
        ("more", "a byte more", good + b"\x00"),
        ("head", "half a part's head", good + b"\x01a\x00"),
        ("magic", "another beginning", b"MPK2" + good[4:]),
        ("nothing", "no byte", b""),
        ("page", "a page", b"<html>"),
        ("no-name", "a name of no character", good + b"\x00" + bytes(8)),
        ("not-ascii", "a name beyond ASCII", good + b"\x01\x80" + bytes(8)),
        ("twice", "a name that is there twice", good + good[4:first]),
        ("huge", "a part of 4 GB", good + b"\x01a" + b"\x00" * 4 + b"\xff" * 4),
    ):
        yield case(f"pack-{name}", why, offering({"1": data}), "unreachable", now=NOW)
    far = json.loads(ALL[TIMESTAMP][1])
    far["signed"]["x-movepass-published"] = SOON + FRESH
    forged = pack({**ALL, TIMESTAMP: (0, json.dumps(far).encode())})
    yield case(
        "pack-forged", "a time that nobody signed", offering({"1": forged}, NEWER.files()), NEWER, now=SOON + 700
    )
