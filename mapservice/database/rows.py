"""The shortest way to the rows of a statement that is run over and over.

psycopg's cursors spend more time on a small statement than the database does: they look for placeholders,
decide whether to prepare, and make Python values of what is only passed on. Here a text is read once, and
prepared once for each connection, and its results handed over as the database wrote them.
"""

from __future__ import annotations

import re
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from typing import Any

from psycopg import Connection, Error, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

MOST_PREPARED = 100
"""On each connection: the least recently used goes first."""
LONGEST_KEPT = 20_000
GONE = ("26000", "0A000")
"""What PostgreSQL says of a prepared statement that it does not know, or whose result would have changed."""
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")

_prepared: weakref.WeakKeyDictionary[Connection[Any], OrderedDict[tuple[bytes, tuple[int, ...]], bytes]] = (
    weakref.WeakKeyDictionary()
)
_names = count(1)


def run(
    connection: Connection[Any], text: str, parameters: Mapping[str, Any], binary: bool = False
) -> PGresult:
    """Run a statement with `%(name)s` placeholders, prepared, outside of psycopg's own transactions.

    The values of the result are text in UTF-8, or binary, or None. Raises what psycopg would.
    """
    result = _run(connection, text, parameters, binary)
    if _sqlstate(result) in GONE:
        # psycopg follows a ROLLBACK with DEALLOCATE ALL, and a table may have changed its columns. Neither
        # lets the statement begin, so that it may be tried again.
        forget(connection)
        result = _run(connection, text, parameters, binary)
    if result.status != ExecStatus.TUPLES_OK:
        raise _error(connection, result)
    return result


def forget(connection: Connection[Any]) -> None:
    """Prepare everything anew on this connection; what psycopg has prepared itself stays."""
    for name in _prepared.pop(connection, {}).values():
        connection.pgconn.exec_(b"DEALLOCATE " + name)


def _run(connection: Connection[Any], text: str, parameters: Mapping[str, Any], binary: bool) -> PGresult:
    number = _numbered if len(text) < LONGEST_KEPT else _numbered.__wrapped__
    command, names = number(text)
    if not names:
        return connection.pgconn.exec_prepared(_prepare(connection, command, ()), None, None, int(binary))
    transformer = Transformer(connection)
    values = transformer.dump_sequence([parameters[name] for name in names], [PyFormat.AUTO] * len(names))
    name = _prepare(connection, command, transformer.types or ())
    # A null is None, which the protocol's own signature forgets.
    return connection.pgconn.exec_prepared(name, values, transformer.formats, int(binary))  # type: ignore[arg-type]


def _sqlstate(result: PGresult) -> str:
    return (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()


def _error(connection: Connection[Any], result: PGresult) -> Error:
    """What psycopg would raise: an OperationalError for a connection that was lost."""
    if connection.pgconn.status == ConnStatus.BAD or not _sqlstate(result):
        return OperationalError(connection.pgconn.get_error_message())
    return error_from_result(result)


def _prepare(connection: Connection[Any], command: bytes, types: tuple[int, ...]) -> bytes:
    known = _prepared.get(connection)
    if known is None:
        known = _prepared[connection] = OrderedDict()
    name = known.get((command, types))
    if name is not None:
        known.move_to_end((command, types))
        return name
    name = f"row_{next(_names)}".encode()
    result = connection.pgconn.prepare(name, command, types)
    if result.status != ExecStatus.COMMAND_OK:
        raise _error(connection, result)
    known[command, types] = name
    if len(known) > MOST_PREPARED:
        connection.pgconn.exec_(b"DEALLOCATE " + known.popitem(last=False)[1])
    return name


@lru_cache(maxsize=512)
def _numbered(text: str) -> tuple[bytes, tuple[str, ...]]:
    """The text with its placeholders numbered as PostgreSQL has them, and their names in that order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    return PLACEHOLDER.sub(number, text).encode(), tuple(numbers)
