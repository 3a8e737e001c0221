"""An authority in a folder: keys, ledger and repository, each where it would be in production.

authority.json            the name, whether it is a TEST authority, and where everything is
custodians/1..3/          root.pem and targets.pem of each custodian; they leave this machine at a ceremony
keys/online.pem           signs publications
keys/pass-KID.pem         signs passes
ledger.sqlite             which request became which pass
repository/               what is published; its metadata/1.root.json is what devices are enrolled with
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movepass_issuer.errors import AuthorityError
from movepass_issuer.issuer import Issuer
from movepass_issuer.publisher import Publisher, load_keys, put_keys
from movepass_issuer.repository import FolderRepository
from movepass_issuer.sqlite_ledger import SqliteLedger
from movepass_keys import FileSigner, KeyDocumentError, KeySet, PassKey, create_key_file, roles, signer_from_uri
from movepass_wire.payload import ESP256
from movepass_wire.times import DAY_SECONDS, day_of

CUSTODIANS = 3
THRESHOLD = 2
PASS_KEY_DAYS = 365
_CONFIG = "authority.json"
_CONFIG_VERSION = 1
_ROLE_KEYS_ALG = ESP256
"""KMS and hardware tokens have P-256 everywhere, so a role can move there without a new algorithm."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority's folder, opened.

    Attributes:
        folder: where it is.
        name: what officers see.
        test: whether it is a TEST authority.
        pass_signer: URI of the key that signs passes.
        online_signer: URI of the key that publishes.
    """

    folder: Path
    name: str
    test: bool
    pass_signer: str
    online_signer: str

    @classmethod
    def create(cls, folder: Path, *, name: str, test: bool, alg: int = ESP256, now: int | None = None) -> "Authority":
        """Make a local authority, all of it or nothing, and publish for the first time.

        Args:
            folder: a path that does not exist, or an empty folder.
            name: what officers see.
            test: whether its passes are for trying out only.
            alg: the pass key's algorithm.
            now: seconds since 1970 UTC; the clock's without it.

        Raises:
            AuthorityError: the folder is in use or can't be made.
        """
        if not 0 < len(name) <= _NAME_MAX_CHARS or not name.isprintable():
            raise AuthorityError(f"a name has 1 to {_NAME_MAX_CHARS} printable characters")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise AuthorityError(f"{folder} is in use already; choose a new folder")
        now = int(time.time()) if now is None else now
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
                _lay_out(Path(temporary), name=name, test=test, alg=alg, now=now)
                folder.mkdir(exist_ok=True)
                Path(temporary).replace(folder)
                Path(temporary).mkdir()  # for the context manager to take away
        except OSError as e:
            raise AuthorityError(f"can't make {folder}: {e.strerror or e}") from None
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "Authority":
        """Open an authority's folder.

        Raises:
            AuthorityError: not one, or of a version that this software does not know.
        """
        try:
            config: dict[str, Any] = json.loads((folder / _CONFIG).read_text("utf-8"))
            version = config["version"]
            authority = cls(folder, config["name"], config["test"], config["pass_signer"], config["online_signer"])
        except (OSError, ValueError, KeyError, TypeError) as e:
            cause = e.strerror if isinstance(e, OSError) else e
            raise AuthorityError(
                f"{folder} is not an authority ({_CONFIG}: {cause}); make one: movepass init"
            ) from None
        if version != _CONFIG_VERSION:
            raise AuthorityError(f"{folder} is of version {version}; this software reads version {_CONFIG_VERSION}")
        return authority

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
        """Read the pass keys as they are published.

        Raises:
            RepositoryError: they can't be read.
        """
        try:
            return KeySet.from_jwks(load_keys(self.repository))
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
            yield Issuer(signer=signer, ledger=ledger, keys=self.keys())
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
            yield Publisher(repository=self.repository, ledger=ledger, signer=signer)
        finally:
            ledger.close()


_NAME_MAX_CHARS = 64


def _lay_out(folder: Path, *, name: str, test: bool, alg: int, now: int) -> None:
    """Make every part of an authority in a folder of its own."""
    (folder / "keys").mkdir(mode=0o700)
    root, targets = [], []
    for number in range(1, CUSTODIANS + 1):
        custodian = folder / "custodians" / str(number)
        custodian.mkdir(mode=0o700, parents=True)
        root.append(_new_signer(custodian / "root.pem"))
        targets.append(_new_signer(custodian / "targets.pem"))
    online = _new_signer(folder / "keys" / "online.pem")
    pass_key = _new_pass_key(folder / "keys", alg, now)
    repository = FolderRepository.create(folder / "repository")
    document = roles.json_bytes(KeySet.of(name, [pass_key], test=test).to_jwks())
    put_keys(repository, document)
    root_metadata = roles.make_root(root, targets, online, threshold=THRESHOLD, now=now)
    repository.create_version("metadata/1.root.json", roles.sign(root_metadata, root[:THRESHOLD]))
    targets_metadata = roles.make_targets(document, online, now=now)
    repository.create_version("metadata/1.targets.json", roles.sign(targets_metadata, targets[:THRESHOLD]))
    config = {
        "version": _CONFIG_VERSION,
        "name": name,
        "test": test,
        "pass_signer": f"file:keys/pass-{pass_key.kid.hex()}.pem",
        "online_signer": "file:keys/online.pem",
    }
    (folder / _CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", "utf-8")
    ledger = SqliteLedger(folder / "ledger.sqlite", create=True)
    try:
        Publisher(repository=repository, ledger=ledger, signer=online).publish(now)
    finally:
        ledger.close()


def _new_signer(path: Path) -> FileSigner:
    create_key_file(path, _ROLE_KEYS_ALG)
    return FileSigner(path)


def _new_pass_key(folder: Path, alg: int, now: int) -> PassKey:
    """Make the pass key; it is valid from yesterday on, so that a pass whose time has begun can be issued today."""
    path = folder / "pass-new.pem"
    public_key = create_key_file(path, alg)
    yesterday = (day_of(now) - 1) * DAY_SECONDS
    key = PassKey(public_key, not_before=yesterday, not_after=yesterday + PASS_KEY_DAYS * DAY_SECONDS)
    shutil.move(path, folder / f"pass-{key.kid.hex()}.pem")
    return key
