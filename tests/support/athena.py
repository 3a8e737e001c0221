"""What of a query Athena lacks, by name: engine version 3, which is Trino, as far as it can be told without running it.

A parser that knows both dialects reads more than Athena does, so constructs are looked for one by one. Functions are
those of https://trino.io/docs/current/functions.html that the reports may use.
"""

import re
from collections.abc import Callable, Iterator, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokens import Token, TokenType

DIALECT = "athena"
FUNCTIONS = frozenset(
    [
        "approx_percentile", "array_agg", "avg", "cast", "coalesce", "count", "date_add", "date_diff", "date_format",
        "grouping", "lag", "lead", "max", "min", "nullif", "rank", "round", "row_number", "sequence", "sum", "unnest",
    ]
)  # fmt: skip
_WORDS = frozenset(
    [
        "and", "as", "by", "filter", "from", "group", "in", "not", "on", "or", "over", "partition", "sets", "using",
        "values", "when", "where", "with",
    ]
)  # fmt: skip
"""Words that may stand before a parenthesis and call nothing."""
_OPERATORS: Mapping[str, str] = {
    "::": "a cast by ::", "//": "a division by //", "{": "a struct or a map in braces", "**": "a power by **",
    "==": "an equality by ==", "=>": "a named argument", "[": "a list or an element in brackets",
}  # fmt: skip
_WORDS_LACKED: Mapping[str, str] = {
    "ASOF": "an ASOF join", "SEMI": "a SEMI join", "ANTI": "an ANTI join", "POSITIONAL": "a POSITIONAL join",
    **{word: word for word in ("QUALIFY", "UNPIVOT", "PIVOT", "EXCLUDE", "ILIKE", "MATERIALIZED", "SAMPLE", "GLOB",
                               "SUMMARIZE")},
}  # fmt: skip


def lacks(query: str) -> list[str]:
    """Name what a query has that Athena lacks, or reads otherwise than DuckDB; empty if there is nothing."""
    tokens = sqlglot.tokenize(query, dialect=DIALECT)
    found = {*_operators(query), *_words(tokens), *_functions(tokens)}
    try:
        found |= set(_nodes(sqlglot.parse_one(query, dialect=DIALECT)))
    except ParseError as e:
        found.add(f"it can't be parsed: {str(e).splitlines()[0]}")
    return sorted(found)


def _operators(query: str) -> Iterator[str]:
    bare = re.sub(r"'[^']*'|--[^\n]*", "", query)
    return (name for sign, name in _OPERATORS.items() if sign in bare)


def _words(tokens: list[Token]) -> Iterator[str]:
    bare = [token for token in tokens if token.token_type != TokenType.STRING]
    return (_WORDS_LACKED[token.text.upper()] for token in bare if token.text.upper() in _WORDS_LACKED)


def _functions(tokens: list[Token]) -> Iterator[str]:
    for before, name, bracket in zip([None, *tokens], tokens, tokens[1:], strict=False):
        is_alias = before is not None and before.token_type == TokenType.ALIAS
        called = name.text.lower()
        is_call = bracket.token_type == TokenType.L_PAREN and called.isidentifier() and not is_alias
        if is_call and called not in FUNCTIONS | _WORDS:
            yield f"the function {called}"


def _is_float(node: exp.Expr) -> bool:
    return any("e" in one.this.lower() for one in node.find_all(exp.Literal) if not one.is_string)


def _is_whole_division(node: exp.Expr) -> bool:
    """Whether it is a division outside a date: of whole numbers Athena makes a whole number, and DuckDB does not."""
    return isinstance(node, exp.Div) and not _is_float(node) and node.find_ancestor(exp.DateAdd) is None


_NODES: Mapping[str, Callable[[exp.Expr], bool]] = {
    "a division of whole numbers": _is_whole_division,
    "DISTINCT ON": lambda node: isinstance(node, exp.Distinct) and bool(node.args.get("on")),
    "GROUP BY ALL": lambda node: isinstance(node, exp.Group) and bool(node.args.get("all")),
    "ORDER BY ALL": lambda node: isinstance(node, exp.Ordered) and node.this.sql().upper() == "ALL",
    "a name of the select list in GROUP BY": lambda node: isinstance(node, exp.Group) and _has_alias(node),
}


def _has_alias(group: exp.Group) -> bool:
    """Whether it groups by a name that only the select list makes: Athena knows names of the source there."""
    select = group.parent
    if not isinstance(select, exp.Select):
        return False
    made = {one.alias for one in select.expressions if isinstance(one, exp.Alias)}
    source = {column.name for one in select.expressions for column in one.find_all(exp.Column)}
    return bool(made & {one.name for one in group.find_all(exp.Column)} - source)


def _nodes(tree: exp.Expr) -> Iterator[str]:
    for node in tree.walk():
        yield from (name for name, is_found in _NODES.items() if is_found(node))
