"""Read a published repository as anyone can, and sign in it as its custodians or its online key could."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, TargetFile

from movepass_keys import FileSigner, KeySet
from movepass_keys.records import generations, layout, roles
from movepass_wire import read_log
from support.documents import make_targets
from support.world import World


def signed(repository: Path, name: str) -> Any:
    """Read what a metadata file says, signatures unchecked."""
    return Metadata.from_bytes((repository / "metadata" / name).read_bytes()).signed


def status_of(repository: Path) -> Any:
    """Read the status document that the timestamp leads to."""
    timestamp = signed(repository, "timestamp.json")
    snapshot = signed(repository, f"{timestamp.snapshot_meta.version}.snapshot.json")
    return signed(repository, f"{snapshot.meta['status.json'].version}.status.json")


def target(repository: Path, name: str, info: TargetFile) -> bytes:
    """Read a target's file and compare it with its length and hash."""
    folder, slash, base = name.rpartition("/")
    data = (repository / "targets" / f"{folder}{slash}{info.hashes['sha256']}.{base}").read_bytes()
    info.verify_length_and_hashes(data)
    return data


def logs_of(repository: Path) -> dict[int, bytes]:
    """Read every log that is published now, by day."""
    targets = status_of(repository).targets
    return {
        int(name.removeprefix("status/").removesuffix(".log")): target(repository, name, info)
        for name, info in targets.items()
        if name.endswith(".log")
    }


def revoked_in(repository: Path) -> set[tuple[int, int]]:
    """Read every (day, index) that is published as revoked now."""
    return {(day, index) for day, log in logs_of(repository).items() for index in read_log(log).revoked}


def sign_targets(world: World, keys: KeySet, version: int, custodians: Iterable[int] = (1, 2)) -> None:
    """Let custodians sign a new version of the pass keys, ready for the next publication."""
    document = roles.json_bytes(keys.to_jwks())
    info = TargetFile.from_data(layout.KEYS_TARGET, document)
    (world.repository / "targets" / f"{info.hashes['sha256']}.{layout.KEYS_TARGET}").write_bytes(document)
    metadata = make_targets(document, world.online_signer(), now=world.now, version=version)
    signers = [FileSigner(world.authority.folder / "custodians" / str(n) / "targets.pem") for n in custodians]
    (world.repository / "metadata" / f"{version}.targets.json").write_bytes(roles.sign_document(metadata, signers))


def publish_by_hand(
    world: World, targets: Mapping[str, bytes], *, keep: bool = True, said: Mapping[str, Any] | None = None
) -> None:
    """Publish status targets of one's choice, signed with the online key: what its holder, or its thief, can do.

    Args:
        world: whose repository and online key.
        targets: name -> content, to be added to those published, or in their place.
        keep: whether those published stay.
        said: what logs say of themselves, but for their generation.
    """
    repository, online = world.repository, world.online_signer()
    timestamp = signed(repository, "timestamp.json")
    snapshot = signed(repository, f"{timestamp.snapshot_meta.version}.snapshot.json")
    named = dict(status_of(repository).targets) if keep else {}
    for name, content in targets.items():
        info = named[name] = TargetFile.from_data(name, content)
        if name.endswith(".log"):
            number = int.from_bytes(content[6:8], "big")
            info.unrecognized_fields["custom"] = {generations.GENERATION: number, **(said or {})}
        folder, slash, base = name.rpartition("/")
        path = repository / "targets" / f"{folder}{slash}{info.hashes['sha256']}.{base}"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content)
    now, version = world.now, snapshot.version + 100
    status = roles.sign_document(roles.make_status(named, now=now, version=version), [online])
    parts = {**snapshot.meta, "status.json": MetaFile.from_data(version, status, ["sha256"])}
    new_snapshot = roles.sign_document(roles.make_snapshot(parts, now=now, version=version), [online])
    meta = MetaFile.from_data(version, new_snapshot, ["sha256"])
    new_timestamp = roles.make_timestamp(meta, now=now, version=timestamp.version + 1)
    (repository / "metadata" / f"{version}.status.json").write_bytes(status)
    (repository / "metadata" / f"{version}.snapshot.json").write_bytes(new_snapshot)
    (repository / "metadata" / "timestamp.json").write_bytes(roles.sign_document(new_timestamp, [online]))
