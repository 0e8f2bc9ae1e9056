"""What is answered without Flask is what Flask would have answered, to the byte; the rest goes to Flask."""

import pytest
from flask import Flask
from werkzeug.test import Client

PATH = "/api/collections/libraries/items"
ONE = f"{PATH}/finsbury-library"
TILES = "/api/collections/libraries/tiles/WebMercatorQuad"
BOX = "bbox=-0.12,51.52,-0.1,51.54"

PLAIN = [
    PATH,
    ONE,
    f"{PATH}?limit=2",
    f"{PATH}?limit=2&offset=2",
    f"{PATH}?limit=100000",
    f"{PATH}?limit=2&sortby=-name",
    f"{PATH}?{BOX}&bbox-crs=http%3A%2F%2Fwww.opengis.net%2Fdef%2Fcrs%2FOGC%2F1.3%2FCRS84",
    f"{PATH}?filter=name+LIKE+%27F%25%27&f=json",
    f"{PATH}?filter=name%20=%20%27nobody%27",
    f"{PATH}?offset=5000",
    f"{PATH}?offset=5000&limit=3&name=Finsbury+Library",
    f"{PATH}?crs=http://www.opengis.net/def/crs/EPSG/0/27700&properties=name",
    f"{PATH}?name=caf%C3%A9",
    f"{PATH}?count=exact&skip-geometry=true",
    "/api/collections/wards-2022/items?limit=3",
    "/api/collections/assets/items?limit=1000",
    f"{ONE}?crs=http://www.opengis.net/def/crs/EPSG/0/27700&properties=name",
    f"{TILES}/14/5445/8187",
    f"{TILES}/10/340/511?f=pbf&name=Finsbury+Library",
    f"{TILES}/10/340/511?filter=name+LIKE+%27F%25%27&properties=name",
    "/api/collections/wards-2022/tiles/WebMercatorQuad/12/1361/2046",
    "/api/collections",
    "/api/collections?f=json",
]
EMPTY = [f"{TILES}/10/0/0", f"{TILES}/10/340/511?name=nobody"]
MISTAKES = [
    f"{PATH}?limit=0",
    f"{PATH}?bbox=1,2",
    f"{PATH}?filter=name+%3D+",
    f"{PATH}?limit=1&limit=2",
    f"{PATH}?cursor=nonsense",
    f"{PATH}/nobody",
    f"{PATH}/a%00b",
    f"{ONE}?crs=nonsense",
    f"{TILES}/10/340/511?limit=1",
    f"{TILES}/10/340/511?f=json",
    f"{TILES}/10/340/5000",
    f"{TILES}/10/340/a",
]
NOT_PLAIN = [
    f"{PATH}?nmae=x",
    f"{PATH}?name=%FF",
    f"{PATH}?f=html&limit=1",
    f"{PATH}?f=csv&limit=1",
    f"{PATH}?f=nonsense",
    f"{PATH}?as_of=2020-01-01T00:00:00Z",
    f"{PATH}/",
    f"{PATH}//finsbury-library",
    f"{ONE}/more",
    "/api/collections/nothing/items",
    "/api/collections/libraries",
    "/api/collections?f=html",
    "/api/collections?f=xml",
    "/api/collections?limit=1",
    f"{TILES}/10/340/511?nmae=x",
    f"{TILES}/10/340",
    "/api/collections/libraries/tiles/WorldCRS84Quad/10/340/511",
    "/api/collections/nothing/tiles/WebMercatorQuad/10/340/511",
    "/api/conformance",
]
HEADERS = [
    {},
    {"Accept-Encoding": "gzip, br"},
    {"Accept-Encoding": "zstd;q=0, identity"},
    {"Accept": "application/geo+json, */*;q=0.1", "X-Request-Id": "chosen-by-a-proxy"},
]


@pytest.fixture
def asked_flask(app, monkeypatch):
    """The paths that Flask itself was asked for."""
    paths = []
    dispatch = app.full_dispatch_request

    def spy():
        from flask import request

        paths.append(request.full_path)
        return dispatch()

    monkeypatch.setattr(app, "full_dispatch_request", spy)
    return paths


def both(app, path, method="GET", headers=None):
    """The answers with and without the short way; a cookie keeps the kept answers out of it."""
    given = {"Cookie": "none=1", "X-Request-Id": "the-same-for-both", **(headers or {})}
    ways = (app.wsgi_app, lambda environ, start: Flask.wsgi_app(app, environ, start))
    return [Client(way, use_cookies=False).open(path, method=method, headers=given) for way in ways]


def seen(response):
    return response.status, response.data, sorted(response.headers.items())


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_request_gets_the_same_answer_without_flask(app, asked_flask, path):
    for headers in HEADERS:
        for method in ("GET", "HEAD"):
            short, long = both(app, path, method, headers)
            assert seen(short) == seen(long)
            assert short.status_code == 200
            assert len(asked_flask) == 1
            asked_flask.clear()


@pytest.mark.parametrize("path", EMPTY)
def test_an_empty_tile_is_empty_in_both_ways(app, asked_flask, path):
    short, long = both(app, path)
    assert seen(short) == seen(long)
    assert short.status_code == 204
    assert len(asked_flask) == 1


@pytest.mark.parametrize("path", MISTAKES)
def test_a_mistake_is_told_by_flask(app, path):
    short, long = both(app, path)
    assert seen(short) == seen(long)
    assert short.status_code in (400, 404)
    assert short.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", NOT_PLAIN)
def test_what_is_not_plain_goes_to_flask(app, asked_flask, path):
    short, long = both(app, path)
    assert seen(short) == seen(long)
    assert len(asked_flask) == 2


@pytest.mark.parametrize(
    "headers, method",
    [
        ({"Accept": "text/html"}, "GET"),
        ({"Accept": "text/csv"}, "GET"),
        ({"Prefer": "handling=strict"}, "GET"),
        ({"Authorization": "Bearer nonsense"}, "GET"),
        ({"Cookie": "session=somebody"}, "GET"),
        ({"Host": "elsewhere.example"}, "GET"),
        ({}, "OPTIONS"),
        ({}, "DELETE"),
    ],
)
def test_who_asks_in_another_way_is_answered_by_flask(app, asked_flask, headers, method):
    # A tile has one representation, whatever is accepted.
    listed = [] if headers.get("Accept") == "text/csv" else ["/api/collections"]
    for path in (PATH, ONE, *listed, *([] if "Accept" in headers else [f"{TILES}/14/5445/8187"])):
        short, long = both(app, path, method, headers)
        assert seen(short) == seen(long)
        assert len(asked_flask) == 2
        asked_flask.clear()


def test_a_failure_is_told_once_and_not_tried_again(app, monkeypatch):
    from psycopg.errors import QueryCanceled

    tries = []

    def fail(*_):
        tries.append(1)
        raise QueryCanceled

    monkeypatch.setattr(app.extensions["counts"], "read_page", fail)
    answer = Client(app.wsgi_app, use_cookies=False).get(PATH, headers={"Cookie": "none=1"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert len(tries) == 1


def test_the_same_tag_stands_for_the_same_answer_in_both_ways(app):
    short, long = both(app, "/api/collections/assets/items/finsbury-library")
    assert short.headers["ETag"] == long.headers["ETag"]
