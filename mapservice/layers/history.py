"""What changed in a layer since some moment, and since when its history is kept.

A feature is created when it enters the layer and deleted when it leaves, be it that the row came or went, or
that it began or ceased to fulfil the layer's condition or to be visible. Only the difference between the two
ends of the window counts: a feature that came and went within it is not listed, nor is one that is again
what it was. The window ends with the last change that the viewer could see, so that it tells nothing of
others; within it every page is the same whenever it is asked for.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from psycopg import Cursor

from mapservice.layers import sql
from mapservice.layers.layer import Layer
from mapservice.layers.query import parse_interval
from mapservice.layers.visibility import Viewer

Kind = Literal["created", "updated", "deleted"]
LONGEST_TOKEN = 1024
# How far ahead of ours a client's clock may be before we say that it asks for the future.
CLOCKS_DIFFER = timedelta(minutes=1)


class HistoryRestarted(Exception):
    """The token was given out before the layer's history began anew: what happened between is not known."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the changes to go on: after `since`; within a window, up to `until` and after (when, id)."""

    since: datetime | None = None
    until: datetime | None = None
    when: datetime | None = None
    id: str | None = None
    began: datetime | None = None
    """When the history began that gave out this position; None for an instant somebody chose."""


@dataclass(frozen=True, slots=True)
class Change:
    """One feature that is no more what it was; `name` is what it is called now, None where it is gone."""

    id: str
    kind: Kind
    when: datetime
    name: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes after `since` up to `until`: a page of them, and tokens to go on with.

    `next` is the token of the window's next page, if there is more in it; `token` asks for what happens after
    the window.
    """

    since: datetime | None
    until: datetime | None
    entries: tuple[Change, ...]
    next: str | None
    token: str


def parse_as_of(text: str) -> datetime:
    """An instant, or the last one of a date (UTC); now where that is still to come. Raises ValueError."""
    now = datetime.now(UTC)
    given = _moment(text)
    if given.start > now + CLOCKS_DIFFER:
        raise ValueError("lies in the future; without as_of the layer is as it is now")
    return min(given.end, now) if given.whole_day else given.start


def parse_since(layer: Layer, text: str) -> Position:
    """An instant, the beginning of a date (UTC), or a token that `read_changes` gave. Raises ValueError."""
    if not re.match(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return _decode(layer, text)
    since = _moment(text).start
    if since > datetime.now(UTC) + CLOCKS_DIFFER:
        raise ValueError("lies in the future")
    return Position(since)


def read_beginning(cursor: Cursor[Any], layer: Layer) -> datetime | None:
    """Since when the database keeps the layer's history; None if it does not."""
    row = cursor.execute(
        "SELECT tracked_since FROM layers.relations WHERE relation = %s AND history", (layer.relation,)
    ).fetchone()
    return row[0] if row else None


def read_changes(
    cursor: Cursor[Any],
    layer: Layer,
    position: Position,
    viewer: Viewer,
    limit: int,
    newest_first: bool = False,
) -> Changes:
    """Changes of a tracked layer, in order of time. Raises HistoryRestarted, LookupError without history."""
    began = read_beginning(cursor, layer)
    if began is None:
        raise LookupError(f"no history is kept of {layer.id}")
    if position.began not in (None, began):
        raise HistoryRestarted
    parameters = {
        "relation": layer.relation,
        "viewer": list(viewer),
        "since": position.since,
        "until": position.until,
        "chosen": position.began is None and position.since is not None,
        "after_when": position.when,
        "after_id": position.id,
        "limit": limit + 1,
    }
    row = cursor.execute(_statement(layer, newest_first, position.id is not None), parameters).fetchone()
    ended, safe, found = row or (None, None, None)
    until = position.until or ended
    entries = tuple(
        Change(entry["id"], entry["kind"], datetime.fromisoformat(entry["at"]), entry["name"])
        for entry in (found or [])
    )
    shown = entries[:limit]
    following = None
    if len(entries) > limit:
        last = shown[-1]
        following = _encode(layer, Position(position.since, until, last.when, last.id, began))
    token = _encode(layer, Position(until or safe or position.since, began=began))
    return Changes(position.since, until, shown, following, token)


