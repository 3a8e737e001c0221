"""Runs the simulation (`make bench-scale`): prints its tables, and writes them and the plots into a folder.

With `docs` as the folder it brings docs/scale.md up to date. It exits 1 if the model and the sample disagree.
"""

import math
import random
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from scale import full_size, plots, report, sample
from scale.assumptions import DEVICES, HOUR, LINKS, MAIN_SHARE, MINUTE, PASSES_A_DAY, REVOKED_SHARES
from scale.devices import draw_plans
from scale.issuing import passes_a_second
from scale.lists import Life, TokenStatusList, daily_life, live, zipped_bytes
from scale.model import Documents, Reach, reach
from scale.peers import Outcome, at_intervals, back_end, ours, requests_a_second, token_status_list

AGREE_WITHIN = 0.02
OURS, HOURLY = "Ours, every 15 min", "Ours, hourly"
APPENDED = "Ours, if never rewritten"
TSL_FRESH, TSL_SMALL = "Token Status List, as fresh", "Token Status List, for our bytes"
DAILY, BACK_END = "Whole list once a day", "Asking the back end"
DRAWN = 300
"""Devices drawn for each way: with others, the figures change by a few in a hundred."""


@dataclass(frozen=True, slots=True)
class Lives:
    """The life of a day's log.

    Attributes:
        published: as it is published.
        appended: if logs were never rewritten.
        daily: if it were published once a day, as one block.
    """

    published: Life
    appended: Life
    daily: Life

    @classmethod
    def play(cls, passes: int, share: float, keep: Collection[int] = ()) -> "Lives":
        """Play them.

        Args:
            passes: that end on the day.
            share: of them that are revoked.
            keep: publications to keep the whole log of, as it is published.
        """
        return cls(live(passes, share, keep=keep), live(passes, share, above=math.inf), daily_life(passes, share))


def every_way(lives: Lives, tsl: TokenStatusList, documents: Documents, drawn: int) -> dict[str, Outcome]:
    """Let every way play the same day.

    Args:
        lives: of a day's log.
        tsl: the sizes of Token Status Lists.
        documents: the sizes of ours.
        drawn: how many devices.
    """
    life = lives.published
    hourly = at_intervals(LINKS, HOUR)
    mine = ours(OURS, life, documents, LINKS, drawn)
    fresh = token_status_list(TSL_FRESH, life, tsl, LINKS, drawn)
    rarely = at_intervals(LINKS, LINKS[0].interval * fresh.cost.link_bytes / mine.cost.link_bytes)
    outcomes = [
        mine,
        ours(HOURLY, life, documents, hourly, drawn),
        ours(APPENDED, lives.appended, documents, LINKS, drawn),
        fresh,
        token_status_list(TSL_SMALL, life, tsl, rarely, drawn),
        ours(DAILY, lives.daily, documents, hourly, drawn),
        back_end(BACK_END),
    ]
    return {outcome.name: outcome for outcome in outcomes}


def by_link(drawn: int) -> dict[str, Reach]:
    """Give how revocations reach each group of devices."""
    rng = random.Random(6)
    alone = [replace(link, share=1) for link in LINKS]
    return {link.name: reach(draw_plans([link], devices=drawn, rng=rng), rng=rng) for link in alone}


def disagreement(played: sample.Sample) -> list[str]:
    """Say where the model and the sample disagree."""
    measured, modelled, served = sample.total(played.measured), sample.total(played.modelled), played.served
    pairs = (
        ("requests: the model has", modelled.requests, "devices counted", measured.requests),
        ("bytes: the model has", modelled.bodies, "devices counted", measured.bodies),
        ("requests: the server saw", served.requests, "devices counted", measured.requests),
        ("bytes: the server sent", served.bodies, "devices counted", measured.bodies),
    )
    found = [f"{a} {x:,.0f}, {b} {y:,.0f}" for a, x, b, y in pairs if abs(x / y - 1) > AGREE_WITHIN]
    return found + [f"{played.wrong} verdicts were wrong"] * bool(played.wrong)


def draw(outcomes: Mapping[float, Mapping[str, Outcome]]) -> dict[str, str]:
    """Draw the plots, by name."""
    ways = outcomes[MAIN_SHARE]
    listed = {share: list(column.values()) for share, column in outcomes.items()}
    refusing = {
        "ours": OURS,
        "Token Status List, for our bytes": TSL_SMALL,
        "whole list daily": DAILY,
        "back end": BACK_END,
    }
    return {
        "load": plots.load(requests_a_second(ways[OURS]) * MINUTE),
        "bytes": plots.downloads(listed),
        "cost": plots.costs(listed),
        "refusal": plots.refusal({name: ways[key] for name, key in refusing.items()}),
    }


def main(folder: Path) -> int:
    """Run everything; gives the exit code."""
    began = time.monotonic()
    played = sample.play(sample.FULL)
    positions = {at for state in full_size.publications() for at in state.values()}
    lives = {share: Lives.play(PASSES_A_DAY, share, positions) for share in REVOKED_SHARES}
    tsl = TokenStatusList()
    outcomes = {share: every_way(one, tsl, played.documents, DRAWN) for share, one in lives.items()}
    published = {share: one.published for share, one in lives.items()}
    tables = {
        "assumed": report.assumed(),
        "ways": report.ways(list(outcomes[MAIN_SHARE].values())),
        "links": report.links(by_link(DRAWN)),
        "shares": report.shares({share: list(ways.values()) for share, ways in outcomes.items()}),
        "sizes": report.sizes(published, tsl),
        "on-device": report.on_device({share: full_size.measure(life) for share, life in published.items()}),
        "april": report.april(passes_a_second()),
        "checked": report.checked(played),
    }
    report.write(folder, tables, draw(outcomes))
    print("\n\n".join(tables.values()))
    whole = zipped_bytes(PASSES_A_DAY, MAIN_SHARE, random.Random(4))
    scaled = tsl.size(PASSES_A_DAY, round(PASSES_A_DAY * MAIN_SHARE))
    print(f"\nA Token Status List of full size, zipped: {whole:,} B; by the model {scaled:,} B")
    mine = requests_a_second(outcomes[MAIN_SHARE][OURS])
    print(f"Requests a second on the CDN: {mine:,.0f}; without jitter {DEVICES:,} devices would come at once")
    print(f"{time.monotonic() - began:.0f} s; written to {folder}")
    missed = disagreement(played)
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
