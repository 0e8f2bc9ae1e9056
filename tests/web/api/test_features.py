"""OGC API – Features over the real borough: documents, pages, filters, coordinate systems, errors."""

import json

import pytest
from openapi_spec_validator import validate

from mapservice.layers import counting

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
LAYERS = [
    "wards-2002", "wards-2022", "localities", "lsoa-2021", "assets", "hubs", "community-centres", "libraries",
    "childrens-centres", "gp-sites", "services", "green-spaces", "potential-green-spaces",
]  # fmt: skip


def items(client, layer, **parameters):
    response = client.get(
        f"/api/collections/{layer}/items",
        query_string={k.replace("bbox_crs", "bbox-crs"): v for k, v in parameters.items()},
    )
    assert response.status_code == 200, response.text
    return response.get_json()


def test_the_landing_page_links_to_everything(client):
    document = client.get("/api").get_json()
    rels = {link["rel"]: link for link in document["links"]}
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= rels.keys()
    for link in rels.values():
        assert client.get(link["href"]).status_code == 200, link


def test_every_layer_is_a_collection_with_its_real_extent(client, database):
    collections = {c["id"]: c for c in client.get("/api/collections").get_json()["collections"]}
    assert list(collections) == LAYERS
    with database.reading() as cursor:
        truth = cursor.execute(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(geom_4326) e"
            " FROM register.areas WHERE boundary_set_id = 'wards-2022') x"
        ).fetchone()
    assert collections["wards-2022"]["extent"]["spatial"]["bbox"][0] == pytest.approx(truth, abs=1e-6)
    assert collections["wards-2022"]["numberOfFeatures"] == 17
    assert collections["wards-2002"]["numberOfFeatures"] == 16
    assert collections["wards-2002"]["extent"]["temporal"]["interval"][0][1].startswith("2022-05-05")
    assert collections["wards-2022"]["extent"]["temporal"]["interval"][0][1] is None
    assert all(c["numberOfFeatures"] for c in collections.values())


def test_collections_state_their_crs_and_accuracy(client):
    collection = client.get("/api/collections/libraries").get_json()
    assert collection["storageCrs"] == EPSG + "27700"
    assert collection["crs"][0] == CRS84
    assert {EPSG + "27700", EPSG + "3857", EPSG + "4326"} <= set(collection["crs"])
    assert 0 < collection["positionalAccuracy"]["maximumDifferenceFromOSTN15"]["value"] < 0.1


def test_the_openapi_document_is_valid_and_self_contained(client):
    document = client.get("/api/openapi.json").get_json()
    validate(document)
    text = json.dumps(document)
    assert all(ref.startswith("#/") for ref in _references(document)), text
    for layer in LAYERS:
        assert f"/collections/{layer}/items" in document["paths"]


def _references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_features_have_ids_names_and_provenance(client):
    page = items(client, "libraries")
    assert page["numberMatched"] == page["numberReturned"] == len(page["features"]) == 10
    library = next(f for f in page["features"] if f["id"] == "finsbury-library")
    assert library["properties"]["name"] == "Finsbury Library"
    assert library["properties"]["source"]
    assert library["properties"]["licence"]
    assert library["properties"]["ward_2002"] == "Clerkenwell"
    assert library["properties"]["locality"] == "South"
    longitude, latitude = library["geometry"]["coordinates"]
    assert (longitude, latitude) == pytest.approx((-0.104553, 51.526486), abs=2e-6)


def test_one_place_is_in_every_layer_it_belongs_to_under_one_id(client):
    for layer in ("assets", "libraries", "hubs"):
        assert client.get(f"/api/collections/{layer}/items/finsbury-library").status_code == 200
    assert client.get("/api/collections/gp-sites/items/finsbury-library").status_code == 404


def test_a_hub_without_a_place_is_listed_without_geometry(client):
    page = items(client, "hubs")
    waiting = [f for f in page["features"] if f["geometry"] is None]
    assert [f["properties"]["locality"] for f in waiting] == ["North"]
    assert page["numberReturned"] == 3


def test_walking_next_meets_every_feature_once(client):
    url, seen = "/api/collections/assets/items?limit=7", []
    while url:
        page = client.get(url).get_json()
        seen += [f["id"] for f in page["features"]]
        assert page["numberReturned"] == len(page["features"]) <= 7
        url = next((x["href"] for x in page["links"] if x["rel"] == "next"), None)
    assert len(seen) == len(set(seen)) == page["numberMatched"]
    assert seen == sorted(seen)


