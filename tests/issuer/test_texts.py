"""Texts that people can read: names of every script pass, and what nobody can see or read is refused by its field."""

import copy
from typing import Any

import pytest
from support.passes import approved, request

from movepass_issuer import ApprovedPass, RequestError
from movepass_issuer.issuing.texts import check_readable
from movepass_wire.errors import ClaimsError
from movepass_wire.text import normalise

NOW = 1795316400  # 2026-11-22T09:00:00+06:00
READABLE = {
    "Latin": "A|4821|N'Ko|Łukasz Żółć|Nguyễn Thị Ngọc Ánh|Trần Đặng Hữu|Ọlọ́runtóyìn|Ạ̄́|DHAKA METRO-GA 15-4821",
    "Bangla": "রহিমা খাতুন|ডা. শারমিন আক্তার|মোঃ আব্দুল করিম|লক্ষ্মী|শ্রী কৃষ্ণচন্দ্র|উজ্জ্বল|রাষ্ট্র|ত্র্যম্বক|ড়ৌঁঃ|৪৮২১|ঢাকা মেট্রো-গ ১১-২২৩৩",
    "Bangla with joiners": "র\u200d্যাব|অ\u200d্যাডভোকেট|এ\u200c্যানি|ক্\u200cষ|হঠাত্\u200d|র\u200c্যাডিসন|কার্ত্স্ন্য|আল্\u200c",
    "Chakma": "𑄌𑄋𑄴𑄟𑄳𑄦|𑄌𑄋𑄴𑄟𑄳𑄦 𑄞𑄌𑄴",
    "Arabic": "بِسْمِ اللَّهِ الرَّحْمَٰنِ|می\u200cخواهم|ه\u200d|محمّد بن عبدالله",  # noqa: RUF001
    "Hebrew": "שָׁלוֹם|בְּרֵאשִׁ֖ית|סַבְּבֵ֥נוּ",
    "Indic": "श्री कृष्ण|क्\u200dष|र्\u200dय|ශ්\u200dරී ලංකා|സൗന്ദര്യം|അവന്\u200d|ਸ੍ਰੀ|தமிழ்|క్షేత్రం|ಕ್ಷಮಾ",
    "Thai, Lao, Khmer": "ประเทศไทย|น้ำใส|ปู่ญี่ปุ่น|ມື້ນີ້|ខ្មែរ|ស្ត្រី",
    "Burmese": "ကျွန်ုပ်|မြွှောင်|အောင်ဆန်းစုကြည်|ကြွေး|သင်္ဘော",
    "Tibetan": "བསྒྲུབས|ཚེ་རིང་དབང་འདུས།|རྒྱལ་མཚན|ༀམཎིཔདྨེཧཱུྃ|བསྟན་འཛིན་རྒྱ་མཚོ",
    "others": "王小明|김민수|ジョン|Αθηνᾶ|Иван Й|ሰላም|ᠮᠣᠩᠭᠣᠯ|ߒߞߏ|ꯃꯤꯇꯩ ꯂꯣꯟ|ᱥᱟᱱᱛᱟᱲᱤ",
}
UNREADABLE = {
    "nothing visible": ["\u200c" * 64, "\u200d", "--", "…", "★", "🙂"],
    "fillers": [f"A{c}" for c in "\u3164\u115f\u1160\uffa0\u2800\u00ad\ufe0f\ufe00\u034f\u180b\u17b4\ufffc\u2060"],
    "fillers alone": ["\u3164", "\u115f\u1160", "\u2800" * 3, "\ufe0f"],
    "accents": ["A" + "\u0301" * 62, "A" + "\u0301" * 4, "Z\u0335\u0301\u0300\u0302\u0303", "A" + "\u0489" * 3],
    "marks": ["ক" + "ঁ" * 7, "\u0301a", "A \u0301b", "A" + "\u0301\u200d" * 9],
    "joiners": [
        "a\u200cb",
        "A\u200d",
        "\u200dA",
        "ক্\u200c\u200cষ",
        "ক\u200d",
        "A\u200d\u0301",
        "👨\u200d👩 a",
        "1\u200c2",
    ],
    "no characters": ["A\u0378", "A\U000e0041"],
}


@pytest.mark.parametrize("text", [text for texts in READABLE.values() for text in texts.split("|")])
def test_a_text_of_a_real_script_is_taken(text: str) -> None:
    check_readable("field", normalise(text))


@pytest.mark.parametrize("text", [text for texts in UNREADABLE.values() for text in texts])
def test_what_nobody_can_see_or_read_is_refused(text: str) -> None:
    with pytest.raises(ClaimsError, match=r"^field: "):
        check_readable("field", normalise(text))


def test_a_blank_of_another_kind_becomes_a_space() -> None:
    holder = {"name": "\u3000Rahima\u00a0Khatun\u2003", "id_type": "nid", "id_last": "4821"}
    assert approved("R-1", NOW, holder=holder).trip.holder_name == "Rahima Khatun"


FIELDS = [
    "holder.name", "holder.id_last", "from.place", "to.place", "reason", "vehicle.registration", "vehicle.driver.name",
    "vehicle.driver.licence_last",
]  # fmt: skip


def with_text(field: str, text: str) -> dict[str, Any]:
    document = copy.deepcopy(request("R-1", NOW))
    *path, last = field.split(".")
    at = document
    for name in path:
        at = at[name]
    at[last] = text
    return document


@pytest.mark.parametrize("field", FIELDS)
def test_every_text_of_a_request_is_checked_and_named(field: str) -> None:
    for text in ("\u3164", "A" + "\u0301" * 9, "--"):
        with pytest.raises(RequestError, match=f"^{field}: "):
            ApprovedPass.from_json(with_text(field, text))
    ApprovedPass.from_json(with_text(field, "রহিমা"))


def test_a_trip_that_was_built_in_code_is_checked_too() -> None:
    trip = approved("R-1", NOW).trip._replace(driver_name="A\u2800")
    with pytest.raises(RequestError, match=r"^vehicle\.driver\.name: U\+2800 is invisible"):
        ApprovedPass("R-1", trip)
