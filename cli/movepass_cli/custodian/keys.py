"""Provide the commands of key holders: the ceremony, and the life of the keys that sign passes.

A ceremony's files travel on sticks: a card from each custodian, one proposal, a signature from each who signs.
"""

import time
from pathlib import Path
from typing import Any

import click
from tuf.api.metadata import Metadata, Root

from movepass_cli.display import printable
from movepass_cli.inputs import InputError, ask_secret
from movepass_cli.issuer.endings import describe_end, warn_of_endings
from movepass_cli.options import PATH, alg_option, authority_option, example, json_option, option, plain_option, time_of
from movepass_cli.output import say, show_json, show_line, show_rows
from movepass_issuer.authority import ceremony_desk
from movepass_issuer.authority.folder import Authority
from movepass_keys import files, signer_from_uri
from movepass_keys.ceremony import anchor, custodian
from movepass_keys.ceremony.proposal import (
    LAST_PASS_SECONDS,
    ROOT,
    Card,
    KeyChange,
    Proposal,
    add_signature,
    cards_of,
    check_clock,
    digits_of,
    key_fingerprint,
    sign_proposal,
    tallies,
)
from movepass_keys.ceremony.wording import describe_proposal
from movepass_keys.errors import CeremonyError
from movepass_keys.records import roles
from movepass_keys.records.algorithms import BY_NAME, NAMES
from movepass_keys.records.expiry import key_ending
from movepass_keys.records.key_set import PassKey, Withdrawal
from movepass_keys.records.roles import document_bytes
from movepass_keys.signers.signer import PASSPHRASE, secret_in_environment
from movepass_wire.payload import KID_BYTES
from movepass_wire.times import day_of, iso, local

_FILE_MAX_BYTES = 1 << 22
"""Far above the size of any card, proposal, signature or root; a larger file is refused, never cut."""

out_option = plain_option("--out", type=PATH, required=True, metavar="F", help="Where to write the proposal.")


def _kid(ctx: click.Context, param: click.Parameter, value: Any) -> Any:  # noqa: ARG001 - click's
    try:
        kid = bytes.fromhex(value) if isinstance(value, str) else value
    except ValueError:
        kid = b""
    if isinstance(kid, bytes) and len(kid) != KID_BYTES:
        raise click.BadParameter(f"a kid is 8 hexadecimal digits, got {value!r}")
    return kid


@click.group()
def keys() -> None:
    """Hold a ceremony; create, use, retire, revoke, deny and list the keys that sign passes."""


@keys.command("custodian", epilog=example(
    "movepass keys custodian ~/custodian --name Rahima",
    "movepass keys custodian ~/custodian --name Rahima \\",
    "    --root-key 'hsm:1?label=Rahima' --targets-key 'hsm:2?label=Rahima'",
))  # fmt: skip
@plain_option("--name", required=True, help="The custodian's name, as the others know it.")
@click.option("--no-passphrase", is_flag=True, help="Do not protect the keys: for trying out only.")
@plain_option("--root-key", metavar="URI", help="Use this key for the root, as hsm:1?label=TOKEN; no file is made.")
@plain_option("--targets-key", metavar="URI", help="Use this key for the pass keys; no file is made.")
@json_option
@click.argument("folder", type=PATH)
def custodian_(
    folder: Path, name: str, root_key: str | None, targets_key: str | None, *, no_passphrase: bool, as_json: bool
) -> None:
    """Create a custodian's two keys in a new FOLDER, and the card for the other custodians.

    The passphrase is asked for, or taken from MOVEPASS_PASSPHRASE. Keys on a token are made with the token's own tools
    first; its PIN is asked for when it signs, or taken from MOVEPASS_PIN.
    """
    held = {role: uri for role, uri in (("root", root_key), ("targets", targets_key)) if uri}
    password = None if no_passphrase or len(held) == 2 else _new_passphrase()
    card = custodian.create_custodian(folder, name, password, held, ask_secret)
    rows = [(role, key_fingerprint(getattr(card, role))) for role in ("root", "targets")]
    if as_json:
        show_json({"custodian": name, "card": str(custodian.card_path(folder)), **dict(rows)})
        return
    show_line(f"{folder} holds the keys of {name}. Keep it offline. Give the others {custodian.card_path(folder)}.")
    click.echo("Read them these digits, group by group:")
    show_rows(rows)


