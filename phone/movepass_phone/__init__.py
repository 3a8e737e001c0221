"""The officer's phone, as far as Python has to do with it: a server for app and repository."""

from movepass_phone.serving import PhoneServer, ServeError

__all__ = ["PhoneServer", "ServeError"]
