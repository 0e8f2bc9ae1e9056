"""The private cluster: made, kept private, recovered, and never left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mapservice.database import cluster as cluster_module
from mapservice.database import locks, open_database, opening
from mapservice.database.accounts import current_account
from mapservice.database.cluster import Cluster, ClusterError, data_version
from mapservice.database.locks import Held, Holder
from mapservice.database.packages import PostgresBinaries
from mapservice.settings import Settings, load_settings
from tests.support import eventually

HASTY = {"fsync": "off"}


@contextlib.contextmanager
def short_var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ms-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def var(postgres: PostgresBinaries) -> Iterator[Path]:
    """A var folder whose cluster has been made and is stopped."""
    with short_var() as folder:
        cluster = Cluster(folder, postgres, overrides=HASTY)
        cluster.start()
        with cluster.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'here' AS what")
        cluster.stop()
        yield folder


@pytest.fixture
def running(var: Path, postgres: PostgresBinaries) -> Iterator[Cluster]:
    cluster = Cluster(var, postgres, overrides=HASTY)
    cluster.start()
    yield cluster
    cluster.stop()


def kept(cluster: Cluster) -> object:
    with cluster.connect() as connection:
        return connection.execute("SELECT what FROM kept").fetchone()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Private


def test_only_its_account_can_enter(running: Cluster) -> None:
    for folder in (running.home, running.data, running.socket_dir):
        assert mode(folder) == 0o700, folder
        assert folder.stat().st_uid == running.account.uid


def test_it_listens_on_no_port(running: Cluster) -> None:
    with running.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    inodes = {os.readlink(link) for link in Path(f"/proc/{running.pid}/fd").iterdir()}
    sockets = [
        line.split()
        for family in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{family}").read_text().splitlines()
    ]
    assert sockets
    assert not [row for row in sockets if f"socket:[{row[9]}]" in inodes]


def test_the_database_never_runs_as_root(running: Cluster) -> None:
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{running.pid}/status").read_text().splitlines()
        if ":" in line
    )
    uids = {int(uid) for uid in status["Uid"].split()}
    assert 0 not in uids
    assert uids == {running.account.uid}
    if os.geteuid() == 0:
        # Root's own groups would open root's files to it.
        assert set(status["Groups"].split()) == set()


def test_only_named_accounts_become_a_role(running: Cluster) -> None:
    rules = [line.split() for line in (running.data / "pg_ident.conf").read_text().splitlines()[1:]]
    assert {rule[1].strip('"') for rule in rules} == {running.account.name, current_account().name}
    assert (running.data / "pg_hba.conf").read_text().splitlines()[1:] == [
        "local all all peer map=mapservice"
    ]


def test_what_people_ask_for_is_not_logged(running: Cluster) -> None:
    with running.connect() as connection, contextlib.suppress(psycopg.Error):
        connection.execute("SELECT 'N1 2UD'::int")
    with running.connect() as connection, contextlib.suppress(psycopg.Error):
        connection.execute(
            "CREATE TEMP TABLE t (p text PRIMARY KEY); INSERT INTO t VALUES ('N7 6PA'), ('N7 6PA')"
        )
    log = (running.home / "log").read_text()
    assert "duplicate key" in log
    assert "N7 6PA" not in log
    assert "SELECT" not in log


def test_it_is_checksummed_and_speaks_utf8(running: Cluster) -> None:
    with running.connect() as connection:
        row = connection.execute(
            "SELECT current_setting('data_checksums'), current_setting('server_encoding'),"
            " (SELECT datcollate FROM pg_database WHERE datname = current_database()), current_setting('jit')"
        ).fetchone()
    assert row == ("on", "UTF8", "C.UTF-8", "off")


# Recovering


def test_a_killed_server_starts_again_with_everything(running: Cluster) -> None:
    with running.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS survivor (n int); TRUNCATE survivor")
        connection.execute("INSERT INTO survivor SELECT generate_series(1, 1000)")
    assert running.pid
    os.kill(running.pid, signal.SIGKILL)
    assert eventually(lambda: running.pid is None)
    running.start()
    with running.connect() as connection:
        assert connection.execute("SELECT count(*) FROM survivor").fetchone() == (1000,)


def test_the_server_follows_a_killed_keeper_and_the_next_start_succeeds(
    var: Path, postgres: PostgresBinaries
) -> None:
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(var)], stdout=subprocess.PIPE, text=True, env=keeper_environment()
    )
    assert keeper.stdout
    server = int(keeper.stdout.readline())
    keeper.kill()
    keeper.wait()
    # At once, while the old server is still shutting down.
    cluster = Cluster(var, postgres, overrides=HASTY)
    cluster.start()
    try:
        assert gone(server)
        assert kept(cluster) == ("here",)
    finally:
        cluster.stop()


KEEPER = """
import sys, time
from pathlib import Path
from mapservice.database import opening
from mapservice.database.locks import Holder
from mapservice.settings import load_settings
settings = load_settings(var_dir=sys.argv[1])
with opening.running_cluster(settings, Holder("a keeper", 4711, "http://somewhere")) as cluster:
    print(cluster.pid, flush=True)
    time.sleep(60)