@keys.command(
    "fingerprint",
    epilog=example("movepass keys fingerprint rahima.card.json 1.root.json", "movepass keys fingerprint hsm:1"),
)
@json_option
@click.argument("files", nargs=-1, required=True, metavar="FILE|URI...")
def fingerprint(files: tuple[str, ...], *, as_json: bool) -> None:
    """Show the fingerprints of custodians' cards, roots and keys by URI, to be read aloud and compared."""
    for given in files:
        rows = _fingerprints(given)
        if as_json:
            show_json({"file": given, **dict(rows)})
        else:
            show_line(given)
            show_rows(rows)


def _fingerprints(given: str) -> list[tuple[str, str]]:
    if ":" in given and not Path(given).exists():
        return [("key", key_fingerprint(roles.role_key(signer_from_uri(given, ask=ask_secret))))]
    data = _read(Path(given))
    if b"movepass_custodian" in data:
        card = Card.from_json(data)
        return [(role, key_fingerprint(getattr(card, role))) for role in ("root", "targets")]
    return [("sha256", digits_of(data))]


@keys.group("propose")
def propose() -> None:
    """Propose a new root, or a change to the pass keys."""


@propose.command("root", epilog=example(
    "movepass keys propose root --authority A --card rahima.card.json --card kamal.card.json \\",
    "    --card joy.card.json --threshold 2 --out root.proposal",
    "movepass keys propose root --authority A --without Kamal --card lina.card.json --out root.proposal",
))  # fmt: skip
@authority_option
@plain_option(
    "--card", "cards", multiple=True, type=PATH, metavar="F", help="The card of one who shall join; repeat it."
)
@plain_option("--without", multiple=True, metavar="NAME", help="A custodian who will leave; repeat it.")
@plain_option("--threshold", type=click.IntRange(1), help="How many must sign; unchanged without it, 2 the first time.")
@plain_option(
    "--online",
    multiple=True,
    metavar="URI",
    help="The online keys from then on, file:… or awskms:…; repeat it where several regions publish.",
)
@out_option
@json_option
def propose_root(
    authority: Path, cards: tuple[Path, ...], without: tuple[str, ...], threshold: int | None, online: tuple[str, ...],
    out: Path, *, as_json: bool,
) -> None:  # fmt: skip
    """Propose who the custodians are, how many must sign, and which keys publish."""
    opened = Authority.open(authority)
    proposal = ceremony_desk.propose_root(
        opened,
        [Card.from_json(_read(path)) for path in cards],
        without=without,
        threshold=threshold,
        online=online,
        now=_now(),
    )
    _write(out, proposal.to_bytes())
    _show_proposal(proposal, as_json=as_json)


@propose.command("keys", epilog=example(
    "movepass keys propose keys --authority A --add 1f2e3d4c --from 2027-01-01T00:00:00+06:00 --out keys.proposal",
    "movepass keys propose keys --authority A --revoke 9a8b7c6d --reason 'server stolen' --out keys.proposal",
))  # fmt: skip
@authority_option
@plain_option("--add", callback=_kid, metavar="KID", help="A new key, made by `movepass keys new`.")
@plain_option(
    "--from", "start", callback=time_of, metavar="TIME", help="First moment of its passes; yesterday without it."
)
@plain_option("--until", callback=time_of, metavar="TIME", help="End of its passes; a year later without it.")
@plain_option("--retire", callback=_kid, metavar="KID", help="A key that has signed its last pass.")
@plain_option("--revoke", callback=_kid, metavar="KID", help="A key whose passes are all void.")
@plain_option("--reason", default="", help="Why it is revoked; officers see it.")
@plain_option("--with", "with_root", type=PATH, metavar="F", help="A root proposed at the same time, to publish with.")
@out_option
@json_option
def propose_keys(
    authority: Path, add: bytes | None, start: int | None, until: int | None, retire: bytes | None,
    revoke: bytes | None, reason: str, with_root: Path | None, out: Path, *, as_json: bool,
) -> None:  # fmt: skip
    """Propose to add, retire or revoke pass keys, or without any of these to renew the signatures."""
    now = _now()
    opened = Authority.open(authority)
    added: tuple[PassKey, ...] = ()
    if add:
        first = ceremony_desk.first_pass_key(
            ceremony_desk.pass_public_key(opened, add), now if start is None else start
        )
        begin, end = first.not_before if start is None else start, first.not_after if until is None else until
        added = (PassKey(first.public_key, begin, end),)
    change = KeyChange(
        add=added,
        retire={retire: now + LAST_PASS_SECONDS} if retire else {},
        revoke={revoke: reason or "revoked"} if revoke else {},
    )
    root = Proposal.from_bytes(_read(with_root)) if with_root else None
    proposal = ceremony_desk.propose_keys(opened, change, now=now, root=root)
    _write(out, proposal.to_bytes())
    _show_proposal(proposal, as_json=as_json)


