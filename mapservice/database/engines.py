"""Connections to the database, one pool for each role.

Three roles, so that a mistake has a ceiling: the reader cannot write, the editor cannot change tables, and
only migrations and imports run as the owner.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, cast

import psycopg
import sqlalchemy
from sqlalchemy import URL, Engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, SessionTransaction

from mapservice.database import roles
from mapservice.database.cluster import DATABASE_NAME, PORT, Cluster
from mapservice.settings import Settings

EDITOR_STATEMENT_TIMEOUT_MS = 60_000
LOCK_TIMEOUT_MS = 30_000
CANCEL_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Address:
    """Where a database is: a connection address, and whether its roles are logged in as or taken on."""

    url: URL
    login_as_role: bool

    def connect_as_role(self, role: str, options: dict[str, str]) -> tuple[URL, dict[str, str]]:
        """The URL and the psycopg arguments that make a connection act as `role`."""
        url = self.url.set(username=role) if self.login_as_role else self.url
        settings = options if self.login_as_role else {"role": role, **options}
        given = url.query.get("options", "")
        words = [given if isinstance(given, str) else " ".join(given)]
        words += [f"-c {name}={value}" for name, value in settings.items()]
        return url.difference_update_query(["options"]), {"options": " ".join(words).strip()}


@dataclass(slots=True, eq=False)
class Reading:
    """A connection while one thread reads on it; cancelling holds the lock, lest it hit the next reader."""

    connection: psycopg.Connection[tuple[Any, ...]]
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: bool = False


@dataclass(frozen=True)
class Database:
    """The database as the rest of the service sees it: three engines and two ways to use them."""

    owner: Engine
    """Role mapservice_owner: migrations and imports."""
    editor: Engine
    """Role mapservice_editor: changes people make."""
    reader: Engine
    """Role mapservice_reader: read-only, with a time limit; may go to a replica."""
    _readings: dict[int, Reading] = field(default_factory=dict, repr=False)

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Pools for the database the settings name, or for the private cluster, which must be running.

        Nothing is connected until first used.
        """
        write = address(settings)
        read = write
        if settings.database_read_url is not None:
            read = Address(server_url(settings.database_read_url.get_secret_value()), login_as_role=False)
        return cls.at(write, settings, read)

    @classmethod
    def at(cls, write: Address, settings: Settings, read: Address | None = None) -> Self:
        """Pools for the database at an address, with the limits of the settings."""
        threads = settings.threads
        lock = {"lock_timeout": str(LOCK_TIMEOUT_MS)}
        return cls(
            owner=_engine(write, roles.OWNER, lock, size=1, overflow=2),
            editor=_engine(
                write,
                roles.EDITOR,
                {
                    **lock,
                    "statement_timeout": str(EDITOR_STATEMENT_TIMEOUT_MS),
                    "idle_in_transaction_session_timeout": str(EDITOR_STATEMENT_TIMEOUT_MS),
                },
                size=1,
                overflow=threads,
            ),
            reader=_engine(
                read or write,
                roles.READER,
                {
                    "default_transaction_read_only": "on",
                    "statement_timeout": str(settings.statement_timeout_ms),
                    "idle_in_transaction_session_timeout": str(EDITOR_STATEMENT_TIMEOUT_MS),
                    "jit": "off",
                },
                # A request holds at most two, the second for a moment; one more for the health check.
                size=threads,
                overflow=threads + 1,
                reading=True,
            ),
        )

    @contextmanager
    def session(self, actor: str, reason: str | None = None, *, as_owner: bool = False) -> Iterator[Session]:
        """A session that commits at the end and rolls back on an error.

        The database writes `actor` (who) and `reason` (why) beside every change it records in the history.
        """
        with Session(self.owner if as_owner else self.editor) as session:

            @event.listens_for(session, "after_begin")
            def _say_who(_: Session, __: SessionTransaction, connection: sqlalchemy.Connection) -> None:
                # For each transaction anew: the setting ends with the transaction, so that a pooled
                # connection never carries one person's name into another's change.
                connection.execute(
                    text(
                        "SELECT set_config('mapservice.actor', :actor, true),"
                        " set_config('mapservice.reason', :reason, true)"
                    ),
                    {"actor": actor, "reason": reason or ""},
                )

            with session.begin():
                yield session

    @contextmanager
    def reading(self) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        """A psycopg cursor (rows are tuples) on a pooled reader connection, in autocommit.

        Each statement is its own snapshot and one round trip; use `cursor.connection.transaction()` where
        several must agree. `cancel_reading` of another thread can stop what it runs.
        """
        pooled = self.reader.raw_connection()
        mine = Reading(cast("psycopg.Connection[tuple[Any, ...]]", pooled.driver_connection))
        thread = threading.get_ident()
        outer = self._readings.get(thread)
        self._readings[thread] = mine
        try:
            with mine.connection.cursor() as cursor:
                yield cursor
        finally:
            if outer is None:
                del self._readings[thread]
            else:
                self._readings[thread] = outer
            # From here on nobody cancels on this connection: it may be somebody else's next.
            with mine.lock:
                mine.over = True
            pooled.close()

    def cancel_reading(self, thread: int, still_wanted: Callable[[], bool]) -> None:
        """Cancel what a thread reads, if it reads anything and `still_wanted` says that it is still that."""
        reading = self._readings.get(thread)
        if reading is not None:
            with reading.lock:
                if not reading.over and still_wanted():
                    reading.connection.cancel_safe(timeout=CANCEL_TIMEOUT_S)

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in (self.owner, self.editor, self.reader):
            engine.dispose()


def address(settings: Settings) -> Address:
    """Where the settings say the database is."""
    if settings.database_url is not None:
        return Address(server_url(settings.database_url.get_secret_value()), login_as_role=False)
    return cluster_address(Cluster.socket_dir_of(settings.var_dir))


def cluster_address(socket_dir: object, database: str = DATABASE_NAME) -> Address:
    """The address of a database in a private cluster."""
    query = {"host": str(socket_dir)}
    return Address(
        URL.create("postgresql+psycopg", database=database, port=PORT, query=query), login_as_role=True
    )


def server_url(url: str) -> URL:
    """A DATABASE_URL as SQLAlchemy wants it: the same, with the driver named."""
    return sqlalchemy.make_url(url.replace("postgres://", "postgresql://", 1)).set(
        drivername="postgresql+psycopg"
    )


def plain_url(target: Address) -> str:
    """An address as psycopg wants it, passwords included: for connecting, never for showing."""
    return target.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _engine(
    target: Address, role: str, options: dict[str, str], *, size: int, overflow: int, reading: bool = False
) -> Engine:
    url, arguments = target.connect_as_role(role, {"TimeZone": "UTC", **options})
    # Reading is autocommit and leaves nothing to roll back, so that a request costs one round trip.
    quick: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None} if reading else {}
    engine = sqlalchemy.create_engine(
        url,
        connect_args={**arguments, "application_name": role, "connect_timeout": 10},
        pool_size=size,
        max_overflow=overflow,
        pool_timeout=10,
        **quick,
    )
    event.listen(engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: Any, *_: object) -> None:
    """Survive a restart of the database: a connection that died is replaced before it is handed out.

    The server says nothing to an idle connection unless it ends it, so a readable socket is a dead one: this
    costs a system call where asking the server would cost a round trip.
    """
    if connection.closed or select.select([connection.fileno()], [], [], 0)[0]:
        raise DisconnectionError
