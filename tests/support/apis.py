"""A function behind its HTTP API, as a browser reaches it."""

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from support.ministack import Ministack
from support.sites import Answer
from support.stack import Stack

_SECONDS = 60


@dataclass(frozen=True)
class Settings:
    """As much of a site's settings as a browser needs."""

    origin: str


@dataclass(frozen=True)
class Api:
    """An HTTP API of ministack's, which stands in for the address that people know."""

    endpoint: str
    origin: str
    added: Mapping[str, str] = field(default_factory=dict)
    """Headers that CloudFront adds."""

    @property
    def settings(self) -> Settings:
        """Return what a browser sends as its origin."""
        return Settings(self.origin)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request."""
        host = urlsplit(self.endpoint).netloc
        connection = http.client.HTTPConnection("127.0.0.1", int(host.rpartition(":")[2]), timeout=_SECONDS)
        connection.request(method, path, body, {"Host": host, **(headers or {}), **self.added})
        answer = connection.getresponse()
        got = Answer(answer.status, answer.getheaders(), answer.read())
        connection.close()
        return got


def open_api(ministack: Ministack, service: Stack, what: str, origin: str) -> Api:
    """Return the API of the site or the desk ("Site", "Desk").

    Its host is ministack's and not AWS's, so the function is told that it may come under that name.
    """
    endpoint = service.outputs[f"{what}ApiUrl"]
    functions, name = ministack.client("lambda"), service.outputs[f"{what}FunctionName"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables["MOVEPASS_HOSTS"] = f"{variables['MOVEPASS_HOSTS']} {urlsplit(endpoint).netloc}"
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    return Api(endpoint, origin, _added(ministack, service) if what == "Site" else {})


def _added(ministack: Ministack, service: Stack) -> dict[str, str]:
    """Return the headers that the site's distribution adds to what it asks the API for.

    Ministack leaves references to secrets in nested stacks as they are, and AWS reads them.
    """
    found = ministack.client("cloudfront").get_distribution(Id=service.resources()["Site"])
    (pages,) = [one for one in found["Distribution"]["DistributionConfig"]["Origins"]["Items"] if one["Id"] == "pages"]
    return {one["HeaderName"]: _resolved(ministack, one["HeaderValue"]) for one in pages["CustomHeaders"]["Items"]}


def _resolved(ministack: Ministack, value: str) -> str:
    named = re.fullmatch(r"\{\{resolve:secretsmanager:(.+)\}\}", value)
    if named is None:
        return value
    return str(ministack.client("secretsmanager").get_secret_value(SecretId=named[1])["SecretString"])
