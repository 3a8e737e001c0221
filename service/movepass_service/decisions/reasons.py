"""The reasons that an officer can give, in the words that the applicant reads."""

from collections.abc import Mapping

NOTE_MAX_CHARS = 500
REASONS: Mapping[str, Mapping[str, str]] = {
    "approved-by-officer": {"bn": "একজন কর্মকর্তা আবেদনটি অনুমোদন করেছেন।", "en": "An officer approved this."},
    "not-necessary": {
        "bn": "এই যাত্রা এখন জরুরি বলে মনে হয়নি। জরুরি হলে কারণ জানিয়ে আপিল করুন।",
        "en": "The trip does not seem necessary at present. If it is, appeal and say why.",
    },
    "details-wrong": {
        "bn": "আবেদনের কিছু তথ্য মিলছে না। তথ্য ঠিক করে আবার পাঠান।",
        "en": "Some details do not fit together. Correct them and send the application again.",
    },
    "too-many": {
        "bn": "এই সময়ের জন্য আপনার যথেষ্ট পাস আছে।",
        "en": "You already have passes enough for this time.",
    },
    "place-closed": {
        "bn": "এলাকাটি এখন বন্ধ। খুললে আবার আবেদন করুন।",
        "en": "The area is closed at present. Apply again once it is open.",
    },
    "duplicate": {
        "bn": "একই যাত্রার জন্য আপনার আরেকটি আবেদন আছে। সেটির ফল দেখুন।",
        "en": "You have another application for the same trip. Look at that one.",
    },
    "not-confirmed": {
        "bn": "আবেদনে যা লেখা আছে, তা যাচাই করে নিশ্চিত হওয়া যায়নি। প্রমাণ থাকলে আপিল করুন।",
        "en": "An officer checked what the application says and could not confirm it. Appeal if you can show it.",
    },
    "name-unclear": {
        "bn": "নাম বা পরিচয়পত্রের শেষ অক্ষরগুলো পরিচয়পত্রের মতো করে লিখে আবার পাঠান।",
        "en": "Write the name and the last characters of the ID as they are on the paper, and send it again.",
    },
    "place-unclear": {
        "bn": "কোথা থেকে কোথায় যাবেন, তা আরও স্পষ্ট করে লিখে আবার পাঠান।",
        "en": "Say more exactly where you travel from and to, and send it again.",
    },
    "reason-unclear": {
        "bn": "যাত্রার কারণ আরও স্পষ্ট করে লিখে আবার পাঠান।",
        "en": "Say more exactly why you travel, and send it again.",
    },
    "shorter-time": {
        "bn": "যাত্রার জন্য এত সময় লাগে না। সময় কমিয়ে আবার পাঠান।",
        "en": "The trip needs less time than that. Shorten it and send it again.",
    },
    "withdrawn-by-officer": {
        "bn": "একজন কর্মকর্তা আবেদনটি বাতিল করেছেন।",
        "en": "An officer withdrew this application.",
    },
    "reversed": {"bn": "একজন কর্মকর্তা পাসটি বাতিল করেছেন।", "en": "An officer revoked this pass."},
}
_REJECTIONS = ("not-necessary", "too-many", "place-closed", "duplicate", "not-confirmed", "details-wrong")
_CORRECTIONS = ("details-wrong", "name-unclear", "place-unclear", "reason-unclear", "shorter-time")
_CODES = {
    "approve": ("approved-by-officer",),
    "reject": _REJECTIONS,
    "needs-correction": _CORRECTIONS,
    "withdraw": ("withdrawn-by-officer",),
    "revoke": ("reversed",),
}
ACTIONS = ("approve", "reject", "needs-correction")
"""Decisions about a case."""


def codes_of(action: str) -> tuple[str, ...]:
    """Return the reasons that an action can have, the usual one first; none for an unknown action."""
    return _CODES.get(action, ())
