"""The shell that site and desk share: routing, guards, limits, bodies, rendering, errors."""

from movepass_service.web.settings import WebSettings

__all__ = ["WebSettings"]
