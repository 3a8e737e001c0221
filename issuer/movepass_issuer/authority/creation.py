"""Making an authority: its folder with ledger, repository and keys, and for trials its first ceremony as well."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from movepass_issuer.authority.ceremony_desk import hold_ceremony
from movepass_issuer.authority.folder import LEDGER, REPOSITORY, Authority, HeldKey, new_key_file
from movepass_issuer.errors import AuthorityError
from movepass_issuer.regions.peers import Peer, region_beside
from movepass_issuer.storage import opening
from movepass_keys import create_key_file, signer_from_uri
from movepass_keys.ceremony import custodian
from movepass_keys.records.algorithms import key_id
from movepass_wire.limits import PUBLISHED_DAYS_AHEAD
from movepass_wire.payload import ESP256

_NAME_MAX_CHARS = 64


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """URIs of an authority's parts that are not in its folder, each by itself.

    Attributes:
        ledger: see movepass_issuer.storage.opening.
        repository: likewise.
        pass_signers: of the first pass keys (movepass_keys.signer_from_uri), the one to sign with first; none to make
            one in the folder.
        online_signers: of the online keys, the one to publish with first; likewise.
        peers: the other regions (movepass_issuer.regions.peers.Peer), where there are several.
    """

    ledger: str = LEDGER
    repository: str = REPOSITORY
    pass_signers: tuple[str, ...] = ()
    online_signers: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()


def create_authority(  # noqa: PLR0913 - an authority begins with that much
    folder: Path,
    *,
    name: str,
    test: bool,
    alg: int = ESP256,
    now: int | None = None,
    days_ahead: int = PUBLISHED_DAYS_AHEAD,
    elsewhere: Elsewhere = Elsewhere(),
) -> Authority:
    """Make a local authority with its custodians, all of it or nothing, and publish for the first time.

    For trying out, and for tests: whoever has the folder has every key. A real authority begins with begin_authority.

    Args:
        folder: a path that does not exist, or an empty folder.
        name: what officers see.
        test: whether its passes are for trying out only.
        alg: the pass key's algorithm.
        now: seconds since 1970 UTC; the clock's without it.
        days_ahead: for how many days after today there shall be a list at first.
        elsewhere: the parts that are not to be in the folder.

    Raises:
        AuthorityError: the folder is in use or can't be made.
        RepositoryError, KeysError: a part elsewhere can't be used.
    """
    at = int(time.time()) if now is None else now

    def lay_out(new: Path) -> None:
        authority = _lay_out(new, elsewhere, name=name, test=test, alg=alg)
        hold_ceremony(authority, at, days_ahead)

    return _make(folder, name, lay_out)


def begin_authority(
    folder: Path, *, name: str, test: bool, alg: int = ESP256, elsewhere: Elsewhere = Elsewhere()
) -> Authority:
    """Make an authority that waits for its custodians: an online key, a pass key, and nothing published yet.

    Raises:
        AuthorityError: the folder is in use or can't be made.
    """
    return _make(folder, name, lambda new: _lay_out(new, elsewhere, name=name, test=test, alg=alg))


def _make(folder: Path, name: str, lay_out: Callable[[Path], object]) -> Authority:
    """Lay an authority out in a temporary folder beside its own, and move it into place once it is whole."""
    if not 0 < len(name) <= _NAME_MAX_CHARS or not name.isprintable():
        raise AuthorityError(f"a name has 1 to {_NAME_MAX_CHARS} printable characters")
    try:
        in_use = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as e:
        raise AuthorityError(f"can't make {folder}: {e.strerror}") from e
    if in_use:
        raise AuthorityError(f"{folder} is in use already; choose a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
            lay_out(Path(temporary))
            folder.mkdir(exist_ok=True)
            Path(temporary).replace(folder)
            Path(temporary).mkdir()  # for the context manager to remove
    except OSError as e:
        raise AuthorityError(f"can't make {folder}: {e.strerror or e}") from e
    return Authority.open(folder)


def _lay_out(folder: Path, elsewhere: Elsewhere, *, name: str, test: bool, alg: int) -> Authority:
    """Make keys, repository and ledger, and write authority.json."""
    (folder / "keys").mkdir(mode=0o700)
    online, *peers = elsewhere.online_signers or ("file:keys/online.pem",)
    if not elsewhere.online_signers:
        create_key_file(folder / "keys" / "online.pem", custodian.ALG)
    if elsewhere.peers:
        _check_peers(elsewhere)  # before anything is made elsewhere
    opening.create_repository(elsewhere.repository, folder)
    opening.create_ledger(elsewhere.ledger, folder)
    keys = {key_id(signer_from_uri(uri, folder).public_key): HeldKey(uri) for uri in elsewhere.pass_signers}
    if not keys:
        uri, kid = new_key_file(folder, alg)
        keys = {kid: HeldKey(uri)}
    authority = Authority(
        folder, name, test, online, held_keys=keys, online_peers=tuple(peers),
        ledger_uri=elsewhere.ledger, repository_uri=elsewhere.repository, peers=elsewhere.peers,
    )  # fmt: skip
    return authority.save()


def _check_peers(elsewhere: Elsewhere) -> None:
    """Make sure that every region has a table and a bucket of its own.

    Raises:
        IssuerError: they are not numbered as regions are, or one is this region or another one as well.
    """
    peers = [Peer.parse(peer) for peer in elsewhere.peers]
    region_beside(peers)
    if not opening.is_table(elsewhere.ledger) or not opening.is_remote(elsewhere.repository):
        raise AuthorityError(
            "regions: expected --ledger dynamodb:TABLE-ARN and --repository s3://BUCKET, got "
            f"{elsewhere.ledger} and {elsewhere.repository}"
        )
    tables = [opening.table_of(elsewhere.ledger), *(peer.table for peer in peers)]
    buckets = ["/".join(elsewhere.repository.split("/")[:3]), *(peer.repository for peer in peers)]
    for what, names in (("table", tables), ("bucket", buckets)):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise AuthorityError(f"regions: expected a {what} of its own for each, got {twice} for two of them")
