"""The servers under test: started alike, on the same tables, by name."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import processes
from benchmarks.dataset import Scratch
from benchmarks.peers import configuration, environments
from mapservice import serving
from mapservice.settings import REPOSITORY

NAMES = ("floor", "ours", "pygeoapi", "tipg")
WORKERS = 2
THREADS = 4
START_SECONDS = 60
SERVICE = [sys.executable, "-m", "gunicorn", "--config", "python:benchmarks.server_settings"]
GUNICORN = [f"--workers={WORKERS}", "--keep-alive=5", "--timeout=60", "--log-level=warning",
            "--worker-tmp-dir=/dev/shm", "--no-control-socket"]  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A server that answers: its name, its address without a slash, the process id of its master."""

    name: str
    address: str
    pid: int

    @property
    def workers(self) -> list[int]:
        return processes.children(self.pid)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body of one answer."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@dataclass(frozen=True)
class Plan:
    """How a server is started."""

    command: list[str]
    environment: dict[str, str]
    ready: str


@contextlib.contextmanager
def started(scratch: Scratch, names: Iterable[str], tables: tuple[str, ...]) -> Iterator[list[Server]]:
    """The servers named, all at once; a peer that cannot be installed is left out with a word."""
    plans: dict[str, Callable[[Scratch, tuple[str, ...], int, Path], Plan]] = {
        "floor": _floor,
        "ours": _ours,
        "pygeoapi": _pygeoapi,
        "tipg": _tipg,
    }
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ms-bench-")))
        servers = []
        for name in names:
            port = free_port()
            try:
                plan = plans[name](scratch, tables, port, folder)
            except environments.PeerMissing as missing:
                print(missing, file=sys.stderr)
                continue
            log = folder / f"{name}.log"
            pid = stack.enter_context(_process(plan, log))
            server = Server(name, f"http://127.0.0.1:{port}", pid)
            _wait(server, plan.ready, log)
            servers.append(server)
        yield servers


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _floor(scratch: Scratch, tables: tuple[str, ...], port: int, folder: Path) -> Plan:
    return Plan(
        [*SERVICE, "benchmarks.floor:app()"],
        {
            **_service_environment(scratch, tables, port),
            "BENCH_CONNECTION": " ".join(f"{name}={value}" for name, value in scratch.connection.items()),
        },
        "/item",
    )


def _ours(scratch: Scratch, tables: tuple[str, ...], port: int, folder: Path) -> Plan:
    command = [*SERVICE, "benchmarks.layers:app()"]
    return Plan(command, _service_environment(scratch, tables, port), "/health/live")


def _service_environment(scratch: Scratch, tables: tuple[str, ...], port: int) -> dict[str, str]:
    settings = scratch.settings.model_copy(update={"port": port, "host": "127.0.0.1"})
    return {
        **{name: value for name, value in serving.environment(settings).items() if name != "DATABASE_URL"},
        "SECRET_KEY": "only-for-benchmarks-" * 2,
        "MAPSERVICE_LOG_LEVEL": "warning",
        "MAPSERVICE_WORKERS": str(WORKERS),
        "MAPSERVICE_THREADS": str(THREADS),
        "BENCH_TRACKED": str(int(scratch.tracked)),
        "BENCH_TABLES": ",".join(tables),
    }


def _pygeoapi(scratch: Scratch, tables: tuple[str, ...], port: int, folder: Path) -> Plan:
    programs = environments.environment("pygeoapi")
    named = configuration.pygeoapi(folder, scratch.connection, f"http://127.0.0.1:{port}", tables)
    environment = {**_plain_environment(), **named}
    made = subprocess.run(
        [programs / "pygeoapi", "openapi", "generate", named["PYGEOAPI_CONFIG"],
         "--output-file", named["PYGEOAPI_OPENAPI"]],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        raise environments.PeerMissing(f"pygeoapi refused its configuration: {made.stderr[-500:]}")
    command = [str(programs / "gunicorn"), *GUNICORN, f"--bind=127.0.0.1:{port}", "--worker-class=gthread",
               f"--threads={THREADS}", "pygeoapi.flask_app:APP"]  # fmt: skip
    return Plan(command, environment, "/collections?f=json")


def _tipg(scratch: Scratch, tables: tuple[str, ...], port: int, folder: Path) -> Plan:
    programs = environments.environment("tipg")
    command = [str(programs / "gunicorn"), *GUNICORN, f"--bind=127.0.0.1:{port}",
               "--worker-class=uvicorn_worker.UvicornWorker", "tipg.main:app"]  # fmt: skip
    environment = {**_plain_environment(), **configuration.tipg(scratch.connection, tables)}
    return Plan(command, environment, "/healthz")


def _plain_environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("MAPSERVICE_", "DATABASE_"))
    }


@contextlib.contextmanager
def _process(plan: Plan, log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            plan.command, env=plan.environment, stdout=output, stderr=subprocess.STDOUT, cwd=REPOSITORY
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if server.get(path)[0] == http.HTTPStatus.OK and len(server.workers) >= WORKERS:
                return
        time.sleep(0.2)
    raise SystemExit(f"{server.name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
