"""The service's gunicorn settings for the benchmark's own applications, which have no promise to work out."""

from typing import Any

from mapservice.gunicorn_settings import *  # noqa: F403 - these settings are those, but for one


def post_worker_init(worker: Any) -> None:
    """A worker begins nothing but to serve."""
