"""Lay out the officer's screen as lines of text for a terminal's size. Pure; terminal.py writes them.

From top to bottom: who and how fresh, the outcome in letters to be read at two metres, why and what to do, what to
compare by eye, the last verdicts, the keys. What does not fit goes from the bottom of the middle, never the outcome,
the reason or what to do; what is left out of a name shows as "…". Where the terminal has no Unicode, the outcome stands
in plain capitals. What came from outside goes through display.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from movepass_cli.display import CUT, columns, compact, cut, escape, fold, printable
from movepass_cli.officer.scanning.session import DECISION_KEYS, Decided, Page, Recent, Session
from movepass_verifier import Outcome
from movepass_verifier.deciding.verdicts import Freshness
from movepass_verifier.officer.by_number import NumberAnswer
from movepass_verifier.officer.shown import WARNING, Rows, age, looks, number_shown, seen_before, shown
from movepass_words import Message, Words, data, words

COLUMNS_LEAST, ROWS_LEAST = 40, 10
"""On a smaller terminal nothing sensible can be shown, and the screen says so."""
_MARGIN = "  "
_BANNER_FROM = 20
"""The number of rows from which the outcome is drawn large."""
_SYMBOL_COLUMNS = 15
_ASCII = str.maketrans({"✔": "+", "✘": "x", "·": "-", "│": "|", "─": "-", "…": "."})


class Span(NamedTuple):
    """A piece of a line and its style: "", "bold", "dim", "warn", or the name of an outcome."""

    text: str
    style: str = ""


ScreenLine = list[Span]


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a terminal, in characters."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Badge:
    """The state of the device, at the top of every screen.

    Attributes:
        authority: whose passes it verifies.
        test: whether that is a TEST authority.
        freshness: how old its lists are.
        problem: why no pass could be accepted now, or None.
    """

    authority: str
    test: bool
    freshness: Freshness
    problem: Message | None


def frame(
    session: Session, badge: Badge, typed: str, size: Size, *, unicode: bool, now: float | None = None
) -> list[ScreenLine]:
    """Lay out the screen.

    Args:
        session: what is shown.
        badge: what the device knows.
        typed: what somebody is typing.
        size: the terminal's.
        unicode: whether it shows more than ASCII.
        now: seconds since 1970 UTC, to say how old a verdict is: seconds that stand still tell that the screen does.

    Returns:
        One line for each row of the terminal, none wider than it.
    """
    say = words(session.language)
    if size.columns < COLUMNS_LEAST or size.rows < ROWS_LEAST:
        lines = [[Span(say("scan.too-small", columns=COLUMNS_LEAST, rows=ROWS_LEAST), "bold")]]
    else:
        head = _head(badge, say, size)
        foot = _foot(session, typed, say, size)
        room = Size(size.columns, size.rows - len(head) - len(foot))
        middle = _middle(session, badge, typed, say, room, unicode=unicode, large=size.rows >= _BANNER_FROM)
        if now is not None:
            _stamp(middle, say.span(max(0, int(now - session.shown_at))), size)
        lines = [*head, *middle[: room.rows]]
        lines += [[] for _ in range(size.rows - len(lines) - len(foot))]
        lines += foot
    if not unicode:
        lines = [[Span(_ascii(span.text), span.style) for span in line] for line in lines]
    return [_cut([Span(escape(text), style) for text, style in line], size.columns) for line in lines[: size.rows]]


def _stamp(lines: list[ScreenLine], text: str, size: Size) -> None:
    """Write a text at the right of an outcome's band, in the last row with room, or below."""
    bands = [at for at, line in enumerate(lines) if len(line) == 1 and line[0].style in {o.value for o in Outcome}]
    for at in reversed(bands):
        drawn, style = lines[at][0]
        room = size.columns - columns(text) - 1
        if columns(drawn.rstrip()) < room:
            lines[at] = [Span(f"{_fill(drawn.rstrip(), room)}{text} ", style)]
            return
    if bands:
        style = lines[bands[-1]][0].style
        lines.insert(bands[-1] + 1, [Span(f"{_fill('', size.columns - columns(text) - 1)}{text} ", style)])


def _head(badge: Badge, say: Words, size: Size) -> list[ScreenLine]:
    name = printable(badge.authority) or "movepass"
    left = [Span(f" {say('test.short')} ", "warn"), Span(" ")] if badge.test else []
    left.append(Span(name, "bold"))
    lists = f"{say('label.lists')}: {age(badge.freshness, say)}"
    old = badge.problem is not None or badge.freshness.sync_soon
    right = [Span(f" {lists} " if old else lists, "warn" if old else ""), Span(f"   {say.clock(badge.freshness.now)}")]
    gap = size.columns - _width(left) - _width(right)
    if gap < 1:
        return [left, right]
    return [[*left, Span(" " * gap), *right]]


