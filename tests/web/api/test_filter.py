"""The filter parameters of items, and choosing properties: results, combinations, errors, hints."""

import json

import pytest

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def ask(client, layer, **parameters):
    query = {name.replace("_", "-"): value for name, value in parameters.items()}
    return client.get(f"/api/collections/{layer}/items", query_string=query)


def ids(client, layer, **parameters):
    response = ask(client, layer, **parameters)
    assert response.status_code == 200, response.text
    return [feature["id"] for feature in response.get_json()["features"]]


def test_text_and_json_filters(client):
    wanted = {"op": "=", "args": [{"property": "name"}, "Finsbury Library"]}
    assert ids(client, "assets", filter="name = 'Finsbury Library'") == ["finsbury-library"]
    assert ids(client, "assets", filter="name = 'Finsbury Library'", filter_lang="cql2-text") == [
        "finsbury-library"
    ]
    assert ids(client, "assets", filter=json.dumps(wanted), filter_lang="cql2-json") == ["finsbury-library"]


def test_filter_goes_with_everything_else(client):
    found = ids(
        client,
        "assets",
        filter="A_CONTAINS(categories, ('library'))",
        bbox="-0.13,51.52,-0.08,51.55",
        sortby="-name",
        verified="true",
        limit="50",
    )
    assert "finsbury-library" in found
    assert found == sorted(found, reverse=True)


def test_next_keeps_the_filter_and_meets_every_match_once(client):
    condition = "kind = 'GP practice' AND S_INTERSECTS(geometry, BBOX(-0.2, 51.4, 0.1, 51.7))"
    whole = ids(client, "assets", filter=condition, limit="1000")
    seen = []
    page = ask(client, "assets", filter=condition, limit="7").get_json()
    while True:
        assert page.get("numberMatched", len(whole)) == len(whole)
        seen += [feature["id"] for feature in page["features"]]
        following = next((x["href"] for x in page["links"] if x["rel"] == "next"), None)
        if following is None:
            break
        page = client.get(following).get_json()
    assert seen == whole
    assert len(whole) > 7


def test_the_filter_crs_says_what_the_numbers_are(client):
    box = "531000,182000,532000,183000"
    assert ids(client, "libraries", filter=f"S_WITHIN(geometry, BBOX({box}))", filter_crs=EPSG + "27700") == [
        "finsbury-library"
    ]
    latitude_first = "S_WITHIN(geometry, BBOX(51.52,-0.11,51.53,-0.10))"
    assert ids(client, "libraries", filter=latitude_first, filter_crs=EPSG + "4326") == ["finsbury-library"]


def test_a_filtered_page_is_a_web_page_too(client):
    page = ask(client, "libraries", filter="id = 'finsbury-library'", f="html")
    assert page.status_code == 200
    assert "Finsbury Library" in page.text


@pytest.mark.parametrize(
    "parameters, parameter, reason",
    [
        ({"filter": "nmae = 'x'"}, "filter", "character 1: there is no property 'nmae'"),
        ({"filter": "area_ha = 'x'"}, "filter", "cannot compare a number with text"),
        ({"filter": "name > DATE('2024-01-01')"}, "filter", "cannot compare text with a date or time"),
        ({"filter": "name = "}, "filter", "character 8: expected"),
        ({"filter": ""}, "filter", "character 1: expected a condition"),
        ({"filter": "{"}, "filter", "no meaning here"),
        ({"filter": "{", "filter_lang": "cql2-json"}, "filter", "not JSON"),
        ({"filter": "note = 'x'"}, "filter", "cannot be filtered by"),
        ({"filter": "name = 'x'", "filter_lang": "cql"}, "filter-lang", "must be one of"),
        ({"filter": "name = 'x'", "filter_crs": "EPSG:2154"}, "filter-crs", "not served"),
        ({"filter_crs": "EPSG:27700"}, "filter-crs", "goes with filter"),
        ({"filter_lang": "cql2-json"}, "filter-lang", "goes with filter"),
        ({"properties": "name", "exclude_properties": "type"}, "exclude-properties", "does not go with"),
        ({"exclude_properties": "nmae"}, "exclude-properties", "did you mean name"),
        ({"skip_geometry": "yes"}, "skip-geometry", "must be one of"),
        ({"skip_geometry": "true", "properties": "name,geometry"}, "skip-geometry", "does not go with"),
    ],
)
def test_what_is_wrong_is_told(client, parameters, parameter, reason):
    response = ask(client, "green-spaces", **parameters)
    assert response.status_code == 400
    (error,) = response.get_json()["errors"]
    assert error["parameter"] == parameter
    assert reason in error["reason"] + (error.get("hint") or "")


