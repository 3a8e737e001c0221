"""Archives whose bytes depend on nothing but the files in them and one moment."""

import gzip
import io
import tarfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

_EARLIEST = 315532800
"""1980-01-01 in Unix seconds: a zip holds no earlier time."""


def rewrite_tar(path: Path, moment: int) -> None:
    """Rewrite a .tar.gz: members in order of their names, no owners, two modes, one time.

    Args:
        path: the archive, replaced.
        moment: Unix seconds.
    """
    with tarfile.open(path) as archive:
        members = [(member, archive.extractfile(member)) for member in archive.getmembers()]
        contents = {member.name: (member, file.read() if file else b"") for member, file in members}
    with (
        path.open("wb") as out,
        gzip.GzipFile("", "wb", mtime=moment, fileobj=out) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(contents):
            member, content = contents[name]
            archive.addfile(_plain(member, len(content), moment), io.BytesIO(content))


def _plain(member: tarfile.TarInfo, size: int, moment: int) -> tarfile.TarInfo:
    plain = tarfile.TarInfo(member.name)
    plain.type, plain.size, plain.mtime = member.type, size, moment
    plain.mode = 0o755 if member.isdir() else 0o644
    return plain


def write_zip(path: Path, folder: Path, files: Iterable[Path], moment: int) -> None:
    """Write files under a folder to a zip: in order of their names, one mode, one time.

    Args:
        path: the archive.
        folder: the names in the archive are relative to it.
        files: which files.
        moment: Unix seconds.
    """
    when = time.gmtime(max(moment, _EARLIEST))[:6]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(files):
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), when)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, file.read_bytes())