def _foot(session: Session, typed: str, say: Words, size: Size) -> list[ScreenLine]:
    lines = []
    if session.notice:
        lines += _wrap(say.say(session.notice), size, "warn")
    if len(typed) > 1 or (typed and session.asks):
        lines.append([Span(f"{say('scan.typed')} {printable(typed[-(size.columns // 3) :])}", "dim")])
    if session.recent:
        lines.append([Span(f"{say('scan.last')}  ", "dim"), *_recent(session.recent, say)])
    keys = [say(f"key.{name}") for name in _keys(session)]
    return [*lines, [Span("  ".join(keys), "dim")]]


def _recent(recent: Iterable[Recent], say: Words) -> ScreenLine:
    spans: ScreenLine = []
    for one in reversed(list(recent)):
        clock = say.clock(int(one.at))
        spans.append(Span(f"{looks()[one.outcome].symbol} {clock} {one.number}".rstrip() + "  ", one.outcome.value))
    return spans


def _keys(session: Session) -> list[str]:
    if session.asks:
        return ["enter", "escape"]
    details = ["details"] if isinstance(session.shown, Decided) else []
    language = ["language"] if len(session.languages) > 1 else []
    return [*details, "number", *language, "help", "quit"]


def _middle(
    session: Session, badge: Badge, typed: str, say: Words, size: Size, *, unicode: bool, large: bool
) -> list[ScreenLine]:
    """Lay out the body between head and foot; `size` is the room for it."""
    match session.page, session.shown:
        case Page.NUMBER, _:
            lines = _paragraphs([say("scan.ask-number")], size, "bold")
        case Page.CONFIRM, Decided() as verdict:  # one that is to be decided, so never an accept
            outcome = _outcome_line(verdict.result.outcome, say, size, unicode=unicode)
            lines = [*outcome, *_paragraphs([_question(session, say)], size, "bold")]
        case Page.CONFIRM, _:
            lines = _paragraphs([_question(session, say)], size, "bold")
        case _ if typed or session.reading:
            lines = _paragraphs(
                [say("scan.reading", count=len(typed)) if typed else say("scan.receiving")], size, "bold"
            )
        case Page.HELP, _:
            lines = _paragraphs(say("scan.help").split("\n"), size)
        case Page.DETAILS, Decided() as verdict:
            of = say("scan.details-of", clock=say.clock(int(session.shown_at)))
            lines = [*_paragraphs([of], size, "bold"), *_details(verdict, say, size)]
        case _, Decided() as verdict:
            lines = _verdict(verdict, say, size, unicode=unicode, large=large)
        case _, NumberAnswer() as answer:
            lines = _answer(answer, say, size, unicode=unicode, large=large)
        case _, Message() as problem:
            lines = _paragraphs([say.say(problem)], size, "warn")
        case _:
            lines = _ready(session, badge, say, size)
    return lines


def _question(session: Session, say: Words) -> str:
    number = str(session.number)
    if session.confirming is None:
        return say("scan.ask-end", number=number)
    return say("scan.ask-record", decision=say(f"decision.{session.confirming.value}"), number=number)


def _ready(session: Session, badge: Badge, say: Words, size: Size) -> list[ScreenLine]:
    checked = say("scan.checked", count=session.checked)
    if badge.problem:
        return _paragraphs([say("scan.not-ready"), say.say(badge.problem), checked], size, "warn")
    return _paragraphs([say("scan.ready"), checked], size, "bold")


def _verdict(verdict: Decided, say: Words, size: Size, *, unicode: bool, large: bool) -> list[ScreenLine]:
    result = verdict.result
    view = shown(result, say)
    lines = _banner(result.outcome, say, size, unicode=unicode, large=large, test=result.test)
    if result.test:
        lines += _wrap(say("test.long"), size, "warn")
    lines += _wrap(view.reason, size, "bold")
    lines += _wrap(view.advice, size)
    if verdict.seen:
        lines += _wrap(f"{WARNING} {seen_before(verdict.seen, result.freshness.now, say)}", size, "warn")
    if result.outcome is Outcome.CANNOT_VERIFY and verdict.noted:
        lines += _decision(verdict, say, size)
    room = Size(size.columns, size.rows - len(lines))
    return [*lines, *_rows([*view.trip, (say("label.pass"), result.pass_number or "")], room)]


def _decision(verdict: Decided, say: Words, size: Size) -> list[ScreenLine]:
    choices = "   ".join(
        f"{'*' if decision is verdict.decision else ' '}{key} {say(f'decision.{decision.value}')}"
        for key, decision in DECISION_KEYS.items()
    )
    return _wrap(f"{say('scan.ask-decision')} {choices}", size, "bold")


def _answer(answer: NumberAnswer, say: Words, size: Size, *, unicode: bool, large: bool) -> list[ScreenLine]:
    view = number_shown(answer, say)
    lines = _banner(answer.outcome, say, size, unicode=unicode, large=large)
    for text in (f"{view.verdict}: {view.reason}", view.advice):
        lines += _wrap(text, size, "bold")
    for note in view.notes:
        lines += _wrap(note, size)
    return lines