"""


def keeper_environment() -> dict[str, str]:
    root = Path(__file__).resolve().parents[2]
    return {**os.environ, "PYTHONPATH": str(root)}


def test_a_record_of_a_dead_server_whose_number_lives_on_is_no_hindrance(
    var: Path, postgres: PostgresBinaries
) -> None:
    cluster = Cluster(var, postgres, overrides=HASTY)
    record = cluster.data / "postmaster.pid"
    # Our own number stands for any process that has come by the dead server's.
    record.write_text(f"{os.getpid()}\n{cluster.data}\n0\n5432\n\n\n")
    cluster.start()
    try:
        assert kept(cluster) == ("here",)
    finally:
        cluster.stop()


def test_a_start_cut_short_leaves_no_half_a_cluster(postgres: PostgresBinaries) -> None:
    with short_var() as folder:
        cluster = Cluster(folder, postgres, overrides=HASTY)
        real, calls = cluster._as_account, []

        def fail_after_initdb(command: list[str], text: str | None = None) -> None:
            calls.append(command[0])
            if command[0] == "mv":
                raise KeyboardInterrupt
            real(command, text)

        cluster._as_account = fail_after_initdb  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            cluster.start()
        assert not cluster.data.exists()
        second = Cluster(folder, postgres, overrides=HASTY)
        second.start()
        second.stop()
        assert sorted(path.name for path in second.home.iterdir()) == ["data", "log", "socket"]


# Sharing


def test_a_second_keeper_is_told_who_the_first_is(var: Path) -> None:
    settings = load_settings(var_dir=var)
    with (
        locks.exclusive(
            opening.lock_file(settings), Holder("mapservice serve", 123, "http://127.0.0.1:8000")
        ),
        pytest.raises(Held) as caught,
        opening.running_cluster(settings, Holder("another", 124)),
    ):
        pass
    assert opening.describe(caught.value.holder) == (
        "“mapservice serve” (process 123, serving http://127.0.0.1:8000)"
    )
    assert locks.holder_of(opening.lock_file(settings)) is None


def test_a_command_joins_the_running_database_and_leaves_it_running(var: Path) -> None:
    settings = load_settings(var_dir=var)
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(var)], stdout=subprocess.PIPE, text=True, env=keeper_environment()
    )
    try:
        assert keeper.stdout
        server = int(keeper.stdout.readline())
        with open_database(settings, command="test") as database, database.reading() as cursor:
            assert cursor.execute("SELECT current_user").fetchone() == ("mapservice_reader",)
        assert not gone(server)
    finally:
        keeper.terminate()
        keeper.wait()
    assert eventually(lambda: gone(server))


def test_a_command_alone_starts_the_database_and_stops_it(var: Path) -> None:
    settings = load_settings(var_dir=var)
    with open_database(settings, command="test") as database, database.reading() as cursor:
        row = cursor.execute("SELECT pg_postmaster_start_time() IS NOT NULL").fetchone()
    assert row == (True,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=str(Cluster.socket_dir_of(var)), user="mapservice_reader", dbname="mapservice")


# Places


def test_a_long_path_gets_a_short_private_folder_for_its_socket(postgres: PostgresBinaries) -> None:
    with short_var() as folder:
        deep = folder / ("a-long-name-" * 4) / ("another-one-" * 4)
        deep.mkdir(parents=True)
        cluster = Cluster(deep, postgres, overrides=HASTY)
        cluster.start()
        try:
            assert len(os.fsencode(cluster.socket_dir)) < 60
            assert mode(cluster.socket_dir) == 0o700
            assert cluster.socket_dir.stat().st_uid == cluster.account.uid
            settings = load_settings(var_dir=deep)
            assert opening.address(settings).url.query["host"] == str(cluster.socket_dir)
        finally:
            cluster.stop()
            shutil.rmtree(cluster.socket_dir)


def test_a_folder_others_laid_in_wait_is_refused(postgres: PostgresBinaries) -> None:
    with short_var() as folder:
        deep = folder / ("a-long-name-" * 4) / ("another-one-" * 4)
        deep.mkdir(parents=True)
        cluster = Cluster(deep, postgres, overrides=HASTY)
        cluster.socket_dir.symlink_to(folder)
        try:
            with pytest.raises(ClusterError, match="not a private folder"):
                cluster.start()
        finally:
            cluster.socket_dir.unlink()


def test_a_clone_the_database_cannot_reach_keeps_its_data_elsewhere(
    postgres: PostgresBinaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    with short_var() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        elsewhere = folder / "elsewhere"
        monkeypatch.setattr(cluster_module, "HOME_OF_LAST_RESORT", elsewhere)
        said: list[str] = []
        cluster = Cluster(closed / "var", postgres, overrides=HASTY, say=said.append)
        cluster.start()
        cluster.stop()
        if os.geteuid() == 0:
            assert cluster.home.parent == elsewhere
            assert mode(cluster.home) == 0o700
            assert (closed / "var" / "postgres").is_symlink()
            assert any(str(cluster.home) in line for line in said)
        else:
            # One's own folder is always reachable for oneself.
            assert cluster.home == closed / "var" / "postgres"


def test_a_link_to_nowhere_is_explained(postgres: PostgresBinaries) -> None:
    with short_var() as folder:
        (folder / "postgres").symlink_to(folder / "nowhere")
        with pytest.raises(ClusterError, match="which is gone"):
            Cluster(folder, postgres).start()


def test_a_folder_that_cannot_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = load_settings(var_dir=tmp_path / "file" / "var")
    with pytest.raises(ClusterError, match="cannot be made"), open_database(settings):
        pass


# Versions


def test_data_of_another_version_is_explained(var: Path, postgres: PostgresBinaries) -> None:
    assert data_version(var) == postgres.major
    newer = PostgresBinaries(postgres.major + 1, postgres.bin_dir, postgres.postgis)
    with pytest.raises(ClusterError) as caught:
        Cluster(var, newer, overrides=HASTY).start()
    message = str(caught.value)
    assert f"made by PostgreSQL {postgres.major}; this machine has {postgres.major + 1}" in message
    assert f"postgresql-{postgres.major}-postgis-3" in message


def test_a_machine_with_only_another_version_is_told_before_anything_is_installed(
    var: Path, postgres: PostgresBinaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = PostgresBinaries(postgres.major + 1, postgres.bin_dir, postgres.postgis)
    monkeypatch.setattr(cluster_module, "find_postgres", lambda major=None: None if major else newer)
    with pytest.raises(ClusterError, match="was made by"):
        cluster_module.find_binaries(var, print)


def test_a_server_that_cannot_start_says_why(var: Path, postgres: PostgresBinaries) -> None:
    broken = Cluster(var, postgres, overrides={**HASTY, "shared_buffers": "nonsense"})
    with pytest.raises(ClusterError, match=r'invalid value for parameter "shared_buffers"'):
        broken.start()


def test_an_unreachable_server_is_reported_without_its_password(settings: Settings) -> None:
    given = load_settings(
        database_url="postgresql://someone:geheim@127.0.0.1:1/none", var_dir=settings.var_dir
    )
    with pytest.raises(Exception, match="cannot be reached") as caught:
        opening.check_reachable(opening.address(given), seconds=0)
    assert "geheim" not in str(caught.value)
