"""The abstract tests of OGC API - Features Part 1 (17-069r4) and Part 2 (18-058), Annex A of each."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import pytest

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
PARTS = {"1": ("core", "oas30", "html", "geojson"), "2": ("crs",)}
GEOJSON = "application/geo+json"
LAYERS = ["wards-2022", "localities", "libraries", "green-spaces", "hubs"]  # each kind of geometry, and none


@pytest.fixture
def get(client):
    def get(address, status=200, **headers):
        address = address.split("://localhost")[-1]
        response = client.get(address, headers={k.replace("_", "-"): v for k, v in headers.items()})
        assert response.status_code == status, (address, response.text[:300])
        return response

    return get


@pytest.fixture
def document(get):
    return get("/api/openapi.json").get_json()


@pytest.fixture(params=LAYERS)
def layer(request):
    return request.param


def rels(document):
    return {link["rel"] for link in document["links"]}


def the_link(document, rel, media_type=None):
    return next(
        x["href"] for x in document["links"] if x["rel"] == rel and media_type in (None, x.get("type"))
    )


def parameter(document, layer, name):
    operation = document["paths"][f"/collections/{layer}/items"]["get"]
    return next(each for each in operation["parameters"] if each["name"] == name)


def positions(coordinates):
    if isinstance(coordinates[0], (int, float)):
        yield coordinates
    else:
        for each in coordinates:
            yield from positions(each)


def test_core_http(get):
    """/conf/core/http: HTTP 1.1, with the right status for what is and what is not."""
    get("/api")
    get("/api/collections/none", status=404)


def test_core_root(get):
    """/conf/core/root-op and root-success."""
    landing = get("/api").get_json()
    assert {"conformance", "data"} <= rels(landing)
    assert {"service-desc", "service-doc"} & rels(landing)
    assert landing["title"]


def test_core_api_definition(get):
    """/conf/core/api-definition-op, api-definition-success; /conf/oas30/oas-definition-1 and -2."""
    landing = get("/api").get_json()
    media_type = "application/vnd.oai.openapi+json;version=3.0"
    response = get(the_link(landing, "service-desc", media_type))
    assert response.content_type.replace(" ", "") == media_type
    assert response.get_json()["openapi"].startswith("3.0.")
    assert get(the_link(landing, "service-doc")).content_type.startswith("text/html")


def test_core_conformance(get):
    """/conf/core/conformance-op and conformance-success."""
    classes = get("/api/conformance").get_json()["conformsTo"]
    for part, names in PARTS.items():
        for name in names:
            assert f"http://www.opengis.net/spec/ogcapi-features-{part}/1.0/conf/{name}" in classes


def test_core_collections(get):
    """/conf/core/fc-md-op, fc-md-success, fc-md-links, fc-md-items, fc-md-items-links, fc-md-extent."""
    described = get("/api/collections").get_json()
    assert {"self", "alternate"} <= rels(described)
    assert all({"rel", "type"} <= link.keys() for link in described["links"])
    for collection in described["collections"]:
        items = [link for link in collection["links"] if link["rel"] == "items"]
        assert GEOJSON in {link["type"] for link in items}
        assert all(link.get("type") for link in items)
        west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90
        first, last = collection["extent"]["temporal"]["interval"][0]
        assert first is None or last is None or first <= last


def test_core_collection(get, layer):
    """/conf/core/sfc-md-op and sfc-md-success: a collection says of itself what the list says of it."""
    listed = next(c for c in get("/api/collections").get_json()["collections"] if c["id"] == layer)
    assert get(f"/api/collections/{layer}").get_json() == listed


def test_core_features(get, layer):
    """/conf/core/fc-op, fc-response, fc-links, fc-timeStamp, fc-numberMatched, fc-numberReturned."""
    page = get(f"/api/collections/{layer}/items?limit=3", Accept=GEOJSON).get_json()
    assert page["type"] == "FeatureCollection"
    assert {"self", "alternate"} <= rels(page)
    assert all({"rel", "type"} <= link.keys() for link in page["links"])
    if "timeStamp" in page:
        then = datetime.fromisoformat(page["timeStamp"].replace("Z", "+00:00"))
        assert abs(datetime.now(UTC) - then) < timedelta(minutes=1)
    assert page["numberReturned"] == len(page["features"]) <= 3
    assert page["numberMatched"] >= page["numberReturned"]
    met, following = 0, f"/api/collections/{layer}/items?limit=7"
    while following:
        each = get(following).get_json()
        met += each["numberReturned"]
        following = the_link(each, "next") if "next" in rels(each) else None
    assert met == page["numberMatched"]


def test_core_bbox(get, document, layer):
    """/conf/core/fc-bbox-definition and fc-bbox-response."""
    defined = parameter(document, layer, "bbox")
    assert (defined["in"], defined["required"]) == ("query", False)
    assert (defined["style"], defined["explode"]) == ("form", False)
    assert defined["schema"]["type"] == "array"
    assert (defined["schema"]["minItems"], defined["schema"]["maxItems"]) == (4, 6)
    assert defined["schema"]["items"] == {"type": "number"}
    west, south, east, north = -0.13, 51.53, -0.1, 51.55
    whole = get(f"/api/collections/{layer}/items?limit=1000").get_json()["features"]
    inside = get(f"/api/collections/{layer}/items?limit=1000&bbox={west},{south},{east},{north}").get_json()
    found = {feature["id"] for feature in inside["features"]}
    for feature in whole:
        if not feature["geometry"]:
            assert feature["id"] in found
        elif feature["geometry"]["type"] == "Point":
            x, y = feature["geometry"]["coordinates"]
            assert (feature["id"] in found) == (west <= x <= east and south <= y <= north)
        elif any(
            west < x < east and south < y < north for x, y in positions(feature["geometry"]["coordinates"])
        ):
            assert feature["id"] in found


def test_core_limit(get, document, layer):
    """/conf/core/fc-limit-definition and fc-limit-response; more than the maximum is no error."""
    defined = parameter(document, layer, "limit")
    assert (defined["in"], defined["required"], defined["style"], defined["explode"]) == (
        "query", False, "form", False,
    )  # fmt: skip
    assert defined["schema"]["type"] == "integer"
    assert defined["schema"]["minimum"] >= 1
    most = defined["schema"]["maximum"]
    for limit in (1, 2, most + 1):
        page = get(f"/api/collections/{layer}/items?limit={limit}").get_json()
        assert len(page["features"]) <= min(limit, most)


def test_core_datetime(get, document, layer):
    """/conf/core/fc-time-definition and fc-time-response."""
    defined = parameter(document, layer, "datetime")
    assert defined["schema"]["type"] == "string"
    assert (defined["style"], defined["explode"]) == ("form", False)
    whole = get(f"/api/collections/{layer}/items").get_json()["numberMatched"]
    for when in ("2015-01-01T00:00:00Z", "2010-01-01/2100-01-01", "../2100-01-01T00:00:00Z", "1900-01-01/.."):
        assert get(f"/api/collections/{layer}/items?datetime={when}").get_json()["numberMatched"] <= whole
    assert get(f"/api/collections/{layer}/items?datetime=../..").get_json()["numberMatched"] == whole


def test_core_query_parameters(get, layer):
    """/conf/core/query-param-invalid and query-param-unknown."""
    for wrong in ("limit=unlimited", "bbox=1,2", "datetime=never", "unknownQueryParameter12345=1"):
        get(f"/api/collections/{layer}/items?{wrong}", status=400)
    get("/api/collections?unknownQueryParameter12345=1", status=400)


def test_core_feature(get, layer):
    """/conf/core/f-op, f-success and f-links."""
    some = get(f"/api/collections/{layer}/items?limit=2").get_json()["features"]
    for feature in some:
        response = get(f"/api/collections/{layer}/items/{quote(feature['id'])}", Accept=GEOJSON)
        one = response.get_json()
        assert {"self", "alternate", "collection"} <= rels(one)
        assert all({"rel", "type"} <= link.keys() for link in one["links"])
        assert one["geometry"] == feature["geometry"]
        assert one["properties"] == feature["properties"]


def test_geojson(get, layer):
    """/conf/geojson/definition and content."""
    for path in ("items", "items/" + get(f"/api/collections/{layer}/items").get_json()["features"][0]["id"]):
        response = get(f"/api/collections/{layer}/{path}", Accept=GEOJSON)
        assert response.content_type == GEOJSON
        assert response.get_json()["type"] in ("FeatureCollection", "Feature")


def test_html(get, layer):
    """/conf/html/definition and content: all of it is there for people too."""
    one = get(f"/api/collections/{layer}/items").get_json()["features"][0]
    for path in ("", "/conformance", "/collections", f"/collections/{layer}", f"/collections/{layer}/items",
                 f"/collections/{layer}/items/{one['id']}"):  # fmt: skip
        response = get(f"/api{path}", Accept="text/html")
        assert response.content_type == "text/html; charset=utf-8"
    assert one["id"] in get(f"/api/collections/{layer}/items", Accept="text/html").text


def test_oas30_completeness(get, document):
    """/conf/oas30/completeness and exceptions-codes: every operation with its answers, errors among them."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert {"200", "201", "204"} & operation["responses"].keys(), (method, path)
            assert {"400", "404", "default"} & operation["responses"].keys(), (method, path)
    assert urlsplit(document["servers"][0]["url"]).path == "/api"
    get(document["servers"][0]["url"])


