"""A layer as it was: the same features, filters and coordinate systems, at any instant of its history."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mapservice import create_app

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
LAYERS = ["wards-2002", "localities", "assets", "hubs", "gp-sites", "green-spaces", "potential-green-spaces"]


@pytest.fixture
def past(settings, fresh_database, front_end):
    """(client, an instant before the register was changed, the database)."""
    moment = now(fresh_database)
    with fresh_database.session("tester") as session:
        for change in (
            "UPDATE register.assets SET name = 'Renamed', geom = ST_Translate(geom, 50, 0)"
            " WHERE id = 'finsbury-library'",
            "UPDATE register.assets SET categories = '{community-centre}' WHERE id = 'archway-library'",
            "DELETE FROM register.assets WHERE id = 'west-library'",
            "DELETE FROM register.green_spaces WHERE id = (SELECT min(id) FROM register.green_spaces)",
        ):
            assert session.execute(text(change)).rowcount == 1, change
    return create_app(settings, fresh_database).test_client(), moment, fresh_database


def now(database):
    with database.reading() as cursor:
        return cursor.execute("SELECT clock_timestamp()").fetchone()[0]


def items(client, layer, **parameters):
    response = client.get(f"/api/collections/{layer}/items", query_string={"limit": 1000, **parameters})
    assert response.status_code == 200, response.text
    return response.get_json()


def ids(page):
    return [feature["id"] for feature in page["features"]]


@pytest.mark.parametrize("layer", LAYERS)
def test_as_of_now_is_the_layer_as_it_is(client, database, layer):
    instant = now(database).isoformat()
    for parameters in ({}, {"crs": EPSG + "27700", "sortby": "-name"}, {"bbox": "-0.12,51.52,-0.1,51.56"}):
        live, then = items(client, layer, **parameters), items(client, layer, as_of=instant, **parameters)
        assert then["features"] == live["features"]
        assert then["numberMatched"] == live["numberMatched"]


@pytest.mark.parametrize("table", ["areas", "assets", "green_spaces"])
def test_as_of_now_is_the_relation_row_for_row(database, table):
    past = f"SELECT * FROM history.as_of(NULL::layers.{table}, clock_timestamp())"
    live = f"SELECT * FROM layers.{table}"
    with database.reading() as cursor:
        either = f"(({past}) EXCEPT ALL ({live})) UNION ALL (({live}) EXCEPT ALL ({past}))"
        (rows,) = cursor.execute(live.replace("*", "count(*)")).fetchone()
        assert cursor.execute(f"SELECT count(*) FROM ({either}) x").fetchone() == (0,)
        assert rows > 10


def test_the_past_is_as_it_was(past):
    client, moment, _ = past
    then = {"as_of": moment.isoformat()}
    was = {f["id"]: f for f in items(client, "libraries", **then)["features"]}
    now = {f["id"]: f for f in items(client, "libraries")["features"]}
    assert {*was} - {*now} == {"archway-library", "west-library"}
    assert was["finsbury-library"]["properties"]["name"] == "Finsbury Library"
    assert now["finsbury-library"]["properties"]["name"] == "Renamed"
    one = client.get("/api/collections/libraries/items/finsbury-library", query_string=then).get_json()
    assert one["properties"] == was["finsbury-library"]["properties"]
    assert one["geometry"] == was["finsbury-library"]["geometry"] != now["finsbury-library"]["geometry"]
    assert client.get("/api/collections/libraries/items/west-library").status_code == 404
    assert client.get("/api/collections/libraries/items/west-library", query_string=then).status_code == 200
    assert items(client, "green-spaces", **then)["numberMatched"] in (
        items(client, "green-spaces")["numberMatched"] + n for n in (0, 1)
    )


def test_filters_crs_and_paging_work_in_the_past(past):
    client, moment, _ = past
    then = {"as_of": moment.isoformat()}
    assert ids(items(client, "assets", name="Finsbury Library", **then)) == ["finsbury-library"]
    assert ids(items(client, "assets", name="Finsbury Library")) == []
    metres = items(client, "libraries", crs=EPSG + "27700", name="Finsbury Library", **then)["features"][0]
    assert metres["geometry"]["coordinates"] == pytest.approx([531585, 182544], abs=1)
    assert "west-library" in ids(items(client, "assets", filter="kind = 'Library'", **then))
    whole, seen = ids(items(client, "assets", sortby="kind", **then)), []
    page = items(client, "assets", limit=7, sortby="kind", **then)
    while True:
        seen += ids(page)
        following = next((x["href"] for x in page["links"] if x["rel"] == "next"), None)
        if following is None:
            break
        assert "as_of=" in following
        page = client.get(following).get_json()
    assert seen == whole
    assert len(seen) == len(set(seen)) == page["numberMatched"]


def test_what_came_back_and_what_never_was(past):
    client, moment, database = past
    with database.session("tester") as session:
        session.execute(
            text(
                "INSERT INTO register.assets (id, name, categories, position, geom, source_id, verified)"
                " SELECT 'west-library', 'Back', categories, position, geom, source_id, false"
                " FROM register.assets WHERE id = 'finsbury-library'"
            )
        )
    with database.reading() as cursor:
        spans = cursor.execute(
            "SELECT operation, valid_from, NULLIF(valid_to, 'infinity') FROM history.versions"
            " WHERE id = 'west-library' ORDER BY valid_from"
        ).fetchall()
    assert [row[0] for row in spans] == ["created", "created"]
    names = {}
    for instant in (moment, spans[0][2], spans[1][1] - timedelta(microseconds=1), spans[1][1]):
        response = client.get(
            "/api/collections/assets/items/west-library", query_string={"as_of": instant.isoformat()}
        )
        names[instant] = response.get_json()["properties"]["name"] if response.status_code == 200 else None
    assert [*names.values()] == ["West Library", None, None, "Back"]


def test_a_date_stands_for_its_end_and_today_for_now(client):
    today = datetime.now(UTC).date().isoformat()
    assert items(client, "libraries", as_of=today)["features"] == items(client, "libraries")["features"]


@pytest.mark.parametrize(
    "as_of, reason",
    [
        ("yesterday", "not a date"),
        ("2026-02-30", "not a date"),
        ("2026-01-01/2026-02-01", "one date or instant"),
        ("", "not a date"),
        ("9999-12-31", "future"),
        pytest.param(
            (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds"), "future", id="in two days"
        ),
        ("2001-01-01T00:00:00Z", "history of this layer begins at"),
        ("0001-01-01", "history of this layer begins at"),
    ],
)
@pytest.mark.parametrize("path", ["items", "items/finsbury-library"])
def test_an_instant_that_cannot_be_answered_is_refused(client, path, as_of, reason):
    response = client.get(f"/api/collections/libraries/{path}", query_string={"as_of": as_of})
    assert response.status_code == 400
    (error,) = response.get_json()["errors"]
    assert error["parameter"] == "as_of"
    assert reason in error["reason"]


def test_the_past_is_read_by_the_reader_who_cannot_write(database):
    with database.reading() as cursor, pytest.raises(Exception, match=r"permission denied|read-only"):
        cursor.execute("DELETE FROM history.versions")
