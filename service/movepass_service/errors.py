"""What the service refuses or can't do."""


class ServiceError(Exception):
    """The root of the service's own errors; its text is for a person."""

    is_input = False
    """Whether the caller's input is at fault: the command then exits with 2, not 4."""
