"""Where a device syncs from: a web server, a bucket or a folder, read through the one interface python-tuf knows.

All hold the same tree (metadata/, targets/). A missing file is python-tuf's DownloadHTTPError 404 from any of them.
"""

from movepass_verifier.sync.sources.source import Progress, Source, resolve, without_user

__all__ = ["Progress", "Source", "resolve", "without_user"]
