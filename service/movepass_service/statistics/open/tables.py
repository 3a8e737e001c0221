"""The fixed tables of the open statistics: what each counts, over which categories, and when a day of it is complete.

Each application is counted once, on the day on which it came, with what became of it by the day's publication. So the
tables are divisions of the same applications, and there are no two streams, such as applications and passes by their
own days, whose difference could tell of a few people.

What became of them divides the applications first, and reasons and districts then divide those with a pass and those
without one apart. No other category is in two tables: two tables that share a category give away what each hides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from movepass_service.statistics.open.suppression import Group, pair_up

ALL = "all"
PASSED, NOT_PASSED = "pass", "no-pass"
"""What became of an application: a pass was issued for it, without a correction before, or not."""
OTHER = "other"
"""A reason in the applicant's own words, a district or a verdict that this software does not know."""
RULES, NOT_RULES = "rules", "not-rules"
SETTLED_SECONDS = 90 * 3600
"""After a day's end: a trip is up to 72 hours ahead and lasts up to 12; late events get 6 hours."""
VERDICT_SETTLED_SECONDS = 7 * 86400
"""The same for devices, which hand in their counts when somebody exports them."""

_DIVISIONS: Mapping[str, tuple[str, ...]] = {
    "barishal-division": ("barishal", "jhalokati", "pirojpur", "bhola", "patuakhali", "barguna"),
    "khulna-division": (
        "bagerhat", "khulna", "satkhira", "jashore", "narail", "magura", "jhenaidah", "chuadanga", "kushtia",
        "meherpur",
    ),
    "chattogram-division": (
        "brahmanbaria", "cumilla", "chandpur", "lakshmipur", "noakhali", "feni", "khagrachhari", "rangamati",
        "chattogram", "coxs-bazar", "bandarban",
    ),
    "dhaka-division": (
        "dhaka", "gazipur", "narayanganj", "narsingdi", "munshiganj", "manikganj", "tangail", "kishoreganj",
        "faridpur", "rajbari", "gopalganj", "madaripur", "shariatpur",
    ),
    "mymensingh-division": ("mymensingh", "jamalpur", "netrokona", "sherpur"),
    "sylhet-division": ("sylhet", "moulvibazar", "habiganj", "sunamganj"),
    "rajshahi-division": (
        "rajshahi", "chapai-nawabganj", "naogaon", "natore", "pabna", "sirajganj", "bogura", "joypurhat",
    ),
    "rangpur-division": (
        "rangpur", "gaibandha", "kurigram", "lalmonirhat", "dinajpur", "nilphamari", "thakurgaon", "panchagarh",
    ),
}  # fmt: skip
"""Districts by division (ISO 3166-2:BD), neighbours beside each other; so are the divisions."""
_REASONS = (
    "medical", "burial", "medicine", "medical-duty", "relief", "groceries", "goods", "business", "farm-work", "office",
    "government-duty", "media", "travel-abroad", "return-home", OTHER,
)  # fmt: skip
"""Like beside like: reasons that are added up when one of them is rare."""
WAITS: Mapping[str, int] = MappingProxyType(
    {"below-1m": 60, "below-10m": 600, "below-1h": 3600, "below-4h": 4 * 3600, "below-24h": 86400}
)
"""Times from the application to the pass: the category, and below how many seconds it is."""
LONGER = "longer"
VERDICTS = ("valid", "not-now", "shown-before", "revoked", "forged", OTHER)
"""Verdicts at posts; `not-now` is expired or not yet valid."""


def _leaves(*codes: str) -> list[Group]:
    return [Group(code) for code in codes]


BY_RESULT = Group(ALL, (Group(PASSED), Group(NOT_PASSED)))
BY_REASON = pair_up(_leaves(*_REASONS), ALL)
BY_DISTRICT = pair_up([pair_up(_leaves(*names), division) for division, names in _DIVISIONS.items()], ALL)
BY_WHO = pair_up(_leaves(RULES, NOT_RULES), ALL)
BY_WAIT = pair_up(_leaves(*WAITS, LONGER), ALL)
BY_VERDICT = pair_up(_leaves(*VERDICTS), ALL)


@dataclass(frozen=True, slots=True)
class Table:
    """A fixed table: a count for each day, result and group.

    Attributes:
        name: in addresses and file names.
        counted: what is counted, in one word; those of one kind have the same totals.
        tree: its categories.
        settled_s: for how long after a day's end it is not yet complete.
        divided: the results whose categories it shows; of the others it has the total alone.
    """

    name: str
    counted: str
    tree: Group
    settled_s: int = SETTLED_SECONDS
    divided: tuple[str, ...] = (ALL, PASSED, NOT_PASSED)

    @property
    def has_results(self) -> bool:
        """Return whether it shows what became of what it counts."""
        return PASSED in self.divided


APPLICATIONS = "applications"
TABLES: tuple[Table, ...] = (
    Table("reasons", APPLICATIONS, BY_REASON),
    Table("districts", APPLICATIONS, BY_DISTRICT),
    Table("deciders", APPLICATIONS, BY_WHO, divided=(ALL,)),
    Table("waits", APPLICATIONS, BY_WAIT, divided=(PASSED,)),
    Table("verdicts", "scans", BY_VERDICT, VERDICT_SETTLED_SECONDS, divided=(ALL,)),
)
BY_NAME: Mapping[str, Table] = MappingProxyType({table.name: table for table in TABLES})


def leaf_of(table: Table, code: str) -> str:
    """Return the category of a code; one that the table does not have is `other`."""
    return code if code in table.tree.leaves else OTHER


def wait_leaf(seconds: int) -> str:
    """Return the category of a time from the application to the pass."""
    return next((name for name, below in WAITS.items() if seconds < below), LONGER)
