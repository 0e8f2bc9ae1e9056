"""Helpers that tests call by name; fixtures are in conftest.py."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

LOADING_ROOMS = ("database", "register", "layers", "network", "sources")
"""What makes the borough's database; a change elsewhere does not make a run of the tests load it anew."""


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Whether a condition comes true within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def wait_for(address: str, server: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Wait until a server that was just started answers at an address, with whatever status."""

    def answers() -> bool:
        assert server.poll() is None, f"the server ended with exit code {server.returncode}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    assert eventually(answers), f"{address} did not answer"
