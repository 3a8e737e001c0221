"""The rules that decide: a typed decision table, written and signed by people, read and checked here.

`columns` says what a rule may look at, `table` reads a file, `engine` decides.
"""

from movepass_service.rules.columns import OTHER_REASON, Evidence, Facts, dhaka_day, week_of
from movepass_service.rules.engine import RuleOutcome, RuleSet, default_rules
from movepass_service.rules.table import Fault, RuleTableError

__all__ = [
    "OTHER_REASON",
    "Evidence",
    "Facts",
    "Fault",
    "RuleOutcome",
    "RuleSet",
    "RuleTableError",
    "default_rules",
    "dhaka_day",
    "week_of",
]
