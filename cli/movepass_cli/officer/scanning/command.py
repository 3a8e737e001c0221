"""Provide the command `movepass scan`."""

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import click

from movepass_cli.main import FAILED
from movepass_cli.officer.scanning import feeds, scanner_check
from movepass_cli.officer.scanning.confirmation import RETRY_SECONDS, Confirmation
from movepass_cli.officer.scanning.feeds import Feeds, Given
from movepass_cli.officer.scanning.keyboard import REST_SECONDS, Event, Key, Keyboard, Unfinished, apply_edits
from movepass_cli.officer.scanning.screen import Badge, frame
from movepass_cli.officer.scanning.session import CLOSE_SECONDS, KEYS, PAGE_SECONDS, Session
from movepass_cli.officer.scanning.sound import Speaker
from movepass_cli.officer.scanning.terminal import Terminal, can_be_waited_for, fits, is_typed_into, raw, shows_unicode
from movepass_cli.options import PATH, example, json_option, language_option, option, plain_option, store_option
from movepass_cli.output import say, show_json, show_line, show_result
from movepass_cli.signals import Stopped, StopSignal, stopped_by_signals
from movepass_verifier import Device, Freshness, Outcome, StoreError
from movepass_words import DEFAULT_LANGUAGE, LANGUAGES, Message, message, words

_BADGE_SECONDS = 10.0
"""The time between two checks of the age of the lists."""
_DRAW_SECONDS = 0.05
"""If codes come faster than this, not every code is drawn; every code is decided and noted."""
_READ_BYTES = 65536
_CLOSE_MAX_SECONDS = 3600


@click.command(
    epilog=example(
        "movepass scan --store device                      a hand scanner that types",
        "movepass scan --store device --camera 0 --serial /dev/ttyACM0",
        "movepass scan --store device --folder inbox --language bn",
        "movepass scan --store device photos/*.png",
        "movepass scan --store device --check-scanner",
    )
)
@store_option
@option("--camera", metavar="NUMBER|VIDEO", help="Look through a camera, 0 for the first; or at a video file.")
@option("--serial", type=PATH, metavar="DEVICE", help="Read from a scanner on a serial line.")
@option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
        help="Read each picture that comes into a folder.")  # fmt: skip
@language_option
@option("--close-after", type=click.IntRange(0, _CLOSE_MAX_SECONDS), default=int(CLOSE_SECONDS), show_default=True,
        metavar="SECONDS", help="Take a verdict off the screen after so long; 0 keeps it until the next.")  # fmt: skip
@plain_option("--sound/--silent", default=True, show_default=True, envvar="MOVEPASS_SOUND", show_envvar=True,
              help="Whether each outcome is heard.")  # fmt: skip
@option("--plain", is_flag=True, help="One verdict below the other, without the full screen.")
@plain_option("--check-scanner", is_flag=True, help="Read the scanner's test code, and say what to switch off.")
@json_option
@click.argument("pictures", nargs=-1, type=click.Path())
def scan(
    store: Path, camera: str | None, serial: Path | None, folder: Path | None,
    language: str | None, close_after: int, pictures: tuple[str, ...],
    *, sound: bool, plain: bool, check_scanner: bool, as_json: bool,
) -> int | None:  # fmt: skip
    """Verify one pass after another, from all named feeds and from the keyboard.

    In a terminal the verdict fills the screen. The keyboard may be a hand scanner that types a pass and Enter; a person
    presses single keys: d details, n pass number, l language, h help, q quit, and 1 2 3 for what was done where nothing
    could be verified. A code can make a scanner press keys, so q and 1 2 3 ask for a number that is on the screen.
    Elsewhere, and with --plain or --json, verdicts come one below the other, and lines of text are read from stdin if
    nothing else is named. Nothing that can't be read ends it, nor does Ctrl-C: a code can hold it. q, SIGTERM and the
    end of input do.
    """
    wanted = [
        *([feeds.pictures(list(pictures))] if pictures else []),
        *([feeds.serial(serial)] if serial else []),
        *([feeds.folder(folder)] if folder else []),
        *([feeds.camera(camera)] if camera else []),
    ]
    with Device.open(store) as device:
        language = language or device.language
        if check_scanner:
            return _check_scanner(language, as_json=as_json)
        full = fits() and not plain and not as_json
        alone = not wanted
        if alone and not is_typed_into():
            # A separate reader: Python aborts at exit if a thread still holds its own.
            wanted = [feeds.lines(open(sys.stdin.fileno(), "rb", closefd=False))]  # noqa: SIM115
        running = Feeds(wanted)
        with suppress(Stopped), stopped_by_signals(at_once=True) as stop:
            running.start()
            if full:
                _Screen(device, running, _readable(language), close_after, Speaker(on=sound)).run()
            elif is_typed_into():
                _TypedLines(device, language, as_json=as_json).run_beside(running, stop, alone=alone)
            else:
                _Lines(device, language, as_json=as_json).run(running, stop)
        running.stop()
    return None


