"""What tests share: one real PostGIS for the whole run, loaded once and copied where a test writes.

settings         the settings of the run, with the real geodata folder
database         migrated and loaded, one copy for each test module
fresh_database   the same for one test alone
bare_database    roles and extensions only, for one test alone
make_database    a context manager that makes such copies: make_database(template="bare" or "loaded")
app, client      the application on `database`, and Flask's test client for it
serve            a context manager that runs a real gunicorn on a database
live_server      the address of a real gunicorn on a copy of its own
browser          Chromium, as the system has it
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mapservice import serving
from mapservice.database import Database, packages, roles
from mapservice.database.cluster import DATABASE_NAME, Cluster
from mapservice.database.engines import cluster_address
from mapservice.settings import PREFIX, Settings, load_settings
from tests.support import LOADING_ROOMS, free_port, wait_for

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

MakeDatabase = Callable[..., AbstractContextManager[Database]]
Serve = Callable[[Database], AbstractContextManager[str]]

# A test run must not depend on what the shell it is started from has set, least of all on a database.
for name in [*os.environ]:
    if name.startswith(PREFIX) or name in ("DATABASE_URL", "DATABASE_READ_URL", "SECRET_KEY"):
        del os.environ[name]

BARE, LOADED = "bare", "loaded"
"""Databases to copy: with roles and extensions only; with all tables and the borough's data."""
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""The test database may be lost with the machine, and is quicker for it."""


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a short name that every account may enter: sockets and PostgreSQL's account need both."""
    folder = Path(tempfile.mkdtemp(prefix="ms-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> packages.PostgresBinaries:
    """PostgreSQL with PostGIS, as installed."""
    found = packages.find_postgres()
    assert found, "PostgreSQL with PostGIS is not installed; `make test` installs it"
    return found


@pytest.fixture(scope="session")
def settings(short_folder: Path) -> Settings:
    """The settings of the test run."""
    return load_settings(
        var_dir=short_folder, secret_key="only-for-tests-" * 3, log_level="warning", pseudo_languages=True
    )


@pytest.fixture(scope="session")
def cluster(
    short_folder: Path,
    postgres: packages.PostgresBinaries,
    settings: Settings,
    pytestconfig: pytest.Config,
) -> Iterator[Cluster]:
    """The private cluster of the test run, with the databases "bare" and "loaded" to be copied.

    Loading them takes longer than most runs of a few tests: as they were made they wait for the
    next run, until something they are made from changes.
    """
    cluster = Cluster(short_folder, postgres, max_connections=100, overrides=HASTY)
    assert pytestconfig.cache
    kept = pytestconfig.cache.mkdir("cluster") / _made_from(postgres)
    if kept.is_dir():
        _copy_folder(kept, cluster.home)
        cluster.start()
    else:
        cluster.start()
        _copy(cluster, DATABASE_NAME, BARE)
        _copy(cluster, BARE, LOADED)
        _load(cluster, settings)
        cluster.stop()
        _keep(cluster.home, kept)
        cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def make_database(cluster: Cluster, settings: Settings) -> MakeDatabase:
    """A context manager that gives a copy of a template ("loaded" or "bare") and drops it afterwards."""
    numbers = itertools.count(1)

    @contextlib.contextmanager
    def make(template: str = LOADED) -> Iterator[Database]:
        name = f"copy{next(numbers)}"
        _copy(cluster, template, name)
        try:
            with _connected(cluster, name, settings) as database:
                yield database
        finally:
            with cluster.connect("postgres") as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    return make


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase) -> Iterator[Database]:
    """The borough's database; tests of one module share it."""
    with make_database() as database:
        yield database


@pytest.fixture
def fresh_database(make_database: MakeDatabase) -> Iterator[Database]:
    """The borough's database for one test alone."""
    with make_database() as database:
        yield database


@pytest.fixture
def bare_database(make_database: MakeDatabase) -> Iterator[Database]:
    """A database without tables for one test alone."""
    with make_database(BARE) as database:
        yield database


@pytest.fixture(scope="session")
def front_end() -> None:
    """Styles and scripts, built if they changed."""
    from mapservice.web import frontend

    frontend.build()


@pytest.fixture(scope="module")
def app(settings: Settings, database: Database, front_end: None) -> Flask:
    """The application on this module's database."""
    from mapservice import create_app

    return create_app(settings, database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client for the application that speaks no network."""
    return app.test_client()


@pytest.fixture(scope="session")
def serve(cluster: Cluster, settings: Settings, front_end: None) -> Serve:
    """A context manager that runs a real gunicorn on a database and gives its address."""

    @contextlib.contextmanager
    def run(database: Database) -> Iterator[str]:
        port = free_port()
        name = database.reader.url.database
        environment = {
            **serving.environment(settings.model_copy(update={"port": port})),
            # By way of DATABASE_URL, so that the way a server is configured is tried as well.
            "DATABASE_URL": f"postgresql://postgres@/{name}?host={cluster.socket_dir}",
            "SECRET_KEY": "only-for-tests-" * 3,
            "MAPSERVICE_LOG_LEVEL": "warning",
            "MAPSERVICE_PSEUDO_LANGUAGES": "yes",
        }
        server = subprocess.Popen(serving.GUNICORN, env=environment)
        try:
            wait_for(f"http://127.0.0.1:{port}/health/live", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(60)

    return run


@pytest.fixture(scope="session")
def live_server(make_database: MakeDatabase, serve: Serve) -> Iterator[str]:
    """The address of a real server, as http://127.0.0.1:12345, on a database of its own."""
    with make_database() as database, serve(database) as address:
        yield address


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts Chromium, as the system has it, with some switches."""
    from playwright.sync_api import sync_playwright

    program = packages.CHROMIUM.find()
    assert program, "Chromium is not installed; `make test` installs it where it may"
    with sync_playwright() as playwright:
        yield lambda *switches: playwright.chromium.launch(executable_path=program, args=switches)


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """Chromium without a window."""
    # Without a sandbox of its own, which root and containers do not allow; it opens only our pages.
    browser = launch("--no-sandbox")
    yield browser
    browser.close()


def _load(cluster: Cluster, settings: Settings) -> None:
    from mapservice.register import migrate
    from mapservice.sources.load import load_geodata

    with _connected(cluster, LOADED, settings) as database:
        migrate.upgrade(database)
        report = load_geodata(database, settings.geodata_dir)
        assert report.ok, report.render()
    with cluster.connect(LOADED) as connection:
        connection.execute("ANALYZE")


def _made_from(postgres: packages.PostgresBinaries) -> str:
    """A digest of all that the databases of a run are made from."""
    root = Path(__file__).parents[1]
    files = [root / "requirements.txt", Path(__file__), root / "mapservice" / "settings.py"]
    files += [file for room in LOADING_ROOMS for file in root.glob(f"mapservice/{room}/**/*.py")]
    files += [file for folder in ("geodata", "migrations") for file in root.glob(f"{folder}/**/*")]
    digest = hashlib.sha256(f"{postgres} {sys.prefix}".encode())
    for file in sorted({file for file in files if file.is_file()}):
        if "__pycache__" not in file.parts:
            digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _copy_folder(source: Path, target: Path) -> None:
    """As it is, owners and modes included."""
    subprocess.run(["cp", "--archive", "--reflink=auto", source, target], check=True)


def _keep(home: Path, kept: Path) -> None:
    """Set a stopped cluster aside for later runs, the two that were set aside last beside it."""
    half = kept.with_name(f"{kept.name}.{os.getpid()}")
    _copy_folder(home, half)
    with contextlib.suppress(OSError):  # another run was first
        half.rename(kept)
    shutil.rmtree(half, ignore_errors=True)
    for old in sorted(kept.parent.iterdir(), key=lambda folder: folder.stat().st_mtime)[:-3]:
        shutil.rmtree(old, ignore_errors=True)


def _copy(cluster: Cluster, template: str, name: str) -> None:
    with cluster.connect("postgres") as connection:
        # Copying files rather than logging every block: half the time, which many tests pay.
        strategy = "STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
        statement = f"CREATE DATABASE {name} TEMPLATE {template} OWNER {roles.OWNER} {strategy}"
        connection.execute(statement.encode())
    # What a role may do with a database as a whole is not copied.
    with cluster.connect(name) as connection:
        roles.prepare(connection, login=True)


@contextlib.contextmanager
def _connected(cluster: Cluster, name: str, settings: Settings) -> Iterator[Database]:
    database = Database.at(cluster_address(cluster.socket_dir, name), settings)
    try:
        yield database
    finally:
        database.dispose()
