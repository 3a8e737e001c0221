"""The officer's phone, as far as Python has to do with it: a server for app and repository, and set-up codes."""

from movepass_phone.enrolment import enrolment_text
from movepass_phone.serving import PhoneServer, ServeError

__all__ = ["PhoneServer", "ServeError", "enrolment_text"]