def _check_scanner(language: str, *, as_json: bool) -> int | None:
    """Read what a scanner types for its test code, until it pauses, and say what is wrong with it."""
    say_in, fd = words(language), sys.stdin.fileno()
    keyboard = raw(fd) if is_typed_into() else nullcontext()
    with suppress(Stopped), stopped_by_signals(at_once=True) as stop, keyboard:
        say(say_in("scanner.ask"))
        data = _read_until_pause(fd, stop) if can_be_waited_for() else sys.stdin.buffer.readline(_READ_BYTES)
        faults = scanner_check.check_scanner(data.decode("utf-8", "replace"))
        if as_json:
            show_json({"good": not faults, "faults": [say_in.say(fault) for fault in faults]})
        for text in [] if as_json else [say_in.say(fault) for fault in faults] or [say_in("scanner.good")]:
            show_line(text)
        return FAILED if faults else None
    return FAILED  # stopped before the result was certain


def _read_until_pause(fd: int, stop: StopSignal) -> bytes:
    """Read what is typed until it pauses. A signal that comes just before a wait ends the wait, and raises Stopped."""
    data = b""
    while len(data) < _READ_BYTES:
        ready, _, _ = select.select([fd, stop.fileno()], [], [], REST_SECONDS if data else None)
        if fd not in ready or not (more := read_typed(fd)):
            break
        data += more
    return data


def _readable(language: str) -> str:
    """Return the language that the terminal can show."""
    if shows_unicode() or language == DEFAULT_LANGUAGE:
        return language
    say(words()("scan.no-unicode", encoding=sys.stdout.encoding))
    return DEFAULT_LANGUAGE


class _Lines:
    """Shows one verdict below the other."""

    def __init__(self, device: Device, language: str, *, as_json: bool) -> None:
        self._device = device
        self._language = language
        self._as_json = as_json

    def run(self, running: Feeds, stop: StopSignal) -> None:
        """Show results until all feeds have ended, or a signal comes."""
        while not running.ended:
            select.select([running.awake.fileno(), stop.fileno()], [], [])
            for given in running.take():
                self._show(given)

    def _show(self, given: Given) -> None:
        if given.what is None:
            self._begin()
            return
        if isinstance(given.what, Message):
            self._say(given.source, given.what)
            return
        try:
            self._device.reopen_if_replaced()
            checked = self._device.check(given.what)
        except StoreError as e:
            self._say(given.source, message("scan.store", problem=str(e)))
            return
        show_result(checked, self._language, as_json=self._as_json, source=given.source)
        if not self._as_json:
            click.echo()

    def _begin(self) -> None:
        """Separate the last verdict from the code that is coming in."""
        if not self._as_json:
            say(words(self._language)("scan.receiving"))

    def _say(self, source: str, problem: Message) -> None:
        text = words(self._language).say(problem)
        say(text if source in text else f"{source}: {text}")


