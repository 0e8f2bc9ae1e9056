"""The private PostGIS cluster: made, started, kept to ourselves, and stopped with the service.

It listens on a Unix socket in a folder only its account and root can enter, never on a port. Its server
process is our child and is told by the kernel when we die, so that not even `kill -9` leaves it running.

    var/postgres/          the home: mode 0700, belongs to the account that runs PostgreSQL
    var/postgres/data/     PostgreSQL's own files
    var/postgres/socket/   the socket (in a short folder under /tmp where this path is too long for one)
    var/postgres/log       what PostgreSQL has to say
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg

from mapservice.database import roles
from mapservice.database.accounts import Account, account_of, current_account, system_account
from mapservice.database.packages import PostgresBinaries, Say, ensure_postgres, find_postgres
from mapservice.settings import OperatorError

DATABASE_NAME = "mapservice"
SUPERUSER = "postgres"
PORT = 5432
"""Part of the socket's file name; no port is opened."""
LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel's limit is 107."""
HOME_OF_LAST_RESORT = Path("/var/lib/mapservice")
LARGEST_LOG = 5_000_000
"""Bytes; at the next start a larger log is set aside as log.1."""
START_SECONDS = 300
STOP_SECONDS = 60

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    # For a small machine that does other things too.
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "100",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    # Our queries take milliseconds; compiling them first takes longer.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
    # What people ask for (a postcode, a place) stays out of the log: no statements, parameters or row values.
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class ClusterError(OperatorError):
    """The private cluster cannot be started; the message says why and what to do."""


