"""Taking any change back, as a change of its own: the fields that it changed, and no others.

Where somebody has changed one of them since, that is said before anything is written. What was removed, or
merged into another space, comes back under its own id with what had gone or moved with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError, InternalError
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action, localities_for
from mapservice.saying import english
from mapservice.survey.changes import is_change_of
from mapservice.survey.merging import OF_BOTH, OF_KEY, parts_of_what
from mapservice.survey.notices import tell
from mapservice.survey.people import names_at_work
from mapservice.survey.reasons import REVERTED
from mapservice.survey.spaces import (
    UNNAMED,
    NoSuchSpace,
    NotAllowed,
    Refused,
    Space,
    because,
    hold_space,
    may_in,
    read_space,
)
from mapservice.survey.stages import settle

KEYS = {"green_spaces": "key", "entrances": "id"}
MOST_REMOVED = 100
# What goes with a space that is removed: how the history tells whose it was.
GONE_WITH = {
    "entrances": "c.before ->> 'green_space_key' = CAST(:key AS text)",
    "service_at_locations": "c.before ->> 'green_space_key' = CAST(:key AS text)",
    "schedules": "c.before ->> 'service_at_location_id' IN ("
    "SELECT l.id FROM register.service_at_locations l WHERE l.green_space_key = :key)",
    "evidence": "c.before ->> 'subject' = 'green-spaces' AND c.before ->> 'subject_id' = :id",
}
AT_ONCE = "c.transaction_id = CAST(CAST(:transaction AS text) AS xid8)"
"""Whether c happened in the same transaction."""
MOVED_OTHERWISE = (
    # What waited with the space waits again, unless somebody has decided on it since.
    """UPDATE survey.submissions t SET state = 'waiting', decided_by = NULL, decided_at = NULL, reason = NULL
    FROM history.changes c WHERE {at_once} AND c.table_name = 'submissions' AND c.row_key = t.id::text
      AND c.before ->> 'green_space_key' = CAST(:key AS text)
      AND c.before ->> 'state' = 'waiting' AND c.after ->> 'state' = 'taken' AND t.state = 'taken'""",
    """UPDATE register.evidence t SET subject_id = :id
    FROM history.changes c WHERE {at_once} AND c.table_name = 'evidence' AND c.row_key = t.key::text
      AND c.operation = 'updated' AND c.before ->> 'subject' = 'green-spaces'
      AND c.before ->> 'subject_id' = :id AND t.subject_id = c.after ->> 'subject_id'""",
    # What was told of it, and of what had become part of it before, is told of it again.
    """UPDATE survey.notices n SET green_space_id = :id, detail = n.detail - 'parts' || jsonb_strip_nulls(
        jsonb_build_object('parts', (
            SELECT jsonb_agg(p.part ORDER BY p.at)
            FROM jsonb_array_elements(n.detail -> 'parts') WITH ORDINALITY p (part, at)
            WHERE p.at < (SELECT min(o.at)
                FROM jsonb_array_elements(n.detail -> 'parts') WITH ORDINALITY o (part, at)
                WHERE o.part ->> 'id' = :id))))
    WHERE n.detail -> 'parts' @> jsonb_build_array(jsonb_build_object('id', CAST(:id AS text)))""",
    # Who watched it watches it again, and only who chose to goes on watching what it was merged into.
    """INSERT INTO survey.watches (account_id, green_space_key, since)
    SELECT a.id, :key, CAST(c.before ->> 'since' AS timestamptz)
    FROM history.changes c JOIN accounts.accounts a ON a.id = c.before ->> 'account_id'
    WHERE {at_once} AND c.table_name = 'watches' AND c.operation = 'deleted'
      AND c.before ->> 'green_space_key' = CAST(:key AS text)
    ON CONFLICT DO NOTHING""",
    """DELETE FROM survey.watches w USING history.changes c
    WHERE {at_once} AND c.table_name = 'watches' AND c.operation = 'created'
      AND c.after ->> 'green_space_key' = w.green_space_key::text
      AND c.after ->> 'account_id' = w.account_id AND CAST(c.after ->> 'since' AS timestamptz) = w.since""",
)
CANNOT = english("It cannot go back to that: something else depends on how it is now")
LOCALITIES_OF_STATE = """ARRAY(SELECT a.id FROM register.areas a
    JOIN register.boundary_sets s ON s.id = a.boundary_set_id AND s.kind = 'locality'
    WHERE ST_Intersects(a.geom, CAST(c.before ->> 'geom' AS geometry)))"""


@dataclass(frozen=True, slots=True)
class Later:
    """A field that was changed again after the change that is to be taken back."""

    name: str
    then: Any
    now: Any
    by: str
    at: datetime


@dataclass(slots=True)
class ChangedSince(Exception):
    """Some of what the change did was changed again; `rest` is what could be taken back without those."""

    later: tuple[Later, ...]
    rest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """A space that is no more, and the change that removed it."""

    change_id: int
    id: str
    name: str
    by: str
    at: datetime
    into: str | None


def revert(
    session: Session, space_id: str, change_id: int, account: Account, *, rest_only: bool = False
) -> Space | None:
    """Take back a change of a space, of its entrances or of what became part of it; None if it is gone then.

    With `rest_only` fields that were changed again stay as they are. Raises NoSuchSpace, NotAllowed, Refused,
    ChangedSince.
    """
    space = hold_space(session, space_id, account.sees)
    if not space.open_to(account, Action.REVERT):
        raise NotAllowed
    change = _change(session, change_id)
    if change is None or not is_change_of(session, space, change_id, account.sees):
        raise NoSuchSpace(f"{space_id} has no change {change_id}")
    because(session, REVERTED.text % {"number": change_id})
    try:
        with session.begin_nested():
            if change.operation == "deleted":
                _bring_back(session, change)
            elif change.operation == "created":
                _remove_again(session, change)
            else:
                _put_back(session, change, rest_only=rest_only)
            session.flush()
    except (IntegrityError, InternalError):
        raise Refused([("revert", CANNOT)]) from None
    found = read_space(session, space_id, account.sees)
    if found is not None and found.stage and found.stage != space.stage:
        settle(session, found, found.stage, account, str(found.values["stage_reason"] or ""))
    if found is not None:
        tell(session, "changed", space_id, by=account, reverted=change_id)
    return found


def bring_back(session: Session, change_id: int, account: Account) -> Space:
    """Bring back a space that was removed or merged; raises NoSuchSpace, NotAllowed, Refused."""
    session.execute(text("SELECT layers.wait_for_turn()"))
    change = _change(session, change_id)
    if change is None or change.table_name != "green_spaces" or change.operation != "deleted":
        raise NoSuchSpace(str(change_id))
    if change.before["visibility"] not in account.sees:
        raise NoSuchSpace(str(change_id))
    if not may_in(account, Action.REVERT, change.localities):
        raise NotAllowed
    because(session, REVERTED.text % {"number": change_id})
    try:
        with session.begin_nested():
            _bring_back(session, change)
    except (IntegrityError, InternalError):
        raise Refused([("revert", CANNOT)]) from None
    found = read_space(session, change.before["id"], account.sees)
    if found is None:
        raise NoSuchSpace(str(change_id))
    return found


def removed_spaces(session: Session, account: Account) -> list[Removed]:
    """Spaces that were removed and have not come back, newest first: those that somebody may bring back."""
    allowed = localities_for(account.grants, Action.REVERT)
    rows = session.execute(
        text(
            "SELECT c.id, c.at, c.actor, c.before FROM history.changes c"
            " WHERE c.table_name = 'green_spaces' AND c.operation = 'deleted'"
            " AND c.before ->> 'visibility' = ANY (:viewer)"
            " AND NOT EXISTS (SELECT FROM register.green_spaces f WHERE f.id = c.before ->> 'id')"
            " AND NOT EXISTS (SELECT FROM history.changes l WHERE l.table_name = c.table_name"
            "  AND l.row_key = c.row_key AND l.id > c.id)"
            " AND (CAST(:allowed AS text[]) IS NULL"
            f"  OR {LOCALITIES_OF_STATE} && CAST(:allowed AS text[]))"
            " ORDER BY c.id DESC LIMIT :most"
        ),
        {
            "viewer": list(account.sees),
            "allowed": None if allowed is None else sorted(allowed),
            "most": MOST_REMOVED,
        },
    ).all()
    names = names_at_work(session, {row.actor for row in rows})
    led = parts_of_what(session, {row.before["id"] for row in rows}, account.sees)
    return [
        Removed(
            change_id=row.id,
            id=row.before["id"],
            name=row.before["name"] or UNNAMED,
            by=names[row.actor],
            at=row.at,
            into=led.get(row.before["id"]),
        )
        for row in rows
    ]


def _change(session: Session, change_id: int) -> Row[Any] | None:
    return session.execute(
        text(
            "SELECT c.id, c.table_name, c.row_key, c.operation, c.before, c.after, c.transaction_id,"
            " CASE WHEN c.table_name = 'green_spaces' AND c.before IS NOT NULL"
            f" THEN {LOCALITIES_OF_STATE} END AS localities"
            " FROM history.changes c WHERE c.id = :id AND c.table_name = ANY (:tables)"
        ),
        {"id": change_id, "tables": list(KEYS)},
    ).first()


def _state(session: Session, table: str, row_key: str) -> dict[str, Any] | None:
    """A row as it is now, as the history would write it: the latest state that the history has of it."""
    return session.execute(
        text(
            "SELECT after FROM history.changes WHERE table_name = :table AND row_key = :key"
            " ORDER BY id DESC LIMIT 1"
        ),
        {"table": table, "key": row_key},
    ).scalar()


def _put_back(session: Session, change: Row[Any], *, rest_only: bool) -> None:
    now = _state(session, change.table_name, change.row_key)
    if now is None:
        raise Refused([("revert", english("It was removed since: bring it back first"))])
    columns = _columns(session, change.table_name)
    did = [name for name in columns if change.before.get(name) != change.after.get(name)]
    again = [name for name in did if now.get(name) != change.after.get(name)]
    back = [name for name in did if name not in again]
    if again and not rest_only:
        raise ChangedSince(_later(session, change, again, now), tuple(back))
    if back:
        _write(session, change, back)


def _write(session: Session, change: Row[Any], names: Iterable[str]) -> None:
    table, key = change.table_name, KEYS[change.table_name]
    session.execute(
        text(
            f"UPDATE register.{table} t SET {', '.join(f'{name} = r.{name}' for name in names)}"
            f" FROM history.changes c, jsonb_populate_record(NULL::register.{table}, c.before) r"
            f" WHERE c.id = :id AND t.{key}::text = c.row_key"
        ),
        {"id": change.id},
    )


def _remove_again(session: Session, change: Row[Any]) -> None:
    """Take back that a row came: only while it is still what it was then."""
    now = _state(session, change.table_name, change.row_key)
    if now is None:
        raise Refused([("revert", english("It was removed since"))])
    again = [name for name in _columns(session, change.table_name) if now.get(name) != change.after.get(name)]
    if again:
        raise ChangedSince(_later(session, change, again, now), ())
    session.execute(
        text(f"DELETE FROM register.{change.table_name} WHERE {KEYS[change.table_name]}::text = :key"),
        {"key": change.row_key},
    )


def _bring_back(session: Session, change: Row[Any]) -> None:
    """Put a row back that was removed, with what the same transaction took or moved away from it."""
    if _state(session, change.table_name, change.row_key) is not None:
        raise Refused([("revert", english("It is there again"))])
    _insert(session, change.table_name, "c.id = :change", {"change": change.id})
    if change.table_name != "green_spaces":
        return
    key, public_id = int(change.row_key), change.before["id"]
    given = {"key": key, "id": public_id, "change": change.id, "transaction": change.transaction_id}
    session.execute(text("DELETE FROM survey.merges WHERE merged_id = :id"), given)
    for table, condition in GONE_WITH.items():
        _insert(
            session,
            table,
            f"c.table_name = '{table}' AND c.operation = 'deleted' AND {condition} AND {AT_ONCE}",
            given,
        )
    for table in (*OF_KEY, *OF_BOTH):
        more = ", green_space_id = :id" if table in OF_BOTH else ""
        # Back to this space, unless somebody has moved it on since.
        session.execute(
            text(
                f"UPDATE {table} t SET green_space_key = :key{more} FROM history.changes c WHERE {AT_ONCE}"
                f" AND c.table_name = '{table.partition('.')[2]}' AND c.row_key = t.id::text"
                " AND c.operation = 'updated' AND c.before ->> 'green_space_key' = CAST(:key AS text)"
                " AND t.green_space_key::text IS NOT DISTINCT FROM c.after ->> 'green_space_key'"
            ),
            given,
        )
    for statement in MOVED_OTHERWISE:
        session.execute(text(statement.format(at_once=AT_ONCE)), given)


def _insert(session: Session, table: str, condition: str, given: dict[str, Any]) -> None:
    names = _columns(session, table)
    session.execute(
        text(
            f"INSERT INTO register.{table} ({', '.join(names)}) OVERRIDING SYSTEM VALUE"
            f" SELECT {', '.join(f'r.{name}' for name in names)} FROM history.changes c,"
            f" jsonb_populate_record(NULL::register.{table}, c.before) r WHERE {condition}"
            " ON CONFLICT DO NOTHING"
        ),
        given,
    )


def _columns(session: Session, table: str) -> list[str]:
    """The columns the history keeps of a table, from the database's own list."""
    return [
        *session.execute(
            text(
                "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = CAST(:table AS regclass)"
                " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'updated_at'"
                " ORDER BY attnum"
            ),
            {"table": f"register.{table}"},
        ).scalars()
    ]


def _later(session: Session, change: Row[Any], again: list[str], now: dict[str, Any]) -> tuple[Later, ...]:
    rows = session.execute(
        text(
            "SELECT actor, at, before, after FROM history.changes WHERE table_name = :table"
            " AND row_key = :key AND id > :id AND operation = 'updated' ORDER BY id"
        ),
        {"table": change.table_name, "key": change.row_key, "id": change.id},
    ).all()
    names = names_at_work(session, {row.actor for row in rows})
    last = {name: row for row in rows for name in again if row.before.get(name) != row.after.get(name)}
    return tuple(
        Later(name, change.after.get(name), now.get(name), names[row.actor], row.at)
        for name, row in last.items()
    )