def test_crs_discovery(get, layer):
    """/conf/crs/crs-uri, fc-md-crs-list, fc-md-storageCrs and fc-md-crs-default."""
    collection = get(f"/api/collections/{layer}").get_json()
    assert CRS84 in collection["crs"]
    assert all(
        re.fullmatch(r"http://www\.opengis\.net/def/crs/\w+/[\w.]+/\w+", uri) for uri in collection["crs"]
    )
    assert collection["storageCrs"] in collection["crs"]


def test_crs_parameter(get, document, layer):
    """/conf/crs/fc-crs-definition, fc-crs-valid-value, fc-crs-default-value, ogc-crs-header(-value), for both
    a page and a feature: all offered systems, the default and a wrong one.
    """
    collection = get(f"/api/collections/{layer}").get_json()
    assert set(parameter(document, layer, "crs")["schema"]["enum"]) == set(collection["crs"])
    first = get(f"/api/collections/{layer}/items").get_json()["features"][0]["id"]
    for path in (f"/api/collections/{layer}/items", f"/api/collections/{layer}/items/{first}"):
        plain = get(path)
        assert plain.headers["Content-Crs"] == f"<{CRS84}>"
        assert coordinates(get(f"{path}?crs={CRS84}")) == coordinates(plain)
        for uri in collection["crs"]:
            assert get(f"{path}?crs={quote(uri)}").headers["Content-Crs"] == f"<{uri}>"
        get(f"{path}?crs={EPSG}9999999", status=400)
        if coordinates(plain):
            degrees, metres = coordinates(plain)[0], coordinates(get(f"{path}?crs={EPSG}27700"))[0]
            assert 500_000 < metres[0] < 560_000
            assert coordinates(get(f"{path}?crs={EPSG}4326"))[0] == degrees[::-1]


