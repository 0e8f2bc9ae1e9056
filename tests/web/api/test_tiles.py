"""OGC API – Tiles over the real borough: documents, tiles, filters, errors, freshness."""

import gzip
import math
import uuid
from urllib.parse import urlsplit

import mapbox_vector_tile
import pytest
from openapi_spec_validator import validate
from sqlalchemy import text

MVT = "application/vnd.mapbox-vector-tile"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
# A tile of scale 11 that holds the middle of the borough.
LON, LAT = -0.105, 51.545


def place(z, lon=LON, lat=LAT):
    """matrix/row/column of the tile that holds a point."""
    across = (lon + 180) / 360
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return f"{z}/{int(down * 2**z)}/{int(across * 2**z)}"


def layer_tile(client, layer, z=10, **parameters):
    return client.get(f"/api/collections/{layer}/tiles/WebMercatorQuad/{place(z)}", query_string=parameters)


def ids(response, layer):
    if response.status_code == 204:
        return set()
    assert response.status_code == 200, response.text
    return {
        feature["properties"]["id"] for feature in mapbox_vector_tile.decode(response.data)[layer]["features"]
    }


def get(client, path):
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/json"
    return response.get_json()


def by_rel(document):
    return {link["rel"]: link["href"] for link in document["links"]}


def path(address):
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@pytest.fixture
def layers(client):
    return [c["id"] for c in client.get("/api/collections").get_json()["collections"]]


def test_a_client_finds_its_way_to_a_tile(client):
    landing = get(client, "/api?f=json")
    assert client.get(path(by_rel(landing)[REL + "tilesets-vector"])).status_code == 200
    assert client.get(path(by_rel(landing)[REL + "tiling-schemes"])).status_code == 200
    collection = get(client, "/api/collections/libraries?f=json")
    listed = get(client, path(by_rel(collection)[REL + "tilesets-vector"]))
    (member,) = listed["tilesets"]
    assert member["dataType"] == "vector"
    assert member["crs"].endswith("/3857")
    tileset = get(client, path(by_rel(member)["self"]))
    template = by_rel(tileset)["item"]
    z, row, column = place(10).split("/")
    for name, value in (("tileMatrix", z), ("tileRow", row), ("tileCol", column)):
        template = template.replace(f"{{{name}}}", value)
    tile = client.get(path(template))
    assert (tile.status_code, tile.mimetype) == (200, MVT)
    scheme = get(client, path(by_rel(tileset)[REL + "tiling-scheme"]))
    assert scheme["id"] == "WebMercatorQuad"


def test_every_layers_documents_hold_together(client, layers):
    for layer in layers:
        tileset = get(client, f"/api/collections/{layer}/tiles/WebMercatorQuad")
        (about,) = tileset["layers"]
        assert about["id"] == layer
        west, south = tileset["boundingBox"]["lowerLeft"]
        east, north = tileset["boundingBox"]["upperRight"]
        assert -0.3 < west < east < 0.1
        assert 51.4 < south < north < 51.7
        tilejson = get(client, f"/api/collections/{layer}/tiles/WebMercatorQuad?f=tilejson")
        assert tilejson["tilejson"] == "3.0.0"
        assert tilejson["bounds"] == [west, south, east, north]
        assert tilejson["attribution"]
        (vector_layer,) = tilejson["vector_layers"]
        assert vector_layer["id"] == layer
        assert vector_layer["fields"].keys() == about["propertiesSchema"]["properties"].keys()
        z, row, column = place(14, *tilejson["center"][:2]).split("/")
        url = tilejson["tiles"][0].replace("{z}", z).replace("{y}", row).replace("{x}", column)
        tile = client.get(path(url))
        assert tile.status_code in (200, 204)
        if tile.status_code == 200:
            for feature in mapbox_vector_tile.decode(tile.data)[layer]["features"]:
                assert feature["properties"].keys() <= vector_layer["fields"].keys()


def test_a_tile_holds_what_the_items_are(client, layers):
    for layer in layers:
        page = client.get(f"/api/collections/{layer}/items?limit=1000&f=json").get_json()
        placed = {f["id"] for f in page["features"] if f["geometry"]}
        found = ids(client.get(f"/api/collections/{layer}/tiles/WebMercatorQuad/8/{place(8)[2:]}"), layer)
        assert found <= placed
        if layer not in ("green-spaces", "potential-green-spaces"):
            assert found == placed


