"""Run two regions of AWS: a ministack for each, and one address that leads to both, as AWS's does.

boto3 has one endpoint for all regions here, so a router stands before the two: it reads from a connection's first
request which region was signed for (SigV4's credential scope) and carries bytes from then on; a client of boto3's asks
one region only. A region is lost when the router cuts its connections, wherever they are in a call, and its processes
stop; when it comes back, it has what it had.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (Credential=).
"""

import asyncio
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.ministack import Ministack, running

NAMES = ("eu-central-1", "eu-west-1")
_SCOPE = re.compile(rb"Credential=[^/]+/[0-9]+/([a-z0-9-]+)/", re.IGNORECASE)
_CHUNK = 1 << 16


class Router:
    """The address that leads to all regions.

    Attributes:
        url: what AWS_ENDPOINT_URL names.
        cut: how many connections were cut so far, most of them in the middle of a call.
    """

    def __init__(self) -> None:
        self.url = ""
        self.cut = 0
        self._upstream: dict[str, tuple[str, int]] = {}
        self._lost: set[str] = set()
        self._open: dict[str, set[asyncio.StreamWriter]] = {}
        self._loop = asyncio.new_event_loop()

    def lead_to(self, region: str, url: str) -> None:
        """Register the address of a region."""
        host, _, port = url.removeprefix("http://").partition(":")
        self._open[region] = set()
        self._upstream[region] = (host, int(port))

    def lose(self, region: str) -> None:
        """Cut all connections to a region, and accept no more."""
        asyncio.run_coroutine_threadsafe(self._lose(region), self._loop).result()

    def find(self, region: str) -> None:
        """Accept connections to a region again."""
        self._lost.discard(region)

    def is_lost(self, region: str) -> bool:
        """Return whether a region's connections are cut."""
        return region in self._lost

    async def _lose(self, region: str) -> None:
        self._lost.add(region)
        for writer in list(self._open[region]):
            self.cut += 1
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            scope = _SCOPE.search(head)
            region = scope[1].decode() if scope else NAMES[0]
            if region in self._upstream and region not in self._lost:
                back, there = await asyncio.open_connection(*self._upstream[region])
                both = {writer, there}
                self._open[region] |= both
                there.write(head)
                await asyncio.gather(_carry(reader, there), _carry(back, writer))
                self._open[region] -= both
        for end in (writer, there):
            if end is not None:
                end.transport.abort() if not end.is_closing() else None

    @contextmanager
    def running(self) -> Iterator["Router"]:
        """Serve on a free port."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(server.close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until there are no more."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()


class World:
    """The two regions.

    Attributes:
        regions: as one reaches them through the router.
        direct: as one reaches them behind it: where devices read, say.
    """

    def __init__(self, router: Router, direct: list[Ministack]) -> None:
        self.router = router
        self.direct = direct
        self.regions = [Ministack(router.url, d.pid, d.region) for d in direct]

    def lose(self, number: int) -> None:
        """Lose a region in the middle of its work."""
        self.router.lose(NAMES[number])
        os.killpg(self.direct[number].pid, signal.SIGSTOP)

    def is_lost(self, number: int) -> bool:
        """Return whether a region is lost now."""
        return self.router.is_lost(NAMES[number])

    def find(self, number: int) -> None:
        """Bring a region back with its data."""
        os.killpg(self.direct[number].pid, signal.SIGCONT)
        self.router.find(NAMES[number])


@contextmanager
def two_regions(folder: Path) -> Iterator[World]:
    """Run them. Permissions are not enforced here: each ministack knows the roles of its own region only."""
    router = Router()
    with router.running():
        folders = [folder / name for name in NAMES]
        for each in folders:
            each.mkdir()
        more = {"AWS_ENDPOINT_URL": router.url}
        with (
            running(folders[0], region=NAMES[0], auth=False, more=more) as one,
            running(folders[1], region=NAMES[1], auth=False, more=more) as two,
        ):
            for region in (one, two):
                router.lead_to(region.region, region.url)
            yield World(router, [one, two])