@keys.command("show", epilog=example("movepass keys show root.proposal"))
@json_option
@click.argument("proposal", type=PATH)
def show_proposal(proposal: Path, *, as_json: bool) -> None:
    """Show in plain words what a proposal changes, who has signed, and who has not."""
    _show_proposal(Proposal.from_bytes(_read(proposal)), as_json=as_json)


@keys.command("sign", epilog=example("movepass keys sign root.proposal --key /media/mine/rahima --out rahima.sig"))
@option("--key", required=True, metavar="FOLDER|URI", help="Your custodian's folder, or a key's URI.")
@plain_option("--out", type=PATH, required=True, metavar="F", help="Where to write your signature.")
@click.option("--yes", is_flag=True, help="Do not ask; what it changes has been read.")
@click.argument("proposal", type=PATH)
def sign(proposal: Path, key: str, out: Path, *, yes: bool) -> None:
    """Show what a proposal changes, and sign it. The signature is a small file to carry back."""
    read = Proposal.from_bytes(_read(proposal))
    check_clock(read, _now())
    folder = None if ":" in key else Path(key)
    held = custodian.accepted_root(folder) if folder else None
    accepted = anchor.root_accepted_by_signing(held, read)
    for line in [*describe_proposal(read, _now()), *_about_base(read, held)]:
        show_line(line)
    if not yes:
        click.confirm("Have you compared this with what you agreed on, and do you sign it?", abort=True)
    signer = custodian.signer(folder, read.role, ask_secret) if folder else signer_from_uri(key, ask=ask_secret)
    signature = sign_proposal(read, signer)
    if folder and accepted and accepted != held:
        custodian.remember_root(folder, accepted)
    _write(out, signature)
    show_line(f"Signed. Carry {out} back to whoever collects.")


def _about_base(proposal: Proposal, held: Metadata[Root] | None) -> list[str]:
    """Describe what is known of the root that a proposal is built on, and what is left to compare by eye."""
    if held and not proposal.chain:
        begun = proposal.role == ROOT and proposal.metadata.signed_bytes != held.signed_bytes
        return ["CAREFUL: you signed another first root before; has it been agreed to start over?"] if begun else []
    if proposal.base is None:
        return []
    if held is None:
        return ["You hold no root to compare that fingerprint with: compare it with your paper, or with the others"]
    if proposal.base.signed.version == held.signed.version:
        return ["That is the root that you last accepted"]
    return [f"It follows from version {held.signed.version}, which you last accepted, by its custodians' signatures"]


@keys.command("remember", epilog=example("movepass keys remember --key ~/custodian 1.root.json 2.root.json"))
@option("--key", required=True, type=PATH, metavar="FOLDER", help="Your custodian's folder.")
@click.option("--yes", is_flag=True, help="Do not ask; the fingerprint has been compared.")
@click.argument("roots", nargs=-1, required=True, type=PATH)
def remember(key: Path, roots: tuple[Path, ...], *, yes: bool) -> None:
    """Accept the root that a ceremony has produced: a later proposal must be built on it.

    ROOTS are files of the published repository, metadata/N.root.json, from the version last accepted to the newest.
    Signing a proposal does the same for the root that it is built on.
    """
    held = custodian.accepted_root(key)
    chain = sorted((anchor.read_root(_read(path)) for path in roots), key=lambda root: root.signed.version)
    newest = anchor.follow(held, chain)
    click.echo(f"Root version {newest.signed.version}, fingerprint {digits_of(document_bytes(newest))}")
    custodians = ", ".join(card.name for card in cards_of(newest))
    show_line(f"Custodians, of whom {newest.signed.roles[ROOT].threshold} must sign: {custodians}")
    if held is None and not yes:
        click.confirm("Do the others have the same fingerprint?", abort=True)
    custodian.remember_root(key, newest)
    show_line(f"Accepted. What is proposed must be built on it, or {key} does not sign.")


