"""Errors of the issuing side."""


class IssuerError(Exception):
    """The issuer could not do what was asked; the message says what was expected, what came, and what to do.

    Attributes:
        is_input: whether the user's input is at fault, not its processing.
    """

    is_input = False


class RequestError(IssuerError):
    """A request can't become a pass as it is."""

    is_input = True


class RequestConflictError(RequestError):
    """A request id was used before for other content."""


class UnknownPassError(IssuerError):
    """The ledger has no pass of this number or request id."""

    is_input = True


class ReasonError(IssuerError):
    """A ledger can't keep this reason for a revocation."""

    is_input = True


class LedgerError(IssuerError):
    """The ledger can't be read or written."""


class RepositoryError(IssuerError):
    """The published repository can't be read or written, or is not as it was left."""


class RestoredError(RepositoryError):
    """Ledger and repository do not match, as after a restore from a copy: nothing may be written."""


class BusyError(RepositoryError):
    """Another publisher is at work or was faster: nothing was published, and another try may succeed."""


class NotAcceptedError(IssuerError):
    """A publication was written, but devices refuse it: the custodians' root or targets have ended."""


class KeyPeriodError(IssuerError):
    """The authority's pass key has ended, is not valid yet, or ends before the pass: no fault of the request."""


class ClockError(IssuerError):
    """The clock has jumped since the last publication; somebody must confirm that it is right."""

    is_input = True


class AuthorityError(IssuerError):
    """An authority's folder can't be made or used."""
