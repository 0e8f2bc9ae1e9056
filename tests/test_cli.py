"""The command line, with real processes where it matters: starting, stopping, and being killed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from mapservice import cli, serving
from mapservice.database.cluster import Cluster
from mapservice.database.locks import Holder, exclusive
from mapservice.gunicorn_settings import without_query
from mapservice.settings import OperatorError, Settings, load_settings
from tests.support import eventually, free_port

COMMAND = [sys.executable, "-m", "mapservice"]
REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass
class Service:
    """A `mapservice serve` that runs, in a session of its own as under a terminal."""

    process: subprocess.Popen[str]
    var: Path
    port: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(self.address + "/health/live", timeout=5):
            return True
        return False

    def postgres(self) -> int:
        return int((Cluster.home_of(self.var) / "data" / "postmaster.pid").read_text().split()[0])

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(Cluster.socket_dir_of(self.var)),
            user="mapservice_owner",
            dbname="mapservice",
            autocommit=True,
        )

    def said(self) -> str:
        return self.log.read_text()


def mapservice(
    *arguments: str, var: Path | None = None, timeout: float = 60, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables} | ({"MAPSERVICE_VAR_DIR": str(var)} if var else {})
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@contextlib.contextmanager
def serving_from(var: Path) -> Iterator[Service]:
    port = free_port()
    log = var / f"serve-{port}.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--no-setup", "--port", str(port)],
            env={**os.environ, "MAPSERVICE_VAR_DIR": str(var), "MAPSERVICE_WORKERS": "1"},
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    service = Service(process, var, port, log)
    try:
        assert eventually(lambda: "The map service is at" in service.said() or process.poll() is not None)
        assert process.poll() is None, service.said()
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def var(front_end: None) -> Iterator[Path]:
    """A var folder that the tests of this module start services from, one after the other."""
    folder = Path(tempfile.mkdtemp(prefix="ms-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# Starting and stopping


def test_ctrl_c_stops_everything_cleanly(var: Path) -> None:
    with serving_from(var) as service:
        assert eventually(service.answers)
        postgres = service.postgres()
        # As a terminal does it: to every process of the foreground group.
        os.killpg(service.process.pid, signal.SIGINT)
        assert service.process.wait(30) == 0
        assert not alive(postgres)
        assert not service.answers()
        assert "Traceback" not in service.said()
        assert service.said().rstrip().endswith("Stopped.")


def test_a_second_start_is_told_where_the_first_is(var: Path) -> None:
    with serving_from(var) as service:
        second = mapservice("serve", "--no-setup", "--port", str(free_port()), var=var)
        assert second.returncode == 1
        assert f"process {service.process.pid}" in second.stderr
        assert service.address in second.stderr
        assert "Traceback" not in second.stderr
        assert eventually(service.answers)


def test_a_killed_database_comes_back_with_everything(var: Path) -> None:
    with serving_from(var) as service:
        with service.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS saved")
            connection.execute("CREATE TABLE saved AS SELECT generate_series(1, 100) AS n")
        first = service.postgres()
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: "The database is back" in service.said())
        assert service.postgres() != first
        with service.connect() as connection:
            assert connection.execute("SELECT count(*) FROM saved").fetchone() == (100,)
        assert eventually(service.answers)


def test_a_killed_service_leaves_nothing_running_and_loses_nothing(var: Path) -> None:
    with serving_from(var) as service:
        with service.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS saved")
            connection.execute("CREATE TABLE saved AS SELECT generate_series(1, 50) AS n")
        postgres = service.postgres()
        service.process.kill()
        service.process.wait()
        assert eventually(lambda: not alive(postgres) and not service.answers(), 30)
    with serving_from(var) as service, service.connect() as connection:
        assert connection.execute("SELECT count(*) FROM saved").fetchone() == (50,)


def test_nothing_of_a_query_is_logged(var: Path) -> None:
    with serving_from(var) as service:
        request = urllib.request.Request(
            service.address + "/health/live?postcode=N1+2UD",
            headers={"Referer": "http://x/find?postcode=N1+2UD"},
        )
        urllib.request.urlopen(request, timeout=10).close()
        with socket.create_connection(("127.0.0.1", service.port)) as raw:
            raw.sendall(b"GET /a%0Aforged?postcode=N1+2UD HTTP/1.0\r\n\r\n")
            raw.recv(100)
        assert eventually(lambda: "/a%0Aforged" in service.said(), 10)
        assert "GET /health/live 200" in service.said()
    assert "N1" not in service.said()
    assert "postcode=" not in service.said()


def test_a_port_in_use_is_said_at_once(var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = mapservice("serve", "--no-setup", "--port", str(port), var=var)
    assert result.returncode == 1
    assert f"Port {port}" in result.stderr
    assert "make run PORT=" in result.stderr
    assert "Traceback" not in result.stderr


# The other commands


def test_help_names_every_command() -> None:
    result = mapservice("--help")
    assert result.returncode == 0
    for name in ("setup", "serve", "import", "export", "doctor"):
        assert re.search(rf"^  {name}\s", result.stdout, re.MULTILINE), name


def test_version_is_one_line() -> None:
    result = mapservice("--version")
    assert re.fullmatch(r"mapservice \d+\.\d+\.\d+\n", result.stdout)


def test_a_wrong_setting_is_a_message_not_a_traceback() -> None:
    result = mapservice("doctor", MAPSERVICE_PORT="many")
    assert result.returncode == 1
    assert "MAPSERVICE_PORT" in result.stderr
    assert "Traceback" not in result.stderr


def test_doctor_looks_and_changes_nothing(tmp_path: Path) -> None:
    var = tmp_path / "var"
    result = mapservice("doctor", var=var, SECRET_KEY="s" * 40)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "PostgreSQL: " in result.stdout
    assert "PostGIS" in result.stdout
    assert "the first start makes it" in result.stdout
    assert "MAPSERVICE_BASEMAP = none" in result.stdout
    assert "s" * 40 not in result.stdout
    assert not var.exists()


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    result = mapservice("doctor", var=tmp_path, MAPSERVICE_GEODATA_DIR=str(tmp_path))
    assert result.returncode == 1
    assert re.search(r"missing\s+Geodata: no borough.toml", result.stdout)


def test_doctor_hides_the_password_of_a_server_it_cannot_reach() -> None:
    result = mapservice("doctor", DATABASE_URL="postgresql://ada:geheim@127.0.0.1:1/maps")
    assert result.returncode == 1
    assert "ada:***@127.0.0.1" in result.stdout
    assert "geheim" not in result.stdout + result.stderr


def test_doctor_knows_the_versions_of_a_database_that_runs(cluster: Cluster, settings: Settings) -> None:
    url = f"postgresql://postgres@/mapservice?host={cluster.socket_dir}"
    result = mapservice("doctor", DATABASE_URL=url, var=settings.var_dir)
    assert result.returncode == 0, result.stdout
    assert re.search(r"PostGIS: \d+\.\d+\S*, PROJ \S+.*, GEOS \S+.*, on PostgreSQL \d+", result.stdout)


@pytest.fixture
def server_url(cluster: Cluster) -> Iterator[str]:
    """DATABASE_URL of a copy of the loaded database."""
    with cluster.connect("postgres") as connection:
        connection.execute("CREATE DATABASE server TEMPLATE loaded")
    yield f"postgresql://postgres@/server?host={cluster.socket_dir}"
    with cluster.connect("postgres") as connection:
        connection.execute("DROP DATABASE server WITH (FORCE)")


def test_export_writes_a_layer(server_url: str, tmp_path: Path) -> None:
    target = tmp_path / "wards.geojson"
    result = mapservice("export", "wards-2022", "-o", str(target), DATABASE_URL=server_url)
    assert result.returncode == 0, result.stderr
    features = json.loads(target.read_text())["features"]
    assert f"Wrote {len(features)} features" in result.stderr
    assert features


def test_export_of_no_layer_names_those_there_are() -> None:
    result = mapservice("export", "wards-1066")
    assert result.returncode == 1
    assert "wards-2022" in result.stderr
    assert "Traceback" not in result.stderr


def test_import_of_no_source_names_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_text("a,b\n1,2\n")
    result = mapservice("import", "hearsay", str(file))
    assert result.returncode == 1
    assert "assets" in result.stderr


def test_import_of_a_refused_file_names_it_and_fails(server_url: str, tmp_path: Path) -> None:
    file = tmp_path / "assets.csv"
    file.write_text("no,such,columns\n1,2,3\n")
    result = mapservice("import", "assets", str(file), DATABASE_URL=server_url)
    assert result.returncode == 1
    assert "refused, nothing was changed" in result.stdout
    assert "assets.csv" in result.stdout


def test_import_of_the_same_file_changes_nothing(server_url: str, settings: Settings) -> None:
    file = settings.geodata_dir / "assets.csv"
    result = mapservice("import", "assets", str(file), DATABASE_URL=server_url)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 changes" in result.stdout


def test_a_missing_file_is_a_usage_error() -> None:
    result = mapservice("import", "assets", "/no/such/file.csv")
    assert result.returncode == 2
    assert "does not exist" in result.stderr


# In pieces


def test_the_address_is_one_to_type_on_this_machine() -> None:
    assert serving.base_address(load_settings(host="::", port=8001)) == "http://[::1]:8001"
    assert serving.base_address(load_settings(host="::1")) == "http://[::1]:8000"
    assert serving.base_address(load_settings(host="localhost")) == "http://localhost:8000"


def test_children_read_the_same_settings(tmp_path: Path) -> None:
    environment = serving.environment(load_settings(port=8123, var_dir=tmp_path))
    assert environment["MAPSERVICE_PORT"] == "8123"
    assert environment["MAPSERVICE_VAR_DIR"] == str(tmp_path)


def test_gunicorns_own_messages_lose_their_queries() -> None:
    record = logging.LogRecord(
        "gunicorn.error", logging.ERROR, "f", 1, "Error handling request %s", ("/find?postcode=N1+2UD",), None
    )
    assert without_query(record)
    assert record.getMessage() == "Error handling request /find?…"


def test_an_interrupted_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.cli.commands["doctor"], "callback", interrupt)
    with pytest.raises(SystemExit) as caught:
        cli.main(["doctor"])
    assert caught.value.code == cli.INTERRUPTED
    assert capsys.readouterr().err.strip() == "Stopped."


def test_serving_where_an_import_keeps_the_database_is_refused(tmp_path: Path) -> None:
    settings = load_settings(var_dir=tmp_path)
    with (
        exclusive(tmp_path / "mapservice.lock", Holder("mapservice import assets", 99)),
        pytest.raises(OperatorError, match=r"mapservice import assets.*process 99"),
    ):
        cli._serve_from_cluster(settings, with_setup=False)
