"""Reads the commands and the programs that a document shows."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import click

from movepass_cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")} - {ROOT / "CHANGELOG.md"})
LEFT_OUT = "…"
"""Stands in a command for what the reader knows."""
_BLOCK = re.compile(r"(?:^ {4,}.*\n|^```.*\n(?:.*\n)*?```\n)+", re.MULTILINE)
_SHOWN = re.compile(r"^\s*(?:\$ )?(movepass (?:.*\\\n)*.*)", re.MULTILINE)
_WITHIN = re.compile(r"(?:(?<=\")|(?<=/bin/))movepass [^\"\n]*")
_INLINE = re.compile(r"`(movepass [^`]*)`")
_PROGRAM = re.compile(r"^```python\n((?:.*\n)*?)```$|^( {4}(?:from|import) .*\n(?:(?: {4}.*)?\n)*)", re.MULTILINE)
_SHELL = {">", "|", "&&", ";", "<"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as a document shows it.

    Attributes:
        text: as it stands, on one line.
        whole: whether it is to be typed as it stands, or only named in a sentence.
    """

    text: str
    whole: bool

    @property
    def words(self) -> list[str]:
        """Its arguments, up to what the shell does with the rest."""
        words = shlex.split(self.text, comments=True)[1:]
        return words[: next((at for at, word in enumerate(words) if word in _SHELL), len(words))]


def commands(path: Path) -> list[Shown]:
    """Give the commands of a document in their order: first those to be typed, then those in sentences."""
    text = _PROGRAM.sub("\n", path.read_text("utf-8"))
    blocks = [match[0] for match in _BLOCK.finditer(text)]
    typed = [found[1] for block in blocks for found in _SHOWN.finditer(block)]
    within = [part for block in blocks for found in _WITHIN.findall(block) for part in found.split(" && ")]
    named = [re.sub(r"\s+", " ", found) for found in _INLINE.findall(_BLOCK.sub("\n", text))]
    joined = [Shown(re.sub(r"\s*\\\n\s*", " ", found), whole=True) for found in [*typed, *within]]
    return joined + [Shown(found, whole=False) for found in named]


def programs(path: Path) -> list[str]:
    """Give the Python programs of a document."""
    found = _PROGRAM.findall(path.read_text("utf-8"))
    return [fenced or "\n".join(line[4:] for line in indented.splitlines()) for fenced, indented in found]


def wrong(shown: Shown) -> str | None:
    """Say what of a command there is not, or None."""
    command: click.Command = cli
    context = click.Context(cli, info_name="movepass")
    words = shown.words
    while isinstance(command, click.Group) and words and not words[0].startswith(("-", LEFT_OUT)):
        found = command.get_command(context, words[0])
        if found is None:
            return f"no command {words[0]!r}"
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    if shown.whole and not any(LEFT_OUT in word for word in words):
        return _not_parsed(command, context, words)
    there = {name for parameter in command.get_params(context) for name in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    return f"no option {', '.join(sorted(options - there))}" if options - there else None


def _not_parsed(command: click.Command, context: click.Context, words: list[str]) -> str | None:
    """Parse arguments as the command would, without acting on them."""
    try:
        given, left, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as e:
        return e.format_message()
    takes = [p for p in command.params if isinstance(p, click.Argument)]
    if left and not takes:
        return f"does not take {left}"
    found = {name for name, value in given.items() if isinstance(value, str | tuple) and value}
    missing = [p.human_readable_name for p in takes if p.required and p.name not in found]
    return f"lacks {', '.join(missing)}" if missing else None
