"""Let a world's custodians replace its pass key, as after a leak."""

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
from support.world import World


def replace_pass_key(world: World) -> None:
    """Publish another pass key, revoke the one in use, and issue its passes again."""
    authority = Authority.open(world.authority.folder)
    leaked = authority.pass_key
    assert leaked
    kid = new_pass_key(authority, ESP256)
    authority = Authority.open(world.authority.folder)
    change = KeyChange(add=(first_pass_key(pass_public_key(authority, kid), world.now),), revoke={leaked: "leaked"})
    proposal = propose_keys(authority, change, now=world.now)
    for folder in sorted((authority.folder / "custodians").iterdir())[:2]:
        proposal, _ = add_signature(proposal, sign_proposal(proposal, custodian.signer(folder, proposal.role)))
    publish_proposals(authority, [proposal], world.now)
    use_pass_key(Authority.open(world.authority.folder), kid, world.now, urgent=True)
    with Authority.open(world.authority.folder).issuer() as issuer:
        assert list(issuer.reissue(leaked))
