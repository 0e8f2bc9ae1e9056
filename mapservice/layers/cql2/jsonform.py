"""CQL2 JSON to the same syntax tree that CQL2 text gives."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import orjson

from mapservice.layers.cql2 import literals
from mapservice.layers.cql2.nodes import (
    ARITY,
    BY_LOWER_CASE,
    Array,
    Budget,
    FilterError,
    Geometry,
    Interval,
    Literal,
    Node,
    PropertyRef,
    check_depth,
)
from mapservice.layers.query import suggest


def parse_json(source: str) -> Node:
    """The syntax tree of a filter in CQL2 JSON; raises FilterError."""
    try:
        # It refuses what nests too deep for it, rather than exhausting the stack.
        content = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        place = re.search(r"line (\d+) column (\d+)", str(error))
        at = f"line {place[1]} column {place[2]}" if place else "the start"
        reason = str(error).split(": line")[0]
        hint = None if source.lstrip()[:1] in ("{", "[") else "CQL2 text needs filter-lang=cql2-text"
        raise FilterError(at, f"this is not JSON: {reason}", hint) from None
    return _Reader().node(content, "$", 1)


class _Reader:
    def __init__(self) -> None:
        self.budget = Budget()

    def node(self, value: Any, at: str, depth: int) -> Node:
        """A JSON value as a node."""
        check_depth(depth, at)
        self.budget.spend(at)
        match value:
            case bool():
                return Literal(value, at)
            case int() | float():
                return Literal(literals.finite(value, at), at)
            case str():
                return Literal(literals.text(value, at), at)
            case list():
                return self.array(value, at, depth)
            case {"op": op}:
                return self.call(op, value, at, depth)
            case {"property": name}:
                return self.property(name, at)
            case {"date": str() as day}:
                return literals.instant(day, f"{at}.date", "date")
            case {"timestamp": str() as moment}:
                return literals.instant(moment, f"{at}.timestamp", "date-time")
            case {"interval": list() as ends}:
                return self.interval(ends, f"{at}.interval")
            case {"bbox": list() as numbers}:
                return literals.bbox(numbers, f"{at}.bbox")
            case {"type": str() as kind} if kind in literals.KINDS:
                return self.geometry(kind, value, at, depth)
            case None:
                raise FilterError(at, "null is no value", 'ask for missing values with {"op": "isNull", …}')
        self.complain(at)

    def complain(self, at: str) -> NoReturn:
        """Say what can stand here."""
        raise FilterError(
            at, 'expected text, a number, true, false, a list, {"op": …, "args": […]}, {"property": …}, '
            '{"date": …}, {"timestamp": …}, {"interval": […]}, {"bbox": […]} or a GeoJSON geometry'
        )  # fmt: skip

    def call(self, op: Any, rest: dict[str, Any], at: str, depth: int) -> Node:
        """An operator and its arguments."""
        name = BY_LOWER_CASE.get(op.lower()) if isinstance(op, str) else None
        if name is None:
            near = suggest(str(op)[:40], (*ARITY, "and", "or"))
            raise FilterError(f"{at}.op", f"there is no operator or function {str(op)[:40]!r}", near)
        args = rest.get("args")
        if not isinstance(args, list):
            raise FilterError(f"{at}.args", f"expected a list of the arguments of {name!r}")
        wanted = ARITY.get(name)
        if wanted is not None and len(args) != wanted:
            raise FilterError(
                f"{at}.args", f"{name!r} takes {wanted} argument{'s' * (wanted > 1)}, not {len(args)}"
            )
        if wanted is None and len(args) < 2:
            raise FilterError(f"{at}.args", f"{name!r} joins two conditions or more, not {len(args)}")
        read = tuple(self.node(arg, f"{at}.args[{number}]", depth + 1) for number, arg in enumerate(args))
        if name == "in" and not isinstance(read[1], Array):
            raise FilterError(f"{at}.args[1]", "expected a list of values")
        return self.budget.call(name, read, at)

    def array(self, value: list[Any], at: str, depth: int) -> Array:
        """A list of values."""
        return Array(tuple(self.node(each, f"{at}[{n}]", depth + 1) for n, each in enumerate(value)), at)

    def property(self, name: Any, at: str) -> PropertyRef:
        """A property by its name."""
        if not isinstance(name, str):
            raise FilterError(f"{at}.property", "expected the name of a property")
        return PropertyRef(name, at)

    def interval(self, ends: list[Any], at: str) -> Interval:
        """An interval by its two ends."""
        if len(ends) != 2:
            raise FilterError(at, f"an interval has two ends, not {len(ends)}")
        first, last = (self.end_of_interval(end, f"{at}[{number}]") for number, end in enumerate(ends))
        return literals.interval(first, last, at)

    def end_of_interval(self, end: Any, at: str) -> str | PropertyRef:
        """A date, a timestamp, '..' or a property."""
        match end:
            case str(text) | {"date": str(text)} | {"timestamp": str(text)}:
                return text
            case {"property": name}:
                return self.property(name, at)
        raise FilterError(at, 'expected a date, an instant, ".." or {"property": …}')

    def geometry(self, kind: str, rest: dict[str, Any], at: str, depth: int) -> Geometry:
        """A geometry as GeoJSON has it."""
        if kind != "GeometryCollection":
            return literals.geometry(kind, rest.get("coordinates"), at)
        members = rest.get("geometries")
        if not isinstance(members, list):
            raise FilterError(f"{at}.geometries", "expected a list of geometries")
        read = [self.node(each, f"{at}.geometries[{n}]", depth + 1) for n, each in enumerate(members)]
        found = tuple(each for each in read if isinstance(each, Geometry))
        if len(found) != len(read):
            raise FilterError(f"{at}.geometries", "expected geometries and nothing else")
        return literals.collection(found, at)