def _details(verdict: Decided, say: Words, size: Size) -> list[ScreenLine]:
    symbols = {"passed": "✔", "failed": "✘", "not-reached": "·"}
    lines = []
    for check in verdict.result.checks:
        name = say(f"check.{check.name}")
        style = "bold" if check.state == "failed" else "dim" if check.state == "not-reached" else ""
        pad = " " * max(1, 24 - columns(name))
        lines.append([Span(f"{_MARGIN}{symbols[check.state]} {name}{pad}{say(f'state.{check.state}')}", style)])
    lines += _wrap(say.say(verdict.result.why), size, "bold")
    if verdict.result.technical:
        lines += _wrap(verdict.result.technical, size, "dim")
    return lines


def _banner(
    outcome: Outcome, say: Words, size: Size, *, unicode: bool, large: bool, test: bool = False
) -> list[ScreenLine]:
    """Draw the outcome, large if there is room, and always with its word and symbol."""
    drawn = banners()["half" if test else "whole"]
    letters = drawn.get(say.language)
    if not unicode or not large or not letters:
        warning = [[Span(_fill(f"  {say('test.banner')}  ", size.columns), "warn")]] if test else []
        return [*warning, *_outcome_line(outcome, say, size, unicode=unicode)]
    lines = [*_band(letters["test"], [], "warn", size)] if test else []
    return [*lines, *_band(letters[outcome.value], drawn["symbol"][outcome.value], outcome.value, size)]


def _outcome_line(outcome: Outcome, say: Words, size: Size, *, unicode: bool) -> list[ScreenLine]:
    look = looks()[outcome]
    symbol, word = (look.symbol if unicode else look.ascii), say(f"outcome.{outcome.value}")
    return [[Span(_fill(f"  {symbol}  {word}  {symbol}  ", size.columns), outcome.value)], []]


def _band(letters: Sequence[str], symbols: Sequence[str], style: str, size: Size) -> Iterator[ScreenLine]:
    """Draw large letters beside a symbol on a band across the screen."""
    height = max(len(symbols), len(letters))
    for symbol, row in zip(_centre(symbols, height), _centre(letters, height), strict=True):
        yield [Span(_fill(f" {symbol:<{_SYMBOL_COLUMNS}}{row}", size.columns), style)]


def _centre(rows: Sequence[str], height: int) -> list[str]:
    above = (height - len(rows)) // 2
    return [""] * above + list(rows) + [""] * (height - len(rows) - above)


@cache
def banners() -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return large letters: "whole" or "half" height, "symbol" or language, outcome or "test", one text per row."""
    found: dict[str, dict[str, dict[str, list[str]]]] = data("banners.json")
    return found


def _rows(rows: Rows, size: Size) -> list[ScreenLine]:
    """Lay out names and values; in a narrow room, long values are cut so that none displaces another."""
    rows = [(name, value) for name, value in rows if value]
    width = max((columns(name) for name, _ in rows), default=0) + 2
    room = size.columns - width - len(_MARGIN) - 1
    folded = [fold(compact(value), room) for _, value in rows]
    most = max(map(len, folded), default=0)
    while most > 1 and sum(min(len(parts), most) for parts in folded) > size.rows:
        most -= 1
    lines: list[ScreenLine] = []
    for (name, _), parts in zip(rows, folded, strict=True):
        label = f"{_MARGIN}{name}{' ' * (width - columns(name))}"
        first, *more = [*parts[: most - 1], cut(" ".join(parts[most - 1 :]), room)]
        lines.append([Span(label, "dim"), Span(first, "bold")])
        lines += [[Span(" " * columns(label)), Span(text, "bold")] for text in more if text]
    return lines if len(lines) <= size.rows else [*lines[: max(0, size.rows - 1)], [Span(_MARGIN + CUT, "dim")]]


def _paragraphs(texts: Iterable[str], size: Size, style: str = "") -> list[ScreenLine]:
    lines: list[ScreenLine] = [[]]
    for text in texts:
        lines += [*_wrap(text, size, style), []] if text else [[]]
        style = "" if style == "bold" else style
    return lines


def _wrap(text: str, size: Size, style: str = "") -> list[ScreenLine]:
    return [[Span(f"{_MARGIN}{part}", style)] for part in fold(printable(text), size.columns - 2 * len(_MARGIN))]


def _fill(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _width(line: ScreenLine) -> int:
    return sum(columns(span.text) for span in line)


def _ascii(text: str) -> str:
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def _cut(line: ScreenLine, width: int) -> ScreenLine:
    """Cut a line that does not fit, because a wrapping terminal would push the outcome off its top."""
    kept: ScreenLine = []
    for span in line:
        room = width - _width(kept)
        kept.append(Span(cut(span.text, room), span.style) if room > 0 else Span(""))
    return kept
