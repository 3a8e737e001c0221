"""The simulation at national scale: the model agrees with real syncs, its parts with what can be counted by hand."""

import math
import random
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from page import put
from scale import april_2021, model, peers, report, sample
from scale import assumptions as given
from scale.__main__ import (
    APPENDED,
    BACK_END,
    DAILY,
    HOURLY,
    OURS,
    TSL_FRESH,
    TSL_SMALL,
    Lives,
    disagreement,
    draw,
    every_way,
)
from scale.assumptions import DAY, HOUR, LINKS, MAX_AGE, MINUTE, PUBLISH_SECONDS, Delays, Link
from scale.devices import Schedule, draw_plans, schedule
from scale.lists import (
    LIFE_SECONDS,
    Life,
    TokenStatusList,
    Version,
    entropy_bytes,
    live,
    revoked_by,
    share_of_day,
    zipped_bytes,
)
from scale.model import Cost, Documents, day_cost, found_at, lists_of, reach, refused_at, sync_cost

from movepass_wire import read_log

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
DOCUMENTS = Documents(timestamp=500, snapshot=600, status=450, status_list=150)
AT_ONCE = Delays(0, 0, 0)
SHORT = sample.Setting(
    passes=300_000,
    share=0.05,
    hours=2,
    links=(
        Link("every 5 min", 0, 5 * MINUTE, 0, 0),
        Link("every 15 min", 0, 15 * MINUTE, 0.3, 20 * MINUTE),
        Link("every 60 min", 0, HOUR, 0, 0),
    ),
    probes=12,
)


@pytest.fixture(scope="module")
def played() -> sample.Sample:
    return sample.play(SHORT)


@pytest.fixture(scope="module")
def outcomes() -> dict[float, dict[str, peers.Outcome]]:
    tsl = TokenStatusList(bits=200_000)
    passes = 1_000_000
    return {share: every_way(Lives.play(passes, share), tsl, DOCUMENTS, drawn=20) for share in given.REVOKED_SHARES[:2]}


# The model beside real syncs


def test_the_model_agrees_with_real_devices_over_http(played: sample.Sample) -> None:
    assert disagreement(played) == []
    measured, modelled = sample.total(played.measured), sample.total(played.modelled)
    assert measured.requests == modelled.requests
    assert measured.bodies == pytest.approx(modelled.bodies, rel=0.01)


def test_real_devices_refuse_when_the_model_says(played: sample.Sample) -> None:
    waits = [device.waits for device in played.measured]
    assert waits == [device.waits for device in played.modelled]
    assert all(waits)


def test_a_model_that_is_wrong_is_noticed(played: sample.Sample) -> None:
    one, *others = played.modelled
    wrong = replace(played, modelled=(replace(one, cost=one.cost * 1.1), *others))
    assert [line.split(":")[0] for line in disagreement(wrong)] == ["requests", "bytes"]
    assert disagreement(replace(played, wrong=1)) == ["1 verdicts were wrong"]
    assert disagreement(replace(played, served=Cost())) != []


# Lists


def test_a_days_revocations_come_whole_and_in_order() -> None:
    ages = range(0, LIFE_SECONDS + 1, HOUR)
    shares = [revoked_by(age) for age in ages]
    assert all(before <= after for before, after in pairwise(shares))
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    assert revoked_by(3 * DAY) == pytest.approx(0.4)
    assert share_of_day(0, DAY) == pytest.approx(1)
    assert share_of_day(3 * HOUR, 4 * HOUR) == pytest.approx(9 / 111)  # nine in the morning in Dhaka


def test_a_logs_life_is_what_the_real_codec_writes() -> None:
    last = LIFE_SECONDS // PUBLISH_SECONDS
    life = live(300_000, 0.05, keep={500, last})
    for publication, log in life.kept.items():
        version = life.versions[publication]
        read = read_log(log)
        assert (len(log), read.generation, len(read.revoked)) == (version.size, version.generation, version.count)
    assert life.versions[last].count == 15_000
    assert life.versions[last].generation > 0


def test_a_log_that_begins_late_has_all_that_came_before_in_its_first_block() -> None:
    life = live(300_000, 0.05, begins=3 * DAY)
    first = 3 * DAY // PUBLISH_SECONDS
    assert [life.versions[at].count for at in (first - 1, first)] == [0, 6000]
    assert life.at(3 * DAY - 1) == Version()
    assert life.at(3 * DAY + PUBLISH_SECONDS - 1) == life.versions[first]


def test_the_entropy_is_the_logarithm_of_the_ways_to_choose() -> None:
    assert entropy_bytes(10, 3) * 8 == pytest.approx(math.log2(120))
    assert entropy_bytes(100_000_000, 1_000_000) == pytest.approx(1.01e6, rel=0.001)


