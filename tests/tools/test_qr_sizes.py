"""The size benchmark: its peers hold the same content under real signatures, and its bars can be missed."""

import importlib.util
import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cwt import COSE, COSEKey
from joserfc import jws, jwt
from joserfc.jwk import ECKey
from joserfc.registry import HeaderParameter

from movepass_wire import base45, decode_claims, open_text, trip_to_json

NBF, EXP = 1795316400, 1795327200


def _load() -> Any:
    path = Path(__file__).parents[2] / "tools" / "bench" / "qr_sizes.py"
    spec = importlib.util.spec_from_file_location("bench_qr_sizes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


qr_sizes = _load()
KEY = qr_sizes.Key.fresh()
TABLE = qr_sizes.sizes()

Claims = dict[str, Any]


def open_ours(text: str) -> Claims:
    envelope = open_text(text)
    assert envelope.kid == KEY.kid
    r, s = (int.from_bytes(half, "big") for half in (envelope.signature[:32], envelope.signature[32:]))
    KEY.private.public_key().verify(encode_dss_signature(r, s), envelope.signed, ec.ECDSA(hashes.SHA256()))
    pass_ = decode_claims(envelope.claims)
    fields = trip_to_json(pass_.trip)
    del fields["not_before"], fields["not_after"]
    return {"id": pass_.index, "nbf": pass_.trip.not_before, "exp": pass_.trip.not_after, **fields}


def open_hcert(text: str) -> Claims:
    signed = zlib.decompress(base45.decode(text.removeprefix("HC1:")))
    claims = cbor2.loads(COSE.new().decode(signed, COSEKey.from_pem(KEY.pem, kid=KEY.kid, alg="ES256")))
    return {"iss": claims[1], "exp": claims[4], "nbf": claims[5], **claims[-260][1]}


def open_shc(text: str) -> Claims:
    digits = text.removeprefix("shc:/")
    token = "".join(chr(int(digits[at : at + 2]) + 45) for at in range(0, len(digits), 2))
    registry = jws.JWSRegistry(header_registry={"zip": HeaderParameter("Compression Algorithm", "str")})
    payload = jws.deserialize_compact(token, ECKey.import_key(KEY.pem), registry=registry).payload
    claims: Claims = json.loads(zlib.decompress(payload, -zlib.MAX_WBITS))
    return claims


def open_jwt(text: str) -> Claims:
    return jwt.decode(text, ECKey.import_key(KEY.pem)).claims


OPENERS: dict[str, Callable[[str], Claims]] = {"MP1": open_ours, "HCERT": open_hcert, "SHC": open_shc, "JWT": open_jwt}


@pytest.mark.parametrize("scheme", OPENERS)
@pytest.mark.parametrize("subject", qr_sizes.SUBJECTS)
def test_every_scheme_signs_the_same_content(scheme: str, subject: str) -> None:
    document = qr_sizes.SUBJECTS[subject]
    content = {key: value for key, value in document.items() if key not in {"not_before", "not_after"}}
    claims = OPENERS[scheme](qr_sizes.SCHEMES[scheme](document, KEY).text)
    assert claims.pop("iss", "BD") == "BD"
    assert claims == {"id": 400_000, "nbf": NBF, "exp": EXP, **content}


def test_the_benchmark_prints_its_table_and_misses_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert qr_sizes.main() == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1 + len(qr_sizes.SUBJECTS) * len(qr_sizes.SCHEMES)
    assert err == ""


def test_the_standard_pass_is_168_bytes_in_version_9_m() -> None:
    ours = next(size for size in TABLE if (size.subject, size.scheme) == ("standard pass", "MP1"))
    assert (ours.payload_bytes, ours.characters, ours.version_m) == (168, 256, 9)


@pytest.mark.parametrize(
    ("subject", "change", "message"),
    [
        pytest.param("standard pass", {"payload_bytes": 173}, "has 173 bytes; at most 172", id="bytes"),
        pytest.param("standard pass", {"version_m": 10}, "needs QR version 10-M; at most 9-M", id="version"),
        pytest.param("example, Bangla", {"payload_bytes": 195}, "differ by 6 bytes; at most 5", id="Bangla longer"),
        pytest.param("example, English", {"payload_bytes": 199}, "differ by 6 bytes; at most 5", id="English longer"),
        pytest.param("example, English", {"payload_bytes": 900}, "no smaller than HCERT's", id="a peer's bytes"),
        pytest.param("example, Bangla", {"characters": 900}, "no smaller than JWT's", id="a peer's characters"),
        pytest.param("example, Bangla", {"version_m": 16}, "no smaller than SHC's 16", id="a peer's version at M"),
        pytest.param("standard pass", {"version_q": 15}, "no smaller than HCERT's 15", id="a peer's version at Q"),
    ],
)
def test_a_missed_bar_is_named(subject: str, change: dict[str, int], message: str) -> None:
    table = [replace(size, **change) if (size.subject, size.scheme) == (subject, "MP1") else size for size in TABLE]
    assert any(message in line for line in qr_sizes.missed_bars(table))


def test_a_missed_bar_ends_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(qr_sizes, "BYTES_MAX", 167)
    assert qr_sizes.main() == 1
    assert capsys.readouterr().err == "MISSED: the standard pass has 168 bytes; at most 167\n"
