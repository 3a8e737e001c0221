"""An authority in a folder: keys, ledger and repository, each where it would be in production.

authority.json            the name, whether it is a TEST authority, which keys there are, and where
custodians/1..3/          each custodian's folder; only where all were made at once, for trying out
keys/online.pem           signs publications
keys/pass-KID.pem         signs passes; pass-KID.json where KMS made and wrapped it
denied.json               keys denied until a ceremony revokes them
ledger.sqlite             which request became which pass
repository/               what is published; its metadata/1.root.json is what devices are enrolled with
"""

import fcntl
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Root

from movepass_issuer.errors import AuthorityError
from movepass_issuer.issuer import Issuer
from movepass_issuer.publisher import Publisher, load_document, load_keys
from movepass_issuer.repository import FolderRepository
from movepass_issuer.sqlite_ledger import SqliteLedger
from movepass_keys import (
    KeyDocumentError,
    KeySet,
    create_key_file,
    custodian,
    files,
    layout,
    roles,
    signer_from_uri,
)
from movepass_keys.algorithms import key_id
from movepass_wire.limits import PUBLISHED_DAYS_AHEAD
from movepass_wire.payload import ESP256

_CONFIG = "authority.json"
DENIED = "denied.json"
_CONFIG_VERSION = 1
_NAME_MAX_CHARS = 64


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A pass key of the authority's: where it is, and when it was published (seconds since 1970 UTC, or None)."""

    uri: str
    published: int | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority's folder, opened.

    Attributes:
        folder: where it is.
        name: what officers see.
        test: whether it is a TEST authority.
        online_signer: URI of the key that publishes.
        pass_key: kid of the key that signs passes; None until one has been published.
        held_keys: every pass key it has, by kid.
        usable_from: when devices can know the key in use, seconds since 1970 UTC.
        online_next: URI of the online key that has been proposed and not published yet.
    """

    folder: Path
    name: str
    test: bool
    online_signer: str
    pass_key: bytes | None = None
    held_keys: Mapping[bytes, HeldKey] = field(default_factory=dict)
    usable_from: int = 0
    online_next: str | None = None

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        name: str,
        test: bool,
        alg: int = ESP256,
        now: int | None = None,
        days_ahead: int = PUBLISHED_DAYS_AHEAD,
    ) -> "Authority":
        """Make a local authority with its custodians, all of it or nothing, and publish for the first time.

        For trying out, and for tests: whoever has the folder has every key. See `begin` for the real thing.

        Args:
            folder: a path that does not exist, or an empty folder.
            name: what officers see.
            test: whether its passes are for trying out only.
            alg: the pass key's algorithm.
            now: seconds since 1970 UTC; the clock's without it.
            days_ahead: for how many days after today there shall be a list at first.

        Raises:
            AuthorityError: the folder is in use or can't be made.
        """
        from movepass_issuer.keyholding import hold_ceremony  # noqa: PLC0415 - it stands on this module

        at = int(time.time()) if now is None else now

        def lay_out(new: Path) -> None:
            authority = cls._lay_out(new, name=name, test=test, alg=alg)
            hold_ceremony(authority, at, days_ahead)

        return cls._make(folder, name, lay_out)

    @classmethod
    def begin(cls, folder: Path, *, name: str, test: bool, alg: int = ESP256) -> "Authority":
        """Make an authority that waits for its custodians: an online key, a pass key, and nothing published yet.

        Raises:
            AuthorityError: the folder is in use or can't be made.
        """
        return cls._make(folder, name, lambda new: cls._lay_out(new, name=name, test=test, alg=alg))

    @classmethod
    def _make(cls, folder: Path, name: str, lay_out: Callable[[Path], object]) -> "Authority":
        if not 0 < len(name) <= _NAME_MAX_CHARS or not name.isprintable():
            raise AuthorityError(f"a name has 1 to {_NAME_MAX_CHARS} printable characters")
        try:
            in_use = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        except OSError as e:
            raise AuthorityError(f"can't make {folder}: {e.strerror}") from None
        if in_use:
            raise AuthorityError(f"{folder} is in use already; choose a new folder")
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
                lay_out(Path(temporary))
                folder.mkdir(exist_ok=True)
                Path(temporary).replace(folder)
                Path(temporary).mkdir()  # for the context manager to take away
        except OSError as e:
            raise AuthorityError(f"can't make {folder}: {e.strerror or e}") from None
        return cls.open(folder)

    @classmethod
    def _lay_out(cls, folder: Path, *, name: str, test: bool, alg: int) -> "Authority":
        (folder / "keys").mkdir(mode=0o700)
        create_key_file(folder / "keys" / "online.pem", custodian.ALG)
        FolderRepository.create(folder / "repository")
        SqliteLedger(folder / "ledger.sqlite", create=True).close()
        authority = cls(folder, name, test, "file:keys/online.pem")
        uri, kid = new_key_file(folder, alg)
        return replace(authority, held_keys={kid: HeldKey(uri)}).save()

    @classmethod
    def open(cls, folder: Path) -> "Authority":
        """Open an authority's folder.

        Raises:
            AuthorityError: not one, or of a version that this software does not know.
        """
        try:
            config: dict[str, Any] = json.loads((folder / _CONFIG).read_text("utf-8"))
            version = config["version"]
            if version == _CONFIG_VERSION:
                held = {bytes.fromhex(kid): HeldKey(**key) for kid, key in config["pass_keys"].items()}
                in_use = config["pass_key"]
                return cls(
                    folder,
                    config["name"],
                    config["test"],
                    config["online_signer"],
                    pass_key=None if in_use is None else bytes.fromhex(in_use),
                    held_keys=held,
                    usable_from=config["usable_from"],
                    online_next=config["online_next"],
                )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            cause = e.strerror if isinstance(e, OSError) else repr(e)
            raise AuthorityError(f"{folder} is not an authority ({_CONFIG}: {cause}); see movepass init") from None
        raise AuthorityError(f"{folder} is of version {version}; this software reads version {_CONFIG_VERSION}")

    def save(self) -> "Authority":
        """Write authority.json, whole; returns the same.

        Raises:
            AuthorityError: it can't be written.
        """
        held = {kid.hex(): {"uri": key.uri, "published": key.published} for kid, key in self.held_keys.items()}
        config = {
            "version": _CONFIG_VERSION,
            "name": self.name,
            "test": self.test,
            "online_signer": self.online_signer,
            "pass_key": self.pass_key.hex() if self.pass_key else None,
            "pass_keys": held,
            "usable_from": self.usable_from,
            "online_next": self.online_next,
        }
        write_file(self.folder / _CONFIG, json.dumps(config, indent=2, ensure_ascii=False).encode() + b"\n")
        return self

    @property
    def pass_signer(self) -> str:
        """URI of the key that signs passes.

        Raises:
            AuthorityError: none has been published yet.
        """
        if self.pass_key is None:
            raise AuthorityError("no pass key has been published yet; hold the ceremony: movepass keys propose")
        return self.held_keys[self.pass_key].uri

    @property
    def root_path(self) -> Path:
        """What devices are enrolled with."""
        return self.repository.root / "metadata" / "1.root.json"

    @property
    def ledger_path(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger.sqlite"

    @property
    def repository(self) -> FolderRepository:
        """The published repository."""
        return FolderRepository(self.folder / "repository")

    def keys(self) -> KeySet:
        """Read the pass keys as they are published, and which of them are denied.

        Raises:
            RepositoryError: they can't be read.
        """
        try:
            return KeySet.from_jwks(load_keys(self.repository)).with_denied(self.denied())
        except KeyDocumentError as e:
            raise AuthorityError(f"the published keys can't be read: {e}") from None

    @contextmanager
    def issuer(self) -> Iterator[Issuer]:
        """Open the issuer: it reads the pass key.

        Raises:
            AuthorityError, LedgerError, RepositoryError, KeysError: a part of the folder can't be used.
        """
        ledger = SqliteLedger(self.ledger_path)
        try:
            signer = signer_from_uri(self.pass_signer, self.folder)
            yield Issuer(signer=signer, ledger=ledger, keys=self.keys(), usable_from=self.usable_from)
        finally:
            ledger.close()

    @contextmanager
    def publisher(self) -> Iterator[Publisher]:
        """Open the publisher: it reads the online key.

        Raises:
            LedgerError, KeysError: a part of the folder can't be used.
        """
        ledger = SqliteLedger(self.ledger_path)
        try:
            signer = signer_from_uri(self.online_signer, self.folder)
            yield Publisher(repository=self.repository, ledger=ledger, signer=signer, denied=self.denied)
        finally:
            ledger.close()

    def current(self, role: str) -> Metadata[Any] | None:
        """Read the newest document of an offline role; None before the first.

        Raises:
            RepositoryError: it can't be read.
        """
        version = max(self.repository.versions(role), default=0)
        data = self.repository.read(layout.document_name(role, version))
        return load_document(data) if data is not None else None

    def roots(self) -> list[Metadata[Root]]:
        """Read every root there has been, the one in force last.

        Raises:
            RepositoryError: one can't be read.
        """
        documents = [self.repository.read(layout.document_name("root", v)) for v in self.repository.versions("root")]
        return [load_document(data) for data in documents if data is not None]

    @contextmanager
    def changing(self) -> Iterator["Authority"]:
        """Hold the right to change authority.json and what goes with it, and read it anew: one change at a time."""
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield Authority.open(self.folder)

    def denied(self) -> bytes:
        """Read the document of the keys denied until a ceremony revokes them."""
        path = self.folder / DENIED
        return path.read_bytes() if path.exists() else roles.json_bytes({"denied": []})


def write_file(path: Path, data: bytes) -> None:
    """Write one of an authority's own files, whole.

    Raises:
        AuthorityError: it can't be written.
    """
    try:
        files.write_whole(path, data)
    except OSError as e:
        raise AuthorityError(f"can't write {path}: {e.strerror or e}") from None


def new_key_file(folder: Path, alg: int, wrapping: str | None = None) -> tuple[str, bytes]:
    """Make a pass key's file, named by its kid.

    Args:
        folder: the authority's.
        alg: ESP256 or ED25519.
        wrapping: ARN of a KMS key that makes the pass key and wraps it; without it, it is made here.

    Returns:
        Its URI and kid.

    Raises:
        KeysError: it can't be made.
    """
    temporary = folder / "keys" / f".new-{secrets.token_hex(8)}"
    if wrapping is None:
        public_key, scheme, ending = create_key_file(temporary, alg), "file", "pem"
    else:
        from movepass_keys.kms import create_wrapped_key  # noqa: PLC0415 - what is not used is not loaded

        public_key, scheme, ending = create_wrapped_key(temporary, wrapping, alg), "awskms-wrapped", "json"
    kid = key_id(public_key)
    path = temporary.with_name(f"pass-{kid.hex()}.{ending}")
    if path.exists():
        raise AuthorityError(f"there is a key {kid.hex()} already; make another")
    temporary.rename(path)
    return f"{scheme}:keys/{path.name}", kid
