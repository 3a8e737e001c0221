"""The target log: any bytes as a revocation list, held against a reader that takes it bit by bit."""

from collections.abc import Sequence

from fuzz.passes import vectors
from fuzz.targets import Check, hold
from movepass_wire import Bitmap, LogError, read_log

_INDEXES, _K_MOST = 1 << 30, 26


def log() -> tuple[Check, Sequence[bytes]]:
    """Any bytes as a log."""
    seeds = {v["input"]["log"] for v in vectors("statuslog")["vectors"] if v["kind"] == "statuslog-read"}
    return _check, sorted(bytes.fromhex(seed) for seed in seeds if len(seed) < 1 << 13)


def _check(data: bytes) -> None:
    try:
        read = read_log(data)
    except LogError:
        hold(_bit_by_bit(data) is None, "a log is refused that keeps the rules")
        return
    said = _bit_by_bit(data)
    hold(said is not None and (read.day, read.generation) == said[:2], "a log is read as another")
    indexes = Bitmap()
    indexes.add(said[2] if said else [])
    hold(indexes == read.revoked, "a log is read as one of other indexes")


def _bit_by_bit(data: bytes) -> tuple[int, int, list[int]] | None:
    """Read a log by the words of docs/spec.md; None where a rule is broken."""
    if data[:4] != b"MPL1" or len(data) < 8:
        return None
    at, held = 8, set[int]()
    while at < len(data):
        block = _block(data, at)
        if block is None:
            return None
        at, indexes = block
        if held & set(indexes):
            return None
        held |= set(indexes)
    return data[4] * 256 + data[5], data[6] * 256 + data[7], sorted(held)


def _block(data: bytes, at: int) -> tuple[int, list[int]] | None:
    """Read a block; gives where it ends and its indexes."""
    head = _leb128(data, at)
    if head is None or head[0] >= len(data):
        return None
    at, count = head
    k = data[at]
    head = _leb128(data, at + 1)
    if head is None or not count or k > _K_MOST:
        return None
    at, total = head
    sizes = (count + total + 7) // 8, (count * k + 7) // 8
    if total > _INDEXES or at + sum(sizes) > len(data):
        return None
    unary = "".join(f"{byte:08b}" for byte in data[at : at + sizes[0]])
    rest = "".join(f"{byte:08b}" for byte in data[at + sizes[0] : at + sum(sizes)])
    if "1" in unary[count + total :] + rest[count * k :]:
        return None
    quotients = unary[: count + total].split("0")
    if len(quotients) != count + 1 or quotients.pop() or sum(map(len, quotients)) != total:
        return None
    indexes, last = [], -1
    for number, ones in enumerate(quotients):
        remainder = int(rest[number * k : number * k + k] or "0", 2)
        last += 1 + len(ones) * 2**k + remainder
        indexes.append(last)
    return (at + sum(sizes), indexes) if last < _INDEXES else None


def _leb128(data: bytes, at: int) -> tuple[int, int] | None:
    """Read a number of at most five bytes; gives where it ends and itself."""
    for length in range(1, 6):
        piece = data[at : at + length]
        if len(piece) < length:
            return None
        if piece[-1] < 128:
            value = sum((byte & 127) << 7 * place for place, byte in enumerate(piece))
            return None if length > 1 and piece[-1] == 0 else (at + length, value)
    return None
