"""Islington is data: the whole service on a made-up borough, with nothing of Islington left anywhere."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from mapservice import create_app
from mapservice.register import migrate
from mapservice.sources.load import load_geodata

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

TOYTOWN = Path(__file__).parent / "boroughs" / "toytown"
ELSEWHERE = re.compile(
    rb"islington|E09000019|E05000\d{3}|finsbury|7527|wards-20[02]2\b|\bN1 9JP\b", re.IGNORECASE
)
LAYERS = {
    "wards-1999": 4,
    "wards-2019": 5,
    "localities": 2,
    "assets": 6,
    "hubs": 2,
    "community-centres": 2,
    "libraries": 1,
    "childrens-centres": 1,
    "gp-sites": 1,
    "green-spaces": 3,
    "potential-green-spaces": 1,
    "lsoa-2021": 0,
    "services": 0,
}
START = (
    "/",
    "/find?postcode=ZZ1+1AA&need=food",
    "/find?postcode=ZZ1+2AB",
    "/find?postcode=nonsense",
    "/map",
    "/map/names?q=hub",
    "/assets?layer=assets",
    "/green-spaces?layer=potential-green-spaces",
    "/data",
    "/api",
    "/api/openapi.json",
    "/api/lookup?postcode=ZZ1+1AA",
    "/api/lookup?postcode=N1+9JP",
    "/api/nearest?postcode=ZZ1+2AB",
    "/health/ready",
    "/nothing",
    *(f"/api/collections/{layer}/items?limit=2" for layer in LAYERS),
)


@pytest.fixture(scope="module")
def app(make_database: Any, settings: Any, front_end: None) -> Iterator[Flask]:
    """The service on Toytown's folder and on a database that has never seen another."""
    with make_database("bare") as database:
        migrate.upgrade(database)
        report = load_geodata(database, TOYTOWN)
        assert report.ok, report.render()
        yield create_app(settings.model_copy(update={"geodata_dir": TOYTOWN}), database)


@dataclass(frozen=True)
class Seen:
    """One answer of the crawl."""

    kind: str
    status: int
    body: bytes


@pytest.fixture(scope="module")
def everything(app: Flask) -> dict[str, Seen]:
    """What following links leads to, with its answer: every path, and with each set of parameters twice."""
    client = app.test_client()
    seen: dict[str, Seen] = {}
    asked: Counter[tuple[str, frozenset[str]]] = Counter()
    waiting = deque(START)
    while waiting:
        path = waiting.popleft()
        parts = urlsplit(path)
        form = parts.path, frozenset(parse_qs(parts.query, keep_blank_values=True))
        if path in seen or "lang" in form[1] or (asked[form] >= 2 and path not in START):
            continue
        asked[form] += 1
        answer = client.get(path, buffered=True)  # closed at once: a download keeps its turn until then
        seen[path] = Seen(answer.mimetype, answer.status_code, answer.data)
        assert len(seen) < 2500, "links without end"
        waiting.extend(link for link in _links(path, answer) if link not in seen)
    return seen


def _links(path: str, answer: TestResponse) -> Iterator[str]:
    """Addresses of this service that an answer links to."""
    if answer.mimetype == "text/html":
        found = [unescape(link) for link in re.findall(r'(?:href|src|action)="([^"]+)"', answer.text)]
    elif answer.mimetype.endswith("json"):
        found = re.findall(r'"href": ?"([^"]+)"', answer.text)
    else:
        found = []
    for link in found:
        parts = urlsplit(urljoin(f"http://localhost{path}", link))
        if parts.netloc == "localhost" and parts.scheme == "http" and "{" not in parts.path:
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def test_nothing_anywhere_says_islington(everything: dict[str, Seen]) -> None:
    found = {path: match for path, seen in everything.items() if (match := ELSEWHERE.search(seen.body))}
    # What was typed is said back, and is the one thing that is not the borough's own.
    found.pop("/api/lookup?postcode=N1+9JP", None)
    assert found == {}


def test_every_page_says_toytown_and_its_telephone(everything: dict[str, Seen]) -> None:
    pages = {
        path: seen for path, seen in everything.items() if seen.kind == "text/html" and seen.status == 200
    }
    assert len(pages) > 40
    for path, seen in pages.items():
        assert b"Toytown community map" in seen.body, path
        assert b'href="tel:01632960000"' in seen.body, path


def test_no_link_leads_nowhere(everything: dict[str, Seen]) -> None:
    broken = {path: seen.status for path, seen in everything.items() if seen.status >= 400}
    assert broken == {"/find?postcode=nonsense": 404, "/api/lookup?postcode=N1+9JP": 404, "/nothing": 404}


def test_every_kind_of_thing_was_looked_at(everything: dict[str, Seen]) -> None:
    kinds = {seen.kind for seen in everything.values()}
    assert {"text/html", "application/json", "application/geo+json", "text/javascript", "text/css"} <= kinds
    for path in ("/assets/blot-library", "/assets/upper-hub", "/green-spaces/seam-park", "/map", "/data"):
        assert everything[path].status == 200
    for layer in LAYERS:
        assert f"/api/collections/{layer}?f=html" in everything


def test_the_layers_are_its_own(client: FlaskClient) -> None:
    collections = client.get("/api/collections").get_json()["collections"]
    assert {layer["id"]: layer["numberOfFeatures"] for layer in collections} == LAYERS
    for layer, count in LAYERS.items():
        assert len(client.get(f"/api/collections/{layer}/items").get_json()["features"]) == count
    quarters = next(layer for layer in collections if layer["id"] == "localities")
    assert quarters["title"] == "Quarters"
    west, south, east, north = quarters["extent"]["spatial"]["bbox"][0]
    assert -2.3 < west < east < -2.2
    assert 54.05 < south < north < 54.1


def test_lookup_answers_with_its_own_vintages(client: FlaskClient) -> None:
    answer = client.get("/api/lookup?postcode=zz11aa").get_json()
    assert set(answer["wards"]) == {"1999", "2019"}
    assert answer["wards"]["1999"]["code"] == "T01"
    assert answer["locality"] == {"id": "lower", "name": "Lower"}
    assert client.get("/api/lookup?postcode=N1+9JP").status_code == 404


def test_nearest_answers_in_order_of_distance(client: FlaskClient) -> None:
    features = client.get("/api/nearest?postcode=ZZ1+1AA&layers=assets").get_json()["features"]
    distances = [feature["properties"]["distance_m"] for feature in features]
    assert features[0]["id"] == "blot-library"
    assert distances == sorted(distances)
    assert len(features) == 5  # the sixth has no place yet


def test_find_names_its_hubs_and_quarters(client: FlaskClient) -> None:
    lower = client.get("/find?postcode=ZZ1+1AA").text
    assert "Help Point for Lower Toytown" in lower
    assert lower.index("Start here") < lower.index("Blot Library") < lower.index("Other places close by")
    assert re.search(r"This is in [A-Z][\w ]+ ward, Lower Toytown", lower)
    upper = client.get("/find?postcode=ZZ1+2AB").text
    assert "Upper Toytown will have its own Help Point" in upper
    assert "Toytown Direct" in upper


def test_the_map_asks_for_its_own_layers(client: FlaskClient) -> None:
    page = client.get("/map").text
    assert "Map of Toytown" in page
    script = re.search(r'src="(/map/full-[^"]+)"', page)
    assert script
    told = client.get(script[1]).text
    assert all(f"/api/collections/{layer}/items" in told for layer in LAYERS)
    assert "54.0806" in told