def test_crs_of_bbox(get, document, layer):
    """/conf/crs/fc-bbox-crs-definition, -valid-value, -valid-defaultValue and -action."""
    collection = get(f"/api/collections/{layer}").get_json()
    assert set(parameter(document, layer, "bbox-crs")["schema"]["enum"]) == set(collection["crs"])
    items = f"/api/collections/{layer}/items?limit=1000"
    boxes = {
        CRS84: "-0.12,51.53,-0.1,51.55",
        f"{EPSG}4326": "51.53,-0.12,51.55,-0.1",
    }
    without = {f["id"] for f in get(f"{items}&bbox={boxes[CRS84]}").get_json()["features"]}
    for uri, box in boxes.items():
        found = get(f"{items}&bbox={box}&bbox-crs={quote(uri)}").get_json()["features"]
        assert {feature["id"] for feature in found} == without
    everything = get(f"{items}&bbox=520000,170000,545000,200000&bbox-crs={EPSG}27700").get_json()
    assert everything["numberReturned"] == get(items).get_json()["numberReturned"]
    get(f"{items}&bbox={boxes[CRS84]}&bbox-crs={EPSG}9999999", status=400)


def coordinates(response):
    body = response.get_json()
    features = body.get("features", [body])
    return [p for f in features if f["geometry"] for p in positions(f["geometry"]["coordinates"])]
