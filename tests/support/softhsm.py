"""Provide real PKCS#11 tokens in software, with SoftHSM2 and a folder of tokens.

SoftHSM is no smart card: it never locks itself, and nothing can be pulled out. What it can't show stands in
docs/ceremony.md.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import processes

LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
)
PIN = "271828"
_MAKE = """
import os, sys
from pkcs11 import Attribute, KeyType, Mechanism, lib
from pkcs11.util.ec import encode_named_curve_parameters as curve
label, pin, number, kind, what = sys.argv[1:]
token = lib(os.environ["PYKCS11LIB"]).get_token(token_label=label)
of_pair = {"store": True, "id": bytes([int(number)])}
hidden = {"public_template": {Attribute.PRIVATE: True}} if what == "hidden" else {}
with token.open(rw=True, user_pin=pin) as session:
    def make(**more):
        if kind == "RSA":
            return session.generate_keypair(KeyType.RSA, 2048, **of_pair)
        edwards = kind == "edwards25519"
        parameters = {Attribute.EC_PARAMS: b"\\x13\\x0cedwards25519" if edwards else curve(kind)}
        of_curve = KeyType.EC_EDWARDS if edwards else KeyType.EC
        domain = session.create_domain_parameters(of_curve, parameters, local=True)
        return domain.generate_keypair(**of_pair, **hidden, **more)
    public, private = make()
    if what == "public":
        private.destroy()
    if what == "mixed":  # one pair's public key and another's private key under one id
        private.destroy()
        make()[0].destroy()
"""


@dataclass(frozen=True)
class Tokens:
    """A computer with tokens plugged in: a folder of SoftHSM's."""

    folder: Path

    @classmethod
    def plug_in(cls, folder: Path, *labels: str) -> "Tokens":
        """Make tokens with no keys on them. Skips where SoftHSM is missing."""
        tokens = cls(folder)
        _library()
        (folder / "tokens").mkdir(parents=True)
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
        for label in labels:
            command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN]
            subprocess.run(command, env={**os.environ, **tokens.environment}, check=True, capture_output=True)
        return tokens

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which a process sees the tokens."""
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf"), "PYKCS11LIB": str(_library())}

    def make_key(self, label: str, number: int, kind: str = "secp256r1", what: str = "") -> None:
        """Make a key on a token, as its owner would with the token's own tools.

        Args:
            label: the token's.
            number: id of the key.
            kind: RSA, or a curve's name.
            what: "hidden" shows the public key to nobody without the PIN, "public" has no private key, "mixed" has
                that of another pair.
        """
        processes.run_forked(_MAKE, label, PIN, number, kind, what, extra=self.environment)


def _library() -> Path:
    for path in map(Path, LIBRARIES):
        if path.exists() and shutil.which("softhsm2-util"):
            return path
    pytest.skip("NOT TESTED: SoftHSM is missing; on Debian: apt install softhsm2")
