"""An authority in a folder: keys, ledger and repository, each where it would be in production.

authority.json            the name, whether it is a TEST authority, which keys there are, and where
custodians/1..3/          each custodian's folder; only where all were made at once, for trying out
keys/online.pem           signs publications
keys/pass-KID.pem         signs passes; pass-KID.json where KMS made and wrapped it
ledger.sqlite             which request became which pass, unless that is kept elsewhere
repository/               what is published, unless that is done elsewhere; its metadata/1.root.json is what devices are
                          enrolled with, its denied.json has the keys denied until a ceremony revokes them
root.json                 what devices are enrolled with, where the repository is elsewhere
"""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Root

from movepass_issuer.errors import AuthorityError
from movepass_issuer.issuing.issuer import Issuer, Revoker
from movepass_issuer.issuing.ledger import Ledger
from movepass_issuer.publishing.continuity import check_continuity
from movepass_issuer.publishing.published import find_newest, parse_document, read_denied, read_endings, read_keys
from movepass_issuer.publishing.publisher import Publisher
from movepass_issuer.regions.ledger import RegionalLedger
from movepass_issuer.regions.peers import Peer, RegionalRevoker, Regions, region_beside
from movepass_issuer.regions.replication import RegionalPublisher
from movepass_issuer.storage import opening
from movepass_issuer.storage.folder_repository import open_lock, readable_by_all
from movepass_issuer.storage.repository import Repository
from movepass_keys import KeySet, Signer, create_key_file, files, signer_from_uri
from movepass_keys.records.algorithms import key_id
from movepass_keys.records.expiry import Ending
from movepass_keys.records.layout import document_name
from movepass_wire import open_text

