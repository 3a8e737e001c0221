"""Warn operators in every command when the custodians' documents or the pass key are about to end."""

from movepass_cli.output import say
from movepass_issuer.authority.folder import Authority
from movepass_issuer.errors import RepositoryError
from movepass_keys.records.expiry import Ending
from movepass_wire.times import ago, local


def warn_of_endings(authority: Authority, now: int, *, quietly: bool = False) -> list[Ending]:
    """Warn on stderr of what ends soon or has ended, unless `quietly`; a warning never stops the command.

    Returns:
        When each part ends; nothing where that can't be read.
    """
    try:
        found = authority.endings(now)
    except RepositoryError as e:
        say(f"warning: can't tell when the keys end: {e}")
        return []
    for ending in found:
        if ending.soon and not quietly:
            say(f"{'ERROR' if ending.ended else 'warning'}: {ending}")
    return found


def describe_end(ending: Ending) -> str:
    """Describe in a few words when something ends."""
    if ending.ended:
        return f"ENDED at {local(ending.at)}"
    return f"ends in {ago(ending.left)}" if ending.soon else f"ends at {local(ending.at)}"
