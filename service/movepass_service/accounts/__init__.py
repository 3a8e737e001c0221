"""Registering by telephone, which nobody must: a code by SMS proves a number, and the number then finds its passes."""

from movepass_service.accounts.accounts import Accounts, Challenge, WrongCode
from movepass_service.accounts.sms import Outbox, SmsError, SmsGateway
from movepass_service.stores.numbers import Budgets, Helper, TooManyCodes

__all__ = [
    "Accounts",
    "Budgets",
    "Challenge",
    "Helper",
    "Outbox",
    "SmsError",
    "SmsGateway",
    "TooManyCodes",
    "WrongCode",
]
