"""The simulation's assumptions: every figure that is neither measured nor computed, with its source."""

from dataclasses import dataclass

from movepass_issuer.storage.s3_repository import TIMESTAMP_MAX_AGE
from movepass_verifier.deciding.lists import Policy

MINUTE, HOUR, DAY = 60, 3600, 86400
ASSUMED = "assumed"

# How many, and when

PASSES_A_DAY = 100_000_000
"""Passes that end on one UTC day. Target of the design; ten days of April 2021 brought 1.36 M."""
REVOKED_SHARES = (0.001, 0.01, 0.05)
MAIN_SHARE = 0.01
"""Where one share has to stand for all."""
DEVICES = 200_000
CHECKS_A_PASS = 1
"""So 500 checks a device and day."""
REVOKED_DAYS_BEFORE = {3: 0.05, 2: 0.10, 1: 0.25, 0: 0.60}
"""Of the revocations of passes that end on one day: the share that comes so many days before. A pass is issued at most
72 h before it begins and lasts at most 12 h; most are issued, and found wanting, shortly before they are used."""
HOURLY_WEIGHTS = (1, 1, 1, 1, 1, 2, 4, 7, 10, 9, 7, 6, 6, 6, 6, 7, 9, 9, 7, 4, 3, 2, 1, 1)
"""Checks and revocations by hour in Dhaka, from midnight: people travel by day, and most to and from work."""
DHAKA_AHEAD = 6 * HOUR

# Publishing and fetching

PUBLISH_SECONDS = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Delays:
    """The delays between a publication and a device besides waiting for the next sync, in seconds.

    Attributes:
        publishing: from a publication's time until the CDN's origin serves it.
        cache: for which an edge of the CDN may answer with the timestamp it has. All other files are never replaced.
        sync: from a sync's first request until its commit.
    """

    publishing: float
    cache: float
    sync: float


DELAYS = Delays(publishing=10, cache=TIMESTAMP_MAX_AGE, sync=5)
JITTER = 0.1
"""Each wait between two syncs is drawn from the interval, less to more this share of it."""
MAX_AGE = Policy().max_age
"""A device accepts nothing on lists older than this."""


@dataclass(frozen=True, slots=True)
class Link:
    """The connection of a group of devices.

    Attributes:
        name: for tables.
        share: of all devices.
        interval: seconds between two syncs.
        offline: share of the time without a network.
        spell: mean length of a time without a network, in seconds; both kinds of spells are exponential.
    """

    name: str
    share: float
    interval: int
    offline: float
    spell: int


LINKS = (
    Link("good link", 0.75, 15 * MINUTE, 0.02, 10 * MINUTE),
    Link("poor link", 0.20, 15 * MINUTE, 0.30, 2 * HOUR),
    Link("no link at the post, syncs when the shift changes", 0.05, 8 * HOUR, 0.0, 0),
)
NO_NETWORK_AT_POST = LINKS[2].name
"""These could never ask a back end."""

HEAD_BYTES = 600
"""Of an answer of a CDN: its status line and headers."""
HANDSHAKE_BYTES = 4_000
"""From the server at the start of a TLS connection: mostly its certificates. A sync and a check take one each."""
ANSWER_BYTES = 300
"""Body of a back end's answer to a check."""
ENVELOPE_BYTES = 200
"""Of a Token Status List around its zipped bits, as a CWT, the smaller of its two forms."""

# Prices, USD


@dataclass(frozen=True, slots=True)
class Price:
    """A cost.

    Attributes:
        usd: for one of the unit.
        source: where it was read.
        read: when that was written, as far as it says.
    """

    name: str
    usd: float
    unit: str
    source: str
    read: str


GB = 1e9
CDN_TIERS = ((10_000, 0.109), (40_000, 0.085), (100_000, 0.082), (350_000, 0.080), (524_000, 0.078), (4_000_000, 0.075))
"""GB a month at USD a GB, to viewers in India, where Bangladesh's nearest edges are priced; beyond: CDN_BEYOND."""
CDN_BEYOND = 0.072
CDN_REQUEST = 0.0120 / 10_000
API_CALL = 1.00 / 1e6
LAMBDA_CALL = 0.20 / 1e6
LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_GB_SECONDS = 0.25 * 0.020
"""Of one check: 256 MB for 20 ms."""
READ_UNITS = 0.125 / 1e6
TABLE_READ = 0.5 * READ_UNITS
"""An eventually consistent read of a small item is half a unit."""
_LIST_OF_PRICES = "AWS's price list as printed in Infracost's tests, row India"
PRICES = (
    Price("CDN, to viewers", CDN_TIERS[0][1], "a GB", "Amazon CloudFront's price page, India", "stored copy, undated"),
    Price("CDN, next 40 TB a month", CDN_TIERS[1][1], "a GB", "the same", "the same"),
    Price("CDN, next 100 TB a month", CDN_TIERS[2][1], "a GB", "the same", "the same"),
    Price("CDN, HTTPS requests", CDN_REQUEST * 10_000, "per 10,000", _LIST_OF_PRICES, "2021, not verified since"),
    Price("API gateway, HTTP API", API_CALL * 1e6, "a million", "AWS white paper on private APIs, US", "undated"),
    Price("Lambda, calls", LAMBDA_CALL * 1e6, "a million", "AWS white paper on its pricing, US", "undated"),
    Price("Lambda, time", LAMBDA_GB_SECOND, "a GB-second", "the same", "undated"),
    Price(
        "DynamoDB, on-demand reads", READ_UNITS * 1e6, "a million units", "airbyte.com, US: second hand", "July 2025"
    ),
)


# April 2021


@dataclass(frozen=True, slots=True)
class Reported:
    """Totals that the police gave out, so many hours after 13 April 2021, 11:00 in Dhaka."""

    hours: float
    hits: int
    applications: int
    issued: int


LAUNCH_HOUR = 11
REPORTED = (
    Reported(0, 0, 0, 0),
    Reported(26, 27_879_495, 222_229, 132_879),
    Reported(32, 78_100_000, 310_000, 250_000),
    Reported(46, 159_922_065, 400_977, 316_801),
)
"""Dhaka Post, 14 April; Amader Shomoy and bdnews24, 14 April; The Business Standard and others, 15 April 2021. Some of
them divide by other hours and give other hits a minute than these totals do."""
APPLICATIONS_A_MINUTE = 15_000
"""What the police said of the first hour (Prothom Alo, 13 April 2021) ..."""
APPLICATIONS_FIRST_HOUR = 125_000
"""... beside this, in the same report: 2,083 a minute. Both stand; the higher one is replayed."""
DOWN_HOURS = (8.5, 12.0)
"""From 19:30 to 23:00 on 13 April the site was down at times and slow (Naya Diganta, 13 April 2021)."""
