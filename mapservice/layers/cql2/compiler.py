"""A syntax tree to SQL over the alias `f`, typed by the layer's properties; every literal is bound."""

from __future__ import annotations

import re
from collections.abc import Callable

from mapservice.layers.cql2.nodes import (
    ARITHMETIC,
    ARRAYS,
    COMPARISONS,
    LOGIC,
    SPATIAL,
    TEMPORAL,
    TEXT_FUNCTIONS,
    Array,
    BBox,
    Call,
    FilterError,
    Geometry,
    Instant,
    Interval,
    Literal,
    Node,
    PropertyRef,
)
from mapservice.layers.cql2.spatial import compile_spatial
from mapservice.layers.cql2.temporal import SQL_TYPES, compile_temporal, instant, to_day
from mapservice.layers.cql2.values import Scope, Typed, array_text

MOST_ARITHMETIC = 20
LARGEST_EXPONENT = 8
LONGEST_PATTERN = 255
MOST_WILDCARDS = 20
# Takes the place of the backslash, into which ACCENTI turns some other characters.
_ESCAPE = "\x01"
_LIST_TYPES: dict[str, dict[str, str]] = {
    "text": {"string": "text"},
    "a number": {"integer": "numeric", "number": "numeric"},
    "a truth value": {"boolean": "boolean"},
    "a date or time": SQL_TYPES,
}
_ARRAY_OPERATORS = {"a_contains": "@>", "a_containedBy": "<@", "a_overlaps": "&&"}


def compile_condition(scope: Scope, node: Node) -> str:
    """A whole filter as a SQL condition; raises FilterError."""
    return _Compiler(scope).condition(node)


