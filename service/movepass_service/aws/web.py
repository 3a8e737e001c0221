"""The settings of the site and of the desk, as functions have them."""

from movepass_service.aws.settings import FunctionSettingsError, ServiceFunctionSettings
from movepass_service.web import WebSettings

IN_FLIGHT_MAX = 10
"""A process of Lambda's works on one request at a time."""


def web_settings(settings: ServiceFunctionSettings, *, has_cache: bool = False) -> WebSettings:
    """Return the settings; `has_cache` is true for the site, as CloudFront keeps its pages by the template's keys.

    Raises:
        FunctionSettingsError: the address is none.
    """
    try:
        return WebSettings(
            url=settings.url, authority=settings.authority, is_test=settings.is_test, other_hosts=settings.hosts,
            in_flight_max=IN_FLIGHT_MAX, has_cache=has_cache,
        )  # fmt: skip
    except ValueError as e:
        raise FunctionSettingsError(f"MOVEPASS_URL: {e}") from e
