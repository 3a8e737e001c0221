"""The desk as a web application: signing in, and pages for officers. `make_desk_app` is all that others need."""

from movepass_service.desk.app import make_desk_app
from movepass_service.desk.limits import default_desk_limits

__all__ = ["default_desk_limits", "make_desk_app"]
