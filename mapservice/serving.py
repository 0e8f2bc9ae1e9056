"""Serving: gunicorn as a child, beside the private database, both watched and both stopped together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable

from mapservice.database.accounts import tie_to_parent
from mapservice.database.cluster import Cluster
from mapservice.database.locks import holder_of
from mapservice.database.opening import lock_file
from mapservice.settings import OperatorError, Settings, variable_name

GUNICORN = [sys.executable, "-m", "gunicorn", "--config", "python:mapservice.gunicorn_settings"]
READY_SECONDS = 60
STOP_SECONDS = 15
GLANCE_SECONDS = 0.3
MOST_RESTARTS = 3
"""Sudden ends of the database within `RESTART_WINDOW` seconds that are mended; one more is given up on."""
RESTART_WINDOW = 60


def base_address(settings: Settings) -> str:
    """The address to type into a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 (a comparison)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{settings.port}"


def known_address(settings: Settings) -> str | None:
    """The address people use: the public one, else that of the service running now; None if nobody knows."""
    if settings.public_url:
        return settings.public_url
    keeper = holder_of(lock_file(settings)) if settings.database_url is None else None
    return keeper.address if keeper else None


def check_port_free(settings: Settings) -> None:
    """Raise `OperatorError` where another program has the port, before minutes go into setting up."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise OperatorError(
                f"Port {settings.port} on {settings.host} cannot be used ({error.strerror}). "
                f"Another program may have it; choose another port: make run PORT={settings.port % 65535 + 1}"
            ) from None


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which child processes read these same settings."""
    chosen = {name: getattr(settings, name) for name in ("host", "port", "var_dir", "geodata_dir")}
    return {**os.environ, **{variable_name(name): str(value) for name, value in chosen.items()}}


def replace_by_gunicorn(settings: Settings) -> None:
    """Become gunicorn: for a database that others keep, nothing is left for us to watch. Does not return."""
    os.execve(sys.executable, GUNICORN, environment(settings))  # noqa: S606 (no shell is wanted)


def serve_beside(
    cluster: Cluster, settings: Settings, ready: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Serve until interrupted; `ready` is called once the server answers.

    If the database ends suddenly it is started again. Raises `OperatorError` if the web server ends by
    itself, or the database does so again and again. The web server is stopped on the way out; the
    cluster is the caller's.
    """
    web = subprocess.Popen(
        GUNICORN,
        env=environment(settings),
        # Away from the terminal's Ctrl-C: requests under way are finished before the database goes.
        start_new_session=True,
        preexec_fn=tie_to_parent(signal.SIGTERM),
    )
    try:
        _wait_until_answering(web, settings)
        ready()
        _watch(web, cluster, say)
    finally:
        _stop(web)


def _watch(web: subprocess.Popen[bytes], cluster: Cluster, say: Callable[[str], None]) -> None:
    sudden_ends: deque[float] = deque(maxlen=MOST_RESTARTS + 1)
    while True:
        _check_alive(web)
        if cluster.pid is None:
            sudden_ends.append(time.monotonic())
            if len(sudden_ends) > MOST_RESTARTS and sudden_ends[-1] - sudden_ends[0] < RESTART_WINDOW:
                raise OperatorError(f"The database keeps ending suddenly; see {cluster.home / 'log'}")
            say("The database ended suddenly; starting it again.")
            cluster.start()
            say("The database is back; everything that was saved is there.")
        time.sleep(GLANCE_SECONDS)


def _check_alive(web: subprocess.Popen[bytes]) -> None:
    code = web.poll()
    if code is not None:
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise OperatorError(f"The web server ended by itself ({how}); what it said stands above.")


def _wait_until_answering(web: subprocess.Popen[bytes], settings: Settings) -> None:
    host, _, port = base_address(settings).removeprefix("http://").rpartition(":")
    address = (host.strip("[]"), int(port))
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        _check_alive(web)
        # Asking for a line proves that a worker has booted: the port alone is open before that.
        with (
            contextlib.suppress(OSError),
            socket.create_connection(address, timeout=READY_SECONDS) as connection,
        ):
            connection.sendall(b"HEAD /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
            if connection.recv(5) == b"HTTP/":
                return
        time.sleep(0.1)
    raise OperatorError(f"The web server did not answer within {READY_SECONDS} seconds.")


def _stop(web: subprocess.Popen[bytes]) -> None:
    for kind, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if web.poll() is not None:
            return
        web.send_signal(kind)
        # A second Ctrl-C means: do not wait for requests under way.
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            web.wait(seconds)