def test_offset_gives_the_same_features_as_walking(client):
    whole = [f["id"] for f in items(client, "assets", limit=1000)["features"]]
    assert [f["id"] for f in items(client, "assets", limit=5, offset=12)["features"]] == whole[12:17]


@pytest.mark.parametrize("asked", [{}, {"kind": "GP practice"}, {"count": "exact"}])
def test_past_the_end_the_count_is_the_same_and_there_is_a_way_back(client, monkeypatch, asked):
    for size, limit in ((counting.SMALL_RELATION, 3), (0, 4)):
        monkeypatch.setattr(counting, "SMALL_RELATION", size)
        matched = items(client, "assets", **{**asked, "count": "exact"}, limit=1)["numberMatched"]
        page = items(client, "assets", limit=limit, offset=matched, **asked)
        assert (page["features"], page["numberReturned"], page["numberMatched"]) == ([], 0, matched)
        before = client.get(next(x["href"] for x in page["links"] if x["rel"] == "prev")).get_json()
        assert before["numberReturned"] == limit
        assert "next" not in {x["rel"] for x in before["links"]}
    nobody = items(client, "assets", name="nobody", offset=10)
    assert nobody["numberMatched"] == 0
    assert "prev" not in {x["rel"] for x in nobody["links"]}


def test_next_keeps_the_filter_and_the_crs(client):
    page = items(client, "assets", limit=2, kind="GP practice", crs=EPSG + "27700")
    following = next(x["href"] for x in page["links"] if x["rel"] == "next")
    page = client.get(following).get_json()
    assert {f["properties"]["kind"] for f in page["features"]} == {"GP practice"}
    assert page["features"][0]["geometry"]["coordinates"][0] > 500_000


def test_bbox_keeps_what_touches_the_box(client):
    inside = items(client, "libraries", bbox="-0.11,51.52,-0.10,51.53")["features"]
    assert [f["id"] for f in inside] == ["finsbury-library"]
    assert items(client, "libraries", bbox="10,10,11,11")["features"] == []
    same = items(client, "libraries", bbox="531000,182000,532000,183000", bbox_crs=EPSG + "27700")["features"]
    assert [f["id"] for f in same] == ["finsbury-library"]
    flipped = items(client, "libraries", bbox="51.52,-0.11,51.53,-0.10", bbox_crs=EPSG + "4326")["features"]
    assert [f["id"] for f in flipped] == ["finsbury-library"]


@pytest.mark.parametrize("box", ["10,10,11,11", "177,65,-177,70"], ids=["elsewhere", "antimeridian"])
def test_a_place_not_known_yet_is_in_every_box(client, box):
    found = items(client, "hubs", bbox=box)
    assert [f["id"] for f in found["features"]] == ["north-fairer-together-hub"]
    assert found["numberMatched"] == 1


@pytest.mark.parametrize("layer", LAYERS)
def test_the_box_of_a_layer_holds_all_of_it(client, layer):
    collection = client.get(f"/api/collections/{layer}").get_json()
    box = ",".join(map(str, collection["extent"]["spatial"]["bbox"][0]))
    assert items(client, layer, bbox=box)["numberMatched"] == collection["numberOfFeatures"]


@pytest.mark.parametrize("layer", LAYERS)
def test_only_layers_that_say_so_have_features_without_a_place(client, layer):
    declared = client.application.extensions["catalogue"].get(layer)
    placeless = [f for f in items(client, layer, limit=1000)["features"] if f["geometry"] is None]
    assert declared.place_may_be_unknown or not placeless


def test_the_answer_comes_in_the_crs_asked_for(client):
    response = client.get(f"/api/collections/libraries/items/finsbury-library?crs={EPSG}27700")
    assert response.headers["Content-Crs"] == f"<{EPSG}27700>"
    metres = response.get_json()["geometry"]["coordinates"]
    assert metres == pytest.approx([531585, 182544], abs=1)
    assert all(round(n, 2) == n for n in metres)
    degrees = client.get("/api/collections/libraries/items/finsbury-library").get_json()["geometry"][
        "coordinates"
    ]
    response = client.get(f"/api/collections/libraries/items/finsbury-library?crs={EPSG}4326")
    assert response.get_json()["geometry"]["coordinates"] == degrees[::-1]


