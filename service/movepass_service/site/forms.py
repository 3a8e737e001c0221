"""The application form: what was typed into it, and what the service reads from that.

A field's name is its path in the JSON of an application, `holder.name`. Three things are the form's own: a day may be
counted from today, an identity number of four characters is the end of one, and a time is asked for in two parts.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from movepass_service.applications.application import Application, FieldError
from movepass_service.applications.values import (
    HOURS_MAX,
    ascii_digits,
    parse_date,
    parse_hours,
    parse_time_of_day,
)
from movepass_service.rules import dhaka_day
from movepass_service.web.words import Words
from movepass_wire import trip_to_json
from movepass_wire.codes import DISTRICTS, ID_TYPES, REASONS
from movepass_wire.times import DAY_SECONDS, iso

OTHER_REASON = "other"
DAYS_OFFERED = 4
"""Today and the three days after it: applications are taken 72 hours ahead."""
ID_LAST_MAX = 4
BACK_FIELDS = ("back.not_before.date", "back.not_before.time", "back.hours")
FIELDS = (
    "holder.name",
    "holder.id_type",
    "holder.id_number",
    "phone",
    "reason",
    "other_reason",
    "from.district",
    "from.place",
    "to.district",
    "to.place",
    "not_before.date",
    "not_before.time",
    "hours",
    *BACK_FIELDS,
    "vehicle.registration",
    "vehicle.driver.name",
    "vehicle.driver.licence_last",
    "on_behalf_of",
)
"""In the order of the page, which is the order of the error summary."""
_SHOWN_AT = {
    "": "holder.name",
    "holder": "holder.name",
    "holder.id_last": "holder.id_number",
    "from": "from.district",
    "to": "to.district",
    "vehicle": "vehicle.registration",
    "vehicle.driver": "vehicle.driver.name",
    "not_before": "not_before.time",
    "not_after": "hours",
    "back.not_before": "back.not_before.time",
    "back.not_after": "back.hours",
}
"""Where a fault stands on the page, if not at the field that it names."""
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = date(1970, 1, 1)


def typed(form: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed into each field of the form, "" where nothing was."""
    return {name: form.get(name, "").strip() for name in FIELDS}


def today(now: int) -> date:
    """Return the day in Dhaka."""
    return _EPOCH + timedelta(days=dhaka_day(now))


def settle_days(values: Mapping[str, str], now: int) -> dict[str, str]:
    """Return the values with days as dates where they were counted from today."""
    settled = dict(values)
    for name in ("not_before.date", "back.not_before.date"):
        counted = ascii_digits(values[name])
        if counted.isdecimal() and len(counted) == 1 and int(counted) < DAYS_OFFERED:
            settled[name] = (today(now) + timedelta(days=int(counted))).isoformat()
    return settled


def has_way_back(values: Mapping[str, str]) -> bool:
    """Return whether a second trip is asked for."""
    return any(values[name] for name in BACK_FIELDS)


def to_fields(values: Mapping[str, str], language: str) -> dict[str, object]:
    """Return what the service reads; values are typed ones with settled days."""
    fields: dict[str, object] = {name: value for name, value in values.items() if value}
    number = re.sub(r"[\s-]", "", values["holder.id_number"])
    if 0 < len(number) <= ID_LAST_MAX:
        fields["holder.id_last"] = number
        del fields["holder.id_number"]
    if values["reason"] != OTHER_REASON and values["reason"]:
        fields.pop("other_reason", None)
    return {**fields, "language": language}


def own_faults(values: Mapping[str, str]) -> dict[str, FieldError]:
    """Return the faults of what the form asks for in its own way."""
    faults: dict[str, FieldError] = {}

    def need(name: str, code: str = "missing") -> None:
        faults.setdefault(name, FieldError(name, code))

    if values["reason"] == OTHER_REASON and not values["other_reason"]:
        need("other_reason")
    if not values["holder.id_number"]:
        need("holder.id_number")
    if not values["hours"]:
        need("hours")
    for way in ("", "back.") if has_way_back(values) else ("",):
        for part, parse, code in (("date", parse_date, "no-date"), ("time", parse_time_of_day, "no-time")):
            name = f"{way}not_before.{part}"
            if not values[name]:
                need(name)
            elif not _parses(parse, values[name]):
                need(name, code)
    if values["back.hours"] and not _parses(parse_hours, values["back.hours"]):
        faults["back.hours"] = FieldError("back.hours", "hours", {"max": str(HOURS_MAX)})
    return faults


def _parses(parse: object, text: str) -> bool:
    try:
        parse(text)  # type: ignore[operator]
    except (ValueError, OverflowError):
        return False
    return True