class _Compiler:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.arithmetic = 0

    def condition(self, node: Node) -> str:
        """A node that is true or false."""
        typed = self.value(node)
        if typed.family != "a truth value":
            raise FilterError(
                node.at, f"expected a condition, found {typed.family}", "compare it with something"
            )
        return typed.sql

    def value(self, node: Node) -> Typed:
        """Any node as SQL with its type."""
        match node:
            case Literal():
                return self.literal(node)
            case Instant():
                return instant(self.scope, node)
            case PropertyRef():
                return self.scope.property(node)
            case Call():
                return self.call(node)
            case Array():
                return Typed("", "a list", "array")
            case Geometry() | BBox():
                return Typed("", "a geometry", "geometry")
            case Interval():
                return Typed("", "an interval", "interval")

    def literal(self, node: Literal) -> Typed:
        """A value as a bound parameter."""
        match node.value:
            case bool():
                return Typed(self.scope.bind(node.value, "boolean"), "a truth value", "boolean")
            case int():
                return Typed(self.scope.bind(node.value, "bigint"), "a number", "integer")
            case float():
                return Typed(self.scope.bind(node.value, "double precision"), "a number", "number")
            case str():
                return Typed(self.scope.bind(node.value, "text"), "text", "string")

    def call(self, call: Call) -> Typed:
        """An operator or function."""
        families: tuple[tuple[tuple[str, ...], Callable[[Call], Typed]], ...] = (
            (LOGIC, self.logic),
            (COMPARISONS, self.comparison),
            (ARITHMETIC, self.computation),
            (TEXT_FUNCTIONS, self.folding),
            (SPATIAL, lambda each: compile_spatial(self.scope, each)),
            (TEMPORAL, lambda each: compile_temporal(self.scope, each)),
            (ARRAYS, self.lists),
            (("like",), self.like),
            (("between",), self.between),
            (("in",), self.one_of),
            (("isNull",), self.is_null),
        )
        compile_one = next(function for names, function in families if call.op in names)
        return compile_one(call)

    def logic(self, call: Call) -> Typed:
        """AND, OR and NOT; SQL's three values are those of the standard."""
        parts = [self.condition(arg) for arg in call.args]
        if call.op == "not":
            return _truth(f"(NOT {parts[0]})")
        return _truth(f"({f' {call.op.upper()} '.join(parts)})")

    def comparison(self, call: Call) -> Typed:
        """Two values of one kind."""
        left, right = self.alike(call.op, call.args)
        if left.family == "a truth value" and call.op not in ("=", "<>"):
            raise FilterError(call.at, "truth values have no order", "compare them with = or <>")
        return _truth(f"({left.sql} {call.op} {right.sql})")

    def between(self, call: Call) -> Typed:
        """A value from one to another, both included."""
        value, low, high = self.alike("BETWEEN", call.args)
        if value.family == "a truth value":
            raise FilterError(call.at, "truth values have no order")
        return _truth(f"({value.sql} BETWEEN {low.sql} AND {high.sql})")

    def one_of(self, call: Call) -> Typed:
        """A value that is one of several."""
        value, members = call.args
        if not isinstance(members, Array) or not members.items:
            raise FilterError(members.at, "expected a list of one value at least")
        texts = [each.value for each in members.items if isinstance(each, Literal)]
        found = self.value(value)
        if found.family == "text" and len(texts) == len(members.items):
            words = [each for each in texts if isinstance(each, str)]
            if len(words) == len(texts):
                # One parameter: lists of any length share one statement.
                return _truth(f"({found.sql} = ANY ({self.scope.bind(array_text(words), 'text[]')}))")
        first, *others = self.alike("IN", (value, *members.items))
        return _truth(f"({first.sql} IN ({', '.join(each.sql for each in others)}))")

    def is_null(self, call: Call) -> Typed:
        """Whether there is no value."""
        found = self.value(call.args[0])
        if not found.sql:
            raise FilterError(call.at, f"IS NULL asks for a property, not {found.family}")
        return _truth(f"({found.sql} IS NULL)")

    def alike(self, op: str, nodes: tuple[Node, ...]) -> list[Typed]:
        """Values that can be compared with each other, brought to one type."""
        values = [self.value(node) for node in nodes]
        first = values[0]
        for node, value in zip(nodes, values, strict=True):
            if value.family in ("a list", "a geometry", "an interval", "an object"):
                raise FilterError(node.at, f"{value.family} cannot be compared with {op}", _instead(value))
            if value.family != first.family:
                raise FilterError(
                    node.at, f"cannot compare {first.family} with {value.family}", _cast(node, first)
                )
        if any(value.exact for value in values):
            return [_exact(value) for value in values]
        if len({value.kind for value in values}) > 1 and first.family == "a date or time":
            return [Typed(to_day(value.sql, value.kind), "a date or time", "date") for value in values]
        return values

    def folding(self, call: Call) -> Typed:
        """CASEI and ACCENTI."""
        found = self.value(call.args[0])
        if found.family != "text":
            raise FilterError(call.args[0].at, f"{call.op.upper()} takes text, not {found.family}")
        if call.op == "accenti":
            return Typed(f"public.unaccent(normalize({found.sql}, NFC))", "text", "string")
        # ICU knows every script whatever the database's own collation; lower then upper unites ß, ẞ and ss.
        return Typed(f'upper(lower({found.sql} COLLATE "und-x-icu"))', "text", "string")

    def like(self, call: Call) -> Typed:
        """Text and a pattern of % and _."""
        found = self.value(call.args[0])
        if found.family != "text":
            raise FilterError(call.args[0].at, f"LIKE compares text, not {found.family}")
        pattern = self.value(_pattern(call.args[1]))
        return _truth(f"({found.sql} LIKE {pattern.sql} ESCAPE E'\\x01')")

    def computation(self, call: Call) -> Typed:
        """Arithmetic, in type numeric: it neither overflows nor fails on a division by zero."""
        self.arithmetic += 1
        if self.arithmetic > MOST_ARITHMETIC:
            raise FilterError(call.at, f"a filter may compute {MOST_ARITHMETIC} times at most")
        if call.op == "^":
            return self.power(call)
        values = [self.value(arg) for arg in call.args]
        for node, value in zip(call.args, values, strict=True):
            if value.family != "a number":
                raise FilterError(node.at, f"{call.op} computes with numbers, not with {value.family}")
        left, right = (_exact(value).sql for value in values)
        match call.op:
            case "/":
                sql = f"({left} / NULLIF({right}, 0))"
            case "%":
                sql = f"mod({left}, NULLIF({right}, 0))"
            case "div":
                sql = f"div({left}, NULLIF({right}, 0))"
            case _:
                sql = f"({left} {call.op} {right})"
        return Typed(sql, "a number", "number", exact=True)

    def power(self, call: Call) -> Typed:
        """A number raised to a small constant power; NULL where that is not a number."""
        base, exponent = call.args
        found = self.value(base)
        if found.family != "a number":
            raise FilterError(base.at, f"^ computes with numbers, not with {found.family}")
        if not isinstance(exponent, Literal) or isinstance(exponent.value, bool | str):
            raise FilterError(exponent.at, "the exponent must be written as a number")
        if abs(exponent.value) > LARGEST_EXPONENT:
            raise FilterError(
                exponent.at, f"the exponent must be from -{LARGEST_EXPONENT} to {LARGEST_EXPONENT}"
            )
        if _holds_power(base):
            raise FilterError(call.at, "a power cannot be raised to a power")
        sql = _exact(found).sql
        raised = f"power({sql}, {self.scope.bind(exponent.value, 'numeric')})"
        if exponent.value != int(exponent.value):
            raised = f"CASE WHEN {sql} > 0 THEN {raised} END"
        elif exponent.value < 0:
            raised = f"CASE WHEN {sql} <> 0 THEN {raised} END"
        return Typed(f"({raised})", "a number", "number", exact=True)

    def lists(self, call: Call) -> Typed:
        """A_* functions; lists are compared as sets."""
        sides = [self.members(arg, call.op) for arg in call.args]
        kinds = sorted({kind for _, kind in sides if kind})
        if len(kinds) > 1:
            raise FilterError(call.at, f"cannot compare a list of {kinds[0]} with a list of {kinds[1]}")
        sql_type = kinds[0] if kinds else "text"
        left, right = (
            found if isinstance(found, str) else f"ARRAY[{', '.join(found)}]::{sql_type}[]"
            for found, _ in sides
        )
        if call.op == "a_equals":
            return _truth(f"({left} @> {right} AND {left} <@ {right})")
        return _truth(f"({left} {_ARRAY_OPERATORS[call.op]} {right})")

    def members(self, node: Node, op: str) -> tuple[str | list[str], str | None]:
        """A list as SQL, or its members as SQL, and the SQL type of its members if it has any."""
        if isinstance(node, PropertyRef):
            found = self.scope.property(node)
            if found.family == "a list":
                return found.sql, "text"
        if not isinstance(node, Array):
            raise FilterError(
                node.at, f"{op.upper()} compares lists", "write a property that is a list, or ('a', 'b')"
            )
        values = [self.value(item) for item in node.items]
        kinds = {_LIST_TYPES.get(value.family, {}).get(value.kind) for value in values}
        if None in kinds or len(kinds) > 1:
            raise FilterError(
                node.at, "a list holds text, numbers, truth values, dates or timestamps, all alike"
            )
        return [value.sql for value in values], next(iter(kinds), None)


