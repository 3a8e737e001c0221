"""Passkeys (WebAuthn Level 3) over the library `webauthn`: what a browser is asked, and whether its answer is good.

A passkey is discoverable, so nobody types a name, and the authenticator verifies the person (PIN, finger, face). No
attestation is asked for: the enrolment link says who may enrol.

The library reads whatever a browser sends, and lets out what its readers of CBOR, ASN.1 and keys raise, IndexError for
one. So every exception of its is a wrong answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from movepass_service.errors import ServiceError

TIMEOUT_MS = 120_000
"""How long a browser lets a person look for their authenticator."""
ID_MAX_BYTES = 1023
"""WebAuthn's own bound."""
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


class WrongPasskey(ServiceError):  # noqa: N818 - named as the service's other refusals
    """An authenticator's answer that is refused."""

    is_input = True


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site that asks: the host that passkeys belong to, its origins as browsers say them, and a name for people."""

    id: str
    origins: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that was made."""

    id: bytes
    public_key: bytes
    sign_count: int


def sign_in_options(party: RelyingParty, challenge: bytes) -> dict[str, Any]:
    """Return what navigator.credentials.get() is asked for; any passkey of this host will do."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _document(options)


def enrolment_options(
    party: RelyingParty, challenge: bytes, *, handle: bytes, name: str, known: Sequence[bytes]
) -> dict[str, Any]:
    """Return what navigator.credentials.create() is asked for.

    Args:
        party: who asks.
        challenge: random bytes.
        handle: the random name of the account.
        name: the officer's.
        known: ids of passkeys that the officer has: one authenticator is not enrolled twice.
    """
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=handle,
        user_name=name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=id_) for id_ in known],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return _document(options)


def read_id(credential: Mapping[str, Any]) -> bytes:
    """Return the id of the passkey that an answer names.

    Raises:
        WrongPasskey: it names none.
    """
    try:
        id_ = base64url_to_bytes(credential["id"])
    except Exception as e:  # see the module
        raise WrongPasskey("the answer names no passkey") from e
    if not 0 < len(id_) <= ID_MAX_BYTES:
        raise WrongPasskey("the answer names no passkey")
    return id_


def check_enrolment(party: RelyingParty, credential: Mapping[str, Any], challenge: bytes) -> NewPasskey:
    """Check what an authenticator answered to enrolment_options.

    Raises:
        WrongPasskey: it answers another challenge, is for another origin or host, or did not verify the person.
    """
    try:
        made = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except Exception as e:  # see the module
        raise WrongPasskey(f"the passkey was not made as asked: {e}") from e
    if not 0 < len(made.credential_id) <= ID_MAX_BYTES:
        raise WrongPasskey("the passkey's id is too long")
    return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count)


def check_sign_in(
    party: RelyingParty, credential: Mapping[str, Any], challenge: bytes, *, public_key: bytes, handle: bytes
) -> int:
    """Check what an authenticator answered to sign_in_options; returns its counter.

    The caller compares the counter: an older one means that somebody copied the authenticator.

    Raises:
        WrongPasskey: another signature, challenge, origin, host or account, or the person was not verified.
    """
    try:
        said = credential["response"].get("userHandle")
        is_theirs = said is not None and base64url_to_bytes(said) == handle
        verified = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as e:  # see the module
        raise WrongPasskey(f"the passkey did not sign as asked: {e}") from e
    if not is_theirs:
        raise WrongPasskey("the passkey belongs to another account")
    return verified.new_sign_count


def _document(options: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(options_to_json(options))
    return document
