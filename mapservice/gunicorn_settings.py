"""gunicorn's configuration from our settings: `gunicorn --config python:mapservice.gunicorn_settings`."""

from __future__ import annotations

import logging
import os
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from gunicorn.glogging import Logger

from mapservice.lingering import LingeringWorker
from mapservice.settings import load_settings
from mapservice.web.promise import begin_soon
from mapservice.web.refusals import init_refusals


class DiscreetLogger(Logger):
    """Logs what was asked for without what was asked about: a postcode in a query string is never written."""

    def setup(self, cfg: Any) -> None:
        """Put the filter before whatever gunicorn itself logs."""
        super().setup(cfg)
        self.error_log.addFilter(without_query)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """The words of an access line; the path is escaped again, so that no request can forge a line."""
        words: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        words["U"] = quote(str(environ.get("PATH_INFO", "")).encode("latin-1", "replace"))
        return words


def without_query(record: logging.LogRecord) -> bool:
    """A logging filter that lets every record through, without query strings and addresses of askers."""
    message = re.sub(r"\?[^\s'\"]*", "?…", record.getMessage())
    record.msg, record.args = re.sub(r" from ip=\S*:(?= )", ":", message), ()
    return True


_settings = load_settings()
init_refusals()

wsgi_app = "mapservice:create_app()"
bind = [
    f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
]
worker_class = "mapservice.lingering.LingeringWorker"  # gthread, and a little quicker
workers = _settings.workers
threads = _settings.threads
timeout = 30
graceful_timeout = 10
keepalive = 5
limit_request_line = 8190  # gunicorn's largest; long filters are legitimate

# No header may say under which path the service is mounted: it would end up in every link.
forwarder_headers = ""

logger_class = DiscreetLogger
# Time, method, path without query, status, bytes, milliseconds. No address of the asker and no referrer
# either: where a proxy stands in front, it keeps what the operator decided to keep.
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(M)s ms"
accesslog = "-" if _settings.log_level in ("debug", "info") else None
# gunicorn tells its whole life at "info"; the command line says what people need.
loglevel = "debug" if _settings.log_level == "debug" else "warning"


def post_worker_init(worker: Any) -> None:
    """What a worker begins once it serves."""
    begin_soon(worker.app.callable)


def post_request(worker: Any, req: Any, environ: dict[str, Any], resp: Any) -> None:
    """What a worker does after each answer that gunicorn has put together."""
    if isinstance(worker, LingeringWorker):
        worker.learn(req, environ, resp)


# The workers' sign of life must not wait for a slow disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True
