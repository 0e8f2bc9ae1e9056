"""What somebody may not see is not there: on no surface, in no count, extent, change or past."""

import pytest
from sqlalchemy import text

from mapservice import create_app
from mapservice.layers import visibility
from mapservice.layers.layer import Layer, Property, Style

HIDE_SPOT = "ST_Translate(geom, -900, 4200)"
"""Beyond every library, so that an extent would tell."""
COPY = (
    "INSERT INTO register.assets (id, name, categories, position, geom, source_id, verified, visibility)"
    f" SELECT :id, :name, categories, position, {HIDE_SPOT}, source_id, false, :visibility"
    " FROM register.assets WHERE id = 'finsbury-library'"
)
PUBLIC, NETWORK, COUNCIL = (visibility.up_to(level) for level in visibility.LEVELS)


def layer(level):
    return Layer(
        id=f"{level}-layer",
        title=f"Layer of the {level}",
        description="For some.",
        relation="layers.green_spaces",
        geometry_kind="polygon",
        properties=(Property("name", "string", "Name"),),
        style=Style("#123456", "area", "A"),
        visibility=level,
        tracked=True,
        page="/green-spaces/",
    )


@pytest.fixture
def client_of(settings, fresh_database, front_end):
    """A function that gives a client for a viewer."""

    def make(viewer):
        app = create_app(settings, fresh_database)
        app.extensions["viewer"] = lambda: viewer
        for level in ("network", "council"):
            app.extensions["catalogue"] = app.extensions["catalogue"].with_layer(layer(level))
        client = app.test_client()
        # Who comes with a session is asked who they are.
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], "some")
        return client

    return make


@pytest.fixture
def write(fresh_database):
    def write(statement, **parameters):
        with fresh_database.session("tester") as session:
            session.execute(text(statement), parameters)

    return write


def now(database):
    with database.reading() as cursor:
        return cursor.execute("SELECT clock_timestamp()").fetchone()[0].isoformat()


def ids(client, layer_id="libraries", **parameters):
    response = client.get(f"/api/collections/{layer_id}/items", query_string={"limit": 1000, **parameters})
    assert response.status_code == 200, response.text
    page = response.get_json()
    assert page["numberMatched"] == len(page["features"])
    return {feature["id"] for feature in page["features"]}


def changed(client, **parameters):
    return client.get("/api/collections/libraries/changes", query_string=parameters).get_json()


SURFACES = (
    "/api/collections",
    "/api/collections?f=html",
    "/api/collections/libraries",
    "/api/collections/libraries/items",
    "/api/collections/libraries/items?f=html",
    "/api/collections/libraries/items?f=csv",
    "/api/collections/libraries/items?f=geojsonl",
    "/api/collections/libraries/items?count=exact&limit=2&sortby=-name",
    "/api/collections/libraries/items?filter=name LIKE 'Zebra%25'",
    "/api/collections/assets/items?bbox=-0.2,51.56,0,51.7",
    "/api/collections/libraries/items/zebra",
    "/api/collections/libraries/changes",
    "/api/collections/libraries/changes?f=atom",
    "/api/collections/network-layer",
    "/api/collections/network-layer/items",
    "/api/collections/network-layer/items/highbury-fields",
    "/api/collections/network-layer/changes",
    "/api/nearest?lon=-0.118&lat=51.564&layers=libraries&limit=100",
    "/api/nearest?lon=-0.118&lat=51.564&layers=network-layer",
    "/api/openapi.json",
    "/map/names?q=zebra",
    "/map",
    "/assets",
    "/assets/zebra",
    "/data",
)


def seen(client):
    answers = {path: client.get(path, buffered=True) for path in SURFACES}
    return {path: (answer.status_code, _steady(answer)) for path, answer in answers.items()}


def _steady(answer):
    """The answer without what differs from request to request."""
    request_id = answer.headers.get("X-Request-Id", "no request id")
    nonce = answer.headers.get("Content-Security-Policy", "").partition("'nonce-")[2].partition("'")[0]
    return answer.text.replace(request_id, "").replace(nonce or "no nonce", "")


@pytest.mark.parametrize("level", ["network", "council"])
def test_nothing_differs_for_those_who_may_not_see_a_row(client_of, write, fresh_database, level):
    client = client_of(PUBLIC)
    before, token, instant = seen(client), changed(client)["token"], now(fresh_database)
    for statement in (
        COPY,
        "UPDATE register.assets SET note = 'x' WHERE id = :id",
        "UPDATE register.assets SET categories = '{community-centre}' WHERE id = :id",
        "UPDATE register.assets SET categories = '{library}' WHERE id = :id",
        "DELETE FROM register.assets WHERE id = :id",
    ):
        given = (
            {"id": "zebra", "name": "Zebra House", "visibility": level}
            if statement is COPY
            else {"id": "zebra"}
        )
        write(statement, **given)
        after = seen(client)
        assert {path for path in SURFACES if after[path] != before[path]} == set(), statement
        since = changed(client, since=token)
        assert since["token"] == token
        assert since["until"] is None
        assert changed(client, since=instant) == {
            **changed(client, since=instant),
            "created": [],
            "deleted": [],
        }
        assert "zebra" not in ids(client, as_of=now(fresh_database))
        assert "zebra" not in client.get("/api/collections/assets/changes").text