def test_a_wrong_filter_is_told_beside_the_other_mistakes_and_with_a_hint(client):
    errors = ask(client, "assets", filter="nmae = 'x'", limit="0").get_json()["errors"]
    assert {error["parameter"] for error in errors} == {"filter", "limit"}
    assert "did you mean name?" in [error.get("hint") for error in errors]


def test_properties_are_chosen_by_name(client):
    (feature,) = ask(client, "assets", id="finsbury-library", properties="name,kind").get_json()["features"]
    assert feature["properties"].keys() == {"name", "kind"}
    assert feature["geometry"]["type"] == "Point"
    (feature,) = ask(client, "assets", id="finsbury-library", properties="geometry").get_json()["features"]
    assert feature["properties"] == {}
    assert feature["geometry"]["type"] == "Point"


def test_properties_are_left_out_by_name(client):
    everything = ask(client, "assets", id="finsbury-library").get_json()["features"][0]["properties"]
    (feature,) = ask(client, "assets", id="finsbury-library", exclude_properties="name,kind").get_json()[
        "features"
    ]
    assert everything.keys() - feature["properties"].keys() == {"name", "kind"}


@pytest.mark.parametrize("parameters", [{"skip_geometry": "true"}, {"exclude_properties": "geometry"}])
def test_the_geometry_can_be_left_out(client, parameters):
    (feature,) = ask(client, "assets", id="finsbury-library", **parameters).get_json()["features"]
    assert feature["geometry"] is None
    assert feature["properties"]["name"] == "Finsbury Library"


@pytest.mark.parametrize(
    "query, names, placed",
    [
        ("properties=name,email", {"name", "email"}, True),
        ("properties=geometry", set(), True),
        ("properties=name&skip-geometry=true", {"name"}, False),
        ("exclude-properties=geometry", None, False),
    ],
)
def test_one_feature_is_chosen_from_as_a_page_is(client, query, names, placed):
    address = "/api/collections/assets/items/finsbury-library"
    whole = client.get(address).get_json()["properties"].keys()
    response = client.get(f"{address}?{query}")
    feature = response.get_json()
    expected = whole if names is None else names
    assert feature["properties"].keys() == expected
    assert (feature["geometry"] is not None) is placed
    assert feature["id"] == "finsbury-library"
    page = client.get(f"{address}?{query}&f=html").text
    assert ("E-mail" in page) is ("email" in expected)
    assert ("Geometry" in page) is placed


def test_two_choices_of_one_feature_have_two_entity_tags(client):
    address = "/api/collections/assets/items/finsbury-library"
    tags = {client.get(address + query).headers["ETag"] for query in ("", "?properties=name")}
    assert len(tags) == 2
    wrong = client.get(f"{address}?properties=nmae&exclude-properties=kind&skip-geometry=yes")
    assert [e["parameter"] for e in wrong.get_json()["errors"]] == [
        "properties", "skip-geometry", "exclude-properties",
    ]  # fmt: skip


def test_conformance_names_the_filter_classes(client):
    classes = client.get("/api/conformance").get_json()["conformsTo"]
    for name in ("cql2-text", "cql2-json", "basic-cql2", "spatial-functions", "temporal-functions"):
        assert f"http://www.opengis.net/spec/cql2/1.0/conf/{name}" in classes
    assert "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter" in classes
