"""gunicorn's threaded worker, with a moment's patience for the next request of the same client.

After each answer gunicorn hands a connection from its thread to the poller, which hands it to a thread again
when the next request comes: for small answers that costs as much as the answer. A client that walks through
pages, draws tiles or polls has its next request here at once. A thread waits for it for so short a time that
nobody notices, and not at all while others wait for a thread.
"""

from __future__ import annotations

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

PATIENCE_MS = 2


class LingeringWorker(ThreadWorker):
    """The worker class of `mapservice.gunicorn_settings`."""

    def handle(self, conn: Any) -> Any:
        """Serve a connection: one request, and each further one that follows at once."""
        kept = super().handle(conn)
        while kept is True and self._follows(conn):
            kept = super().handle(conn)
        return kept

    def _follows(self, conn: Any) -> bool:
        # Bytes that were read ahead are gunicorn's own business, as are streams.
        if not self.alive or conn.is_http2 or conn.parser.unreader.buf.getvalue():
            return False
        if not self.tpool._work_queue.empty():
            return False
        waiting = select.poll()
        waiting.register(conn.sock, select.POLLIN)
        return bool(waiting.poll(PATIENCE_MS))
