"""The public site: pages in Bangla and English, and the JSON API. `make_app` is all that others need."""

from movepass_service.site.app import make_app
from movepass_service.site.limits import default_limits

__all__ = ["default_limits", "make_app"]
