"""Changes facts in S3 for an operator: brings in devices' counts, and builds a lost day again.

Both work on a copy of the days that they are about, and write new parts to the bucket. The compact function makes them
part of a day's file within the hour; until then readers count each event once.
"""

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from movepass_service.aws.bucket import FactsBucket
from movepass_service.statistics.building import FactBuilder
from movepass_service.statistics.devices import Export, Imported, Source, import_exports
from movepass_service.statistics.rebuilding import FindPass, Rebuilt, is_damaged, write_again
from movepass_service.stores.stories import StoryStore


def import_counts(bucket: FactsBucket, exports: Sequence[Export], source: Source) -> Imported:
    """Write the facts of a device's exports; see statistics.devices.import_exports.

    IAM: s3:GetObject and s3:PutObject on the facts' bucket, s3:ListBucket.

    Raises:
        ExportError, FactsError: see import_exports.
    """
    days = sorted({fact.day for export in exports for fact in export.facts})
    with tempfile.TemporaryDirectory() as name:
        bucket.mirror(days, Path(name))
        return import_exports(Path(name), exports, source, bucket)


def rebuild_in_bucket(
    store: StoryStore, find_pass: FindPass, bucket: FactsBucket, builder: FactBuilder, *, day: date, now: int
) -> Rebuilt:
    """Build a lost day again; see statistics.rebuilding.rebuild_day. A damaged file is put aside.

    IAM: s3:GetObject, s3:PutObject and s3:DeleteObject on the facts' bucket, s3:ListBucket.

    Raises:
        QuestionError, FactsError, StoreError, IssuerError: see rebuild_day.
    """
    with tempfile.TemporaryDirectory() as name:
        bucket.fetch(day.isoformat(), (), Path(name))
        if is_damaged(Path(name), day, now):
            bucket.put_aside(day.isoformat())
    return write_again(store, find_pass, bucket, builder, day)
