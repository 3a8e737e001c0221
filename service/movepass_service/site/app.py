"""The public site as an ASGI application: which handler serves which address."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from movepass_service.site import api
from movepass_service.site.pages import apply, line, lists, my_passes, plain, statistics, status
from movepass_service.site.pages.site import Site
from movepass_service.web.settings import WebSettings
from movepass_service.web.shell import Endpoint, Shell, Table, form, json_body, make_shell, public_page

if TYPE_CHECKING:
    from movepass_service.accounts import Accounts
    from movepass_service.admission import Gate
    from movepass_service.service import ServiceCore

_OWN = "/status/{reference}"
PAGES: Table = {
    "/": {"GET": public_page(plain.home)},
    "/apply": {"GET": public_page(apply.show_form), "POST": form(apply.check, "check")},
    "/apply/change": {"POST": form(apply.change, "check")},
    "/apply/send": {"POST": form(apply.send, "send")},
    "/line": {"GET": Endpoint(line.show)},
    "/receipt": {"GET": Endpoint(apply.show_receipt)},
    "/status": {"GET": Endpoint(status.show_lookup), "POST": form(status.lookup, "lookup")},
    _OWN: {"GET": Endpoint(status.show)},
    f"{_OWN}/qr.png": {"GET": Endpoint(status.qr, "picture")},
    f"{_OWN}/card.pdf": {"GET": Endpoint(status.card, "picture")},
    f"{_OWN}/withdraw": {"GET": Endpoint(status.ask_withdraw), "POST": form(status.withdraw, "change")},
    f"{_OWN}/appeal": {"GET": Endpoint(status.ask_appeal), "POST": form(status.appeal, "change")},
    f"{_OWN}/correct": {"GET": Endpoint(status.ask_correct), "POST": form(status.check_correct, "check")},
    f"{_OWN}/correct/change": {"POST": form(status.change_correct, "check")},
    f"{_OWN}/correct/send": {"POST": form(status.correct, "change")},
    f"{_OWN}/forget": {"POST": form(status.forget, "change")},
    "/my-passes": {"GET": Endpoint(my_passes.show), "POST": form(my_passes.send_code, "code")},
    "/my-passes/code": {"POST": form(my_passes.sign_in, "lookup")},
    "/my-passes/apply": {"GET": Endpoint(my_passes.fill)},
    "/my-passes/open/{reference}": {"GET": Endpoint(my_passes.open_one)},
    "/my-passes/list": {"GET": Endpoint(lists.show), "POST": form(lists.send, "change")},
    "/my-passes/sign-out": {"POST": form(my_passes.sign_out, "change")},
    "/rules": {"GET": public_page(plain.rules)},
    "/statistics": {"GET": public_page(statistics.show_all)},
    "/statistics-dictionary": {"GET": public_page(statistics.dictionary)},
    "/statistics-codes": {"GET": public_page(statistics.codes)},
    "/statistics/{name}": {"GET": public_page(statistics.show)},
    "/statistics/{name}/csv": {"GET": public_page(statistics.download)},
}
"""In Bangla; under /en the same in English."""
_API = "/api/applications"
API: Table = {
    _API: {"POST": json_body(api.submit, "send")},
    f"{_API}/{{reference}}": {"GET": Endpoint(api.show)},
    f"{_API}/{{reference}}/withdraw": {"POST": json_body(api.withdraw, "change")},
    f"{_API}/{{reference}}/correct": {"POST": json_body(api.correct, "change")},
    f"{_API}/{{reference}}/appeal": {"POST": json_body(api.appeal, "change")},
    f"{_API}/{{reference}}/qr": {"GET": Endpoint(api.qr, "picture")},
    f"{_API}/{{reference}}/card": {"GET": Endpoint(api.card, "picture")},
    "/line/called": {"GET": Endpoint(line.called)},
    "/healthz": {"GET": Endpoint(api.health, "")},
}


def make_app(
    service: "ServiceCore",
    settings: WebSettings,
    *,
    accounts: "Accounts | None" = None,
    gate: "Gate | None" = None,
    clock: Callable[[], float] = time.time,
) -> Shell:
    """Make the ASGI application of the public site.

    Args:
        service: what pages and API ask.
        settings: the site's.
        accounts: registered telephone numbers; without them nobody can register.
        gate: holds back what is beyond the capacity; without it nobody waits.
        clock: the time in Unix seconds; each request takes it once.
    """
    return make_shell(Site(service, settings, accounts, gate), pages=PAGES, programs=API, clock=clock)
