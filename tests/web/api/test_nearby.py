"""Look-ups and nearest: by postcode or point, for every corner, with clear refusals."""

import pytest


def test_lookup_tells_both_wards_and_the_locality(client):
    answer = client.get("/api/lookup?postcode=N1+9JP").get_json()
    assert answer["postcode"] == "N1 9JP"
    assert answer["wards"].keys() == {"2002", "2022"}
    assert all(ward["code"].startswith("E0") and ward["name"] for ward in answer["wards"].values())
    assert answer["locality"] == {"id": "south", "name": "South"}


@pytest.mark.parametrize("typed", ["n19jp", "N1 9JP", "NI 9JP", "n1-9jp"])
def test_lookup_reads_postcodes_however_typed(client, typed):
    assert client.get("/api/lookup", query_string={"postcode": typed}).get_json()["postcode"] == "N1 9JP"


def test_lookup_by_point_agrees_with_the_postcode(client):
    by_postcode = client.get("/api/lookup?postcode=EC1V4NB").get_json()
    by_point = client.get(
        "/api/lookup", query_string={"lon": by_postcode["longitude"], "lat": by_postcode["latitude"]}
    ).get_json()
    assert by_point["wards"] == by_postcode["wards"]
    assert by_point["postcode"] is None


def test_a_retired_postcode_still_answers_and_is_marked(client):
    answer = client.get("/api/lookup?postcode=WC1X+9EY").get_json()
    assert answer["postcode_status"] == "retired"
    assert answer["locality"]["id"] == "south"


@pytest.mark.parametrize(
    "query",
    ["postcode=NW1+2DB", "postcode=ZZ9+9ZZ", "lon=-0.2&lat=51.5", "lon=100&lat=-80", "postcode=hello"],
)
def test_outside_the_borough_lookup_says_so_and_never_guesses(client, query):
    response = client.get(f"/api/lookup?{query}")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "query, parameter",
    [
        ("", "postcode"),
        ("lon=-0.1", "lat"),
        ("lat=51.5", "lon"),
        ("lon=x&lat=51.5", "lon"),
        ("lon=nan&lat=51.5", "lon"),
        ("lon=-0.1&lat=91", "lat"),
        ("postcode=N19JP&lon=-0.1&lat=51.5", "postcode"),
        ("postcode=N19JP&radius=5", "radius"),
    ],
)
@pytest.mark.parametrize("path", ["lookup", "nearest"])
def test_a_wrong_place_is_named_with_a_reason(client, path, query, parameter):
    response = client.get(f"/api/{path}?{query}")
    assert response.status_code == 400
    assert parameter in [e["parameter"] for e in response.get_json()["errors"]]


def test_nearest_comes_in_order_of_distance(client, database):
    page = client.get("/api/nearest?postcode=N1+9JP&limit=20").get_json()
    metres = [f["properties"]["distance_m"] for f in page["features"]]
    assert len(metres) == 20
    assert metres == sorted(metres)
    assert {f["properties"]["distance_kind"] for f in page["features"]} == {"straight-line"}
    with database.reading() as cursor:
        truth = cursor.execute(
            "SELECT a.id, ST_Distance(a.geom, p.geom) d FROM register.assets a, register.postcodes p"
            " WHERE p.postcode = 'N1 9JP' AND a.geom IS NOT NULL ORDER BY d, a.id LIMIT 20"
        ).fetchall()
    assert [f["id"] for f in page["features"]] == [row[0] for row in truth]
    assert metres == pytest.approx([row[1] for row in truth], abs=0.2)


@pytest.mark.parametrize("need", ["work", "money", "food", "home", "family", "wellbeing"])
def test_every_need_finds_somebody(client, need):
    page = client.get(f"/api/nearest?postcode=N19+5PH&need={need}").get_json()
    assert page["features"]
    for feature in page["features"]:
        offered = feature["properties"]["support"] + feature["properties"]["usual_support"]
        assert need in offered


def test_nearest_looks_in_the_layers_asked_for(client):
    page = client.get("/api/nearest?postcode=N1+9JP&layers=libraries,green-spaces&limit=60").get_json()
    pages = {f["properties"]["page"].split("/")[-2] for f in page["features"]}
    assert pages == {"assets", "green-spaces"}


def test_nearest_answers_from_outside_the_borough_too(client):
    page = client.get("/api/nearest?postcode=NW1+2DB").get_json()
    assert page["origin"]["in_borough"] is False
    assert page["features"]


@pytest.mark.parametrize(
    "query, parameter",
    [
        ("need=love", "need"),
        ("layers=librarys", "layers"),
        ("limit=0", "limit"),
        ("layers=wards-2022&need=work", "need"),
    ],
)
def test_nearest_refuses_what_it_does_not_know(client, query, parameter):
    response = client.get(f"/api/nearest?postcode=N1+9JP&{query}")
    assert response.status_code == 400
    assert response.get_json()["errors"][0]["parameter"] == parameter


@pytest.mark.parametrize("query", ["lon=88&lat=0", "lon=178&lat=0", "lon=-92&lat=51"])
def test_where_the_grid_means_nothing_there_is_no_distance(client, query):
    assert client.get(f"/api/nearest?{query}").status_code == 400
    assert client.get(f"/api/lookup?{query}").status_code == 404
    assert client.get(f"/find?{query}").status_code < 500


def test_an_unknown_postcode_is_answered_from_the_part_that_is_known_and_says_so(client):
    origin = client.get("/api/nearest?postcode=N19+4ED").get_json()["origin"]
    assert origin["approximate"] == "N19 4"
    assert origin["postcode"] is None
    assert "approximate" not in client.get("/api/nearest?postcode=N1+9JP").get_json()["origin"]
    assert client.get("/api/nearest?postcode=ZZ9+9ZZ").status_code == 404
