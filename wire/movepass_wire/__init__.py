"""Define what issuer and verifier share: pass, payload, pass number and status log. No I/O, keys or clock."""

from movepass_wire.claims import Pass, Place, Trip, decode_claims, encode_claims, number_claims
from movepass_wire.errors import (
    ClaimsError,
    LogError,
    MalformedError,
    NotAPassError,
    NumberError,
    PayloadError,
    UnsupportedVersionError,
    WireError,
)
from movepass_wire.number import format_number, parse_number
from movepass_wire.payload import ED25519, ESP256, Envelope, open_text, seal, to_be_signed
from movepass_wire.statuslog import Bitmap, StatusLog, encode_block, encode_set, new_log, read_log, write_log
from movepass_wire.trip_json import trip_from_json, trip_to_json

__all__ = [
    "ED25519",
    "ESP256",
    "Bitmap",
    "ClaimsError",
    "Envelope",
    "LogError",
    "MalformedError",
    "NotAPassError",
    "NumberError",
    "Pass",
    "PayloadError",
    "Place",
    "StatusLog",
    "Trip",
    "UnsupportedVersionError",
    "WireError",
    "decode_claims",
    "encode_block",
    "encode_claims",
    "encode_set",
    "format_number",
    "new_log",
    "number_claims",
    "open_text",
    "parse_number",
    "read_log",
    "seal",
    "to_be_signed",
    "trip_from_json",
    "trip_to_json",
    "write_log",
]
