"""Writing many rows at once: one transaction for an import, COPY into a staging table, one upsert.

No row is handled on its own, and nothing that is the same already is touched: an import that changes nothing
writes nothing, to the tables or to their history.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import shapely
from psycopg import sql
from shapely.geometry.base import BaseGeometry

from mapservice.database.engines import Database
from mapservice.settings import OperatorError
from mapservice.sources.report import Report

Cursor = psycopg.Cursor[tuple[Any, ...]]
GRID = 27700
# Any fixed number: two imports at once take turns.
IMPORT_LOCK = 5_220_915
_names = itertools.count(1)


@contextmanager
def importing(database: Database, actor: str, reason: str) -> Iterator[Cursor]:
    """A cursor of the owner in one transaction; committed at the end, rolled back on any exception.

    The history names `actor` and `reason` for every change made in it. Raises OperatorError when another
    import goes on for longer than the connection waits for locks.
    """
    # A backend remembers a coordinate system once it has used it; a new one sees the grid as it is now.
    database.owner.dispose()
    connection = database.owner.raw_connection()
    try:
        with connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(
                "SELECT set_config('mapservice.actor', %s, true), set_config('mapservice.reason', %s, true),"
                " set_config('statement_timeout', '0', true)",
                (actor, reason),
            )
            try:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (IMPORT_LOCK,))
            except psycopg.errors.LockNotAvailable as error:
                raise OperatorError("Another import is still running. Try again when it is done.") from error
            yield cursor
        connection.commit()
    finally:
        # Whatever was not committed is rolled back when the connection goes back to its pool.
        connection.close()


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: a table of the register, its key, and the type of each column that is written.

    `resolved` gives columns that the file does not hold as SQL over `s`, the staged row; columns it reads
    that are no columns of the table are listed in `helpers` with their type.
    """

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    helpers: Mapping[str, str]
    resolved: Mapping[str, str]


def target(
    table: str,
    key: Sequence[str],
    columns: Mapping[str, str],
    helpers: Mapping[str, str] | None = None,
    resolved: Mapping[str, str] | None = None,
) -> Target:
    """A `Target`; `columns` maps each column to its SQL type."""
    return Target(table, tuple(key), columns, helpers or {}, resolved or {})


def stage(cursor: Cursor, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> sql.Identifier:
    """Copy rows into a new temporary table that ends with the transaction; returns its name."""
    name = sql.Identifier(f"staged_{next(_names)}")
    cursor.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            name,
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
                for column, kind in columns.items()
            ),
        )
    )
    fields = sql.SQL(", ").join(map(sql.Identifier, columns))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, fields)) as copy:
        for row in rows:
            copy.write_row([_cell(value) for value in row])
    return name


def upsert(
    cursor: Cursor, into: Target, rows: Iterable[Mapping[str, object]], report: Report
) -> sql.Identifier:
    """Insert what is new, update what differs, and count both and the rest in the report.

    Only columns that `into` names are touched. Returns the staging table's name, for what depends on it.
    """
    columns = {**into.columns, **into.helpers}
    staged = stage(cursor, columns, ([row.get(column) for column in columns] for row in rows))
    written = [*into.columns, *into.resolved]
    values = [sql.SQL("s.{}").format(sql.Identifier(c)) for c in into.columns]
    values += [sql.SQL("{} AS {}").format(sql.SQL(e), sql.Identifier(c)) for c, e in into.resolved.items()]
    changed = sql.Identifier(f"changed_{next(_names)}")
    rest = [column for column in written if column not in into.key]
    cursor.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {changed} ON COMMIT DROP AS"
            " SELECT i.*, t.{first} IS NULL AS is_new FROM (SELECT {values} FROM {staged} s) i"
            " LEFT JOIN register.{table} t ON {same} WHERE t.{first} IS NULL OR {differs}"
        ).format(
            changed=changed,
            staged=staged,
            values=sql.SQL(", ").join(values),
            table=sql.Identifier(into.table),
            first=sql.Identifier(into.key[0]),
            same=_pairs(into.key, "t", "i", " = ", " AND "),
            differs=_pairs(rest, "t", "i", " IS DISTINCT FROM ", " OR ") if rest else sql.SQL("false"),
        )
    )
    counts = cursor.execute(
        sql.SQL(
            "SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new),"
            " (SELECT count(*) FROM {}) FROM {}"
        ).format(staged, changed)
    ).fetchone()
    created, updated, total = counts or (0, 0, 0)
    report.created += created
    report.updated += updated
    report.unchanged += total - created - updated
    # Not even the statement is run when there is nothing to do: its triggers would have work.
    if created or updated:
        fields = sql.SQL(", ").join(map(sql.Identifier, written))
        cursor.execute(
            sql.SQL(
                "INSERT INTO register.{} ({}) SELECT {} FROM {} ON CONFLICT ({}) DO UPDATE SET {}"
            ).format(
                sql.Identifier(into.table),
                fields,
                fields,
                changed,
                sql.SQL(", ").join(map(sql.Identifier, into.key)),
                sql.SQL(", ").join(
                    sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(column)) for column in rest or written
                ),
            )
        )
    return staged


def remove_missing(
    cursor: Cursor,
    table: str,
    key: Sequence[str],
    staged: sql.Identifier,
    report: Report,
    where: str = "true",
) -> None:
    """Delete the rows (of those that `where` allows, over the alias t) that the staged file lacks."""
    cursor.execute(
        sql.SQL("DELETE FROM register.{} t WHERE {} AND NOT EXISTS (SELECT FROM {} s WHERE {})").format(
            sql.Identifier(table), sql.SQL(where), staged, _pairs(key, "t", "s", " = ", " AND ")
        )
    )
    report.removed += max(cursor.rowcount, 0)


def _pairs(columns: Sequence[str], left: str, right: str, operator: str, glue: str) -> sql.Composed:
    return sql.SQL(glue).join(
        sql.SQL("{}.{}{}{}.{}").format(
            sql.SQL(left), sql.Identifier(c), sql.SQL(operator), sql.SQL(right), sql.Identifier(c)
        )
        for c in columns
    )


def _cell(value: object) -> object:
    if isinstance(value, BaseGeometry):
        return shapely.to_wkb(shapely.set_srid(value, GRID), hex=True, include_srid=True)
    return value
