"""An open loop: work begins when it is due, however long what began before it takes."""

import asyncio
from collections.abc import Awaitable, Callable

_LOOK_SECONDS = 0.002
"""How finely the schedule is kept."""


async def run_on_schedule(rate: float, total: int, live: Callable[[int, float], Awaitable[None]]) -> None:
    """Begin `total` pieces of work, `rate` a second, and wait until all have ended.

    Args:
        rate: pieces a second.
        total: how many.
        live: one piece, given its number and when it was due by the loop's clock: a late start counts as waiting.
    """
    loop = asyncio.get_running_loop()
    begun, count, tasks = loop.time(), 0, set()
    while count < total:
        while count < total and begun + count / rate <= loop.time():
            task = asyncio.ensure_future(live(count, begun + count / rate))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            count += 1
        await asyncio.sleep(_LOOK_SECONDS)
    while tasks:
        await asyncio.wait(tasks)