def test_tiles_take_the_filters_of_items(client):
    for asked in (
        {"access": "open-to-all"},
        {"filter": "access = 'open-to-all' AND area_ha > 1"},
        {"filter": "S_INTERSECTS(geometry, BBOX(-0.11, 51.54, -0.09, 51.56))"},
    ):
        items = client.get(
            "/api/collections/green-spaces/items", query_string={**asked, "limit": 1000, "f": "json"}
        ).get_json()
        wanted = {f["id"] for f in items["features"]}
        found = set()
        z, row, column = (int(n) for n in place(14).split("/"))
        for down in range(-4, 5):
            for across in range(-4, 5):
                tile = client.get(
                    f"/api/collections/green-spaces/tiles/WebMercatorQuad/{z}/{row + down}/{column + across}",
                    query_string=asked,
                )
                found |= ids(tile, "green-spaces")
        assert found == wanted, asked
        assert len(wanted) > 1


def test_properties_can_be_chosen(client):
    response = layer_tile(client, "assets", properties="postcode,step_free")
    for feature in mapbox_vector_tile.decode(response.data)["assets"]["features"]:
        assert feature["properties"].keys() <= {"id", "postcode", "step_free"}


def test_the_filter_goes_on_into_tilejson_and_style(client):
    asked = "access=open-to-all&datetime=2020-01-01/.."
    tilejson = get(client, f"/api/collections/green-spaces/tiles/WebMercatorQuad?{asked}&f=tilejson")
    assert tilejson["tiles"][0].endswith("/{z}/{y}/{x}?access=open-to-all&datetime=2020-01-01%2F..")
    style = get(client, f"/api/collections/green-spaces/styles/default?{asked}")
    (source,) = style["sources"].values()
    assert get(client, path(source["url"])) == tilejson


def test_a_tile_of_all_layers_and_of_some(client, layers):
    response = client.get(f"/api/tiles/WebMercatorQuad/{place(12)}")
    assert set(mapbox_vector_tile.decode(response.data)) <= set(layers)
    some = client.get(f"/api/tiles/WebMercatorQuad/{place(12)}?collections=wards-2022,libraries")
    assert list(mapbox_vector_tile.decode(some.data)) == ["wards-2022", "libraries"]
    other = client.get(f"/api/tiles/WebMercatorQuad/{place(12)}?collections=libraries,wards-2022")
    assert other.data == some.data
    tilejson = get(client, "/api/tiles/WebMercatorQuad?collections=libraries,wards-2022&f=tilejson")
    assert [layer["id"] for layer in tilejson["vector_layers"]] == ["wards-2022", "libraries"]
    assert [layer["id"] for layer in get(client, "/api/tiles/WebMercatorQuad")["layers"]] == layers
    then = client.get(
        f"/api/tiles/WebMercatorQuad/{place(12)}?collections=wards-2002,wards-2022&datetime=2023-01-01"
    )
    assert list(mapbox_vector_tile.decode(then.data)) == ["wards-2022"]


def test_the_tile_matrix_set_is_the_known_one(client):
    listed = get(client, "/api/tileMatrixSets")
    assert [member["id"] for member in listed["tileMatrixSets"]] == ["WebMercatorQuad"]
    matrices = get(client, "/api/tileMatrixSets/WebMercatorQuad")["tileMatrices"]
    assert [matrix["id"] for matrix in matrices] == [str(z) for z in range(23)]
    assert matrices[0]["scaleDenominator"] == pytest.approx(559082264.0287178)
    assert matrices[0]["cellSize"] == pytest.approx(156543.03392804097)
    assert matrices[22]["matrixWidth"] == 2**22


def test_an_empty_tile_has_no_content(client):
    response = client.get("/api/collections/libraries/tiles/WebMercatorQuad/12/0/0")
    assert (response.status_code, response.data) == (204, b"")
    assert client.get("/api/tiles/WebMercatorQuad/22/0/0").status_code == 204


