"""Templates and the files that pages need: everything is read once, and file names carry a hash of their content."""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import escape

from movepass_service.web.exchange import LANGUAGES, Answer, Language
from movepass_service.web.settings import WebSettings
from movepass_service.web.words import Words
from movepass_words import TOKENS

_HERE = Path(__file__).parent
_STATIC, _TEMPLATES = "static", "templates"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HASH_CHARS = 12
_COMMENT = re.compile(r"^\s*/\*.*?\*/\s*$", re.DOTALL | re.MULTILINE)
_CONSTANT = re.compile(r"""\{\{ (t|other|asset)\("([a-z0-9.-]+)"\) \}\}""")
"""A text or an address in a template that needs no value."""
_FOREVER = ("Cache-Control", "public, max-age=31536000, immutable")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that never changes under its name."""

    path: str
    answer: Answer
    zipped: bytes


@dataclass(frozen=True, slots=True)
class Sources:
    """The templates, files and words of one web application, beside those that all share.

    Attributes:
        folder: has its templates and static files.
        words: loads its words in a language.
        styles: style sheets in their order, after the shared ones.
        scripts: scripts in their order.
        more: what only a few pages load, each a file of its own.
    """

    folder: Path
    words: Callable[[Language], Words]
    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    more: tuple[str, ...] = ()

    def load_assets(self) -> dict[str, Asset]:
        """Read the static files, by the names that templates know."""
        shared, own = _HERE / _STATIC, self.folder / _STATIC
        files = {
            "style.css": (TOKENS, shared / "base.css", *(own / name for name in self.styles)),
            "script.js": tuple(own / name for name in self.scripts),
            "icon.svg": (shared / "icon.svg",),
            **{name: (own / name,) for name in self.more},
        }
        assets = {}
        for name, parts in files.items():
            body = b"".join(_squeezed(part) for part in parts)
            stem, _, suffix = name.partition(".")
            path = f"/static/{stem}.{hashlib.sha256(body).hexdigest()[:_HASH_CHARS]}.{suffix}"
            assets[name] = Asset(path, Answer(body, media_type=_TYPES[suffix], headers=(_FOREVER,)), zip_body(body))
        return assets


def _squeezed(path: Path) -> bytes:
    """Leave out indentation, empty lines and comments that are lines of their own: a phone need not fetch them.

    A line of our style sheets ends in a sign after which CSS needs no white space, so those are joined too.
    """
    lines = [line.strip() for line in _COMMENT.sub("", path.read_text("utf-8")).splitlines()]
    end = "" if path.suffix == ".css" else "\n"
    return "".join(f"{line}{end}" for line in lines if line).encode()


def zip_body(body: bytes) -> bytes:
    """Compress a body that holds no secret; one with a secret is never compressed."""
    return gzip.compress(body, mtime=0)


def other_language(language: Language) -> Language:
    """Return the other one."""
    return "en" if language == "bn" else "bn"


def prefix_of(language: Language) -> str:
    """Return what paths of a language begin with."""
    return "" if language == "bn" else "/en"


class _Constants(jinja2.FileSystemLoader):
    """Reads templates and puts constant texts in at once: calling for each of them again is half of a page's time."""

    def __init__(self, folders: Sequence[Path], constants: Mapping[str, Callable[[str], str]]) -> None:
        super().__init__(folders)
        self._constants = constants

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        source, *others = super().get_source(environment, template)
        return (_CONSTANT.sub(self._constant, source), *others)

    def _constant(self, found: re.Match[str]) -> str:
        text = self._constants[found[1]](found[2])
        return found[0] if "{" in text else str(escape(text))


class Renderer:
    """Renders the templates in a language."""

    def __init__(self, settings: WebSettings, sources: Sources) -> None:
        """Load the templates and the assets."""
        self.assets = sources.load_assets()
        self.words = sources.words
        self._folders = (sources.folder / _TEMPLATES, _HERE / _TEMPLATES)
        self._environments = {language: self._environment(settings, language) for language in LANGUAGES}

    def _environment(self, settings: WebSettings, language: Language) -> jinja2.Environment:
        asset = self._asset_path
        constants: dict[str, Callable[[str], str]] = {
            "t": self.words(language),
            "other": self.words(other_language(language)),
            "asset": asset,
        }
        environment = jinja2.Environment(
            auto_reload=False,
            autoescape=True,
            loader=_Constants(self._folders, constants),
            lstrip_blocks=True,
            trim_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        environment.globals.update(asset=asset, site=settings)
        return environment

    def _asset_path(self, name: str) -> str:
        return self.assets[name].path

    def render(self, template: str, language: Language, path: str, context: Mapping[str, Any]) -> str:
        """Render a page.

        Args:
            template: its file's name.
            language: of the page.
            path: of the page, without the prefix of the language; the link to the other language leads there.
            context: what the template shows.
        """
        other = other_language(language)
        words_of: Mapping[str, Words] = {"t": self.words(language), "other": self.words(other)}
        paths = {
            "home": "/" if language == "bn" else "/en/",
            "prefix": prefix_of(language),
            "other_prefix": prefix_of(other),
            "other_path": prefix_of(other) + (path if path != "/" or language == "en" else "/"),
            "path": prefix_of(language) + path,
        }
        return self._environments[language].get_template(template).render({**words_of, **paths, **context})
