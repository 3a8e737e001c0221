"""What can go wrong on the issuing side."""


class IssuerError(Exception):
    """The issuer could not do as asked; the message says what was expected, what came, and what to do.

    Attributes:
        is_input: whether what the user gave is at fault, not what came of it.
    """

    is_input = False


class RequestError(IssuerError):
    """A request that can't become a pass as it stands."""

    is_input = True


class RequestConflictError(RequestError):
    """A request id that was used before, for other content."""


class UnknownPassError(IssuerError):
    """No pass of this number or request id in the ledger."""

    is_input = True


class ReasonError(IssuerError):
    """A reason for a revocation that no ledger keeps."""

    is_input = True


class LedgerError(IssuerError):
    """The ledger can't be read or written."""


class RepositoryError(IssuerError):
    """The published repository can't be read or written, or is not as it was left."""


class RestoredError(RepositoryError):
    """Ledger and repository do not belong together, as after a restore from a copy: nothing may be written."""


class BusyError(RepositoryError):
    """Another publisher is at work, or was first: nothing was published, and the same again may succeed."""


class NotAcceptedError(IssuerError):
    """A publication was written, and devices refuse it: the custodians' root or targets have ended."""


class KeyPeriodError(IssuerError):
    """The authority's pass key has ended, is not valid yet, or ends before the pass: no fault of the request."""


class ClockError(IssuerError):
    """The clock has jumped since the last publication; somebody must say that it is right."""

    is_input = True


class AuthorityError(IssuerError):
    """An authority's folder can't be made or used."""
