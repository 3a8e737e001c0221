"""Open the sources of a device, web servers, buckets and folders, through the interface that python-tuf knows.

All hold the same tree (metadata/, targets/). For a missing file, all raise python-tuf's DownloadHTTPError 404.
"""

from movepass_verifier.sync.sources.source import Progress, Source, resolve, without_user

__all__ = ["Progress", "Source", "resolve", "without_user"]
