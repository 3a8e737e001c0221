"""Sign with keys on smart cards and in HSMs, through PKCS#11. Needs the [hsm] extra.

    hsm:NUMBER?label=TOKEN   the key with that id on the token with that label; without a label, on the only token

The URI is that of securesystemslib, whose HSMSigner does the work. RFC 7512's pkcs11: may also name the module to load
and carry the PIN, and neither may come from a proposal or a note of somebody else. The environment variable PYKCS11LIB
names the module, as in securesystemslib; the PIN is asked for or comes from MOVEPASS_PIN. Labels are encoded as in a
query: a space as + or %20.

Only P-256 works, because HSMSigner supports no other algorithm of ours. Each signature opens, logs in and closes a
session.

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
"""The environment variable with the path of the token maker's PKCS#11 library."""
_FORM = re.compile(r"([0-9]{1,9})(?:\?label=([^?&#=]+))?")
_LOGIN = threading.Lock()
"""A login applies to the whole process (C_Login), so signatures are made one at a time."""


class HsmSigner:
    """A key on a token; the private key never leaves the token.

    Attributes:
        public_key: the key that the token shows.
        uri: the URI of the key, always with the token's label.
    """

    def __init__(self, rest: str, ask: Ask) -> None:
        """Find the key, asking for the PIN only if the token hides public keys without it.

        Args:
            rest: the URI after `hsm:`.
            ask: asks for the PIN when it is needed.

        Raises:
            SignerError: the [hsm] extra, the module, the token or the key is missing, or the kind of key or the PIN is
                wrong.
        """
        match = _FORM.fullmatch(rest)
        if match is None:
            raise SignerError(f"expected a key like hsm:2?label=TOKEN (the key's id on it, a number), got 'hsm:{rest}'")
        self._number, self._label = int(match[1]), unquote_plus(match[2]) if match[2] else None
        self._name, self._ask, self._pin = f"hsm:{rest}", ask, ""
        try:
            import pkcs11  # noqa: PLC0415 - an extra
            from securesystemslib.signer import HSMSigner  # noqa: PLC0415
        except ImportError as e:
            raise SignerError(f"{self._name}: a token needs the hsm extra: pip install 'movepass[hsm]'") from e
        self._pkcs11: Any = pkcs11
        self._label = self._check_token()
        with self._failures():
            try:
                self.uri, key = HSMSigner.import_(self._number, self._label)
            except ValueError:  # missing, or visible only with the PIN
                self._check_kind()
                self.uri, key = HSMSigner.import_(self._number, self._label, self._secret)
            self._signer = HSMSigner(self._number, key, self._secret, self._label)
        self.public_key = self._p256(key.keyval["public"])

    def sign(self, message: bytes) -> bytes:
        """Sign a message; see Signer. The token's answer is verified with the public key.

        Raises:
            SignerError: the PIN is wrong, the token was removed, or the key does not verify the signature.
        """
        with _LOGIN, self._failures():
            der = bytes.fromhex(self._signer.sign(message).signature)
        raw = algorithms.raw_from_der(der)
        if not algorithms.verify_signature(self.public_key, raw, message):
            raise SignerError(f"{self._name}: the token's private key {self._number} is not that of its public key")
        return raw

    def _secret(self, _: str) -> str:
        """Ask for the PIN once, however many signatures follow."""
        self._pin = self._pin or self._ask(PIN)
        return self._pin

    def _check_token(self) -> str:
        """Find the one matching token and return its label."""
        path = os.environ.get(MODULE, "")
        try:
            tokens = self._pkcs11.lib(path).get_tokens(token_flags=self._pkcs11.TokenFlag.TOKEN_INITIALIZED)
            labels = [str(token.label) for token in tokens]
        except (self._pkcs11.PKCS11Error, OSError) as e:
            came = f"{path!r}, which can't be loaded ({e or type(e).__name__})" if path else "nothing"
            raise SignerError(
                f"{self._name}: expected the path of your token's PKCS#11 library in {MODULE}, got {came}; "
                "for many cards it is OpenSC's opensc-pkcs11.so"
            ) from e
        meant = [label for label in labels if self._label in {None, label}]
        if len(meant) == 1:
            return meant[0]
        there = ", ".join(map(repr, labels)) or "none"
        words = "more than one token matches" if meant else "no such token"
        raise SignerError(
            f"{self._name}: {words}; plugged in: {there}. Plug in only the right token, or give its ?label="
        )

    def _keys(self) -> list[tuple[int, str]]:
        """List the id and kind of each key that the token shows without a PIN."""
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
                return key  # type: ignore[return-value] # algorithm_of has checked the type
        except KeysError:
            pass
        raise SignerError(f"{self._name}: the key is not on the curve P-256; make one that is")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Explain the error codes of the token and its library."""
        p = self._pkcs11
        try:
            yield
        except (p.exceptions.PinIncorrect, p.exceptions.PinInvalid, p.exceptions.PinLenRange) as e:
            self._pin = ""
            raise SignerError(
                f"{self._name}: wrong PIN. CAREFUL: a token locks after a few wrong tries, often three; "
                "make sure of the PIN before you try again"
            ) from e
        except p.exceptions.PinLocked as e:
            raise SignerError(
                f"{self._name}: the token has locked itself after too many wrong PINs; unlock it with its PUK, "
                "or hold a ceremony that replaces the key"
            ) from e
        except p.PKCS11Error as e:
            raise SignerError(
                f"{self._name}: the token failed ({type(e).__name__}{f': {e}' if str(e) else ''}); "
                "is it still plugged in? Plug it in again and try once more"
            ) from e
        except ValueError as e:
            shown = ", ".join(f"{number} ({kind})" for number, kind in self._keys()) or "none"
            raise SignerError(f"{self._name}: {e}; keys that it shows: {shown}") from e
