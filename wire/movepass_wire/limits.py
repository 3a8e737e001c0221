"""Every bound of the wire format, each with its one name (docs/spec.md, "Limits")."""

TEXT_MAX_CHARS = 1024
"""A payload's text, prefix included. Checked before anything else."""

SCANNER_ADDS_MAX_CHARS = 32
"""What a scanner's settings may add before a payload, and as much behind it, to be told from damage."""

FIELD_MAX_CHARS = 64
"""Code points of one text field of a pass, after NFC."""

PASS_MAX_SECONDS = 12 * 3600
"""From nbf to exp."""

ISSUE_AHEAD_MAX_SECONDS = 72 * 3600
"""From the time of issuing to nbf."""

INDEX_LIMIT = 1 << 30
"""An index is below this: six symbols of a pass number."""

TIME_LIMIT = 1 << 32
"""A time (seconds since 1970 UTC) is below this: it always fits four bytes."""

CLAIMS_MAX_DEPTH = 4
"""Arrays and maps inside each other: the claims, the body, a place, and one more for fields to come."""

RICE_MAX_K = 26
"""Remainder bits of one gap in a status log."""

DAY_LIMIT = 1 << 16
"""A day (days since 1970-01-01 UTC) is below this: two bytes."""

GENERATION_LIMIT = 1 << 16
"""A log's generation is below this: two bytes."""

PUBLISHED_DAYS_AHEAD = 4
"""Logs exist for today and this many days ahead: 72 h + 12 h reach no further (a test holds it to that)."""

LOG_KEPT_SECONDS = 6 * 3600
"""A log goes this long after its day has ended."""