def _truth(sql: str) -> Typed:
    return Typed(sql, "a truth value", "boolean")


def _exact(value: Typed) -> Typed:
    return value if value.exact else Typed(f"({value.sql})::numeric", value.family, value.kind, exact=True)


def _holds_power(node: Node) -> bool:
    return isinstance(node, Call) and (node.op == "^" or any(_holds_power(arg) for arg in node.args))


def _pattern(node: Node) -> Node:
    """A pattern with our own escape character in place of the backslash."""
    if isinstance(node, Call) and node.op in TEXT_FUNCTIONS:
        return Call(node.op, (_pattern(node.args[0]),), node.at, node.depth)
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        raise FilterError(node.at, "a pattern is text in single quotes, or CASEI or ACCENTI of it")
    given = node.value
    if len(given) > LONGEST_PATTERN:
        raise FilterError(node.at, f"a pattern may have {LONGEST_PATTERN} characters at most")
    if given.count("%") > MOST_WILDCARDS:
        raise FilterError(node.at, f"a pattern may have {MOST_WILDCARDS} % at most")
    if _ESCAPE in given:
        raise FilterError(node.at, "a pattern must not hold control characters")
    parts = re.split(r"\\(.)", given, flags=re.DOTALL)
    if any("\\" in plain for plain in parts[::2]):
        raise FilterError(node.at, "a pattern must not end with a single backslash", "write it twice")
    # After the split every second part is a character that a backslash stood before.
    written = "".join(
        part if number % 2 == 0 else f"{_ESCAPE}{part}" if part in "%_" else part
        for number, part in enumerate(parts)
    )
    return Literal(written, node.at)


def _cast(node: Node, wanted: Typed) -> str | None:
    """How a literal of the wrong kind would be written."""
    if not isinstance(node, Literal):
        return None
    match wanted.family:
        case "a date or time":
            return "write DATE('2024-05-31') or TIMESTAMP('2024-05-31T09:00:00Z')"
        case "text":
            return "text stands in single quotes"
        case "a number":
            return "numbers are written without quotes"
        case "a truth value":
            return "write TRUE or FALSE"
    return None


def _instead(value: Typed) -> str | None:
    match value.family:
        case "a list":
            return "lists are compared with A_CONTAINS, A_OVERLAPS, A_EQUALS and A_CONTAINEDBY"
        case "a geometry":
            return "geometries are compared with S_INTERSECTS and its kin"
        case "an interval":
            return "intervals are compared with T_INTERSECTS and its kin"
    return None
