"""The desk's settings, which a supervisor chooses and everybody at the desk may read."""

import json
from collections.abc import Mapping

from movepass_service.applications.values import ascii_digits
from movepass_service.decisions.desk import DeskSettings, DeskSettingsError
from movepass_service.decisions.desk.settings import FOUR_EYES_REASONS
from movepass_service.decisions.roles import Action, may
from movepass_service.desk.front import DeskFront
from movepass_service.desk.pages.shown import reason_name
from movepass_service.officers.accounts import Session
from movepass_service.web.bodies import parse_json
from movepass_service.web.errors import RefusedError
from movepass_service.web.exchange import Answer, Request, redirect

NUMBERS = ("approvals_per_hour", "second_look_percent", "undo_s", "bulk_limit", "lease_s")
_REASON = "reason."
FIELDS = ("four_eyes_rows", *NUMBERS, *(f"{_REASON}{key}" for key in FOUR_EYES_REASONS))


def show(front: DeskFront, request: Request, session: Session) -> Answer:
    """Show the settings; a supervisor may change them."""
    settings = front.desk.settings()
    return _settings_page(front, request, session, settings, _values(settings), {})


def change(front: DeskFront, request: Request, session: Session) -> Answer:
    """Change the settings, if nobody changed them meanwhile."""
    form = request.form
    try:
        found = DeskSettings.from_json(parse_json(form.get("found", "").encode()))
    except (ValueError, DeskSettingsError, TypeError, AttributeError) as e:
        raise RefusedError(400, "unreadable") from e
    values = {name: form.get(name, "").strip() for name in FIELDS}
    t = front.words(request)
    try:
        wanted = DeskSettings.from_json(_read(values))
    except DeskSettingsError as e:
        errors = {e.field: t(f"settings.fault.{e.field}" if e.field in NUMBERS else "settings.fault.rows")}
        return _settings_page(front, request, session, found, values, errors)
    front.desk.change_settings(session.officer, found, wanted, now=request.now)
    return redirect(front.address(request, "/settings?done=settings"))


def _read(values: Mapping[str, str]) -> dict[str, object]:
    numbers: dict[str, object] = {}
    for name in NUMBERS:
        digits = ascii_digits(values[name])
        numbers[name] = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else values[name]
    reasons = [key for key in FOUR_EYES_REASONS if values[f"{_REASON}{key}"]]
    return numbers | {"four_eyes_reasons": reasons, "four_eyes_rows": values["four_eyes_rows"].split()}


def _values(settings: DeskSettings) -> dict[str, str]:
    values = {name: str(getattr(settings, name)) for name in NUMBERS}
    reasons = {f"{_REASON}{key}": "on" if key in settings.four_eyes_reasons else "" for key in FOUR_EYES_REASONS}
    return values | reasons | {"four_eyes_rows": "\n".join(settings.four_eyes_rows)}


def _settings_page(
    front: DeskFront, request: Request, session: Session, found: DeskSettings, values: Mapping[str, str],
    errors: Mapping[str, str],
) -> Answer:  # fmt: skip
    t = front.words(request)
    context = {
        "values": values,
        "errors": errors,
        "found": json.dumps(found.to_json()),
        "numbers": NUMBERS,
        "reasons": {f"{_REASON}{key}": reason_name(t, key) for key in FOUR_EYES_REASONS},
        "may_change": may(session.officer.role, Action.CHANGE_SETTINGS),
    }
    status = 400 if errors else 200
    return front.show(request, session, "settings.html", context, status=status)