def test_a_token_status_list_has_the_size_that_is_known_of_it() -> None:
    known = 13.65 * 1024
    assert zipped_bytes(1_000_000, 0.01, random.Random(1)) == pytest.approx(known, rel=0.01)
    tsl = TokenStatusList(bits=1_000_000)
    assert tsl.size(1_000_000, 10_000) == pytest.approx(known + given.ENVELOPE_BYTES, rel=0.02)
    assert tsl.size(10_000_000, 100_000) == pytest.approx(10 * known, rel=0.03)


# Costs


def test_a_sync_costs_what_its_files_weigh() -> None:
    before = {1: Version(100, 0, 9, 100), 2: Version(50, 0, 4, 50), 3: Version(8, 0, 0, 8)}
    assert sync_cost(DOCUMENTS, before, before) == Cost(1, 2, 500)
    grown = {**before, 1: Version(130, 0, 12, 130)}
    assert sync_cost(DOCUMENTS, before, grown) == Cost(1, 5, 500 + 600 + 450 + 3 * 150 + 30)
    anew = {**before, 1: Version(120, 1, 12, 220)}
    told = len(',"rewritten":120,"before":[{"length":120,"sha256":"","rewritten":120}]') + 64
    assert sync_cost(DOCUMENTS, before, anew) == Cost(1, 5, 500 + 600 + 450 + 3 * 150 + told + 120), "whole is less"
    rewritten = {**before, 1: Version(120, 1, 12, 130)}
    assert sync_cost(DOCUMENTS, before, rewritten) == Cost(1, 6, 500 + 600 + 450 + 3 * 150 + told + 30)
    far = {**before, 1: Version(120, 5, 12, 130)}
    assert sync_cost(DOCUMENTS, before, far).requests == 5, "nobody tells of the fifth generation before"
    assert sync_cost(DOCUMENTS, None, grown) == Cost(1, 7, 500 + 600 + 450 + 3 * 150 + 130 + 50 + 8)


def test_with_a_pack_a_sync_is_one_request_unless_a_log_is_too_long_for_it() -> None:
    before = {1: Version(100, 0, 9, 100), 2: Version(50, 0, 4, 50)}
    assert sync_cost(DOCUMENTS, before, before, before).requests == 1
    grown = {**before, 1: Version(130, 0, 12, 130)}
    cost = sync_cost(DOCUMENTS, before, grown, before)
    assert cost.requests == 1
    assert 500 + 600 + 450 + 2 * 150 + 30 < cost.bodies < 500 + 600 + 450 + 2 * 150 + 30 + 5 * 40
    rewritten = {**before, 1: Version(1_000_000, 1, 12, 130)}
    assert sync_cost(DOCUMENTS, before, rewritten, before).requests == 1
    long = {**before, 1: Version(1_000_000, 1, 12, 2_000_000)}
    cost = sync_cost(DOCUMENTS, before, long, before)
    assert cost.requests == 2
    assert cost.bodies > 1_000_000


def test_the_lists_of_a_publication_are_those_of_its_days() -> None:
    life = live(10_000, 0.05)
    assert sorted(lists_of(lambda _: life, 5 * HOUR)) == [-1, 0, 1, 2, 3, 4]
    lists = lists_of(lambda _: life, 12 * HOUR)
    assert sorted(lists) == [0, 1, 2, 3, 4]
    assert [lists[day].count for day in (3, 4)] == [round(500 * revoked_by(12 * HOUR)), 0]


def test_only_the_syncs_of_the_day_are_counted() -> None:
    syncs = (-10.0, 10.0, DAY - 10.0, DAY + 10.0)
    found = found_at(syncs, PUBLISH_SECONDS, AT_ONCE, random.Random(0))
    assert found == [-300, 0, DAY - 300, DAY]
    cost = day_cost(syncs, found, lambda _: {}, lambda _held, _new, _packed: Cost(1, 2, 3))
    assert cost == Cost(2, 4, 6)


def test_a_cdn_may_show_an_older_timestamp_but_never_takes_one_back() -> None:
    delays = Delays(publishing=10, cache=60, sync=0)
    syncs = [float(second) for second in range(0, 3600, 7)]
    found = found_at(syncs, PUBLISH_SECONDS, delays, random.Random(1))
    assert all(before <= after for before, after in pairwise(found))
    assert all(10 <= sync - publication <= 300 + 70 for sync, publication in zip(syncs, found, strict=True))


def test_the_price_goes_by_tiers_of_a_month_and_by_requests() -> None:
    day = Cost(requests=0, bodies=60_000e9 / 30)  # 60 TB a month
    assert day.usd * 30 == pytest.approx(10_000 * 0.109 + 40_000 * 0.085 + 10_000 * 0.082)
    assert Cost(connections=1, requests=2, bodies=3).link_bytes == 4000 + 2 * 600 + 3
    assert (Cost(requests=1e6).usd - Cost(bodies=600e6).usd) == pytest.approx(1.2)


# Waits


