"""One thread that writes: everything that waits is written in one transaction, with one fsync.

A commit at synchronous=FULL waits for the disk. Callers that come meanwhile wait for the next commit together, so that
the disk bounds how long one of them waits, and not how many there are.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from movepass_service.errors import Busy, ServiceError, StorageFull, StoreError

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

BATCH_MAX = 512
"""Operations in one transaction."""
WAITING_MAX = 4_000
"""Operations that may wait; beyond it a caller is told to come again."""
RETRY_AFTER_SECONDS = 5
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}


def failure(error: sqlite3.Error) -> StoreError:
    """Return what a failure of SQLite's means to a caller."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code in _FULL or code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StorageFull("the disk is full; nothing was stored")
    return StoreError(f"the store: {error}")


@contextmanager
def failures() -> Iterator[None]:
    """Turn failures of SQLite's, and of the disk's, into errors of the service's."""
    try:
        yield
    except sqlite3.Error as e:
        raise failure(e) from e
    except OSError as e:
        raise StoreError(f"the store: {e.filename or ''} {e.strerror or e}") from e


@dataclass(slots=True)
class _Job:
    """An operation, and who waits for it: a thread, or a task of an event loop."""

    operation: Operation[Any]
    future: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs operations one after the other in one thread, many to a commit."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Take what opens the connection to write through; the thread that writes calls it."""
        self._connect = connect
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return about how many operations wait."""
        return self._jobs.qsize()

    def call(self, operation: Operation[T]) -> T:
        """Run an operation and wait until it is durable.

        Raises:
            StoreError: the store failed, and the operation changed nothing; or what the operation raises.
        """
        future: Future[T] = Future()
        self._put(_Job(operation, future, None))
        return future.result()

    async def run(self, operation: Operation[T]) -> T:
        """Run an operation, without keeping the event loop, until it is durable.

        Raises:
            Busy: too many wait.
            StoreError: the store failed, and the operation changed nothing; or what the operation raises.
        """
        if self._jobs.qsize() >= WAITING_MAX:
            raise Busy(RETRY_AFTER_SECONDS)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(operation, future, loop))
        return await future

    def close(self) -> None:
        """Finish what waits, and end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _put(self, job: _Job) -> None:
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed")
            self._jobs.put(job)

    def _run(self) -> None:
        db: sqlite3.Connection | None = None
        ended = False
        while not ended:
            batch, ended = self._next_batch()
            if not batch:
                continue
            try:
                db = db or self._connect()
                self._write(db, batch)
            except sqlite3.Error as e:
                _fail(db, batch, failure(e))
            except Exception as e:  # noqa: BLE001 - the thread must live: whoever waits is told
                _fail(db, batch, StoreError(f"the store: {e!r}"))
            _answer(batch)
        if db is not None:
            db.close()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """Wait for a job, and return it with all that came with it; and whether the end was asked for."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) >= BATCH_MAX:
                return batch, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    @staticmethod
    def _write(db: sqlite3.Connection, batch: list[_Job]) -> None:
        db.execute("BEGIN IMMEDIATE")
        for job in batch:
            db.execute("SAVEPOINT job")
            try:
                job.result = job.operation(db)
            except sqlite3.IntegrityError as e:
                job.error = failure(e)
                db.execute("ROLLBACK TO job")
            except sqlite3.Error:
                raise  # which ends the transaction for all
            except Exception as e:  # noqa: BLE001 - this caller's own
                job.error = e
                db.execute("ROLLBACK TO job")
            db.execute("RELEASE job")
        db.execute("COMMIT")


def _fail(db: sqlite3.Connection | None, batch: list[_Job], error: ServiceError) -> None:
    for job in batch:
        job.error = error
    if db is not None and db.in_transaction:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")


def _answer(batch: list[_Job]) -> None:
    """Tell everybody; each event loop is woken once for all who wait in it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        if job.loop is not None:
            by_loop.setdefault(job.loop, []).append(job)
        else:
            _resolve([job])
    for loop, jobs in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended, and nobody waits
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # its caller has gone
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
