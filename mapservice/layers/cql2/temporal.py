"""T_* functions: instants and intervals compared as OWL Time defines it."""

from __future__ import annotations

from dataclasses import dataclass

from mapservice.layers.cql2.nodes import Call, FilterError, Instant, Interval, Node, PropertyRef
from mapservice.layers.cql2.values import Scope, Typed

SQL_TYPES = {"date": "date", "date-time": "timestamptz"}
# {a} to {b} is the first operand, {c} to {d} the second.
_EITHER = {
    "t_after": "{a} > {d}",
    "t_before": "{b} < {c}",
    "t_disjoint": "({a} > {d} OR {b} < {c})",
    "t_equals": "({a} = {c} AND {b} = {d})",
    "t_intersects": "({a} <= {d} AND {b} >= {c})",
}
_INTERVALS = {
    "t_contains": "({a} < {c} AND {b} > {d})",
    "t_during": "({a} > {c} AND {b} < {d})",
    "t_finishedBy": "({a} < {c} AND {b} = {d})",
    "t_finishes": "({a} > {c} AND {b} = {d})",
    "t_meets": "{b} = {c}",
    "t_metBy": "{a} = {d}",
    "t_overlappedBy": "({a} > {c} AND {a} < {d} AND {b} > {d})",
    "t_overlaps": "({a} < {c} AND {b} > {c} AND {b} < {d})",
    "t_startedBy": "({a} = {c} AND {b} > {d})",
    "t_starts": "({a} = {c} AND {b} < {d})",
}


@dataclass(frozen=True, slots=True)
class _Span:
    """Two ends as SQL; `kind` is the granularity, None where both ends are open."""

    start: str | None
    end: str | None
    kind: str | None
    instant: bool


def compile_temporal(scope: Scope, call: Call) -> Typed:
    """The SQL of a T_* function; raises FilterError."""
    first, second = (_span(scope, arg, call.op) for arg in call.args)
    if call.op in _INTERVALS and (first.instant or second.instant):
        raise FilterError(
            call.at,
            f"{call.op.upper()} compares intervals, not single instants",
            "T_AFTER, T_BEFORE, T_DISJOINT, T_EQUALS and T_INTERSECTS take instants",
        )
    template = _EITHER.get(call.op) or _INTERVALS[call.op]
    # Where one operand knows days only, days are compared.
    by_day = "date" in (first.kind, second.kind)
    a, b, c, d = (
        end
        for span in (first, second)
        for end in (_end(span.start, span.kind, by_day, "-"), _end(span.end, span.kind, by_day, ""))
    )
    return Typed(template.format(a=a, b=b, c=c, d=d), "a truth value", "boolean")


def to_day(sql: str, kind: str | None) -> str:
    """The day (UTC) of an instant."""
    return sql if kind == "date" else f"({sql} AT TIME ZONE 'UTC')::date"


def instant(scope: Scope, node: Instant) -> Typed:
    """A date or timestamp as a bound parameter."""
    return Typed(scope.bind(node.text, SQL_TYPES[node.kind]), "a date or time", node.kind)


def _end(sql: str | None, kind: str | None, by_day: bool, sign: str) -> str:
    if sql is None:
        return f"'{sign}infinity'::{'date' if by_day else 'timestamptz'}"
    return to_day(sql, kind) if by_day else sql


def _span(scope: Scope, node: Node, op: str) -> _Span:
    match node:
        case Interval():
            ends = [None if end is None else _instant(scope, end, op) for end in (node.start, node.end)]
            kinds = {end.kind for end in ends if end}
            if len(kinds) > 1:
                raise FilterError(node.at, "both ends of an interval must be dates, or both timestamps")
            start, end = (end.sql if end else None for end in ends)
            return _Span(start, end, next(iter(kinds), None), instant=False)
        case Instant() | PropertyRef():
            found = _instant(scope, node, op)
            return _Span(found.sql, found.sql, found.kind, instant=True)
    raise FilterError(
        node.at,
        f"{op.upper()} compares dates and times",
        "write DATE('2024-05-31'), TIMESTAMP('2024-05-31T09:00:00Z') or INTERVAL('2024-01-01', '..')",
    )


def _instant(scope: Scope, node: Instant | PropertyRef, op: str) -> Typed:
    if isinstance(node, Instant):
        return instant(scope, node)
    found = scope.property(node)
    if found.family != "a date or time":
        raise FilterError(node.at, f"{op.upper()} compares dates and times; {node.name!r} is {found.family}")
    return found
