"""Define the errors of payloads, claims, status logs and pass numbers."""


class WireError(ValueError):
    """The input does not follow docs/spec.md; the message names what was expected and what was found.

    Attributes:
        is_input: whether the user's input is at fault.
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
    """The text belongs to another scheme."""


class UnsupportedVersionError(PayloadError):
    """The text is a pass of a newer version than this software reads."""


class MalformedError(PayloadError):
    """The text claims to be a pass of this version but breaks its rules."""


class ClaimsError(WireError):
    """A pass's content breaks a rule or a limit.

    Attributes:
        field: the field at fault, by its name in the approved pass ("holder.name"), or "" if no field is at fault.
        code: the rule it breaks ("too-long"), for programs that word the error themselves.
        values: the values for that wording ({"max": "64"}).
    """

    is_input = True

    def __init__(self, field: str, message: str, code: str = "invalid", **values: object) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.code = code
        self.values = {name: str(value) for name, value in values.items()}


class LogError(WireError):
    """A status log breaks a rule of its format."""


class TreeError(WireError):
    """A Merkle tree can't be resumed from what is given, or has no such leaf or size."""


class NumberError(WireError):
    """The text is not a possible pass number."""

    is_input = True


class PackError(WireError):
    """Bytes that are no pack."""
