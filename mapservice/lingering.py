"""gunicorn's threaded worker, made quick for clients that ask one thing after another.

**A moment's patience.** After each answer gunicorn hands a connection from its thread to the poller, which
hands it to a thread again when the next request comes: for small answers that costs as much as the answer. A
client that walks through pages, draws tiles or polls has its next request here at once. A thread waits for it
for so short a time that nobody notices, and not at all while others wait for a thread.

**Answers that are ready** (`mapservice.web.ready`). What is received on a connection in use is first looked
up as it is. Where the same was answered before and that answer holds, it goes out; all else goes through
gunicorn with not a byte missing.
"""

from __future__ import annotations

import select
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from mapservice.web.ready import EXTENSION, Ready, ReadyAnswers

PATIENCE_MS = 2


class LingeringWorker(ThreadWorker):
    """The worker class of `mapservice.gunicorn_settings`."""

    ready: ReadyAnswers | None = None

    def load_wsgi(self) -> None:
        """Find what the application has ready."""
        super().load_wsgi()
        self.ready = getattr(self.wsgi, "extensions", {}).get(EXTENSION)

    def handle(self, conn: Any) -> Any:
        """Serve a connection: one request, and each further one that follows at once."""
        kept = self._serve(conn)
        while kept is True and self._follows(conn):
            kept = self._serve(conn)
        return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request as gunicorn does; `learn` hears under which name it was received."""
        req.name = conn.name
        return super().handle_request(req, conn)

    def learn(self, req: Any, environ: dict[str, Any], resp: Any) -> None:
        """Make ready what has been answered, to be called when it went out."""
        name = getattr(req, "name", None)
        if name is not None and self.ready is not None and resp is not None:
            self.ready.learn(name, environ, resp)

    def _serve(self, conn: Any) -> Any:
        conn.name = None
        if self.ready is not None and self._is_plain(conn):
            started = datetime.now()
            try:
                if not conn.sock.getblocking():
                    conn.sock.setblocking(True)
                received = conn.parser.unreader.chunk()
                # Those of a Unix socket have no address.
                client = conn.client[0] if isinstance(conn.client, tuple) else ""
                conn.name = self.ready.name(received, client)
                found = self._look_up(conn.name) if conn.name else None
                if found:
                    ready, head, body = found
                    conn.sock.sendall(head + body)
                    self.nr += 1
                    self._log(ready, len(body), started)
                    return True
            except OSError as error:
                self.log.debug("The client left: %s", error)
                return False
            conn.parser.unreader.unread(received)
        return super().handle(conn)

    def _look_up(self, name: bytes) -> tuple[Ready, bytes, bytes] | None:
        """What is ready under a name. Whatever goes wrong here, gunicorn answers, and nobody is cut off."""
        try:
            return self.ready.answer(name) if self.ready is not None else None
        except Exception:
            self.log.exception("What is ready could not be looked up.")
            return None

    def _is_plain(self, conn: Any) -> bool:
        """Whether gunicorn would read the next request from this connection, and leave it open after it."""
        if not self.alive or not conn.initialized or conn.is_http2 or self.cfg.is_ssl:
            return False
        if len(self.keepalived_conns) >= self.max_keepalived or self.nr + 1 >= self.max_requests:
            return False
        return not conn.parser.unreader.buf.getvalue()

    def _log(self, ready: Ready, sent: int, started: datetime) -> None:
        if self.log.access_log_enabled:
            response = SimpleNamespace(status=ready.status, sent=sent, headers=())
            took = datetime.now() - started
            self.log.access(response, SimpleNamespace(headers=()), ready.logged, took)

    def _follows(self, conn: Any) -> bool:
        # Bytes that were read ahead are gunicorn's own business, as are streams.
        if not self.alive or conn.is_http2 or conn.parser.unreader.buf.getvalue():
            return False
        if not self.tpool._work_queue.empty():
            return False
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(PATIENCE_MS))
