"""The desk: what officers do with cases. Pages and commands call this; it decides who may, and the store keeps it.

Every method checks the officer's role first. Its methods wait for the disk, so call them from a thread. `now` is the
machine's clock in seconds since 1970 UTC; leases and windows end by the desk's own clock (clock.py).
"""

from movepass_service.decisions.desk.bulk import BulkCases
from movepass_service.decisions.desk.core import once
from movepass_service.decisions.desk.looks import SecondLooks
from movepass_service.decisions.desk.settings import NAME as SETTINGS
from movepass_service.decisions.desk.settings import DeskSettings
from movepass_service.decisions.desk.values import DeskError
from movepass_service.decisions.records import desk_actor
from movepass_service.decisions.roles import Action, require
from movepass_service.stores.store import Officer


class Desk(BulkCases, SecondLooks):
    """The desk of one service."""

    def change_settings(self, officer: Officer, found: DeskSettings, wanted: DeskSettings, *, now: int) -> None:
        """Change the settings, as a supervisor; the log says who, and from what to what.

        Args:
            officer: who changes them.
            found: the settings that they saw.
            wanted: those to put in place.
            now: seconds since 1970 UTC.

        Raises:
            DeskError: changed: another supervisor was quicker.
        """
        require(officer, Action.CHANGE_SETTINGS)
        kept = self._store.noted(SETTINGS)
        if DeskSettings.from_bytes(kept) != found:
            raise DeskError("changed", "another supervisor changed the settings; look at them again")
        if wanted == found:
            return
        before, after = found.to_json(), wanted.to_json()
        act = {
            "action": "change-desk-settings",
            "actor": desk_actor(officer.name),
            "from": {name: before[name] for name in before if before[name] != after[name]},
            "to": {name: after[name] for name in after if before[name] != after[name]},
        }
        with once():
            self._store.replace_noted(SETTINGS, kept, wanted.to_bytes(), now, act)