@pytest.mark.parametrize(
    ("revoked", "refused"),
    [
        pytest.param(0, 0, id="published at once, synced at once"),
        pytest.param(1, 900, id="missed the publication by a second"),
        pytest.param(601, 900, id="published as the device syncs"),
        pytest.param(901, 900 + MAX_AGE, id="no further sync: until the lists are too old"),
    ],
)
def test_a_device_refuses_from_its_first_sync_after_the_publication(revoked: float, refused: float) -> None:
    syncs = (0.0, 900.0)
    found = found_at(syncs, PUBLISH_SECONDS, AT_ONCE, random.Random(0))
    assert refused_at(revoked, syncs, found, PUBLISH_SECONDS) == refused


def test_devices_without_a_spell_offline_wait_no_longer_than_the_longest_interval() -> None:
    link = Link("steady", 1, 15 * MINUTE, 0, 0)
    rng = random.Random(2)
    waits = reach(draw_plans([link], devices=30, rng=rng), rng=rng).waits
    assert max(waits) <= 300 + 10 + given.DELAYS.cache + 2 * 990 + 5
    assert reach(draw_plans([link], devices=30, rng=rng), rng=rng).quantile(0.5) == pytest.approx(690, rel=0.15)


def test_devices_are_offline_for_the_share_of_time_that_is_assumed() -> None:
    link = LINKS[1]
    rng = random.Random(3)
    plans = [schedule(link, 0, 30 * DAY, rng) for _ in range(40)]
    made = sum(len(plan.syncs) for plan in plans)
    assert made / (40 * 30 * DAY / link.interval) == pytest.approx(1 - link.offline, abs=0.03)


def test_lists_that_are_too_old_for_a_part_of_the_day_are_counted() -> None:
    plan = Schedule(LINKS[0], (-12.0 * HOUR, DAY + 1.0))
    assert reach([plan], rng=random.Random(4), delays=AT_ONCE).stale == pytest.approx(0.5)


# Peers and the whole


def test_every_way_stands_where_it_must(outcomes: dict[float, dict[str, peers.Outcome]]) -> None:
    ways = outcomes[0.01]
    assert ways[TSL_FRESH].cost.bodies > 3 * ways[OURS].cost.bodies
    assert ways[TSL_SMALL].cost.link_bytes == pytest.approx(ways[OURS].cost.link_bytes, rel=0.3)
    assert ways[APPENDED].cost.requests == ways[OURS].cost.requests
    assert ways[APPENDED].cost.bodies < ways[OURS].cost.bodies
    medians = [reach.quantile(0.5) for name in (OURS, HOURLY, DAILY) if (reach := ways[name].reach)]
    assert medians == sorted(medians)
    assert medians[0] < 15 * MINUTE < 6 * HOUR < medians[-1]
    assert ways[BACK_END].reach is None
    assert ways[BACK_END].unanswered > peers.without_network() == pytest.approx(0.75 * 0.02 + 0.20 * 0.30 + 0.05)


def test_asking_the_back_end_costs_its_calls_and_its_bytes() -> None:
    calls = 1.0 + 0.2 + 0.25 * 0.020 * 16.6667 + 0.0625
    heads = 100 * (4000 + 600 + 300) * 1e6 / 1e9
    month = 30 * heads
    traffic = (10_000 * 0.109 + (month - 10_000) * 0.085) / 30
    assert peers.back_end("").usd == pytest.approx(100 * calls + traffic)


def test_april_2021_is_replayed_to_its_totals() -> None:
    total = sum(april_2021.hits(minute) for minute in range(april_2021.MINUTES))
    assert total == pytest.approx(given.REPORTED[-1].hits)
    assert april_2021.unanswered(1e9) == 0
    assert april_2021.unanswered(1) == pytest.approx(1, abs=0.001)
    assert 0 < april_2021.unanswered(150_000) < april_2021.unanswered(60_000)


def test_an_issuer_slower_than_the_first_hour_gets_a_backlog_of_what_it_lacks() -> None:
    assert april_2021.issue(250).passes == 0
    slow = april_2021.issue(200)
    assert (slow.passes, slow.seconds, slow.busy) == (60 * 3000, 900, 1)


# What is shown


def test_the_plots_are_whole_and_have_a_dark_side(outcomes: dict[float, dict[str, peers.Outcome]]) -> None:
    for plot in draw({share: outcomes[share] for share in outcomes}).values():
        root = ET.fromstring(plot)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme:dark" in plot
        assert "nan" not in plot


def test_tables_are_put_where_the_page_says_and_nowhere_else() -> None:
    page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n"
    assert put(page, {"x": "new"}) == "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n"


def test_the_page_tells_what_is_assumed_as_it_is_assumed() -> None:
    page = PAGE.read_text("utf-8")
    assert put(page, {"assumed": report.assumed()}) == page
    for plot in re.findall(r"\((scale-[a-z]+\.svg)\)", page):
        assert (PAGE.parent / plot).is_file()


def test_a_life_is_as_long_as_the_publisher_lists_a_day() -> None:
    life = Life(1, PUBLISH_SECONDS, (Version(), Version(9, 0, 1)), {})
    assert model.lists_of(lambda _: life, 0)[4] == Version()
