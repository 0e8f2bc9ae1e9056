"""Changes of a layer since a moment: net effect, tokens that lose nothing, pages, and a feed."""

from xml.etree import ElementTree

import pytest
from openapi_spec_validator import validate
from sqlalchemy import text

from mapservice import create_app

ATOM = "{http://www.w3.org/2005/Atom}"
KINDS = ("created", "updated", "deleted")
COPY = (
    "INSERT INTO register.assets (id, name, categories, position, geom, source_id, verified)"
    " SELECT :id, :name, categories, position, geom, source_id, false FROM register.assets"
    " WHERE id = 'finsbury-library'"
)


@pytest.fixture
def client(settings, fresh_database, front_end):
    return create_app(settings, fresh_database).test_client()


@pytest.fixture
def write(fresh_database):
    def write(statement, **parameters):
        with fresh_database.session("tester", as_owner=True) as session:
            session.execute(text(statement), parameters)

    return write


def changes(client, layer="libraries", **parameters):
    response = client.get(f"/api/collections/{layer}/changes", query_string=parameters)
    assert response.status_code == 200, response.text
    return response.get_json()


def ids(document):
    return {kind: [entry["id"] for entry in document[kind]] for kind in KINDS if document[kind]}


def parse(content):
    return ElementTree.fromstring(content)  # noqa: S314 - our own


def token(client, layer="libraries"):
    return changes(client, layer)["token"]


def test_without_since_everything_is_new(client):
    document = changes(client)
    everything = client.get("/api/collections/libraries/items").get_json()["features"]
    assert sorted(entry["id"] for entry in document["created"]) == [f["id"] for f in everything]
    assert ids(changes(client, since=document["token"])) == {}
    assert changes(client, since=document["token"])["token"] == document["token"]


def test_created_updated_and_deleted_are_told_once_with_when(client, write):
    since = token(client)
    write(COPY, id="new-library", name="New Library")
    write("UPDATE register.assets SET name = 'Renamed' WHERE id = 'finsbury-library'")
    write("DELETE FROM register.assets WHERE id = 'archway-library'")
    document = changes(client, since=since)
    assert ids(document) == {
        "created": ["new-library"], "updated": ["finsbury-library"], "deleted": ["archway-library"]
    }  # fmt: skip
    moments = [document[kind][0]["when"] for kind in KINDS]
    assert moments == sorted(moments)
    assert document["until"] == moments[-1]
    assert ids(changes(client, since=document["token"])) == {}
    assert ids(changes(client, since=moments[0])) == {
        "updated": ["finsbury-library"], "deleted": ["archway-library"]
    }  # fmt: skip
    assert ids(changes(client, since="2020-01-01"))["created"]


def test_only_the_net_effect_counts(client, write):
    since = token(client)
    write(COPY, id="brief-library", name="Brief")
    write("DELETE FROM register.assets WHERE id = 'brief-library'")
    write(COPY, id="new-library", name="New")
    write("UPDATE register.assets SET name = 'Newer' WHERE id = 'new-library'")
    write("UPDATE register.assets SET name = 'Last words' WHERE id = 'archway-library'")
    write("DELETE FROM register.assets WHERE id = 'archway-library'")
    write("DELETE FROM register.assets WHERE id = 'west-library'")
    write(COPY, id="west-library", name="Again")
    document = changes(client, since=since)
    assert ids(document) == {
        "created": ["new-library"], "updated": ["west-library"], "deleted": ["archway-library"]
    }  # fmt: skip
    assert ids(changes(client, since=document["token"])) == {}


def test_entering_and_leaving_a_layer_is_being_created_and_deleted(client, write):
    since = {layer: token(client, layer) for layer in ("libraries", "community-centres", "assets")}
    write("UPDATE register.assets SET categories = '{community-centre}' WHERE id = 'archway-library'")
    assert ids(changes(client, since=since["libraries"])) == {"deleted": ["archway-library"]}
    assert ids(changes(client, "community-centres", since=since["community-centres"])) == {
        "created": ["archway-library"]
    }
    assert ids(changes(client, "assets", since=since["assets"])) == {"updated": ["archway-library"]}


def test_a_change_elsewhere_in_the_register_reaches_the_layer(client, write):
    since = token(client)
    write(
        "UPDATE register.areas SET name = 'Newtown'"
        " WHERE id = 'clerkenwell' AND boundary_set_id = 'wards-2002'"
    )
    assert "finsbury-library" in ids(changes(client, since=since))["updated"]


