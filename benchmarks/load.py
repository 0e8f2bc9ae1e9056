"""Load: many requests for one address over kept connections, counted by wrk or by Python where wrk is not."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from mapservice.database import packages

WRK = packages.Extra("the benchmark's load generator", ("wrk",), ("wrk",))
TIMEOUT_S = 30


@dataclass(frozen=True)
class Load:
    """What a short run came to: answers that arrived, seconds it took, answers that were errors."""

    answers: int
    seconds: float
    failed: int


def find_wrk() -> str | None:
    """The wrk program, installed first where that is allowed; None where it is not to be had."""
    try:
        packages.ensure_extras([WRK], lambda text: print(text, file=sys.stderr))
    except packages.PackagesMissing:
        return None
    return shutil.which("wrk")


def run(wrk: str | None, url: str, headers: Mapping[str, str], connections: int, seconds: int) -> Load:
    """Ask for `url` over so many connections for so many seconds; raises RuntimeError where wrk fails."""
    if wrk is None:
        return _by_python(url, headers, connections, seconds)
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT_S}s", *given, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counted = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", done.stdout)
    if counted is None:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    unit = {"ms": 0.001, "s": 1.0, "m": 60.0}[counted[3]]
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
    failed = int(errors[1] if errors else 0) + (sum(map(int, lost.groups())) if lost else 0)
    return Load(int(counted[1]), float(counted[2]) * unit, failed)


def _by_python(url: str, headers: Mapping[str, str], connections: int, seconds: int) -> Load:
    """The same by a process for each connection; slower than wrk, and it takes processor time of its own."""
    task = json.dumps({"url": url, "headers": dict(headers), "seconds": seconds})
    command = [sys.executable, "-m", "benchmarks.load"]
    clients = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(connections)
    ]
    for client in clients:
        assert client.stdin
        client.stdin.write(task)
        client.stdin.close()
    results = [json.loads(client.stdout.read() if client.stdout else "") for client in clients]
    for client in clients:
        client.wait()
    return Load(
        sum(r["answers"] for r in results),
        max(r["seconds"] for r in results),
        sum(r["failed"] for r in results),
    )


def _client() -> None:
    task = json.load(sys.stdin)
    parts = urlsplit(task["url"])
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    answers = failed = 0
    started = time.perf_counter()
    while time.perf_counter() - started < task["seconds"]:
        connection.request("GET", path, headers=task["headers"])
        answer = connection.getresponse()
        answer.read()
        answers += 1
        failed += answer.status >= HTTPStatus.BAD_REQUEST
    print(json.dumps({"answers": answers, "failed": failed, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    _client()
