"""Answers are kept and revalidated by the database's change counter: right the moment a row changes."""

import gzip
import itertools
import json

import psycopg
import pytest
from sqlalchemy import text

from mapservice import create_app
from mapservice.web import caching
from mapservice.web.caching import ENTRY_BYTES, Kept, KeptAnswers

editions = itertools.count(1)
PATH = "/api/collections/libraries/items"
LATE = "Fri, 01 Jan 2038 00:00:00 GMT"


@pytest.fixture
def kept(app, monkeypatch):
    """The kept answers: none as yet."""
    monkeypatch.setattr(app.wsgi_app, "_kept", KeptAnswers(10**7))
    return app.wsgi_app._kept


@pytest.fixture
def change(database):
    def run(name=None):
        name = name or f"Changed {next(editions)}"
        with database.session("tester") as session:
            session.execute(
                text("UPDATE register.assets SET name = :name WHERE id = 'finsbury-library'"), {"name": name}
            )
        return name

    return run


def names(response):
    return [f["properties"]["name"] for f in response.get_json()["features"]]


@pytest.mark.parametrize(
    "path",
    [PATH, f"{PATH}/finsbury-library", f"{PATH}?f=html", "/api/collections", "/api/collections/libraries"],
)
def test_an_unchanged_answer_is_not_sent_again(client, change, path):
    first = client.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    etag = first.headers["ETag"]
    assert not etag.startswith("W/")
    for _ in range(2):
        again = client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
    assert client.get(path).headers["ETag"] == etag
    name = change()
    fresh = client.get(path, headers={"If-None-Match": etag})
    assert fresh.status_code == 200
    assert fresh.headers["ETag"] != etag
    if path.startswith(PATH):
        assert name in fresh.text


def test_a_kept_answer_is_the_same_answer(client):
    first, second = client.get(PATH), client.get(PATH)
    assert first.data == second.data
    same = [h for h in first.headers if h[0] not in ("X-Request-Id", "Last-Modified")]
    assert [h for h in second.headers if h[0] not in ("X-Request-Id", "Last-Modified")] == same


