"""What can be wrong with bytes or text that claim to be ours."""


class WireError(ValueError):
    """Something does not follow docs/spec.md; the message says what was expected and what came.

    Attributes:
        is_input: whether what the user gave is at fault, not what came of it.
    """

    is_input = False


class PayloadError(WireError):
    """A text that is not a readable pass.

    Attributes:
        check: the check of the verify path that failed ("bounds", "prefix", "encoding", "envelope", "claims").
    """

    is_input = True

    def __init__(self, check: str, message: str) -> None:
        super().__init__(message)
        self.check = check


class NotAPassError(PayloadError):
    """The text belongs to some other scheme."""


class UnsupportedVersionError(PayloadError):
    """The text is a pass of a later version than this software reads."""


class MalformedError(PayloadError):
    """The text says that it is a pass of this version, and breaks its rules."""


class ClaimsError(WireError):
    """A pass's content breaks a rule or a limit.

    Attributes:
        field: the field at fault, by the approved pass's keys ("holder.name"), or "" where it is none of them.
        code: the rule it breaks, for programs that have words of their own ("too-long").
        values: what those words need ({"max": "64"}).
    """

    is_input = True

    def __init__(self, field: str, message: str, code: str = "invalid", **values: object) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.code = code
        self.values = {name: str(value) for name, value in values.items()}


class LogError(WireError):
    """A status log breaks its rules."""


class NumberError(WireError):
    """A pass number that can't be one."""

    is_input = True
