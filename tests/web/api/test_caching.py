"""Answers are kept and revalidated by the database's change counter: right the moment a row changes."""

import gzip
import itertools
import json

import pytest
from sqlalchemy import text

from mapservice import create_app

editions = itertools.count(1)
PATH = "/api/collections/libraries/items"


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
    answers = [client.get(PATH, headers={"If-None-Match": tag}) for tag in ('"other"', etag) for _ in range(2)]
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
    assert client.get(f"{PATH}?limit=0", headers={"If-None-Match": "*"}).status_code in (304, 400)