class _TypedLines(_Lines):
    """Shows one verdict below the other, in a terminal that a hand scanner types into."""

    def __init__(self, device: Device, language: str, *, as_json: bool) -> None:
        super().__init__(device, language, as_json=as_json)
        self._keyboard = Keyboard("qQ")
        self._confirmation = Confirmation()
        self._asked_until = 0.0
        self._begun = self._ended = False

    def run_beside(self, running: Feeds, stop: StopSignal, *, alone: bool) -> None:
        """Show results until somebody quits, or until all feeds end if typing is not the only feed."""
        fd = sys.stdin.fileno()
        with raw(fd):
            if alone:
                say(words(self._language)("scan.type-here"))
            while not self._ended and (alone or not running.ended):
                ready, _, _ = select.select([fd, running.awake, stop.fileno()], [], [], self._patience())
                if running.awake in ready:
                    for given in running.take():
                        self._show(given)
                if fd in ready:
                    self._type(fd)
                now = time.monotonic()
                for event in self._keyboard.idle(now):
                    self._take(event)
                self._keyboard.asked &= now < self._asked_until

    def _patience(self) -> float | None:
        deadline = self._asked_until if self._keyboard.asked else None
        times = [at for at in (deadline, self._keyboard.deadline()) if at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _type(self, fd: int) -> None:
        data = read_typed(fd)
        self._ended = not data
        for event in self._keyboard.feed(data, time.monotonic()):
            self._take(event)
        if self._keyboard.typed and not (self._begun or self._keyboard.asked or self._keyboard.may_be_a_key):
            self._begun = True
            self._begin()

    def _take(self, event: Event) -> None:
        say_in = words(self._language)
        if isinstance(event, Key):
            self._ask()
        elif isinstance(event, Unfinished):
            say(say_in("scan.unfinished", count=len(event.text)))
        elif event.text:
            self._keyboard.asked = False
            right = self._confirmation.answer(apply_edits(event.text), time.time())
            if right is None:
                if not self._begun:
                    self._begin()
                self._show(Given("stdin", event.text))
            elif right:
                self._ended = True
            else:
                say(say_in("scan.wrong-answer", wait=int(RETRY_SECONDS)))
        self._begun = False

    def _ask(self) -> None:
        say_in = words(self._language)
        if self._confirmation.ask(time.time()):
            self._keyboard.asked = True
            self._asked_until = time.monotonic() + PAGE_SECONDS
            say(say_in("scan.ask-end", number=str(self._confirmation.number)))
        else:
            say(say_in("scan.asked-too-soon", wait=int(RETRY_SECONDS)))


def read_typed(fd: int) -> bytes:
    """Read what was typed; nothing if the terminal is gone."""
    try:
        return os.read(fd, _READ_BYTES)
    except OSError:
        return b""


class _Screen:
    """Runs the full screen."""

    def __init__(self, device: Device, running: Feeds, language: str, close_after: int, speaker: Speaker) -> None:
        self._device = device
        self._running = running
        self._unicode = shows_unicode()
        languages = LANGUAGES if self._unicode else (DEFAULT_LANGUAGE,)
        self._session = Session(device, language, close_after=close_after, languages=languages)
        self._speaker = speaker
        self._terminal = Terminal()
        self._keyboard = Keyboard(KEYS)
        self._badge = _badge(device)
        self._badge_until = time.monotonic() + _BADGE_SECONDS
        self._drawn = 0.0
        """When the last verdict was drawn at once."""
        self._unheard: Outcome | None = None

    def run(self) -> None:
        """Run until somebody quits."""
        with self._terminal.taken(), _window_changes() as changes:
            try:
                self._present()
                while not self._session.ended:
                    self._wait(changes)
            finally:
                with self._store_failures():
                    self._session.note()  # a signal may have come between the verdict and its note
            self._speaker.stop()

    def _wait(self, changes: int) -> None:
        """Wait for one event, and handle it."""
        fd = sys.stdin.fileno()
        ready, _, _ = select.select([fd, self._running.awake, changes], [], [], self._patience())
        now = time.monotonic()
        if changes in ready:
            os.read(changes, _READ_BYTES)
            self._terminal.forget()
        if fd in ready:
            self._type(fd)
        if self._running.awake in ready:
            for given in self._running.take():
                if given.what is None:
                    self._session.begin()
                elif given.trouble and isinstance(given.what, Message):
                    self._session.trouble(given.what)
                else:
                    self._take(given.what)
        self._keyboard.asked = self._session.asks
        for event in self._keyboard.idle(time.monotonic()):
            self._press(event)
        self._session.tick(time.time())
        if now >= self._badge_until:
            self._look_around()
        self._present()

    def _patience(self) -> float:
        """Return the seconds until the next timed event."""
        now = time.monotonic()
        times = [self._badge_until - now]
        if (deadline := self._keyboard.deadline()) is not None:
            times.append(deadline - now)
        if (closes := self._session.closes) is not None:
            times.append(closes - time.time())
        if self._session.shown is not None:
            times.append(1 - (time.time() - self._session.shown_at) % 1)
        return max(0.0, min(times))

    def _type(self, fd: int) -> None:
        data = read_typed(fd)
        if not data:
            self._session.ended = True
        self._keyboard.asked = self._session.asks
        for event in self._keyboard.feed(data, time.monotonic()):
            self._press(event)
        if self._keyboard.typed and not self._keyboard.may_be_a_key:
            self._session.typing(self._keyboard.typed, time.time())

    def _press(self, event: Event) -> None:
        if isinstance(event, Key):
            with self._store_failures():
                self._session.key(event, time.time())
        elif isinstance(event, Unfinished):
            self._session.problem(message("scan.unfinished", count=len(event.text)), time.time())
        else:
            self._take(event.text, typed=True)

    def _take(self, what: str | Message, *, typed: bool = False) -> None:
        """Decide, show, and only then note: the officer waits for the verdict, not for the journal."""
        with self._store_failures():
            self._device.reopen_if_replaced()
            if isinstance(what, Message):
                self._session.problem(what, time.time())
            elif typed:
                self._unheard = self._session.line(what, time.time())
            else:
                self._unheard = self._session.code(what, time.time())
            if (now := time.monotonic()) - self._drawn > _DRAW_SECONDS:
                self._drawn = now
                self._present()
            self._session.note()

    @contextmanager
    def _store_failures(self) -> Iterator[None]:
        try:
            yield
        except StoreError as e:
            self._session.problem(message("scan.store", problem=str(e)), time.time())

    def _look_around(self) -> None:
        """Check how old the lists are now."""
        self._badge_until = time.monotonic() + _BADGE_SECONDS
        with self._store_failures():
            self._badge = _badge(self._device)

    def _present(self) -> None:
        """Update the screen, and sound the last verdict."""
        typed, size = self._keyboard.typed, self._terminal.size
        lines = frame(self._session, self._badge, typed, size, unicode=self._unicode, now=time.time())
        outcome, self._unheard = self._unheard, None
        self._terminal.show(lines, self._speaker.bells(outcome) if outcome else "")
        if outcome:
            self._speaker.play(outcome)


def _badge(device: Device) -> Badge:
    """Read from a device what the top of the screen shows."""
    now = int(time.time())
    state = device.state()
    freshness = Freshness.of(state.lists, now, device.policy)
    return Badge(state.keys.authority, state.keys.test, freshness, device.readiness())


@contextmanager
def _window_changes() -> Iterator[int]:
    """Yield a descriptor that signals a new window size; meanwhile Ctrl-Z does not stop the screen."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    before = {
        signal.SIGWINCH: signal.signal(signal.SIGWINCH, lambda *_: None),
        signal.SIGTSTP: signal.signal(signal.SIGTSTP, signal.SIG_IGN),
    }
    woken = signal.set_wakeup_fd(writable)
    try:
        yield readable
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
