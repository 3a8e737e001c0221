"""Identify texts that are not readable passes by their start, so that a scanner's fault is not called a forgery."""

import re

from movepass_wire import NumberError, parse_number
from movepass_wire.payload import PREFIX
from movepass_words import Message, message

_SCHEMES = {
    "hc1:": "reason.covid-certificate",
    "shc:/": "reason.health-card",
    "http://": "reason.web-address",
    "https://": "reason.web-address",
    "mpe1:": "reason.enrolment",
}
"""EU digital COVID certificate, SMART Health Card, web address, and the code that sets a device up."""

_LAYOUTS = {
    "MP1Ö": "layout.german-swedish",
    "MP1Æ": "layout.danish",
    "MP1Ø": "layout.norwegian",
    "MP1Ñ": "layout.spanish",
    "MP1Ç": "layout.italian-portuguese",
    "MP1Ş": "layout.turkish",
    "?P&M": "layout.french",
}
"""What "MP1:" becomes if a scanner that types on a US keyboard meets another layout."""
_BENGALI = range(0x0980, 0x0A00)
_PAPERS = (
    (re.compile(r"<pin>[0-9]{10,17}</pin>", re.ASCII | re.IGNORECASE), "reason.national-id"),
    (re.compile(r"[\x00-\x20]*NM[ -~]{1,100}[\x00-\x20]*NW[0-9]{10}[\x00-\x20]*OL"), "reason.national-id"),
    (re.compile(r"P[A-Z<][A-Z]{3}[A-Z<]{39}"), "reason.passport"),
)
"""The barcodes of papers that drivers show with a pass, and their messages.

Bangladesh's national ID cards have a PDF417 code. The code of the old card looks like XML: S. Adhikary, "Reading
Bangladeshi NID and Smart Cards with ZXing" (adhikary.net, 2018). The code of the smart card names its fields by two
letters: name NM, number NW, former number OL. No authority documents it, so any control characters may separate them.
The first line of a passport is ICAO's (Doc 9303, part 4). The format of driving licences is not published.
"""
PERSONAL = {key for _, key in _PAPERS}
"""Messages about codes that begin with personal data: nothing of such a text is shown."""
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def what_else(text: str) -> Message:
    """Return what a text is that is not a pass: another scheme's code, or typed with a wrong keyboard layout."""
    start = text[: len("https://")].lower()
    for prefix, key in _SCHEMES.items():
        if start.startswith(prefix):
            return message(key)
    if looks_like_jwt(text):
        return message("reason.signed-token")
    for begins, key in _PAPERS:
        if begins.match(text):
            return message(key)
    layout = _LAYOUTS.get(text[: len(PREFIX)].upper())
    if layout is None and text and ord(text[0]) in _BENGALI:
        layout = "layout.bangla"
    if layout:
        return message("reason.keyboard-layout", layout=message(layout))
    return message("reason.pass-number" if is_number(text) else "reason.not-a-pass")


def looks_like_jwt(text: str) -> bool:
    """Check whether a text has the form of a signed JSON Web Token (RFC 7519)."""
    return _JWT.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Check whether a text is a pass number alone."""
    try:
        parse_number(text)
    except NumberError:
        return False
    return True


def what_is_wrong(text: str) -> Message:
    """Return what is wrong with a text that claims to be a pass."""
    wrong_case = not text.startswith(PREFIX) and text[: len(PREFIX)].upper() == PREFIX
    return message("reason.letter-case" if wrong_case else "reason.malformed")
