"""The officers' page has a picture of every verdict."""

import re

from support.processes import ROOT

from movepass_verifier import Verdict

DOCS = ROOT / "docs"


def test_every_verdict_has_its_picture_in_english_and_in_bangla() -> None:
    named = re.findall(r"\(officer/([a-z-]+)-(en|bn)\.svg\)", (DOCS / "officer.md").read_text("utf-8"))
    for verdict in Verdict:
        for language in ("en", "bn"):
            assert (verdict.value, language) in named, verdict
    for name, language in named:
        assert (DOCS / "officer" / f"{name}-{language}.svg").is_file(), name
