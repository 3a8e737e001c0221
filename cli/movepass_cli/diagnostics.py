"""Show the causes of an error and set up logging; both happen only here.

`--verbose` lists every cause with its type and text, one line each. MOVEPASS_DEBUG=1 shows the traceback instead.
Neither shows passwords in addresses or signed addresses, because people send such output to a help desk.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from movepass_cli.output import say, show_line

_CAUSES_MOST = 20
_SECRETS = (
    (re.compile(r"(?<=//)[^/\s@]+@"), "…@"),
    (re.compile(r"\?[^\s'\"<>()]*X-Amz-[^\s'\"<>()]*", re.IGNORECASE), "?…"),
)
"""Names and passwords in addresses, and the query of an address that is signed for AWS."""


@dataclass
class Diagnostics:
    """The amount of detail that a command shows about its errors.

    Attributes:
        verbose: whether to list the causes of an error, and to log what is of interest only then.
    """

    verbose: bool = False

    def start(self) -> None:
        """Set up logging if the user asked for more than errors; a check at the roadside does not import it."""
        if self.verbose or _is_debugging():
            set_up_logging(verbose=True)

    def show_traceback(self, error: BaseException) -> None:
        """Show the traceback of an error, if MOVEPASS_DEBUG asks for it."""
        if not _is_debugging():
            return
        from traceback import format_exception  # noqa: PLC0415 - no start waits for it

        for line in _without_secrets("".join(format_exception(error))).splitlines():
            show_line(line, err=True)

    def show_causes(self, error: BaseException) -> None:
        """List the causes of an error, if --verbose asks for it and no traceback shows them."""
        if self.verbose and not _is_debugging():
            for cause in _causes(error):
                kind = type(cause)
                module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
                say(f"caused by {module}{kind.__qualname__}: {_without_secrets(str(cause))}")


def set_up_logging(*, verbose: bool = False) -> None:
    """Log to standard error from WARNING on, or from INFO on.

    DEBUG is never set: botocore would log private keys that KMS unwraps.
    """
    import logging  # noqa: PLC0415 - no start waits for it

    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="movepass: %(levelname)s %(name)s: %(message)s")


def _is_debugging() -> bool:
    return bool(os.environ.get("MOVEPASS_DEBUG"))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the causes of an error as a traceback would show them, nearest first."""
    seen = {id(error)}
    for _ in range(_CAUSES_MOST):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in seen:
            return
        yield cause
        seen.add(id(cause))
        error = cause


def _without_secrets(text: str) -> str:
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text