def _statement(layer: Layer, newest_first: bool, continued: bool) -> str:
    """(last visible change of the window, last visible one before it, the changes).

    The second is where to go on from after an instant somebody chose, if nothing has happened since: a
    change may have been given its instant before that one and be committed only now.
    """
    member = f"""EXISTS (
        SELECT FROM jsonb_populate_record(NULL::{layer.relation}, v.state) f
        {sql.where(sql.membership(layer))})"""
    order, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
    after = f"WHERE (at, id) {beyond} (%(after_when)s, %(after_id)s)" if continued else ""
    earlier = f"""(
        SELECT max(moment) FROM (
            (SELECT valid_from AS moment FROM history.versions v
             WHERE v.relation = %(relation)s AND v.valid_from <= edge.since AND {member}
             ORDER BY valid_from DESC LIMIT 1)
            UNION ALL
            (SELECT valid_to FROM history.versions v
             WHERE v.relation = %(relation)s AND v.valid_to <= edge.since AND {member}
             ORDER BY valid_to DESC LIMIT 1)
        ) visible)"""
    return f"""
        WITH edge AS (
            SELECT COALESCE(%(since)s::timestamptz, '-infinity') AS since,
                   COALESCE(%(until)s::timestamptz, 'infinity') AS until
        ), touched AS (
            SELECT row_key FROM history.versions, edge
            WHERE relation = %(relation)s AND valid_from > since AND valid_from <= until
            UNION
            SELECT row_key FROM history.versions, edge
            WHERE relation = %(relation)s AND valid_to > since AND valid_to <= until
              AND version_to IS NOT NULL
        ), spans AS MATERIALIZED (
            SELECT v.row_key, v.id, v.valid_from, v.valid_to, v.state, v.valid_from <= since AS at_start,
                   v.version_to IS NULL OR v.valid_to > until AS at_end, {member} AS member
            FROM history.versions v JOIN touched USING (row_key), edge
            WHERE v.relation = %(relation)s AND v.valid_to > since AND v.valid_from <= until
        ), runs AS (
            SELECT *, NOT COALESCE(lag(member) OVER w AND lag(valid_to) OVER w = valid_from, false) AS enters
            FROM spans WINDOW w AS (PARTITION BY row_key ORDER BY valid_from)
        ), rows AS (
            SELECT (array_agg(id ORDER BY valid_from DESC))[1] AS id,
                   bool_or(at_start) AS was, bool_or(at_end) AS still,
                   max(valid_from) FILTER (WHERE enters) AS entered,
                   max(valid_from) AS changed, max(valid_to) AS gone,
                   (array_agg(state) FILTER (WHERE at_start))[1] AS before,
                   (array_agg(state) FILTER (WHERE at_end))[1] AS after
            FROM runs WHERE member GROUP BY row_key
        ), entries AS (
            SELECT id, CASE WHEN NOT still THEN 'deleted' WHEN was THEN 'updated' ELSE 'created' END AS kind,
                   CASE WHEN NOT still THEN gone WHEN was THEN changed ELSE entered END AS at,
                   after ->> '{layer.name_property}' AS name
            FROM rows WHERE was AND NOT still OR still AND before IS DISTINCT FROM after
        ), ended AS (
            SELECT max(greatest(valid_from, CASE WHEN NOT at_end THEN valid_to END)) AS at
            FROM spans WHERE member
        )
        SELECT (SELECT at FROM ended),
               CASE WHEN %(chosen)s AND NOT EXISTS (SELECT FROM ended WHERE at IS NOT NULL)
                    THEN {earlier} END,
               (SELECT json_agg(e) FROM (
                   SELECT id, kind, at, name FROM entries {after}
                   ORDER BY at {order}, id {order} LIMIT %(limit)s) e)
        FROM edge
    """


@dataclass(frozen=True, slots=True)
class _Moment:
    start: datetime
    end: datetime
    whole_day: bool


def _moment(text: str) -> _Moment:
    interval = parse_interval(text)
    if "/" in text or interval.start is None or interval.end is None:
        raise ValueError("must be one date or instant, not an interval")
    return _Moment(interval.start, interval.end, len(text) == len("2024-05-31"))


def _encode(layer: Layer, position: Position) -> str:
    moments = (position.began, position.since, position.until, position.when)
    content = [layer.id, position.id, *(moment and moment.isoformat() for moment in moments)]
    raw = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(layer: Layer, token: str) -> Position:
    try:
        if len(token) > LONGEST_TOKEN:
            raise ValueError
        padded = token + "=" * (-len(token) % 4)
        owner, last_id, *moments = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        began, since, until, when = (None if m is None else datetime.fromisoformat(m) for m in moments)
        known = isinstance(last_id, str | None) and "\x00" not in (last_id or "")
        within = (until is None) == (when is None) == (last_id is None)
        aware = all(moment is None or moment.tzinfo for moment in (began, since, until, when))
        if owner != layer.id or began is None or not (known and within and aware):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise ValueError(
            f"{token[:40]!r} is neither a date or instant (2024-05-31T09:00:00Z) nor a token of this layer"
        ) from None
    return Position(since, until, when, last_id, began)
