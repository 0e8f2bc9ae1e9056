"""Asks a running service the questions people ask most and says how long the answers take.

The service is the one that `make run` has up for this folder, or else one started here for the duration.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from mapservice.database import locks
from mapservice.database.opening import lock_file
from mapservice.settings import Settings, load_settings

SECONDS = 4
CLIENTS = 4
PORT = 8799
START_SECONDS = 300

QUESTIONS = {
    "Start page": "/",
    "Help near a postcode": "/find?postcode=N1+2UD",
    "Map": "/map",
    "Look-up of a postcode": "/api/lookup?postcode=N1+2UD",
    "Nearest ten": "/api/nearest?postcode=N1+2UD&limit=10",
    "All places": "/api/collections/assets/items?limit=1000",
    "Green spaces": "/api/collections/green-spaces/items?limit=1000",
    "Wards": "/api/collections/wards-2022/items",
}


@dataclass(frozen=True)
class Result:
    """What one question came to: milliseconds of each answer, bytes of the last, answers that failed."""

    milliseconds: list[float]
    size: int
    failed: int


def ask(address: str, path: str) -> Result:
    """Ask one question from several clients at once, for some seconds, each over one kept connection."""
    times: list[float] = []
    sizes: list[int] = [0]
    failures: list[int] = []
    until = time.perf_counter() + SECONDS

    def client() -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        while time.perf_counter() < until:
            started = time.perf_counter()
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            body = answer.read()
            times.append((time.perf_counter() - started) * 1000)
            sizes.append(len(body))
            if answer.status != http.HTTPStatus.OK:
                failures.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Result(times, sizes[-1], len(failures))


@contextlib.contextmanager
def service(settings: Settings) -> Iterator[str]:
    """The address of the running service; one is started, and stopped again, where none runs."""
    keeper = locks.holder_of(lock_file(settings))
    if keeper and keeper.address:
        yield keeper.address
        return
    address = f"http://127.0.0.1:{PORT}"
    process = subprocess.Popen(
        [sys.executable, "-m", "mapservice", "serve", "--port", str(PORT)],
        env=_environment(settings),
    )
    try:
        _wait(process, address)
        yield address
    finally:
        process.terminate()
        process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    """Ours, with the folder and the database of the settings."""
    found = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if settings.database_url is not None:
        found["DATABASE_URL"] = settings.database_url.get_secret_value()
    return {**found, "MAPSERVICE_VAR_DIR": str(settings.var_dir), "MAPSERVICE_LOG_LEVEL": "warning"}


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        time.sleep(0.3)
    sys.exit("The service did not start.")


def main() -> None:
    """Ask every question and print one line for each."""
    with service(load_settings()) as address:
        print(f"{CLIENTS} clients at once, {SECONDS} seconds each, against {address}\n")
        print(f"{'':24}{'answers/s':>10}{'median ms':>11}{'95 % ms':>9}{'bytes':>9}{'failed':>8}")
        for name, path in QUESTIONS.items():
            result = ask(address, path)
            per_second = len(result.milliseconds) / SECONDS
            median = statistics.median(result.milliseconds)
            slow = (
                statistics.quantiles(result.milliseconds, n=20)[-1]
                if len(result.milliseconds) > 1
                else median
            )
            print(
                f"{name:24}{per_second:>10.0f}{median:>11.1f}{slow:>9.1f}{result.size:>9}{result.failed:>8}",
                flush=True,
            )
