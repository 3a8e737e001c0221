"""Name every limit of the wire format (docs/spec.md, "Limits")."""

TEXT_MAX_CHARS = 1024
"""The length of a payload's text with its prefix. It is checked before anything else."""

SCANNER_ADDS_MAX_CHARS = 32
"""The characters that a scanner may add before a payload, and after it, to still be recognised as its settings."""

FIELD_MAX_CHARS = 64
"""The code points of one text field of a pass, in NFC."""

PASS_MAX_SECONDS = 12 * 3600
"""The time from nbf to exp."""

ISSUE_AHEAD_MAX_SECONDS = 72 * 3600
"""The time from issuing to nbf."""

INDEX_LIMIT = 1 << 30
"""An index is below this limit, so that it fits six symbols of a pass number."""

TIME_LIMIT = 1 << 32
"""A time (seconds since 1970 UTC) is below this limit, so that it fits four bytes."""

CLAIMS_MAX_DEPTH = 4
"""The nesting of arrays and maps: the claims, the body, a place, and one level for future fields."""

RICE_MAX_K = 26
"""The remainder bits of one gap in a status log."""

DAY_LIMIT = 1 << 16
"""A day (days since 1970-01-01 UTC) is below this limit, so that it fits two bytes."""

GENERATION_LIMIT = 1 << 16
"""A generation of a status log is below this limit, so that it fits two bytes."""

PASS_DAYS_AHEAD_MAX = 4
"""A pass ends at most this many days after the day on which it is issued: 72 h + 12 h reach no further."""

PUBLISHED_DAYS_AHEAD = 4
"""Status logs exist for today and this many days ahead: at least as many as passes reach."""

LOG_KEPT_SECONDS = 6 * 3600
"""A status log is deleted this long after its day has ended."""

PACK_MAX_BYTES = 1 << 20
"""The length of a pack."""

PACK_RECENT_SECONDS = 4500
"""A device asks for the pack of its own version until its publication is this old, and then for that of its hour."""

PACK_HOURS = 13
"""There are packs for the hour in which a publication was made, and for this many hours before."""

PACK_FRESH_SECONDS = 600
"""The timestamp of a pack counts as the newest only if its publication is at most this old."""

PACK_AHEAD_SECONDS = 300
"""Nor does it if its publication is further ahead of the device's clock than this."""
