"""Registering by telephone, which nobody must: a code by SMS proves a number, and the number then finds its passes."""

from movepass_service.accounts.accounts import Accounts, Budgets, Challenge, Helper, TooManyCodes, WrongCode
from movepass_service.accounts.sms import Outbox, SmsGateway

__all__ = ["Accounts", "Budgets", "Challenge", "Helper", "Outbox", "SmsGateway", "TooManyCodes", "WrongCode"]