def test_each_viewer_sees_what_is_theirs(client_of, write, fresh_database):
    token = changed(client_of(PUBLIC))["token"]
    for level in visibility.LEVELS:
        write(COPY, id=f"{level}-zebra", name=f"Zebra {level}", visibility=level)
    for viewer in (PUBLIC, NETWORK, COUNCIL):
        client, mine = client_of(viewer), {f"{level}-zebra" for level in viewer}

        def zebras(found):
            return {one for one in found if one.endswith("zebra")}

        assert zebras(ids(client)) == mine
        assert zebras(ids(client, as_of=now(fresh_database))) == mine
        assert client.get("/api/collections/libraries").get_json()["numberOfFeatures"] == 10 + len(mine)
        assert {entry["id"] for entry in changed(client, since=token)["created"]} == mine
        near = client.get("/api/nearest?lon=-0.118&lat=51.564&layers=libraries&limit=100").get_json()
        assert zebras(f["id"] for f in near["features"]) == mine
        assert {p["id"] for p in client.get("/map/names?q=zebra").get_json()["places"]} == mine
        csv = client.get("/api/collections/libraries/items?f=csv", buffered=True).text
        for level in visibility.LEVELS:
            name, found = f"{level}-zebra", 200 if level in viewer else 404
            assert client.get(f"/api/collections/libraries/items/{name}").status_code == found
            assert client.get(f"/assets/{name}").status_code == found
            assert (name in csv) == (level in viewer)
        layers = {c["id"] for c in client.get("/api/collections").get_json()["collections"]}
        for level in ("network", "council"):
            there = level in viewer
            assert (f"{level}-layer" in layers) == there
            for end in ("", "/items", "/changes"):
                address = f"/api/collections/{level}-layer{end}"
                assert client.get(address).status_code == (200 if there else 404)
                if not there:
                    assert client.get(address, headers={"If-None-Match": "*"}).status_code == 404
            assert (f"{level}-layer" in client.get("/api/openapi.json").text) == there
            assert (f"Layer of the {level}" in client.get("/map").text) == there


def test_the_name_of_a_hidden_layer_is_not_suggested(client_of):
    answer = client_of(PUBLIC).get("/api/collections/council-laye")
    assert answer.status_code == 404
    assert "council-layer" not in answer.text


def test_hiding_a_row_hides_its_past_and_is_a_deletion(client_of, write, fresh_database):
    public, network = client_of(PUBLIC), client_of(NETWORK)
    token, instant = changed(public)["token"], now(fresh_database)
    write("UPDATE register.assets SET visibility = 'network', note = 'x' WHERE id = 'finsbury-library'")
    hidden = now(fresh_database)
    write("UPDATE register.assets SET note = 'y' WHERE id = 'finsbury-library'")
    assert [entry["id"] for entry in changed(public, since=token)["deleted"]] == ["finsbury-library"]
    assert changed(public, since=token)["deleted"][0]["when"] < hidden, "later changes are not told"
    assert [entry["id"] for entry in changed(network, since=token)["updated"]] == ["finsbury-library"]
    assert "finsbury-library" not in ids(public, as_of=instant)
    assert "finsbury-library" in ids(network, as_of=instant)
    address = "/api/collections/libraries/items/finsbury-library"
    assert public.get(address, query_string={"as_of": instant}).status_code == 404
    write("DELETE FROM register.assets WHERE id = 'finsbury-library'")
    assert "finsbury-library" not in ids(public, as_of=instant), "what was hidden when it ended stays hidden"
    assert "finsbury-library" in ids(network, as_of=instant)
    feed = public.get(f"/api/collections/libraries/changes?f=atom&since={token}").text
    assert "Gone: finsbury-library" in feed
    assert "Finsbury Library" not in feed


def test_showing_a_row_is_a_creation(client_of, write):
    write(COPY, id="zebra", name="Zebra", visibility="council")
    client = client_of(PUBLIC)
    token = changed(client)["token"]
    write("UPDATE register.assets SET visibility = 'public' WHERE id = 'zebra'")
    assert [entry["id"] for entry in changed(client, since=token)["created"]] == ["zebra"]