@keys.command("collect", epilog=example("movepass keys collect root.proposal rahima.sig"))
@json_option
@click.argument("proposal", type=PATH)
@click.argument("signatures", nargs=-1, required=True, type=PATH)
def collect(proposal: Path, signatures: tuple[Path, ...], *, as_json: bool) -> None:
    """Add signatures to the proposal, one or more at a time."""
    read = Proposal.from_bytes(_read(proposal))
    for path in signatures:
        try:
            read, _ = add_signature(read, _read(path))
        except CeremonyError as e:
            raise type(e)(f"{path}: {e}") from e
    _write(proposal, read.to_bytes(), replace=True)
    _show_proposal(read, as_json=as_json)


@keys.command("publish", epilog=example("movepass keys publish root.proposal keys.proposal --authority A"))
@authority_option
@json_option
@click.argument("proposals", nargs=-1, required=True, type=PATH)
def publish(authority: Path, proposals: tuple[Path, ...], *, as_json: bool) -> None:
    """Put fully signed proposals into the repository, all or none, and publish."""
    read = [Proposal.from_bytes(_read(path)) for path in proposals]
    names = ceremony_desk.publish_proposals(Authority.open(authority), read, _now())
    if as_json:
        show_json({"files": names})
    else:
        click.echo(f"Published: {', '.join(names)}.")


@keys.command(
    "new",
    epilog=example(
        "movepass keys new --authority A",
        "movepass keys new --authority A --uri awskms:ARN",
        "movepass keys new --authority A --wrapping-key ARN",
    ),
)
@authority_option
@alg_option
@option("--uri", metavar="URI", help="Use this key, kept elsewhere, instead of creating one.")
@option("--wrapping-key", metavar="ARN", help="Have this symmetric KMS key make the key, and wrap it (docs/kms.md).")
@json_option
def new(authority: Path, alg: str, uri: str | None, wrapping_key: str | None, *, as_json: bool) -> None:
    """Create a pass key for the authority. It signs nothing until it is proposed, published and used."""
    if uri and wrapping_key:
        raise click.UsageError("expected --uri or --wrapping-key, got both: a key is taken, or it is made")
    kid = ceremony_desk.new_pass_key(Authority.open(authority), BY_NAME[alg], uri, wrapping_key).hex()
    if as_json:
        show_json({"kid": kid})
    else:
        show_line(f"Key {kid} is there. Next: movepass keys propose keys --authority {authority} --add {kid} --out F")


@keys.command("use", epilog=example("movepass keys use 1f2e3d4c --authority A"))
@authority_option
@click.option("--urgent", is_flag=True, help="Now, though devices that have not synced since will not know the key.")
@json_option
@click.argument("kid", callback=_kid)
def use(authority: Path, kid: bytes, *, urgent: bool, as_json: bool) -> None:
    """Sign passes with another published key from now on."""
    since = ceremony_desk.use_pass_key(Authority.open(authority), kid, _now(), urgent=urgent)
    if as_json:
        show_json({"kid": kid.hex(), "published": iso(since)})
    else:
        click.echo(f"Passes are signed with {kid.hex()} from now on; it was published at {local(since)}.")


@keys.command("deny", epilog=example("movepass keys deny 9a8b7c6d --authority A --reason 'server stolen'"))
@authority_option
@plain_option("--reason", required=True, help="Why; officers see it.")
@json_option
@click.argument("kid", callback=_kid)
def deny(authority: Path, kid: bytes, reason: str, *, as_json: bool) -> None:
    """Void all passes of a key at the next sync, with the online key alone, until a ceremony revokes it."""
    done = ceremony_desk.deny(Authority.open(authority), kid, reason, _now())
    for name, why in done.missed.items():
        say(f"warning: {name} is not told, and a publication from there may not list it; deny it again later: {why}")
    if as_json:
        show_json({"kid": kid.hex(), "denied": True, "published": done.listed, "not_told": sorted(done.missed)})
        return
    if done.listed:
        click.echo(f"Published: passes of {kid.hex()} are void. Hold a ceremony: movepass keys propose keys --revoke …")
    else:
        click.echo(
            f"Noted: passes of {kid.hex()} are void once the region that publishes has done so next; to publish here "
            "and now: movepass publish --take-over. Then hold a ceremony: movepass keys propose keys --revoke …"
        )


