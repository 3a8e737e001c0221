"""The store's part that statistics read: the applications whose leaves a stretch of the log holds."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from movepass_service.stores.dynamodb.document import Content, Document, kept_of, reference_of
from movepass_service.stores.dynamodb.log import Log
from movepass_service.stores.kept import Kept
from movepass_service.stores.store import LoggedRecord
from movepass_service.stores.stories import Story, ToldDecision, ToldPass


class DynamoDbStories:
    """See stores.stories.StoryStore for what each method promises. Events are counted in their application, from 0."""

    _log: Log
    if TYPE_CHECKING:

        def _read_many(self, references: Sequence[str]) -> tuple[dict[str, Content], dict[str, Document]]: ...

    def stories(self, start: int, end: int) -> Iterator[Story]:
        """See StoryStore."""
        new: defaultdict[str, set[int]] = defaultdict(set)
        for chunk in self._log.chunks(start, end):
            for position, (number, seq) in enumerate(chunk.places, chunk.start):
                if number >= 0 and start <= position < end:
                    new[reference_of(number)].add(seq)
        contents, states = self._read_many(list(new))
        return (_tell(contents[name], states[name], new[name]) for name in states)

    def leaf_events(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """See StoryStore."""
        for chunk in self._log.chunks(start, end):
            yield from chunk.places[max(0, start - chunk.start) : end - chunk.start]

    def acts(self, start: int, end: int) -> Iterator[LoggedRecord]:
        """See StoryStore."""
        return self._log.administration(end, start)

    def waiting_since(self, number: int, limit: int) -> list[Kept]:  # noqa: ARG002
        """See StoryStore. The stream hands applications to the rules within seconds."""
        return []


def _tell(content: Content, document: Document, new: set[int]) -> Story:
    decisions = tuple(ToldDecision(one.seq, json.loads(one.text)) for one in document.records)
    leaves = _leaves(document, {one.event: int(one.record["correction"]) for one in decisions})
    passes = tuple(
        ToldPass(
            one.correction, one.not_before, one.not_after, tuple(leaves[one.correction]), one.ended_at, one.revoked_at
        )
        for one in sorted(document.passes, key=lambda one: one.correction)
    )
    return Story(kept_of(content, document), decisions, passes, frozenset(new))


def _leaves(document: Document, corrections: Mapping[int, int]) -> defaultdict[int, list[tuple[int, int]]]:
    """Return event and time of the leaves of passes, by the content of the application that was approved for each."""
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for event in document.events:
        if event.payload and event.decision in corrections:
            found[corrections[event.decision]].append((event.seq, event.at))
    return found