def test_each_answer_has_an_id_of_its_own_kept_or_not(client):
    etag = client.get(PATH).headers["ETag"]
    answers = [
        client.get(PATH, headers={"If-None-Match": tag}) for tag in ('"other"', etag) for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [200, 200, 304, 304]
    assert len({a.headers["X-Request-Id"] for a in answers}) == 4
    for answer in answers:
        # What caches and pages of other sites go by must not be lost with the body.
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert {"Accept", "Accept-Encoding"} <= {word.strip() for word in answer.headers["Vary"].split(",")}


def test_an_empty_tile_and_a_style_are_kept_too(client, change):
    for path, status in (
        ("/api/tiles/WebMercatorQuad/14/0/0", 204),
        ("/api/collections/libraries/tiles/WebMercatorQuad/14/0/0", 204),
        ("/api/styles/default", 200),
    ):
        first = client.get(path)
        assert first.status_code == status
        etag = first.headers["ETag"]
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
        change()
        fresh = client.get(path, headers={"If-None-Match": etag})
        assert (fresh.status_code, fresh.data) == (status, first.data)


def test_a_change_by_another_process_is_seen_at_once(settings, database, client, change):
    other = create_app(settings, database).test_client()
    for _ in range(5):
        name = change()
        assert name in names(client.get(PATH))
        assert name in names(other.get(PATH))


def test_a_change_rolled_back_changes_nothing(client, database):
    etag = client.get(PATH).headers["ETag"]
    with database.editor.connect() as connection:
        connection.execute(text("UPDATE register.assets SET name = 'x' WHERE id = 'finsbury-library'"))
        connection.rollback()
    assert client.get(PATH, headers={"If-None-Match": etag}).status_code == 304


def test_another_layer_of_another_relation_keeps_its_answers(client, change):
    etag = client.get("/api/collections/wards-2022/items").headers["ETag"]
    change()
    again = client.get("/api/collections/wards-2022/items", headers={"If-None-Match": etag})
    assert again.status_code == 304


def test_the_tag_of_a_feature_is_that_of_what_is_sent_and_not_of_how_it_was_asked_for(client):
    def tag(accept, encoding="gzip"):
        headers = {"Accept": accept, "Accept-Encoding": encoding}
        return client.get(f"{PATH}/finsbury-library", headers=headers).headers["ETag"]

    usual = tag("application/geo+json")
    assert tag("application/geo+json, text/plain;q=0.3", "gzip;q=0.8, identity;q=0.1") == usual
    assert len({usual, tag("text/html"), tag("application/geo+json", "identity")}) == 3


def test_each_encoding_and_query_has_its_own_tag(client):
    plain = client.get(PATH)
    packed = client.get(PATH, headers={"Accept-Encoding": "gzip"})
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert json.loads(gzip.decompress(packed.data)) == plain.get_json()
    assert client.get(f"{PATH}?limit=2").headers["ETag"] != plain.headers["ETag"]
    again = client.get(PATH, headers={"Accept-Encoding": "gzip"})
    assert again.data == packed.data
    assert again.headers["Content-Encoding"] == "gzip"


def test_head_is_get_without_its_body(client):
    got = client.get(PATH)
    for _ in range(2):
        head = client.head(PATH)
        assert head.data == b""
        assert head.headers["ETag"] == got.headers["ETag"]
        assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_if_modified_since(client, change, database):
    with database.owner.begin() as connection:
        connection.execute(text("UPDATE layers.relations SET changed_at = now() - interval '1 hour'"))
    first = client.get(PATH)
    since = first.headers["Last-Modified"]
    assert client.get(PATH, headers={"If-Modified-Since": since}).status_code == 304
    change()
    fresh = client.get(PATH, headers={"If-Modified-Since": since})
    assert fresh.status_code == 200
    # A change of this very second could be followed by another that the date cannot tell from it.
    assert "Last-Modified" not in fresh.headers


def test_errors_are_never_kept(client):
    for _ in range(2):
        response = client.get(f"{PATH}?limit=0")
        assert response.status_code == 400
        assert "ETag" not in response.headers


@pytest.mark.parametrize("condition", [{"If-None-Match": "*"}, {"If-Modified-Since": LATE}])
@pytest.mark.parametrize(
    "path,status",
    [
        (f"{PATH}?limit=0", 400),
        ("/api/collections?nonsense=1", 400),
        ("/api/collections/libraries/nothing", 404),
        ("/api/tiles/NoSuchSet/0/0/0", 404),
        ("/openreferral/3.0/services/nothing", 404),
        ("/openreferral/3.0/services?nonsense=1", 400),
    ],
)
def test_what_would_be_refused_is_not_called_unchanged(client, path, status, condition):
    for _ in range(2):
        assert client.get(path, headers=condition).status_code == status


def test_any_representation_will_do_for_a_star_once_there_is_one(client):
    for _ in range(2):
        assert client.get("/api/collections", headers={"If-None-Match": "*"}).status_code == 304


def test_a_date_of_ones_own_may_lie_between_two_changes(client, database):
    with database.owner.begin() as connection:
        connection.execute(
            text("UPDATE layers.relations SET changed_at = '2026-01-02 03:04:05.9Z', version = version + 1")
        )
    given = client.get(PATH).headers["Last-Modified"]
    assert given == "Fri, 02 Jan 2026 03:04:06 GMT"
    for since, status in ((given, 304), ("Fri, 02 Jan 2026 03:04:05 GMT", 200), (LATE, 200)):
        assert client.get(PATH, headers={"If-Modified-Since": since}).status_code == status


def test_a_kept_answer_is_revalidated_by_date_without_running_the_query(
    app, kept, client, database, monkeypatch
):
    with database.owner.begin() as connection:
        connection.execute(
            text("UPDATE layers.relations SET changed_at = now() - interval '1 hour', version = version + 1")
        )
    since = client.get(PATH).headers["Last-Modified"]
    monkeypatch.setattr(app.wsgi_app, "_inner", lambda *_: pytest.fail("the query was run"))
    again = client.get(PATH, headers={"If-Modified-Since": since})
    assert again.status_code == 304


@pytest.mark.parametrize("path", [PATH, "/api/collections", "/openreferral/3.0/services"])
def test_unchanged_varies_by_what_the_answer_varies_by(app, client, kept, path, monkeypatch):
    def varies(answer):
        return {word.strip() for word in answer.headers["Vary"].split(",")}

    first = client.get(path)
    etag = {"If-None-Match": first.headers["ETag"]}
    assert varies(client.get(path, headers=etag)) == varies(first)
    monkeypatch.setattr(app.wsgi_app, "_kept", KeptAnswers(0))
    for _ in range(2):
        again = client.get(path, headers=etag)
        assert again.status_code == 304
        assert varies(again) >= varies(first)


def test_headers_that_mean_the_same_share_an_answer(client, kept):
    for number in range(5):
        headers = {
            "Accept": f"application/json, x/y{number};q=0.1",
            "Accept-Encoding": f"zstd, x{number}",
            "Prefer": f"respond-async, wait={number}",
        }
        assert client.get(PATH, headers=headers).status_code == 200
    assert len(kept) == 1
    client.get(PATH, headers={"Accept": "text/html"})
    client.get("/api/collections/libraries/changes", headers={"Accept": "application/atom+xml"})
    assert len(kept) > 1


def test_everything_that_is_kept_counts():
    kept = KeptAnswers(100_000, most=50)
    nothing = Kept("204 NO CONTENT", [("Link", "x" * 1000)], b"", '"x"', {})
    for number in range(200):
        kept.put((f"/{number}", "y" * 8000), nothing)
        assert kept.size_bytes <= 100_000
    assert 0 < len(kept) < 12
    for number in range(200):
        kept.put((f"/{number}",), Kept("204 NO CONTENT", [], b"", '"x"', {}))
    assert len(kept) == 50
    kept.put(("/0", "z" * 200_000), nothing)
    assert len(kept) == 50
    assert kept.size_bytes == 50 * ENTRY_BYTES + sum(len(f"/{number}") for number in range(150, 200))


@pytest.mark.parametrize("query", ["postcode=N1+9JP", "%70ostcode=N19JP", "lat=51.55&lon=-0.1", "postcode=x"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/lookup",
        "/api/nearest",
        "/openreferral/3.0/service_at_locations",
        "/openreferral/3.0/services",
        PATH,
    ],
)
def test_where_somebody_lives_is_not_kept(client, kept, path, query):
    answer = client.get(f"{path}?{query}")
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert "Last-Modified" not in answer.headers
    assert len(kept) == 0
    assert client.head(f"{path}?{query}").headers.getlist("Cache-Control") == ["no-store"]


def test_versions_that_cannot_be_read_are_a_failure_in_words(app, client, monkeypatch):
    client.get("/api/collections")

    def lost(_):
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(caching, "_read_text", lost)
    monkeypatch.setattr(app.wsgi_app, "_seen", {})
    # The application can still read: its answer is right, only without a date.
    assert client.get(f"{PATH}?limit=3").status_code == 200
    monkeypatch.setattr(type(app.extensions["database"].pool), "take", lost)
    away = client.get("/api/collections")
    assert away.status_code == 503
    assert int(away.headers["Retry-After"]) > 0
