"""Lambda function: compacts the days of facts, on a schedule, in a package of its own with DuckDB.

A day that is over is compacted whenever it has parts; today too once it has many, as each object costs a reader a call.

It copies a day from S3, does what the embedded service does (statistics.compaction), and copies the file back. Then the
parts go. Cut off in between, events are in the file and in parts: statistics.engine counts them once, and Athena reads
the files alone; the next run compacts the same day again. Athena could do it as well, by one statement a day,
but then the rules for what counts once would have two homes, and no test of ours would run one of them.

IAM: s3:GetObject, s3:PutObject, s3:ListBucket on the facts' bucket and s3:DeleteObject on its parts; nothing else.
"""

import os
import tempfile
import time
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from movepass_service.aws.bucket import FactsBucket
from movepass_service.aws.settings import ServiceFunctionSettings
from movepass_service.aws.telemetry import count, serving
from movepass_service.statistics.compaction import MERGED_PARTS, compact_day
from movepass_service.statistics.facts import moment

_SPARE_MS = 180_000
"""Time that must be left to begin another day."""


class CompactFunction:
    """The function, opened once a process."""

    def __init__(self, bucket: FactsBucket) -> None:
        """Take the bucket of the facts."""
        self._bucket = bucket

    def __call__(self, _event: Any, context: Any) -> dict[str, int]:
        """Compact the days that have parts, today if it has many, as long as there is time.

        Raises:
            FactsError: a day can't be read or written; the next run does it again.
        """
        today = moment(int(time.time())).day
        done = 0
        for day, parts in sorted(self._bucket.parts().items()):
            if (day < today or len(parts) >= MERGED_PARTS) and context.get_remaining_time_in_millis() > _SPARE_MS:
                self._compact(day, parts)
                done += 1
        count("DaysCompacted", done)
        return {"days": done}

    def _compact(self, day: str, parts: list[str]) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self._bucket.fetch(day, parts, folder)
            compact_day(folder, date.fromisoformat(day))
            self._bucket.put_day(day, folder)
        self._bucket.delete(parts)


@cache
def _function() -> CompactFunction:
    settings = ServiceFunctionSettings.from_environment(os.environ, "facts")
    return CompactFunction(FactsBucket(settings.facts))


@serving
def handler(event: Any, context: Any) -> Any:
    """Handle an invocation by Lambda."""
    return _function()(event, context)
