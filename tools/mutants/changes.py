"""The changes of a source text: cosmic-ray's operators that tell us something, and two of our own."""

import difflib
from collections.abc import Iterator
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

_COMPARISONS = (
    "Lt_LtE", "Lt_NotEq", "LtE_Lt", "LtE_Eq", "Gt_GtE", "Gt_NotEq", "GtE_Gt", "GtE_Eq",
    "Eq_LtE", "Eq_GtE", "Eq_NotEq", "NotEq_Lt", "NotEq_Gt", "NotEq_Eq", "Is_IsNot", "IsNot_Is",
)  # fmt: skip
"""Whatever notices these notices every other change of a comparison."""
_BINARIES = (
    "Add_Sub", "Sub_Add", "Mul_FloorDiv", "FloorDiv_Mul", "Div_Mul", "Mod_FloorDiv", "RShift_LShift", "LShift_RShift",
    "BitAnd_BitOr", "BitOr_BitAnd", "BitXor_BitOr",
)  # fmt: skip
_OTHERS = (
    "NumberReplacer", "AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue",
    "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub", "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak", "ExceptionReplacer", "RemoveDecorator", "ZeroIterationForLoop",
)  # fmt: skip
_CALL, _IF = "atom_expr", "if_stmt"


class Mutant(NamedTuple):
    """A source text with one change.

    Attributes:
        name: the function or class it is in, and the lines before and after.
        source: the whole text.
    """

    name: str
    source: str


class StatementRemoved(Operator):  # type: ignore[misc] # cosmic-ray has no types
    """A call whose result nobody takes, or a raise, goes."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """See Operator."""
        if node.type == "simple_stmt" and (_is_call(node) or node.children[0].type == "raise_stmt"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        """See Operator."""
        statement = get_ast("pass").children[0]
        statement.prefix = node.get_first_leaf().prefix
        node.children[0] = statement
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """See Operator."""
        return ()


class NeighboursSwapped(Operator):  # type: ignore[misc]
    """Two calls, or two ifs, change places: the order in which things are checked."""

    mark = "swapped with the next: "

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """See Operator."""
        for at in self._pairs(node):
            yield node.children[at].start_pos, node.children[at + 1].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """See Operator."""
        at = self._pairs(node)[index]
        node.children[at], node.children[at + 1] = node.children[at + 1], node.children[at]
        return node

    @staticmethod
    def _pairs(node: Any) -> list[int]:
        kinds = [_IF if part.type == _IF else _CALL if _is_call(part) else "" for part in getattr(node, "children", ())]
        return [at for at in range(len(kinds) - 1) if kinds[at] and kinds[at] == kinds[at + 1]]

    @classmethod
    def examples(cls) -> tuple[()]:
        """See Operator."""
        return ()


def _is_call(node: Any) -> bool:
    return bool(node.type == "simple_stmt" and node.children[0].type == _CALL)


def _operators() -> Iterator[Operator]:
    names = [f"ReplaceComparisonOperator_{name}" for name in _COMPARISONS]
    names += [f"ReplaceBinaryOperator_{name}" for name in _BINARIES]
    for name in (*names, *_OTHERS):
        yield get_operator(f"core/{name}")()
    yield from (StatementRemoved(), NeighboursSwapped())


def mutants_of(source: str) -> list[Mutant]:
    """Return every mutant of a source text, each once, in the order of its lines."""
    tree = get_ast(source)
    found: dict[str, tuple[Any, Mutant]] = {}
    for operator in _operators():
        places = [(node, start) for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, (node, start) in enumerate(places):
            mutated = None if _is_annotation(node) else _mutated(source, operator, occurrence)
            if mutated:
                where, mark = ASTQuery(node).get_definition_name() or "module", getattr(operator, "mark", "")
                change = mark + source.splitlines()[start[0] - 1].strip() if mark else _change(source, mutated)
                name = f"{where}: {change}"
                found.setdefault(mutated, (start, Mutant(name, mutated)))
    return [mutant for _, mutant in sorted(found.values(), key=lambda item: item[0])]


def _mutated(source: str, operator: Operator, occurrence: int) -> str | None:
    """Make one change; None where it says the same as another, is no Python, or where cosmic-ray can't make it."""
    try:
        mutated: str = mutate_code(source, operator, occurrence)
        compile(mutated, "", "exec")
    except (AttributeError, SyntaxError):  # AttributeError: an except clause whose class is an attribute of a module
        return None
    return None if mutated.count("not not ") > source.count("not not ") else mutated


def _is_annotation(node: Any) -> bool:
    """Return whether a node stands in a type: changed there, nothing but the import would notice."""
    while node.parent:
        parent, node_before = node.parent, node
        at = [child is node_before for child in parent.children].index(True)
        if parent.type in ("annassign", "tfpdef") and at == (1 if parent.type == "annassign" else 2):
            return True
        if parent.type == "funcdef" and parent.children[at - 1] == "->":
            return True
        node = parent
    return False


def _change(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    gone, come = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
    return f"{_short(gone)} -> {_short(come)}"


def _short(lines: list[str]) -> str:
    return " ".join(lines[:1] + ["..."] * (len(lines) > 1)) or "nothing"