@keys.command("reissue", epilog=example("movepass keys reissue 9a8b7c6d --authority A > reissued.jsonl"))
@authority_option
@click.argument("kid", callback=_kid)
def reissue(authority: Path, kid: bytes) -> None:
    """Issue every pass in force of a key again; JSON Lines with each holder to inform, old and new number.

    With several regions, run it with the authority of each region: each issues its own passes again.
    """
    opened = Authority.open(authority)
    with opened.issuer() as issuer:
        for old, made in issuer.reissue(kid):
            show_json({
                "request_id": old.request_id, "holder": old.pass_.trip.holder_name, "old": old.number,
                "pass_number": made.number, "text": made.text,
            })  # fmt: skip
    for number in opened.elsewhere_in_force(kid, day_of(_now())):
        say(f"warning: region {number} also has passes of {kid.hex()}; issue them again with that region's authority")


@keys.command("list", epilog=example("movepass keys list --authority A"))
@authority_option
@json_option
def list_(authority: Path, *, as_json: bool) -> None:
    """List the published keys; with --json as the JWK set for devices."""
    opened = Authority.open(authority)
    published, now = opened.keys(), _now()
    ends = warn_of_endings(opened, now)
    if as_json:
        show_json(published.to_jwks())
        return
    for kid, key in published.keys.items():
        span = f"{local(key.not_before)} to {local(key.not_after)}"
        state = _state(key, published.withdrawn(kid), now, in_use=kid == opened.pass_key)
        click.echo(f"{kid.hex()}  {NAMES[key.alg]}  {span}  {printable(state)}")
    for ending in ends:
        if ending.kid is None:
            click.echo(f"{ending.name} {describe_end(ending)}")


def _state(key: PassKey, withdrawn: Withdrawal | None, now: int, *, in_use: bool) -> str:
    """Describe in a few words what a key is good for now."""
    if withdrawn:
        return f"withdrawn: {withdrawn.reason}"
    ending = key_ending(key, now)
    begins = "not valid yet" if now < key.not_before else ""
    ends = describe_end(ending) if ending.soon else ""
    return ", ".join(part for part in ("in use" if in_use else "", begins, ends) if part)


def _show_proposal(proposal: Proposal, *, as_json: bool) -> None:
    counts = tallies(proposal)
    if as_json:
        rows = [{"of": t.of, "signed": t.signed, "missing": t.missing, "threshold": t.threshold} for t in counts]
        show_json({"role": proposal.role, "changes": describe_proposal(proposal, _now()), "signatures": rows})
        return
    for line in describe_proposal(proposal, _now()):
        show_line(line)
    for tally in counts:
        done = "enough" if tally.enough else f"missing, any of: {', '.join(tally.missing)}"
        signed = ", ".join(tally.signed) or "nobody"
        show_line(f"Signed, for {tally.of}: {signed} ({len(tally.signed)} of {tally.threshold}; {done})")


def _read(path: Path) -> bytes:
    """Read a file that came from somebody else, perhaps on a stick that a third person has prepared.

    Raises:
        InputError: it is missing, no regular file of its own, or too large.
    """
    try:
        return files.read_regular(path, _FILE_MAX_BYTES)
    except OSError as e:
        raise InputError(f"can't read {path}: {e.strerror}") from e


def _write(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a whole file and flush it to the stick, so that pulling it out afterwards loses nothing.

    Raises:
        InputError: something is there, and it is not a proposal that grows; or its folder is a link.
        CeremonyError: it can't be written.
    """
    try:
        with files.Folder.open(path.parent) as folder:
            (folder.write_whole if replace else folder.write_new)(path.name, data)
    except FileExistsError as e:
        raise InputError(f"{path} exists; it is not written over: choose another name") from e
    except files.UnfitFileError as e:
        raise InputError(f"can't write {path}: {e.filename}: {e.strerror}") from e
    except OSError as e:
        raise CeremonyError(f"can't write {path}: {e.strerror or e}; is the stick still plugged in?") from e


def _now() -> int:
    return int(time.time())


def _new_passphrase() -> bytes:
    given = secret_in_environment(PASSPHRASE)
    text = given if given is not None else click.prompt(
        "New passphrase", hide_input=True, confirmation_prompt=True, err=True
    )  # fmt: skip
    if not custodian.PASSPHRASE_MIN_CHARS <= len(text) <= custodian.PASSPHRASE_MAX_CHARS:
        limits = f"{custodian.PASSPHRASE_MIN_CHARS} to {custodian.PASSPHRASE_MAX_CHARS}"
        raise InputError(f"a passphrase has {limits} characters")
    return str(text).encode()
