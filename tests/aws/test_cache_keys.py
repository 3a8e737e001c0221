"""What CloudFront tells requests by, as the template says it, and what the site reads of a request."""

import re
from typing import Any

import pytest
from support.processes import ROOT
from support.stack import read_template
from support.whole_stack import SERVICE_TEMPLATE

from movepass_service.site.pages.site import Site

SERVICE = ROOT / "service" / "movepass_service"
SOURCE = "".join(path.read_text("utf-8") for room in ("site", "web") for path in sorted((SERVICE / room).rglob("*.py")))


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    policy = read_template(SERVICE_TEMPLATE)["Resources"]["PagesCache"]["Properties"]["CachePolicyConfig"]
    assert policy["MinTTL"] == policy["DefaultTTL"] == 0, "what says nothing, or private, is not kept"
    found: dict[str, Any] = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    return found


def test_every_query_parameter_that_the_site_reads_is_in_the_key_and_no_other(keys: dict[str, Any]) -> None:
    read = re.findall(r'\bquery(?:\.get\(|\[)"([\w-]+)"', SOURCE) + re.findall(
        r'"([\w-]+)" (?:not )?in request\.query', SOURCE
    )
    assert len(read) > 5
    assert keys["QueryStringsConfig"] == {"QueryStringBehavior": "whitelist", "QueryStrings": sorted(set(read))}


def test_every_cookie_that_the_site_reads_is_in_the_key_and_no_other(keys: dict[str, Any]) -> None:
    read = set(re.findall(r'\bcookie\(request, "([\w-]+)"', SOURCE))
    assert len(read) > 3
    names = sorted(f"__Host-{name}" if name in Site.whole_site_cookies else f"__Secure-{name}" for name in read)
    assert keys["CookiesConfig"] == {"CookieBehavior": "whitelist", "Cookies": names}


def test_the_apis_secret_is_in_the_key(keys: dict[str, Any]) -> None:
    assert keys["HeadersConfig"] == {"HeaderBehavior": "whitelist", "Headers": ["Authorization"]}
