"""Publish the open statistics of a running service, in a thread of its own."""

import logging
from contextlib import closing
from pathlib import Path

from movepass_service.statistics.engine import MissingExtraError
from movepass_service.statistics.facts import FactsError
from movepass_service.statistics.folder import facts_folder
from movepass_service.statistics.open.counting import FactsCounts
from movepass_service.statistics.open.kept import KeptDays, KeptDaysError
from movepass_service.statistics.open.publishing import publish
from movepass_service.statistics.rounds import Rounds, Stopped

LOG = logging.getLogger(__name__)
EVERY_SECONDS = 600.0


def open_statistics(data: Path, secret: bytes, every_s: float = EVERY_SECONDS) -> Rounds:
    """Return what publishes the open statistics of a service's folder; without DuckDB it publishes nothing.

    Args:
        data: the service's folder.
        secret: seeds the rounding.
        every_s: seconds between two looks at whether a day is complete.
    """

    def round_(stopped: Stopped) -> None:
        try:
            with closing(FactsCounts(facts_folder(data))) as counts:
                done = publish(counts, KeptDays.of(data), secret=secret, stopped=stopped)
        except MissingExtraError as e:
            LOG.info("open statistics are not published: %s", e)
        except (FactsError, KeptDaysError, OSError) as e:
            LOG.error("open statistics are not published: %s", e)  # noqa: TRY400 - a cause, no defect
        else:
            if done:
                LOG.info("open statistics: %d days of tables published", done)

    return Rounds("open-statistics", round_, every_s)
