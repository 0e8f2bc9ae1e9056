"""What changed in a layer since a moment: ids for programs that keep a copy, a feed for people who watch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request

from mapservice.layers.history import Changes, HistoryRestarted, Position, parse_since, read_changes
from mapservice.layers.layer import Layer
from mapservice.layers.query import parse_integer
from mapservice.web import context
from mapservice.web.accepting import ATOM, CHANGES, chosen
from mapservice.web.api import api, documents
from mapservice.web.api.features import find_layer
from mapservice.web.api.feed import changes_feed
from mapservice.web.api.parameters import Reader, one_of
from mapservice.web.problems import Problem

CHANGES_LIMIT = 1000
CHANGES_MAX = 10_000
FEED_LIMIT = 100
PARAMETERS = ("since", "limit", "f")


@api.get("/collections/<layer_id>/changes")
def changes(layer_id: str) -> Response:
    """Ids of features created, updated and deleted since an instant or a token."""
    layer = find_layer(layer_id)
    reader = Reader(request.args, PARAMETERS)
    as_feed = reader.read("f", one_of(("json", "atom")), _accepted()) == "atom"
    usual = FEED_LIMIT if as_feed else CHANGES_LIMIT
    limit = reader.read("limit", lambda text: parse_integer(text, 1, CHANGES_MAX), usual)
    position = reader.read("since", lambda text: parse_since(layer, text), Position())
    reader.finish()
    try:
        with context.database().reading() as cursor:
            # A feed reader shows the first page: there the newest comes first.
            found = read_changes(cursor, layer, position, context.viewer(), limit, newest_first=as_feed)
    except HistoryRestarted:
        raise Problem(
            410, "The history of this layer began anew since: load it again and go on from there."
        ) from None
    except LookupError:
        raise Problem(404, f"No history is kept of {layer.title}.") from None
    return _feed(layer, found) if as_feed else _json(layer, found)


def _accepted() -> str:
    return "atom" if chosen(request.headers.get("Accept", ""), CHANGES) == ATOM else "json"


def _json(layer: Layer, found: Changes) -> Response:
    home = f"{context.site()}/api/collections/{layer.id}"
    links = [
        documents.link(_address(layer), "self", documents.JSON, "These changes"),
        documents.link(_address(layer, f="atom"), "alternate", ATOM, "These changes as a feed"),
        documents.link(home, "collection", documents.JSON, layer.title),
    ]
    if found.next:
        links.append(
            documents.link(_address(layer, since=found.next), "next", documents.JSON, "More changes")
        )
    document: dict[str, Any] = {
        "since": found.since,
        "until": found.until,
        **{
            kind: [{"id": entry.id, "when": entry.when} for entry in found.entries if entry.kind == kind]
            for kind in ("created", "updated", "deleted")
        },
        "numberReturned": len(found.entries),
        "token": found.token,
        "links": links,
    }
    response = Response(orjson.dumps(document, option=orjson.OPT_UTC_Z), content_type=documents.JSON)
    return _linked(response, layer, found)


def _feed(layer: Layer, found: Changes) -> Response:
    links = {"self": _address(layer)}
    if found.next:
        links["next"] = _address(layer, since=found.next, f="atom")
    updated = found.until or found.since or datetime.fromtimestamp(0, UTC)
    body = changes_feed(context.site(), layer, context.borough().name, updated, found.entries, links)
    return _linked(Response(body, content_type=f"{ATOM}; charset=utf-8"), layer, found)


def _linked(response: Response, layer: Layer, found: Changes) -> Response:
    if found.next:
        response.headers["Link"] = f'<{_address(layer, since=found.next)}>; rel="next"'
    return response


def _address(layer: Layer, **other: str) -> str:
    """This request's own address with other parameters."""
    given = {**request.args.to_dict(), **other}
    query = f"?{urlencode(given)}" if given else ""
    return f"{context.site()}/api/collections/{layer.id}/changes{query}"