@pytest.mark.parametrize(
    "address, status",
    [
        ("collections/libraries/tiles/WebMercatorQuad/23/0/0", 404),
        ("collections/libraries/tiles/WebMercatorQuad/-1/0/0", 404),
        ("collections/libraries/tiles/WebMercatorQuad/3/8/0", 404),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/8", 404),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/-1", 404),
        ("tiles/WebMercatorQuad/3/0/999999999", 404),
        ("collections/libraries/tiles/WebMercatorQuad/three/0/0", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0.5/0", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/NaN", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/9999999999999999999999", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/٣", 400),
        ("collections/libraries/tiles/WorldCRS84Quad/3/0/0", 404),
        ("collections/libraries/tiles/WorldCRS84Quad", 404),
        ("tileMatrixSets/WorldCRS84Quad", 404),
        ("collections/librarys/tiles/WebMercatorQuad/3/0/0", 404),
        ("collections/librarys/tiles", 404),
        ("collections/librarys/styles/default", 404),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/0?limit=5", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/0?bbox=0,0,1,1", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/0?f=png", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/0?f=mvt&f=mvt", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/0?nmae=x", 400),
        ("collections/libraries/tiles/WebMercatorQuad/3/0/0?filter=name%20%3D", 400),
        ("collections/libraries/tiles/WebMercatorQuad?f=xml", 400),
        ("tiles/WebMercatorQuad?collections=librarys", 400),
        ("tiles/WebMercatorQuad?collections=", 400),
        ("tiles/WebMercatorQuad/3/0/0?name=x", 400),
        ("tileMatrixSets?f=html", 400),
    ],
)
def test_what_is_wrong_is_said(client, address, status):
    response = client.get(f"/api/{address}")
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["status"] == status


def test_a_mistaken_layer_is_guessed(client):
    problem = client.get("/api/tiles/WebMercatorQuad?collections=librarys").get_json()
    assert "libraries" in problem["errors"][0]["reason"]


def test_a_tile_is_compressed_for_those_who_accept_it(client):
    address = f"/api/collections/wards-2022/tiles/WebMercatorQuad/{place(12)}"
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_a_change_is_in_the_next_tile(client, database):
    address = f"/api/collections/libraries/tiles/WebMercatorQuad/{place(10)}"
    before = client.get(address)
    name = f"Renamed {uuid.uuid4()}"
    library = min(ids(before, "libraries"))
    with database.session("test") as session:
        (old,) = session.execute(
            text("SELECT name FROM register.assets WHERE id = :id"), {"id": library}
        ).one()
        session.execute(
            text("UPDATE register.assets SET name = :name WHERE id = :id"), {"name": name, "id": library}
        )
    after = client.get(address)
    assert name.encode() in after.data
    with database.session("test") as session:
        session.execute(
            text("UPDATE register.assets SET name = :name WHERE id = :id"), {"name": old, "id": library}
        )
    assert client.get(address).data == before.data


def test_the_style_draws_every_layer_with_a_letter_beside_its_colour(client, layers):
    style = get(client, "/api/styles/default")
    assert style["version"] == 8
    assert {part["source-layer"] for part in style["layers"]} == set(layers)
    letters = {
        part["source-layer"]: part["layout"]["text-field"]
        for part in style["layers"]
        if part["type"] == "symbol"
    }
    assert letters["libraries"] == "L"
    assert letters["hubs"] == "H"
    one = get(client, "/api/collections/potential-green-spaces/styles/default")
    assert any("line-dasharray" in part["paint"] for part in one["layers"])
    assert not any(part.get("layout", {}).get("visibility") == "none" for part in one["layers"])
    # Nothing is fetched from anywhere else.
    assert "glyphs" not in style
    assert "sprite" not in style


def test_conformance_and_openapi_name_the_tiles(client, layers):
    classes = set(get(client, "/api/conformance?f=json")["conformsTo"])
    assert {
        TILES + name for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")
    } <= classes
    document = client.get("/api/openapi.json").get_json()
    validate(document)
    for home in ("", *(f"/collections/{layer}" for layer in layers)):
        at = f"{home}/tiles/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
        operation = document["paths"][at]["get"]
        assert ".getTile" in operation["operationId"]
        assert MVT in operation["responses"]["200"]["content"]
        assert "204" in operation["responses"]
    given = [p.get("$ref", p.get("name")) for p in document["paths"][at]["get"]["parameters"]]
    names = {document["components"]["parameters"][ref.split("/")[-1]]["name"] for ref in given if "/" in ref}
    assert {"filter", "datetime", "properties", "access"} <= names
    assert not {"limit", "bbox", "sortby", "crs"} & names
