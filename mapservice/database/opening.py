"""Opening the database for one command: join it where it runs, or run it for as long as the command lasts."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from mapservice.database import locks, roles
from mapservice.database.cluster import Cluster, ClusterError, find_binaries
from mapservice.database.engines import Address, Database, address, plain_url
from mapservice.database.locks import Held, Holder
from mapservice.database.packages import Say
from mapservice.settings import OperatorError, Settings, mask_password

JOIN_SECONDS = 60


def _silent(text: str) -> None:
    """Say nothing."""


def lock_file(settings: Settings) -> Path:
    """The lock of whoever runs the private cluster."""
    return settings.var_dir / "mapservice.lock"


def _users_file(settings: Settings) -> Path:
    return settings.var_dir / "mapservice.users"


@contextlib.contextmanager
def running_cluster(settings: Settings, holder: Holder, say: Say = _silent) -> Iterator[Cluster]:
    """Run the private cluster for the duration, as its keeper; raises `Held` if another process is."""
    check_var_dir(settings)
    with locks.exclusive(lock_file(settings), holder):
        cluster = Cluster(
            settings.var_dir,
            find_binaries(settings.var_dir, say),
            # What the web server's pools can ask for at most, and room for commands beside it.
            max_connections=settings.workers * (2 * settings.threads + 5) + 20,
            say=say,
        )
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def check_var_dir(settings: Settings) -> None:
    """Raise `ClusterError` where the var folder cannot be made or belongs to another user."""
    try:
        settings.var_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(f"The folder {settings.var_dir} cannot be made: {error.strerror}") from error
    for path in (settings.var_dir, lock_file(settings), _users_file(settings)):
        if path.exists() and not os.access(path, os.W_OK):
            raise ClusterError(
                f"{path} belongs to another user: the service was started as root or somebody else before. "
                "Start as that user again, or choose another place with MAPSERVICE_VAR_DIR."
            )


@contextlib.contextmanager
def open_database(
    settings: Settings, *, command: str = "mapservice", say: Say = _silent
) -> Iterator[Database]:
    """The database, ready to be connected to, for as long as the context lasts.

    With DATABASE_URL, that one. Else the private cluster: the running one if some process keeps it (as
    `mapservice serve` does), or started here and stopped at the end. `command` is what others are told that
    meanwhile find it taken. Tables are not looked at: migrating is the caller's business.
    """
    with contextlib.ExitStack() as stack:
        if settings.database_url is not None:
            check_reachable(address(settings))
        else:
            _keep_or_join(settings, Holder(command, os.getpid()), say, stack)
        database = Database.connect(settings)
        stack.callback(database.dispose)
        yield database


def _keep_or_join(settings: Settings, holder: Holder, say: Say, stack: contextlib.ExitStack) -> None:
    deadline = time.monotonic() + JOIN_SECONDS
    while True:
        try:
            stack.enter_context(running_cluster(settings, holder, say))
        except Held as held:
            other = held.holder
        else:
            # Others may join meanwhile; the cluster stops only when the last of them is done.
            stack.callback(locks.wait_for_users, _users_file(settings))
            return
        if _answers(settings):
            stack.enter_context(locks.shared(_users_file(settings)))
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"The database is kept by {describe(other)}, but does not answer.")
        time.sleep(0.2)


def _answers(settings: Settings) -> bool:
    # As the owner on its own database: that works only once everything is prepared.
    try:
        psycopg.connect(plain_url(address(settings)), user=roles.OWNER).close()
    except psycopg.OperationalError as error:
        if "Peer authentication failed" in str(error) or "Permission denied" in str(error):
            raise ClusterError(
                "The database is running, but was started by another user. Be the same user for this."
            ) from None
        return False
    return True


def prepare_server(settings: Settings) -> list[str]:
    """Bring roles, extensions and grants in order on the database of DATABASE_URL; returns the SQL needed."""
    target = address(settings)
    check_reachable(target)
    with psycopg.connect(plain_url(target), autocommit=True) as connection:
        return roles.prepare(connection, login=False)


def check_reachable(target: Address, seconds: float = 30) -> None:
    """Wait for a database to answer; raises `OperatorError` with the reason, without the password."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(plain_url(target), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            # "starting up" passes by itself; a wrong password does not.
            hopeless = "authentication failed" in str(error) or "does not exist" in str(error)
            if hopeless or time.monotonic() > deadline:
                shown = mask_password(plain_url(target))
                raise OperatorError(f"The database {shown} cannot be reached: {error}") from None
            time.sleep(1)
        else:
            return


def describe(holder: Holder | None) -> str:
    """Who holds the lock, in words."""
    if holder is None or not holder.pid:
        return "another mapservice command"
    serving = f", serving {holder.address}" if holder.address else ""
    return f"“{holder.command}” (process {holder.pid}{serving})"
