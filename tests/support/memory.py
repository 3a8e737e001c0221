"""Search a process's memory for a private key, in every form in which libraries hold it."""

from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from movepass_keys.records.algorithms import PrivateKey

_UNREADABLE = {"[vvar]", "[vvar_vclock]", "[vsyscall]"}


def forms(key: PrivateKey) -> dict[str, bytes]:
    """Return the forms to look for.

    For P-256 the scalar: big-endian as in DER, little-endian as OpenSSL's BIGNUM holds it on this kind of machine. For
    Ed25519 the seed. Either also as text: hexadecimal, and as it stands in base64 of the PKCS#8 document.
    """
    secret = (
        key.private_numbers().private_value.to_bytes(32, "big")
        if isinstance(key, EllipticCurvePrivateKey)
        else key.private_bytes_raw()
    )
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    start = der.index(secret)
    text = b64encode(der)[(start + 2) // 3 * 4 : (start + len(secret)) // 3 * 4]
    return {"big-endian": secret, "little-endian": secret[::-1], "hex": secret.hex().encode(), "base64": text}


def found(pid: int, wanted: dict[str, bytes]) -> set[str]:
    """Tell which of these byte strings are anywhere in the readable memory of a process."""
    result: set[str] = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            addresses, permissions, *rest = line.split(maxsplit=5)
            if "r" in permissions and rest[-1] not in _UNREADABLE:
                low, high = (int(address, 16) for address in addresses.split("-"))
                memory.seek(low)
                part = memory.read(high - low)
                result |= {name for name, value in wanted.items() if value in part}
    return result