def test_property_filters(client):
    assert {f["id"] for f in items(client, "assets", ods_code="F83004")["features"]} == {
        "archway-medical-centre"
    }
    hubs = items(client, "assets", support="money", limit=1000)["features"]
    assert {"finsbury-library", "222-upper-street"} <= {f["id"] for f in hubs}
    assert items(client, "green-spaces", demonstration="true")["features"] == []
    demonstration = items(client, "potential-green-spaces", demonstration="true")
    assert demonstration["numberMatched"] == items(client, "potential-green-spaces")["numberMatched"]


def test_datetime_asks_which_boundaries_held(client):
    assert len(items(client, "wards-2002", datetime="2010-01-01", limit=100)["features"]) == 16
    assert items(client, "wards-2002", datetime="2023-01-01/..")["features"] == []
    assert len(items(client, "wards-2022", datetime="2023-01-01/..")["features"]) == 17


def test_wards_show_shares_of_localities(client):
    laycock = client.get("/api/collections/wards-2022/items/laycock").get_json()["properties"]
    shares = {x["id"]: x["share"] for x in laycock["localities"]}
    assert shares.keys() == {"north", "central", "south"}
    assert sum(shares.values()) == pytest.approx(1, abs=0.02)
    assert all(0 < x["share_of_postcodes"] < 1 for x in laycock["localities"])


@pytest.mark.parametrize(
    "query, parameter",
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("offset=-1", "offset"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=0,52,1,51", "bbox"),
        ("bbox=nan,0,1,1", "bbox"),
        ("bbox=531000,0,530000,1&bbox-crs=EPSG:27700", "bbox"),
        ("bbox-crs=EPSG:27700", "bbox-crs"),
        ("crs=EPSG:9999", "crs"),
        ("datetime=yesterday", "datetime"),
        ("cursor=zzz", "cursor"),
        ("f=xml", "f"),
        ("verified=maybe", "verified"),
        ("name=%00", "name"),
        ("catgories=library", "catgories"),
        ("name'%20OR%201%3D1--=x", "name' OR 1=1--"),
    ],
)
def test_a_wrong_parameter_is_named_with_a_reason(client, query, parameter):
    response = client.get(f"/api/collections/assets/items?{query}")
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert [e["parameter"] for e in problem["errors"]] == [parameter]
    assert problem["errors"][0]["reason"]


def test_all_wrong_parameters_are_told_at_once_with_hints(client):
    problem = client.get("/api/collections/assets/items?limit=0&bbox=x&catgories=y").get_json()
    assert {e["parameter"] for e in problem["errors"]} == {"limit", "bbox", "catgories"}
    assert "did you mean categories?" in [e.get("hint") for e in problem["errors"]]


@pytest.mark.parametrize("name", ["name", "kind", "ods_code", "postcode"])
def test_sql_in_a_value_is_only_a_value(client, name):
    page = items(client, "assets", **{name: "'; DROP TABLE register.assets; --"})
    assert page["features"] == []
    assert items(client, "assets")["numberMatched"] > 50


@pytest.mark.parametrize(
    "path",
    [
        "/api/collections/librarys",
        "/api/collections/librarys/items",
        "/api/collections/libraries/items/nowhere",
        "/api/collections/libraries/items/%00",
        "/api/nothing",
    ],
)
def test_what_does_not_exist_is_a_404_problem(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.get_json()["status"] == 404


def test_an_unknown_layer_names_the_nearest(client):
    assert "libraries" in client.get("/api/collections/librarys").get_json()["detail"]


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/conformance", "/api/collections", "/api/collections/hubs", "/api/collections/hubs/items",
     "/api/collections/hubs/items/finsbury-library"],
)  # fmt: skip
def test_everything_is_a_web_page_too(client, path):
    for response in (
        client.get(f"{path}?f=html"),
        client.get(path, headers={"Accept": "text/html,*/*;q=0.8"}),
    ):
        assert response.status_code == 200
        assert response.content_type.startswith("text/html")
    assert "json" in client.get(path, headers={"Accept": "*/*"}).content_type


def test_anyone_may_read_from_another_origin(client):
    response = client.get("/api/collections/libraries/items", headers={"Origin": "https://elsewhere.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    preflight = client.options("/api/collections/libraries/items")
    assert preflight.status_code == 200
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]


def test_answers_are_compressed_for_those_who_accept_it(client):
    plain = client.get("/api/collections/assets/items")
    packed = client.get("/api/collections/assets/items", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 3
    assert "Accept-Encoding" in packed.headers["Vary"]