class Cluster:
    """The private cluster of one var folder. Not safe to start twice: hold the var folder's lock first."""

    def __init__(
        self,
        var_dir: Path,
        binaries: PostgresBinaries,
        *,
        max_connections: int = 60,
        overrides: Mapping[str, str] | None = None,
        say: Say = lambda text: None,
    ) -> None:
        self.var_dir = var_dir.absolute()
        self.binaries = binaries
        self.say = say
        self._settings = {**SETTINGS, "max_connections": str(max_connections), **(overrides or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._account: Account | None = None

    @staticmethod
    def home_of(var_dir: Path) -> Path:
        """The folder the cluster of a var folder lives in, links followed; it need not exist yet."""
        return (var_dir.absolute() / "postgres").resolve()

    @staticmethod
    def socket_dir_of(var_dir: Path) -> Path:
        """The folder of the cluster's socket; it need not exist yet."""
        home = Cluster.home_of(var_dir)
        usual = home / "socket"
        if len(os.fsencode(usual / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return usual
        return Path("/tmp") / f"mapservice-{_digest(home)}"  # noqa: S108 (its owner and mode are checked)

    @property
    def home(self) -> Path:
        return self.home_of(self.var_dir)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def socket_dir(self) -> Path:
        return self.socket_dir_of(self.var_dir)

    @property
    def account(self) -> Account:
        """The account PostgreSQL runs as; known once started."""
        if self._account is None:
            raise ClusterError("The database has not been started.")
        return self._account

    @property
    def pid(self) -> int | None:
        """The process id of the server, while it is ours and runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Make the cluster if it is not there yet, start it, prepare its database; raises `ClusterError`."""
        self._account = self._settle_home()
        self._settle_socket_dir()
        if not self.data.is_dir():
            self._make()
        self._write_configuration()
        self._settle_predecessor()
        self._start_server()
        try:
            self._prepare_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, everything committed is on disk."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        for kind, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            process.send_signal(kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return

    def connect(self, database: str = DATABASE_NAME) -> roles.Connection:
        """A connection in autocommit mode as the cluster's superuser, for set-up and tests."""
        return psycopg.connect(
            host=str(self.socket_dir), port=PORT, user=SUPERUSER, dbname=database, autocommit=True
        )

    # Where it lives

    def _settle_home(self) -> Account:
        link = self.var_dir / "postgres"
        if link.is_symlink() and not link.exists():
            raise ClusterError(
                f"{link} points to {os.readlink(link)}, which is gone. Put it back, "
                f"or delete the link to begin again with an empty database."
            )
        if not link.exists():
            return self._make_home(link)
        owner = link.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise ClusterError(
                f"The database in {link} belongs to {account_of(owner).name}: it was made by another user, "
                f"or by root. Start as that user, or choose another place with MAPSERVICE_VAR_DIR."
            )
        account = account_of(owner) if os.geteuid() == 0 else current_account()
        if not account.can_enter(self.home):
            raise ClusterError(
                f"The user {account.name}, who runs the database, can no longer reach {self.home}. "
                f"Let everyone enter the folders above it (chmod o+x), or move the folder back."
            )
        return account

    def _make_home(self, link: Path) -> Account:
        self.var_dir.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            link.mkdir(mode=0o700)
            return current_account()
        account = system_account()
        if account.can_enter(self.var_dir):
            link.mkdir(mode=0o700)
            os.chown(link, account.uid, account.gid)
            return account
        home = HOME_OF_LAST_RESORT / f"{self.var_dir.parent.name}-{_digest(self.var_dir)}"
        HOME_OF_LAST_RESORT.mkdir(mode=0o755, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        os.chown(home, account.uid, account.gid)
        link.symlink_to(home)
        self.say(
            f"The user {account.name}, who runs the database, cannot reach this folder, "
            f"so the data is kept in {home} (linked from {link})."
        )
        return account

    def _settle_socket_dir(self) -> None:
        folder = self.socket_dir
        if folder.is_relative_to(self.home):
            self._as_account(["mkdir", "-p", "-m", "0700", str(folder)])
            return
        # Anyone may make folders in /tmp: only one that is really ours will do.
        self.account.run(["mkdir", "-m", "0700", str(folder)])
        state = folder.lstat()
        if (
            not folder.is_dir()
            or folder.is_symlink()
            or state.st_uid != self.account.uid
            or state.st_mode & 0o077
        ):
            raise ClusterError(
                f"{folder} is not a private folder of {self.account.name}; remove it and try again."
            )

    # What is in it

    def _make(self) -> None:
        self.say("Making the private database (once).")
        draft = str(self.data.with_name("data.new"))
        self._as_account(["rm", "-rf", draft])
        self._as_account(
            [
                self.binaries.program("initdb"),
                f"--pgdata={draft}",
                f"--username={SUPERUSER}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--data-checksums",
                "--auth=peer",
            ]
        )
        # The name appears only when it is whole: a start that was cut short leaves no half a cluster.
        self._as_account(["mv", draft, str(self.data)])

    def _write_configuration(self) -> None:
        made_with = data_version(self.var_dir)
        if made_with != self.binaries.major:
            raise version_mismatch(self.home, made_with, self.binaries.major)
        names = sorted({self.account.name, current_account().name})
        everyone = (SUPERUSER, *roles.ROLES)
        files = {
            "postgresql.conf": "".join(
                f"{name} = '{value}'\n"
                for name, value in {**self._settings, "unix_socket_directories": str(self.socket_dir)}.items()
            ),
            "pg_hba.conf": "local all all peer map=mapservice\n",
            "pg_ident.conf": "".join(f'mapservice "{name}" {role}\n' for name in names for role in everyone),
        }
        for name, content in files.items():
            # Written by the account itself: root must not follow links that account might have laid.
            note = "# Written by mapservice at every start; changes here are lost.\n"
            self._as_account(["sh", "-c", 'cat > "$1"', "sh", str(self.data / name)], note + content)

    def _prepare_database(self) -> None:
        with self.connect("postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (roles.OWNER,)).fetchone()
            if not known:
                connection.execute(f"CREATE ROLE {roles.OWNER} LOGIN".encode())
            there = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE_NAME,)
            ).fetchone()
            if not there:
                connection.execute(f"CREATE DATABASE {DATABASE_NAME} OWNER {roles.OWNER}".encode())
        with self.connect() as connection:
            roles.prepare(connection, login=True)

    # Its server process

    def _settle_predecessor(self) -> None:
        """See that no earlier server is left on the data: wait for a living one, tidy up after a dead one."""
        record = self.data / "postmaster.pid"
        try:
            pid = int(record.read_text().partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return
        if not _works_in(pid, self.data):
            # Its number may belong to another process by now, which PostgreSQL would take for itself.
            self._as_account(["rm", "-f", str(record)])
            return
        self.say(f"The database of an earlier run (process {pid}) is still shutting down; waiting for it.")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        if not _wait(lambda: not _works_in(pid, self.data), STOP_SECONDS):
            raise ClusterError(
                f"The database of an earlier run (process {pid}) does not stop; end it and try again."
            )

    def _start_server(self) -> None:
        log = self.home / "log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            self._as_account(["mv", str(log), f"{log}.1"])
        deadline = time.monotonic() + START_SECONDS
        while True:
            written = log.stat().st_size if log.exists() else 0
            server = [self.binaries.program("postgres"), "-D", str(self.data)]
            self._process = self.account.spawn(
                ["sh", "-c", 'log=$1; shift; exec "$@" >> "$log" 2>&1', "sh", str(log), *server],
                # For the server, this signal means: roll back what is open and stop.
                death_signal=signal.SIGINT,
            )
            if self._wait_until_ready(deadline):
                return
            said = self._log_since(written)
            if "shared memory block" not in said or time.monotonic() > deadline:
                raise ClusterError(f"The database did not start. The end of {log}:\n{_indented(said)}")
            # The server was killed and its children are still going: give them a moment.
            time.sleep(0.2)

    def _wait_until_ready(self, deadline: float) -> bool:
        assert self._process is not None  # noqa: S101 (for the type checker; the only caller has just set it)
        patience = time.monotonic() + 5
        while self._process.poll() is None:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    self.stop()
                    raise ClusterError(f"The database was not ready after {START_SECONDS} seconds.") from None
                if time.monotonic() > patience:
                    self.say("The database is still recovering from a sudden end; nothing is lost.")
                    patience = deadline
                time.sleep(0.03)
            else:
                return True
        return False

    def _log_since(self, offset: int) -> str:
        return self.account.run(["tail", "-c", f"+{offset + 1}", str(self.home / "log")]).stdout

    def _as_account(self, command: list[str], text: str | None = None) -> None:
        done = self.account.run(command, text)
        if done.returncode != 0:
            raise ClusterError(f"This failed: {' '.join(command)}\n{_indented(done.stdout + done.stderr)}")


def find_binaries(var_dir: Path, say: Say) -> PostgresBinaries:
    """PostgreSQL for the cluster of a var folder: the version its data was made with, or the newest.

    Installs packages where needed and allowed; raises `PackagesMissing` or `ClusterError`.
    """
    made_with = data_version(var_dir)
    if made_with is not None and not find_postgres(made_with) and (other := find_postgres()):
        raise version_mismatch(Cluster.home_of(var_dir), made_with, other.major)
    return ensure_postgres(say, made_with)


def data_version(var_dir: Path) -> int | None:
    """The PostgreSQL major version that made the data of a var folder; None without data or access."""
    try:
        return int((Cluster.home_of(var_dir) / "data" / "PG_VERSION").read_text())
    except (FileNotFoundError, PermissionError):
        return None


def version_mismatch(home: Path, made_with: int | None, have: int) -> ClusterError:
    """The error for data of another version of PostgreSQL."""
    return ClusterError(
        f"The database in {home} was made by PostgreSQL {made_with}; this machine has {have}.\n"
        f"Install the older one beside it: "
        f"sudo apt-get install postgresql-{made_with} postgresql-{made_with}-postgis-3\n"
        f"or move {home} away and start again: a new database is filled from the geodata folder."
    )


def _works_in(pid: int, folder: Path) -> bool:
    """Whether a process lives and has `folder` as its working folder, as PostgreSQL's server has its data."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == folder
    except OSError:
        return False


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-15:])