def test_pages_of_a_window_stay_the_same_while_the_register_changes(client, write):
    since = token(client, "assets")
    write("UPDATE register.assets SET note = 'x'")
    url, found, first = f"/api/collections/assets/changes?limit=7&since={since}", [], None
    while url:
        document = client.get(url).get_json()
        first = first or document
        assert document["numberReturned"] <= 7
        assert document["until"] == first["until"]
        found += ids(document)["updated"]
        write("UPDATE register.assets SET note = note || 'y' WHERE id = :id", id=found[0])
        url = next((link["href"] for link in document["links"] if link["rel"] == "next"), None)
    everything = client.get("/api/collections/assets/items?limit=1000").get_json()["features"]
    assert sorted(found) == [f["id"] for f in everything]
    assert len(found) > 7
    assert ids(changes(client, "assets", since=document["token"])) == {"updated": [found[0]]}


def test_a_token_of_a_history_that_began_anew_is_gone(client, write):
    since = token(client)
    write("SELECT layers.track('layers.assets', 'row_key', 'id')")
    response = client.get(f"/api/collections/libraries/changes?since={since}")
    assert response.status_code == 410
    assert response.content_type == "application/problem+json"
    assert len(changes(client)["created"]) == 10


@pytest.mark.parametrize(
    "query, parameter",
    [
        ("since=yesterday", "since"),
        ("since=", "since"),
        ("since=9999-01-01", "since"),
        ("since=2026-01-01/2026-02-01", "since"),
        ("since=" + "W" * 5000, "since"),
        ("since=WyJhIl0", "since"),
        ("since='; DROP TABLE history.versions; --", "since"),
        ("limit=0", "limit"),
        ("f=html", "f"),
        ("sinse=2026-01-01", "sinse"),
    ],
)
def test_what_cannot_be_understood_is_refused(client, query, parameter):
    response = client.get(f"/api/collections/libraries/changes?{query}")
    assert response.status_code == 400
    assert [error["parameter"] for error in response.get_json()["errors"]] == [parameter]


def test_a_token_of_another_layer_is_refused(client):
    assert client.get(f"/api/collections/hubs/changes?since={token(client)}").status_code == 400


def test_the_feed_is_atom_newest_first_with_everything_escaped(client, write):
    write(COPY, id="odd-library", name='Odd <b>&amp; "x" \x0b\u2028\ufffe name')
    write("DELETE FROM register.assets WHERE id = 'archway-library'")
    for response in (
        client.get("/api/collections/libraries/changes?f=atom"),
        client.get("/api/collections/libraries/changes", headers={"Accept": "application/atom+xml"}),
    ):
        assert response.content_type.startswith("application/atom+xml")
        feed = parse(response.data)
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert feed.findtext(ATOM + name)
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    assert {link.get("rel") for link in feed.iter(f"{ATOM}link")} >= {"self", "alternate"}
    entries = feed.findall(f"{ATOM}entry")
    moments = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert moments == sorted(moments, reverse=True)
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(entries) == 10
    assert entries[0].findtext(f"{ATOM}title") == 'New: Odd <b>&amp; "x" \u2028 name'
    assert "archway-library" not in response.text
    since = token(client)
    write("DELETE FROM register.assets WHERE id = 'odd-library'")
    feed = parse(client.get(f"/api/collections/libraries/changes?f=atom&since={since}").data)
    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "Gone: odd-library"


def test_the_feed_has_pages(client):
    seen, url = [], "/api/collections/libraries/changes?f=atom&limit=3"
    while url:
        feed = parse(client.get(url).data)
        seen += [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")]
        url = next((x.get("href") for x in feed.iter(f"{ATOM}link") if x.get("rel") == "next"), None)
    assert len(seen) == len(set(seen)) == 10


def test_layers_link_to_their_changes_and_openapi_describes_them(client):
    for collection in client.get("/api/collections").get_json()["collections"]:
        links = {(link["rel"], link["type"]): link["href"] for link in collection["links"]}
        assert client.get(links["related", "application/json"]).status_code == 200
        assert client.get(links["alternate", "application/atom+xml"]).status_code == 200
    document = client.get("/api/openapi.json").get_json()
    validate(document)
    assert "/collections/libraries/changes" in document["paths"]
    for path in ("/collections/libraries/items", "/collections/libraries/items/{featureId}"):
        names = [parameter["name"] for parameter in document["paths"][path]["get"]["parameters"]]
        assert names.count("as_of") == 1
