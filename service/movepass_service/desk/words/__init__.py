"""Every word of the desk, on top of those that it shares with the site."""

from functools import cache
from pathlib import Path

from movepass_service.web.exchange import Language
from movepass_service.web.words import Words, load_words


@cache
def words(language: Language) -> Words:
    """Load a language."""
    return load_words(language, Path(__file__).parent)