_CONFIG = "authority.json"
_CONFIG_VERSION = 1
_CONFIG_MAX_BYTES = 1 << 20
_LOCK = ".lock"
_NAME_MAX_CHARS = 64
LEDGER, REPOSITORY = "ledger.sqlite", "repository"


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
        online_signer: URI of the key that publishes here.
        online_peers: those of the online keys that publish in other regions.
        pass_key: kid of the key that signs passes; None until one has been published.
        held_keys: every pass key it has, by kid.
        usable_from: when devices can know the key in use, seconds since 1970 UTC.
        online_next: those of the online keys that have been proposed and not published yet.
        ledger_uri: where the ledger is (movepass_issuer.storage.opening).
        repository_uri: where it publishes.
        peers: the other regions that issue, as movepass_issuer.regions.peers.Peer reads them.
    """

    folder: Path
    name: str
    test: bool
    online_signer: str
    pass_key: bytes | None = None
    held_keys: Mapping[bytes, HeldKey] = field(default_factory=dict)
    usable_from: int = 0
    online_peers: tuple[str, ...] = ()
    online_next: tuple[str, ...] = ()
    ledger_uri: str = LEDGER
    repository_uri: str = REPOSITORY
    peers: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: Path) -> "Authority":
        """Open an authority's folder.

        Raises:
            AuthorityError: not one, or of a version that this software does not know.
        """
        try:
            config: dict[str, Any] = json.loads(files.read_regular(folder / _CONFIG, _CONFIG_MAX_BYTES, own=True))
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
                    online_peers=tuple(config.get("online_peers", ())),
                    online_next=_several(config["online_next"]),
                    ledger_uri=config["ledger"],
                    repository_uri=config["repository"],
                    peers=tuple(config.get("peers", ())),
                )
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as e:
            cause = e.strerror if isinstance(e, OSError) else repr(e)
            raise AuthorityError(f"{folder} is not an authority ({_CONFIG}: {cause}); see movepass init") from e
        raise AuthorityError(f"{folder} is of version {version}; this software reads version {_CONFIG_VERSION}")

    def save(self) -> "Authority":
        """Write authority.json, whole, and return the same authority.

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
            "online_peers": list(self.online_peers),
            "online_next": list(self.online_next),
            "ledger": self.ledger_uri,
            "repository": self.repository_uri,
            "peers": list(self.peers),
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
        """The file that devices are enrolled with."""
        if opening.is_remote(self.repository_uri):
            return self.folder / "root.json"
        return self.repository_path / document_name("root", 1)

    @property
    def ledger_path(self) -> Path:
        """The ledger's file, where it is one."""
        return self.folder / self.ledger_uri

    @property
    def repository_path(self) -> Path:
        """The repository's folder, where it is one."""
        return self.folder / self.repository_uri

    @property
    def repository(self) -> Repository:
        """The published repository.

        Raises:
            RepositoryError: its place can't be used.
        """
        return opening.open_repository(self.repository_uri, self.folder)

    def ledger(self) -> Ledger:
        """Open the ledger; the caller closes it.

        Raises:
            LedgerError: it can't be opened.
        """
        return self._regional_ledger() if self.peers else opening.open_ledger(self.ledger_uri, self.folder)

    def _regional_ledger(self) -> RegionalLedger:
        return opening.open_regional_ledger(self.ledger_uri, region_beside(self._others()))

    def _others(self) -> list[Peer]:
        """Return the other regions."""
        return [Peer.parse(peer) for peer in self.peers]

    def other_repositories(self) -> list[Repository]:
        """Open the other regions' repositories; nothing is asked of them yet.

        Raises:
            RepositoryError: no client for S3 can be made.
        """
        return [peer.open_repository() for peer in self._others()]

    @contextmanager
    def regions(self, *, hurried: bool = True) -> Iterator[Regions]:
        """Open the ledger of this region and those of the others; `hurried` is as Regions.beside has it.

        Raises:
            RestoredError: see revoker.
            AuthorityError: there is one region only.
            LedgerError: one can't be opened.
        """
        if not self.peers:
            raise AuthorityError("this authority has one region; others are named by movepass init --peer")
        with closing(self._regional_ledger()) as ledger:
            check_continuity(self.repository, ledger)
            yield Regions.beside(ledger, self._others(), hurried=hurried)

    def keys(self) -> KeySet:
        """Read the pass keys as they are published, and which of them are denied.

        Raises:
            RepositoryError: they can't be read.
        """
        return read_keys(self.repository)

    def endings(self, now: int) -> list[Ending]:
        """Return when the custodians' documents and the pass key in use end.

        Raises:
            RepositoryError: they can't be read, or there are none yet.
        """
        return read_endings(self.repository, now, self.pass_key)

    @contextmanager
    def issuer(self) -> Iterator[Issuer]:
        """Open the issuer: it reads the pass key.

        Raises:
            RestoredError: the ledger does not know the newest publication, so it may give numbers twice.
            AuthorityError, LedgerError, RepositoryError, KeysError: a part of the folder can't be used.
        """
        repository = self.repository
        with closing(self.ledger()) as ledger:
            signer = signer_from_uri(self.pass_signer, self.folder)
            keys = read_keys(repository)
            check_continuity(repository, ledger)
            yield Issuer(signer=signer, ledger=ledger, keys=keys, usable_from=self.usable_from)

    def elsewhere_in_force(self, kid: bytes, today: int) -> list[int]:
        """Return the other regions that have passes in force under a key: each reissues its own. Reads whole tables.

        Raises:
            LedgerError: one can't be read.
        """
        if not self.peers:
            return []
        own = region_beside(self._others()).number
        with self.ledgers() as ledgers:
            return [
                number for number, ledger in ledgers.items()
                if number != own and any(
                    open_text(entry.text or "").kid == kid for entries in ledger.in_force(today) for entry in entries
                )
            ]  # fmt: skip

    @contextmanager
    def ledgers(self) -> Iterator[dict[int, Ledger]]:
        """Open the ledgers of all regions by their numbers, for reads that may take long.

        Raises:
            LedgerError: one can't be opened.
        """
        peers = self._others()
        region = region_beside(peers)
        with ExitStack() as opened:
            ledgers = {region.number: opened.enter_context(closing(self.ledger()))}
            for peer in peers:
                ledger = peer.open_ledger(region.count)
                ledgers[peer.number] = opened.enter_context(closing(ledger))
            yield ledgers

    @contextmanager
    def revoker(self) -> Iterator[Revoker]:
        """Open the revoker, which finds and revokes passes and needs no key.

        Raises:
            RestoredError: the ledger does not know the newest publication, so a number may mean another pass.
            LedgerError, RepositoryError: a part of the folder can't be used.
        """
        repository = self.repository
        kids = read_keys(repository).keys
        if self.peers:
            with self.regions() as regions:
                yield RegionalRevoker(regions=regions, kids=kids)
            return
        with closing(self.ledger()) as ledger:
            check_continuity(repository, ledger)
            yield Revoker(ledger=ledger, kids=kids)

    @contextmanager
    def turns(self, warn: Callable[[str, str], None] = lambda _name, _why: None) -> Iterator[RegionalPublisher]:
        """Open the publisher of one of several regions. From the desk, a region takes over only when it is asked to.

        The Lambda functions take over by themselves after the stack's TakeoverSeconds.

        Args:
            warn: see RegionalPublisher.

        Raises:
            IssuerError, KeysError: a part of the folder can't be used.
        """
        repository = self.repository
        with closing(self.ledger()) as ledger:
            signer = signer_from_uri(self.online_signer, self.folder)
            yield RegionalPublisher(
                Publisher(repository=repository, ledger=ledger, signer=signer, denied=self.denied),
                repository=repository, ledger=ledger, signer=signer,
                others=self.other_repositories(), takeover=inf, warn=warn,
            )  # fmt: skip

    def check_turn(self) -> None:
        """Check that this region publishes, so that files put into its repository will be published.

        Raises:
            RepositoryError: another region publishes at present.
        """
        if self.peers:
            with self.turns() as turns:
                turns.check_turn()

    def online_key(self) -> Signer:
        """Open the online key.

        Raises:
            KeysError: it can't be used.
        """
        return signer_from_uri(self.online_signer, self.folder)

    @contextmanager
    def publisher(self, others: Callable[[], Mapping[str, bytes]] = dict) -> Iterator[Publisher]:
        """Open the publisher: it reads the online key.

        Args:
            others: see Publisher.

        Raises:
            LedgerError, KeysError: a part of the folder can't be used.
        """
        ledger = self.ledger()
        try:
            signer = self.online_key()
            yield Publisher(repository=self.repository, ledger=ledger, signer=signer, denied=self.denied, others=others)
        finally:
            ledger.close()

    def current(self, role: str) -> Metadata[Any] | None:
        """Read the newest document of an offline role; None before the first.

        Raises:
            RepositoryError: it can't be read.
        """
        return find_newest(self.repository, role)

    def roots(self) -> list[Metadata[Root]]:
        """Read every root there has been, the one in force last.

        Raises:
            RepositoryError: one can't be read.
        """
        documents = [self.repository.read(document_name("root", v)) for v in self.repository.versions("root")]
        return [parse_document(data) for data in documents if data is not None]

    @contextmanager
    def changing(self) -> Iterator["Authority"]:
        """Hold the right to change authority.json and its keys, and read it again: one change at a time."""
        try:
            descriptor = open_lock(self.folder / _LOCK)
        except OSError as e:
            raise AuthorityError(f"{self.folder / _LOCK} can't be locked: {e.strerror or e}") from e
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Authority.open(self.folder)
        finally:
            os.close(descriptor)

    def denied(self) -> bytes:
        """Read the document of the keys denied until a ceremony revokes them.

        Raises:
            RepositoryError: it can't be read.
        """
        return read_denied(self.repository)


def _several(uris: list[str] | str | None) -> tuple[str, ...]:
    """Read URIs as they are written now, or as earlier versions wrote one at most."""
    return (uris,) if isinstance(uris, str) else tuple(uris or ())


def write_file(path: Path, data: bytes) -> None:
    """Write one of an authority's own files, whole. It holds no secret; the service may read files that root wrote.

    Raises:
        AuthorityError: it can't be written.
    """
    try:
        with readable_by_all():
            files.write_whole(path, data)
    except OSError as e:
        raise AuthorityError(f"can't write {path}: {e.strerror or e}") from e


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
        from movepass_keys.signers.kms import create_wrapped_key  # noqa: PLC0415 - load boto3 only where it is used

        public_key, scheme, ending = create_wrapped_key(temporary, wrapping, alg), "awskms-wrapped", "json"
    kid = key_id(public_key)
    path = temporary.with_name(f"pass-{kid.hex()}.{ending}")
    if path.exists():
        raise AuthorityError(f"there is a key {kid.hex()} already; make another")
    temporary.rename(path)
    return f"{scheme}:keys/{path.name}", kid