def place_faults(faults: tuple[FieldError, ...], own: Mapping[str, FieldError]) -> dict[str, FieldError]:
    """Return one fault for each field of the page, in the page's order; the form's own come first."""
    placed = dict(own)
    for fault in faults:
        name = _SHOWN_AT.get(fault.field, fault.field)
        if fault.code == "over" and fault.field.endswith("not_after"):
            name = f"{fault.field.removesuffix('not_after')}not_before.time"
        if fault.code == "too-far-ahead":
            name = f"{fault.field}.date"
        way = "back." if name.startswith("back.") else ""
        if name.startswith((f"{way}not_before", f"{way}hours")) and _has_untimed(own, way):
            continue
        placed.setdefault(name if name in FIELDS else "holder.name", fault)
    return {name: placed[name] for name in FIELDS if name in placed}


def _has_untimed(own: Mapping[str, FieldError], way: str) -> bool:
    return any(f"{way}{name}" in own for name in ("not_before.date", "not_before.time", "hours"))


def say_fault(t: Words, name: str, fault: FieldError) -> str:
    """Put a fault into words, for the field that it stands beside."""
    if t.has(f"fault.{fault.code}.{name}"):
        return t(f"fault.{fault.code}.{name}")
    values: dict[str, object] = {"label": t(f"field.{name}" if t.has(f"field.{name}") else "field.holder.name")}
    values |= fault.values
    code = fault.code
    if "max" in values:
        values["max"] = int(str(values["max"]))
    if code == "district-misspelt":
        values["district"] = fault.values[f"name_{t.language}"]
    if code == "id-number" and "digits" in fault.values:
        code, values["digits"] = "id-number-digits", _list_numbers(t, fault.values["digits"])
    return t(f"fault.{code}" if t.has(f"fault.{code}") else "fault.invalid", **values)


def _list_numbers(t: Words, digits: str) -> str:
    return t("format.or").join(t.number(int(number)) for number in digits.split(", "))


def from_application(application: Application) -> dict[str, str]:
    """Return the form's values of an application that is to be corrected."""
    trip = trip_to_json(application.trip)
    holder, vehicle = trip["holder"], trip.get("vehicle", {})
    driver = vehicle.get("driver", {})
    begins = iso(application.trip.not_before)
    is_listed = application.trip.reason in REASONS.by_number
    hours = -(-(application.trip.not_after - application.trip.not_before) // 3600)
    values = {
        "holder.name": holder["name"],
        "holder.id_type": str(holder["id_type"]),
        "holder.id_number": holder["id_last"],
        "phone": (application.phone or "").removeprefix("+88"),
        "reason": str(trip["reason"]) if is_listed else OTHER_REASON,
        "other_reason": "" if is_listed else str(trip["reason"]),
        "not_before.date": begins[:10],
        "not_before.time": begins[11:16],
        "hours": str(hours),
        "vehicle.registration": vehicle.get("registration", ""),
        "vehicle.driver.name": driver.get("name", ""),
        "vehicle.driver.licence_last": driver.get("licence_last", ""),
        "on_behalf_of": application.on_behalf_of or "",
    }
    for way in ("from", "to"):
        values[f"{way}.district"] = str(trip[way]["district"])
        values[f"{way}.place"] = trip[way].get("place", "")
    return {name: values.get(name, "") for name in FIELDS}


def options(t: Words, values: Mapping[str, str], now: int | None) -> dict[str, object]:
    """Return what the page's lists offer.

    Args:
        t: the words.
        values: what was typed; days are settled.
        now: the time; None for the page that is the same for everybody, whose days are counted from today.
    """
    hours = {str(n): t("hours.1" if n == 1 else "hours.n", count=n) for n in range(1, HOURS_MAX + 1)}
    districts = sorted(DISTRICTS.by_key.values(), key=lambda code: code.name(t.language))
    return {
        "id_types": {code.key: code.name(t.language) for code in ID_TYPES.by_key.values()},
        "reasons": {code.key: code.name(t.language) for code in REASONS.by_key.values()}
        | {OTHER_REASON: t("reason.other")},
        "districts": {code.key: code.name(t.language) for code in districts},
        "hours": hours,
        "days": _days(t, values["not_before.date"], now),
        "back_days": _days(t, values["back.not_before.date"], now),
        "time_types": {
            name: "time" if not values[name] or _CLOCK.fullmatch(values[name]) else "text"
            for name in ("not_before.time", "back.not_before.time")
        },
    }


def _days(t: Words, chosen: str, now: int | None) -> dict[str, str]:
    if now is None:
        return {str(n): t(f"day.{n}") for n in range(DAYS_OFFERED)}
    first = today(now)
    days = {}
    for n in range(DAYS_OFFERED):
        day = first + timedelta(days=n)
        label = t.day(now + n * DAY_SECONDS, with_weekday=False)
        days[day.isoformat()] = t("format.and-date", label=t(f"day.{n}"), date=label)
    if chosen and chosen not in days:
        days[chosen] = _shown_day(t, chosen)
    return days


def _shown_day(t: Words, chosen: str) -> str:
    """Return a day that is not offered as it was typed, or in words if it is a date."""
    if not _ISO_DATE.fullmatch(chosen):
        return chosen
    try:
        days = (date.fromisoformat(chosen) - _EPOCH).days
    except ValueError:
        return chosen
    return t.day(days * DAY_SECONDS)
