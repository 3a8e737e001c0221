"""What a text is that is no readable pass, as far as its beginning tells: a scanner's fault is not called a forgery."""

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
"""EU digital COVID certificate, SMART Health Card, web address; what a device is set up with."""

_LAYOUTS = {
    "MP1Ö": "layout.german-swedish",
    "MP1Æ": "layout.danish",
    "MP1Ø": "layout.norwegian",
    "MP1Ñ": "layout.spanish",
    "MP1Ç": "layout.italian-portuguese",
    "MP1Ş": "layout.turkish",
    "?P&M": "layout.french",
}
"""What becomes of MP1: where a scanner that presses the keys of a US keyboard meets another layout."""
_BENGALI = range(0x0980, 0x0A00)
_PAPERS = (
    (re.compile(r"<pin>[0-9]{10,17}</pin>", re.ASCII | re.IGNORECASE), "reason.national-id"),
    (re.compile(r"[\x00-\x20]*NM[ -~]{1,100}[\x00-\x20]*NW[0-9]{10}[\x00-\x20]*OL"), "reason.national-id"),
    (re.compile(r"P[A-Z<][A-Z]{3}[A-Z<]{39}"), "reason.passport"),
)
"""Barcodes of papers that drivers show with a pass, each with what it is.

Bangladesh's national ID cards have a PDF417 code. The old card's looks like XML: S. Adhikary, "Reading Bangladeshi NID
and Smart Cards with ZXing" (adhikary.net, 2018). The smart card's has fields by two letters: name NM, number NW, former
number OL. No authority describes it, so any control characters may stand between them. A passport's first line is
ICAO's (Doc 9303, part 4). How a driving licence's code is written is not published.
"""
PERSONAL = {key for _, key in _PAPERS}
"""Messages about codes that begin with personal data: nothing of such a text is shown."""
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def what_else(text: str) -> Message:
    """Say what a text is that is no pass: another scheme's code, or one typed through a wrong keyboard layout."""
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
    """Tell whether a text has the form of a signed JSON Web Token (RFC 7519)."""
    return _JWT.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Tell whether a text is a pass number alone."""
    try:
        parse_number(text)
    except NumberError:
        return False
    return True


def what_is_wrong(text: str) -> Message:
    """Say what is wrong with a text that says that it is a pass."""
    wrong_case = not text.startswith(PREFIX) and text[: len(PREFIX)].upper() == PREFIX
    return message("reason.letter-case" if wrong_case else "reason.malformed")
