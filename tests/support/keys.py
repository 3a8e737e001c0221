"""Let custodians replace an authority's pass key, as after a leak."""

from pathlib import Path

from movepass_issuer.authority.ceremony_desk import (
    first_pass_key,
    new_pass_key,
    pass_public_key,
    propose_keys,
    publish_proposals,
    use_pass_key,
)
from movepass_issuer.authority.folder import Authority
from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.proposal import KeyChange, add_signature, sign_proposal
from movepass_wire.payload import ESP256


def replace_pass_key(folder: Path, now: int, *, uri: str | None = None) -> None:
    """Publish another pass key, revoke the one in use, and issue its passes again.

    Args:
        folder: the authority's.
        now: seconds since 1970 UTC.
        uri: of the other key, where it is not made here.
    """
    authority = Authority.open(folder)
    leaked = authority.pass_key
    assert leaked
    kid = new_pass_key(authority, ESP256, uri)
    authority = Authority.open(folder)
    change = KeyChange(add=(first_pass_key(pass_public_key(authority, kid), now),), revoke={leaked: "leaked"})
    proposal = propose_keys(authority, change, now=now)
    for one in sorted((folder / "custodians").iterdir())[:2]:
        proposal, _ = add_signature(proposal, sign_proposal(proposal, custodian.signer(one, proposal.role)))
    publish_proposals(authority, [proposal], now)
    use_pass_key(Authority.open(folder), kid, now, urgent=True)
    with Authority.open(folder).issuer() as issuer:
        assert list(issuer.reissue(leaked))
