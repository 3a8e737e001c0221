"""Tables and facts for the tests of the rules."""

from movepass_service.rules import Facts

ORDINARY = Facts(
    reason="groceries",
    minutes=120,
    lead_minutes=60,
    passes_today=0,
    passes_week=0,
    overlaps=False,
    from_district="dhaka",
    to_district="gazipur",
    closed=False,
    evidence="own-word",
    phone_verified=False,
)
DAY = 18_731
"""2021-04-14."""


def table_text(*rows: str, top: str = "", codes: tuple[str, ...] = ("yes",)) -> str:
    """Write a table around rows like 'id = "a" …'; each code gets a text."""
    head = 'version = "1"\nowner = "Desk"\nfrom = 2021-04-01\n' + top
    texts = "".join(f'[texts.{code}]\nbn = "{code} বাংলা"\nen = "{code} English"\n' for code in codes)
    return head + "\n" + "".join(f"[[row]]\n{row}\n" for row in rows) + texts


def row(name: str, when: str = "{}", decision: str = "approve", code: str = "yes", more: str = "") -> str:
    return f'id = "{name}"\nwhen = {when}\ndecision = "{decision}"\ncode = "{code}"\n{more}'
