"""The public site: pages in Bangla and English, and the JSON API. `make_app` is all that others need."""

from movepass_service.web.app import make_app
from movepass_service.web.settings import WebSettings, default_limits

__all__ = ["WebSettings", "default_limits", "make_app"]
