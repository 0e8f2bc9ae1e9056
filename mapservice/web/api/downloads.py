"""Features in every format but GeoJSON and HTML pages: a page of them, or all that match."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import unicodedata
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from urllib.parse import urlencode

from flask import Response, current_app, request
from flask.blueprints import BlueprintSetupState
from psycopg import Connection
from werkzeug.wsgi import wrap_file

from mapservice.layers.features import Page, read_page
from mapservice.layers.formats import Format, Job, snapshot
from mapservice.layers.layer import Layer
from mapservice.layers.paging import encode_cursor
from mapservice.layers.query import FeatureQuery
from mapservice.web import context
from mapservice.web.api import api, documents
from mapservice.web.caching import VERSIONS
from mapservice.web.problems import Problem, problem_response

SLOTS = "downloads"
RETRY_SECONDS = 10
PAGE_PARAMETERS = ("limit", "offset", "cursor")


@api.record
def limit_downloads(state: BlueprintSetupState) -> None:
    """Whole layers take at most half of a process's threads, so that pages and maps are still answered."""
    threads = state.app.extensions["settings"].threads
    state.app.extensions[SLOTS] = threading.BoundedSemaphore(max(1, threads // 2))


def send_features(layer: Layer, query: FeatureQuery, wanted: Format) -> Response:
    """The query's features in a format: the page where a page is asked for, else every one that matches."""
    paged = any(name in request.args for name in PAGE_PARAMETERS)
    job = Job(layer, query, context.site(), context.viewer(), paged=paged)
    links = _links(layer, wanted)
    if request.method == "HEAD":
        response = Response()
        # How long the body would be is known only by making it.
        response.automatically_set_content_length = False
    elif paged:
        response = _send_page(job, wanted, links)
    else:
        response = _send_all(job, wanted)
    response.content_type = _content_type(wanted)
    response.headers["Content-Crs"] = f"<{query.crs}>"
    response.headers["Link"] = ", ".join(links)
    name = file_name(context.borough().short_name, layer.id, query.as_of, wanted.ending)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def file_name(borough: str, layer_id: str, as_of: datetime | None, ending: str) -> str:
    """`borough-layer-2026-11-22.gpkg`: plain ASCII, which every client understands in a header."""
    plain = unicodedata.normalize("NFKD", borough).encode("ascii", "ignore").decode().lower()
    words = [*re.findall(r"[a-z0-9]+", plain), layer_id, f"{as_of or datetime.now(UTC):%Y-%m-%d}"]
    return "-".join(words) + ending


def _send_page(job: Job, wanted: Format, links: list[str]) -> Response:
    with context.database().reading() as cursor, snapshot(cursor.connection):
        edges = read_page(
            cursor,
            job.layer,
            replace(job.query, fields=(), geometry=False),
            job.site,
            job.viewer,
            count=False,
        )
        given = {name: value for name, value in request.args.items() if name not in ("offset", "cursor")}
        for rel, place in (("next", edges.next), ("prev", edges.previous)):
            if place is not None:
                token = encode_cursor(job.layer, job.query.sort, place)
                address = f"{_home(job.layer)}/items?{urlencode({**given, 'cursor': token})}"
                links.append(f'<{address}>; rel="{rel}"; type="{wanted.media_type}"')
        _tell_version(job.layer, edges)
        if wanted.stream is not None:
            return Response(b"".join(wanted.stream(cursor.connection, job)))
        return _written(cursor.connection, job, wanted)


def _send_all(job: Job, wanted: Format) -> Response:
    slots: threading.BoundedSemaphore = current_app.extensions[SLOTS]
    if not slots.acquire(blocking=False):
        problem = Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "Too many downloads at once. Try again in a moment."
        )
        raise Busy(problem)
    with ExitStack() as stack:
        stack.callback(slots.release)
        connection = stack.enter_context(context.database().reading()).connection
        stack.enter_context(snapshot(connection))
        if wanted.stream is None:
            # One row is enough to learn the version that all of this snapshot has.
            one = replace(job.query, limit=1, sort=(), fields=(), geometry=False)
            with connection.cursor() as cursor:
                edge = read_page(cursor, job.layer, one, job.site, job.viewer, count=False)
            _tell_version(job.layer, edge)
            return _written(connection, job, wanted)
        chunks = stack.enter_context(closing(wanted.stream(connection, job)))
        # What can go wrong at the start goes wrong here, where it still becomes a problem document.
        started = [next(chunks, b""), next(chunks, b"")]
        response = Response(chain(started, chunks))
        # Also when the client leaves in the middle.
        response.call_on_close(stack.pop_all().close)
        return response


def _written(connection: Connection[tuple[object, ...]], job: Job, wanted: Format) -> Response:
    """A finished file. It has no name any more when it is sent, so that nothing can be left behind."""
    with tempfile.TemporaryDirectory(prefix="mapservice-download-") as folder:
        path = Path(folder) / f"{job.layer.id}{wanted.ending}"
        wanted.save(connection, job, path)
        file = path.open("rb")
    response = Response(wrap_file(request.environ, file), direct_passthrough=True)
    response.content_length = os.fstat(file.fileno()).st_size
    response.call_on_close(file.close)
    return response


def _tell_version(layer: Layer, page: Page) -> None:
    """Say from which version of the layer the answer is, so that it can be kept while that stands."""
    if page.version is not None:
        request.environ[VERSIONS] = {layer.relation: page.version}


class Busy(Exception):
    """All places for downloads are taken."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@api.errorhandler(Busy)
def tell_busy(busy: Busy) -> Response:
    """The problem, and when to come back."""
    response = problem_response(busy.problem)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _links(layer: Layer, wanted: Format) -> list[str]:
    here = f"{_home(layer)}/items" + (f"?{urlencode(request.args)}" if request.args else "")
    return [
        f'<{here}>; rel="self"; type="{wanted.media_type}"',
        f'<{_home(layer)}>; rel="collection"; type="{documents.JSON}"',
        f'<{layer.licence_url}>; rel="license"; title="{layer.licence}"',
    ]


def _home(layer: Layer) -> str:
    return f"{context.site()}/api/collections/{layer.id}"


def _content_type(wanted: Format) -> str:
    return f"{wanted.media_type}; charset=utf-8" if wanted.id == "csv" else wanted.media_type
