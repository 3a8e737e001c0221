"""Signers whose key is on a smart card or in an HSM, reached by PKCS#11. Needs the [hsm] extra.

    hsm:NUMBER?label=TOKEN   the key of that id on the token of that label; without a label, on the only token there is

This is securesystemslib's URI, whose HSMSigner does the work, and not the pkcs11: of RFC 7512: that one may name the
module to load and carry the PIN, and neither belongs where a proposal or a note of somebody else's could say it. The
module is named by the environment variable PYKCS11LIB (as there), the PIN is asked for or comes from MOVEPASS_PIN.
Labels are written as in a query: a space as + or %20.

P-256 only, since HSMSigner has nothing else that we sign with. One signature is one session: opened, logged in, closed.

Sources: PKCS #11 version 2.40, https://docs.oasis-open.org/pkcs11/pkcs11-base/v2.40/ (CKM_ECDSA, C_Login);
securesystemslib's signer/_hsm_signer.py.
"""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_plus

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from movepass_keys.errors import KeysError, SignerError
from movepass_keys.records import algorithms
from movepass_keys.signers.signer import PIN, Ask
from movepass_wire.payload import ESP256

MODULE = "PYKCS11LIB"
"""Environment variable with the path of the token maker's PKCS#11 library."""
_FORM = re.compile(r"([0-9]{1,9})(?:\?label=([^?&#=]+))?")
_LOGIN = threading.Lock()
"""A login is the whole process's (C_Login), so one signature at a time."""


class HsmSigner:
    """A key on a token: the private key never leaves it.

    Attributes:
        public_key: as the token shows it.
        uri: of this key, with the token's label whether or not it was given.
    """

    def __init__(self, rest: str, ask: Ask) -> None:
        """Find the key; the PIN is asked for only where the token hides even public keys without it.

        Args:
            rest: the URI behind `hsm:`.
            ask: for the PIN, when it is needed.

        Raises:
            SignerError: no [hsm] extra, no module, no such token or key, another kind of key, or a wrong PIN.
        """
        match = _FORM.fullmatch(rest)
        if match is None:
            raise SignerError(f"expected a key like hsm:2?label=TOKEN (the key's id on it, a number), got 'hsm:{rest}'")
        self._number, self._label = int(match[1]), unquote_plus(match[2]) if match[2] else None
        self._name, self._ask, self._pin = f"hsm:{rest}", ask, ""
        try:
            import pkcs11  # noqa: PLC0415 - an extra
            from securesystemslib.signer import HSMSigner  # noqa: PLC0415
        except ImportError:
            raise SignerError(f"{self._name}: a token needs the hsm extra: pip install 'movepass[hsm]'") from None
        self._pkcs11: Any = pkcs11
        self._label = self._check_token()
        with self._failures():
            try:
                self.uri, key = HSMSigner.import_(self._number, self._label)
            except ValueError:  # not there, or only to be seen by those who know the PIN
                self._check_kind()
                self.uri, key = HSMSigner.import_(self._number, self._label, self._secret)
            self._signer = HSMSigner(self._number, key, self._secret, self._label)
        self.public_key = self._p256(key.keyval["public"])

    def sign(self, message: bytes) -> bytes:
        """Sign a message; see Signer. What the token answers is held against the public key.

        Raises:
            SignerError: wrong PIN, the token is not there any more, or it gave no signature that the key verifies.
        """
        with _LOGIN, self._failures():
            der = bytes.fromhex(self._signer.sign(message).signature)
        raw = algorithms.raw_from_der(der)
        if not algorithms.verify_signature(self.public_key, raw, message):
            raise SignerError(f"{self._name}: the token's private key {self._number} is not that of its public key")
        return raw

    def _secret(self, _: str) -> str:
        """Ask for the PIN once, however many signatures there are to make."""
        self._pin = self._pin or self._ask(PIN)
        return self._pin

    def _check_token(self) -> str:
        """Find the one token that is meant; returns its label."""
        path = os.environ.get(MODULE, "")
        try:
            tokens = self._pkcs11.lib(path).get_tokens(token_flags=self._pkcs11.TokenFlag.TOKEN_INITIALIZED)
            labels = [str(token.label) for token in tokens]
        except (self._pkcs11.PKCS11Error, OSError) as e:
            came = f"{path!r}, which can't be loaded ({e or type(e).__name__})" if path else "nothing"
            raise SignerError(
                f"{self._name}: expected the path of your token's PKCS#11 library in {MODULE}, got {came}; "
                "for many cards it is OpenSC's opensc-pkcs11.so"
            ) from None
        meant = [label for label in labels if self._label in {None, label}]
        if len(meant) == 1:
            return meant[0]
        there = ", ".join(map(repr, labels)) or "none"
        words = "more than one token is meant" if meant else "no such token"
        raise SignerError(f"{self._name}: {words}; plugged in: {there}. Plug in the one, and give its ?label=")

    def _keys(self) -> list[tuple[int, str]]:
        """List the keys that the token shows without a PIN: id and kind."""
        attributes, public = self._pkcs11.Attribute, self._pkcs11.ObjectClass.PUBLIC_KEY
        with self._pkcs11.lib(os.environ[MODULE]).get_token(token_label=self._label).open() as session:
            found = session.get_objects({attributes.CLASS: public})
            return sorted((int.from_bytes(key.id, "big"), key.key_type.name) for key in found)

    def _check_kind(self) -> None:
        kinds = [kind for number, kind in self._keys() if number == self._number and kind != "EC"]
        if kinds:
            raise SignerError(f"{self._name}: the key is {kinds[0]}; expected P-256: make one on the token")

    def _p256(self, public: str) -> algorithms.PublicKey:
        try:
            key = load_pem_public_key(public.encode())
            if algorithms.algorithm_of(key) == ESP256:
                return key  # type: ignore[return-value] # algorithm_of has just said so
        except KeysError:
            pass
        raise SignerError(f"{self._name}: the key is not on the curve P-256; make one that is")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Say in words what the token or its library says in codes."""
        p = self._pkcs11
        try:
            yield
        except (p.exceptions.PinIncorrect, p.exceptions.PinInvalid, p.exceptions.PinLenRange):
            self._pin = ""
            raise SignerError(
                f"{self._name}: wrong PIN. CAREFUL: a token locks after a few wrong tries, often three; "
                "make sure of the PIN before you try again"
            ) from None
        except p.exceptions.PinLocked:
            raise SignerError(
                f"{self._name}: the token has locked itself after too many wrong PINs; unlock it with its PUK, "
                "or hold a ceremony that replaces the key"
            ) from None
        except p.PKCS11Error as e:
            raise SignerError(
                f"{self._name}: the token failed ({type(e).__name__}{f': {e}' if str(e) else ''}); "
                "is it still plugged in? Plug it in again and try once more"
            ) from None
        except ValueError as e:
            shown = ", ".join(f"{number} ({kind})" for number, kind in self._keys()) or "none"
            raise SignerError(f"{self._name}: {e}; keys that it shows: {shown}") from None
