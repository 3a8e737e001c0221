"""An application as people read it, line by line: applicants on the site, officers on the desk."""

from collections.abc import Mapping
from dataclasses import dataclass

from movepass_service.applications.application import Application
from movepass_service.web.words import Words
from movepass_wire import trip_to_json
from movepass_wire.codes import DISTRICTS, ID_TYPES, REASONS


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a summary.

    Attributes:
        label: what it is.
        value: what was answered.
        field: where the form asks for it.
    """

    label: str
    value: str
    field: str


def rows_of(t: Words, application: Application, back: Application | None = None) -> list[Row]:
    """Return an application as people read it."""
    trip = trip_to_json(application.trip)
    holder, vehicle = trip["holder"], trip.get("vehicle", {})
    driver = vehicle.get("driver", {})
    paper = t("row.paper.value", paper=t.named(ID_TYPES, holder["id_type"]), last=holder["id_last"])
    licence = driver and t("row.driver.value", name=driver.get("name", ""), last=driver.get("licence_last", ""))
    return_time = back and t.period(back.trip.not_before, back.trip.not_after)
    rows = [
        ("holder", holder["name"], "holder.name"),
        ("paper", paper, "holder.id_type"),
        ("phone", (application.phone or "").removeprefix("+88"), "phone"),
        ("reason", t.named(REASONS, trip["reason"]), "reason"),
        ("from", place(t, trip["from"]), "from.district"),
        ("to", place(t, trip["to"]), "to.district"),
        ("valid", t.period(application.trip.not_before, application.trip.not_after), "not_before.date"),
        ("back", return_time, "back.not_before.date"),
        ("vehicle", vehicle.get("registration"), "vehicle.registration"),
        ("driver", licence, "vehicle.driver.name"),
        ("on_behalf_of", application.on_behalf_of, "on_behalf_of"),
    ]
    return [Row(t(f"row.{name}"), value, field) for name, value, field in rows if value]


def place(t: Words, written: Mapping[str, object]) -> str:
    """Write a place with its district."""
    district = t.named(DISTRICTS, written["district"])
    return t("row.place", place=written["place"], district=district) if "place" in written else district
