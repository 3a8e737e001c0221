"""Open the service's store that --data names: a folder, or a table on AWS."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from movepass_cli.options import PATH, option
from movepass_service.stores.dynamodb.store import DynamoDbStore
from movepass_service.stores.sqlite.store import SqliteStore

StorePlace = Path | str
"""A folder, or the name of a table."""
AnyStore = SqliteStore | DynamoDbStore
_TABLE = "dynamodb:"


class _PlaceType(click.ParamType):  # type: ignore[type-arg] # older click's is not generic
    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> StorePlace:
        if not isinstance(value, str) or not value.startswith(_TABLE):
            return Path(PATH.convert(value, param, ctx))
        table = value.removeprefix(_TABLE)
        if not table:
            self.fail("expected the name of a table, as dynamodb:TABLE", param, ctx)
        return table


_METAVAR = "DIR|dynamodb:TABLE"
_HELP = "The service's folder, or its table on AWS."
place_option = option("--data", type=_PlaceType(), required=True, metavar=_METAVAR, help=_HELP)
maybe_place_option = option("--data", type=_PlaceType(), metavar=_METAVAR, help=_HELP)


@contextmanager
def open_store(place: StorePlace) -> Iterator[AnyStore]:
    """Open the store.

    Raises:
        StoreError: it is not there, or can't be read.
    """
    store: AnyStore = SqliteStore(place, create=False) if isinstance(place, Path) else DynamoDbStore(place)
    with closing(store):
        yield store
