"""Features in every format over HTTP: chosen by `f` and `Accept`, whole or by page, headers right."""

import csv
import io
import json
import re
import tempfile
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path

import geopandas
import pytest
from openapi_spec_validator import validate
from sqlalchemy import text

from mapservice.layers.export import NoLicences, export_layer
from mapservice.layers.formats import FORMATS
from mapservice.web.api.downloads import file_name

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
OTHERS = [each for each in FORMATS if each.id != "json"]
ALL = pytest.mark.parametrize("wanted", OTHERS, ids=lambda each: each.id)


def get(client, layer="libraries", headers=None, status=200, **parameters):
    address = f"/api/collections/{layer}/items"
    response = client.get(address, query_string=parameters, headers=headers, buffered=True)
    assert response.status_code == status, response.text[:500]
    return response


def frame(response, wanted, tmp_path):
    path = tmp_path / f"layer{wanted.ending}"
    path.write_bytes(response.data)
    if wanted.id == "parquet":
        return geopandas.read_parquet(path)
    return geopandas.read_file(path)


@ALL
def test_a_whole_layer_by_f(client, wanted, tmp_path):
    response = get(client, "green-spaces" if wanted.id != "shp" else "assets", f=wanted.id)
    count = client.get("/api/collections/" + ("green-spaces" if wanted.id != "shp" else "assets")).get_json()
    assert response.mimetype == wanted.media_type
    assert len(frame(response, wanted, tmp_path)) == count["numberOfFeatures"] > 50
    assert "limit" not in response.headers["Link"]
    assert 'rel="next"' not in response.headers["Link"]
    assert 'rel="license"' in response.headers["Link"]
    assert re.fullmatch(
        rf'attachment; filename="islington-[a-z-]+-\d{{4}}-\d\d-\d\d{re.escape(wanted.ending)}"',
        response.headers["Content-Disposition"],
    )


@ALL
def test_the_accept_header_chooses_too(client, wanted):
    response = get(client, headers={"Accept": f"{wanted.media_type}, application/json;q=0.5"})
    assert response.mimetype == wanted.media_type


def test_a_browser_still_gets_a_page_and_anybody_else_geojson(client):
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    assert get(client, headers={"Accept": browser}).mimetype == "text/html"
    for accept in ("*/*", "application/json", "application/geo+json", "image/png"):
        assert get(client, headers={"Accept": accept}).mimetype == "application/geo+json"


@ALL
def test_pages_follow_the_next_link_to_the_end(client, wanted, tmp_path):
    seen = []
    address = f"/api/collections/libraries/items?f={wanted.id}&limit=4&sortby=-name"
    for size in (4, 4, 2):
        response = client.get(address)
        assert response.status_code == 200
        page = frame(response, wanted, tmp_path)
        assert len(page) == size
        seen += list(page["id"])
        links = dict(
            reversed(link) for link in re.findall(r'<([^>]+)>; rel="(\w+)"', response.headers["Link"])
        )
        address = links.get("next")
    assert address is None
    plain = get(client, sortby="-name", limit=100).get_json()
    assert seen == [feature["id"] for feature in plain["features"]]
    back = frame(client.get(links["prev"]), wanted, tmp_path)
    assert list(back["id"]) == seen[4:8]


@ALL
def test_filters_work_as_for_geojson(client, wanted, tmp_path):
    query = {"bbox": "-0.12,51.53,-0.09,51.56", "verified": "true", "sortby": "-name", "properties": "name"}
    truth = get(client, "assets", limit=1000, **query).get_json()["features"]
    assert 10 < len(truth) < 1000
    found = frame(get(client, "assets", f=wanted.id, **query), wanted, tmp_path)
    assert list(found["id"]) == [feature["id"] for feature in truth]
    assert "kind" not in found.columns


@ALL
@pytest.mark.parametrize("epsg", [27700, 3857])
def test_the_crs_asked_for_is_the_crs_of_the_file(client, wanted, epsg, tmp_path):
    if wanted.degrees_only:
        problem = get(client, f=wanted.id, crs=EPSG + str(epsg), limit="x", status=400).get_json()
        assert {error["parameter"] for error in problem["errors"]} == {"crs", "limit"}
        assert "longitude and latitude" in str(problem["errors"])
        accept = {"Accept": wanted.media_type}
        assert get(client, crs=EPSG + str(epsg), status=400, headers=accept).mimetype.endswith("problem+json")
        return
    response = get(client, "wards-2022", f=wanted.id, crs=EPSG + str(epsg))
    assert response.headers["Content-Crs"] == f"<{EPSG}{epsg}>"
    found = frame(response, wanted, tmp_path)
    if wanted.id not in ("csv", "geojsonseq"):
        assert found.crs.to_epsg() == epsg
    truth = get(client, "wards-2022", crs=EPSG + str(epsg)).data
    plain = geopandas.read_file(io.BytesIO(truth), engine="pyogrio")
    assert list(found.total_bounds) == pytest.approx(list(plain.total_bounds), abs=0.01)


@ALL
def test_without_a_crs_it_is_longitude_and_latitude(client, wanted, tmp_path):
    response = get(client, "wards-2022", f=wanted.id)
    assert "CRS84" in response.headers["Content-Crs"]
    found = frame(response, wanted, tmp_path)
    if wanted.id == "csv":
        assert list(found["wkt"].str.startswith("MULTIPOLYGON((("))
    else:
        assert found.crs.to_epsg() == 4326 or found.crs.to_string() == "OGC:CRS84"
        assert list(found.total_bounds) == pytest.approx([-0.1425, 51.5185, -0.0763, 51.5755], abs=1e-4)


@ALL
def test_head_answers_without_the_work(client, wanted, monkeypatch):
    monkeypatch.setattr("mapservice.web.api.downloads._send_all", None)
    monkeypatch.setattr("mapservice.web.api.downloads._send_page", None)
    response = client.head(f"/api/collections/libraries/items?f={wanted.id}")
    assert (response.status_code, response.mimetype, response.data) == (200, wanted.media_type, b"")
    assert "attachment" in response.headers["Content-Disposition"]
    assert "Content-Length" not in response.headers


def test_an_unknown_format_is_refused_with_a_hint(client):
    problem = get(client, f="gpgk", status=400).get_json()
    assert "did you mean gpkg" in problem["errors"][0]["reason"]


def test_collections_link_to_every_format(client):
    links = client.get("/api/collections/libraries").get_json()["links"]
    for wanted in OTHERS:
        (link,) = [each for each in links if each["type"] == wanted.media_type]
        assert link["rel"] == ("items" if wanted.stream else "enclosure")
        assert link["title"].endswith(wanted.title)
        assert client.get(link["href"], buffered=True).mimetype == wanted.media_type


def test_the_openapi_document_names_every_format(client):
    document = client.get("/api/openapi.json").get_json()
    validate(document)
    operation = document["paths"]["/collections/libraries/items"]["get"]
    assert {each.media_type for each in FORMATS} <= operation["responses"]["200"]["content"].keys()
    (choice,) = [each for each in operation["parameters"] if each["name"] == "f"]
    assert set(choice["schema"]["enum"]) == {*(each.id for each in FORMATS), "geojson", "html"}


def test_the_data_page_offers_downloads(client):
    text = client.get("/data").text
    for wanted in ("csv", "gpkg", "shp", "kml"):
        assert f"/api/collections/libraries/items?f={wanted}" in text


def test_a_sequence_is_as_rfc_8142_has_it(client):
    body = get(client, f="geojsonseq").data
    records = body.split(b"\x1e")
    assert records[0] == b""
    assert all(record.endswith(b"\n") for record in records[1:])
    assert [json.loads(record)["type"] for record in records[1:]] == ["Feature"] * 10


def test_csv_opens_in_a_spreadsheet(client):
    response = get(client, "green-spaces", f="csv")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.data.startswith(b"\xef\xbb\xbfid,name,")
    rows = list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))
    truth = get(client, "green-spaces", limit=1000).get_json()["features"]
    assert [row["id"] for row in rows] == [feature["id"] for feature in truth]
    assert sum(row["wkt"] != "" for row in rows) > 100
    assert all((row["wkt"] == "") is (row["wkt_left_out"] == "true") for row in rows)
    for row in rows:
        assert len(row["wkt"]) <= 32_767
        assert 525000 < float(row["easting"]) < 534000
        assert 51.5 < float(row["latitude"]) < 51.6


@pytest.mark.parametrize("ending", ["csv", "gpkg"])
def test_licences_are_exported_apart_and_together_make_the_layer(client, database, tmp_path, ending):
    odbl, ogl = "Open Database License 1.0", "Open Government Licence v3.0"
    with database.session("tests") as session:
        session.execute(
            text(
                "UPDATE register.green_spaces SET source_id = 'openstreetmap'"
                " WHERE id IN ('barnard-park', 'highbury-fields')"
            )
        )
    wanted = next(each for each in FORMATS if each.id == ending)

    def ids(**chosen):
        response = get(client, "green-spaces", f=ending, **chosen)
        return [*frame(response, wanted, tmp_path).id]

    of_osm, of_ogl, everything = ids(licence=odbl), ids(licence=ogl), ids()
    assert sorted(of_osm) == ["barnard-park", "highbury-fields"]
    assert len(of_ogl) > 20
    assert not {*of_osm} & {*of_ogl}
    without = ids(filter=f"licence<>'{odbl}'")
    assert sorted([*of_osm, *without]) == sorted(everything)
    assert {*of_ogl} <= {*without}
    layer = client.application.extensions["catalogue"].get("green-spaces")
    path = tmp_path / f"apart.{ending}"
    assert export_layer(database, layer, path, licence=odbl) == 2
    with pytest.raises(NoLicences):
        export_layer(database, replace(layer, properties=()), path, licence=odbl)


def test_the_shapefile_tells_its_licence_and_its_short_names(client):
    archive = zipfile.ZipFile(io.BytesIO(get(client, "green-spaces", f="shp").data))
    names = archive.namelist()
    assert {"README.txt", "LICENCE.txt"} <= set(names)
    for part in ("points", "polygons"):
        assert {f"green-spaces-{part}.{ending}" for ending in ("shp", "shx", "dbf", "prj", "cpg")} <= set(
            names
        )
    readme = archive.read("README.txt").decode()
    assert re.search(r"demonstrat\s+demonstration", readme)
    assert "cut off: areas" in readme
    assert "Open Government Licence" in archive.read("LICENCE.txt").decode()
    assert archive.read("green-spaces-points.cpg") == b"UTF-8"


def test_names_of_files_are_plain():
    name = file_name("Tower Hamlets & Ville-d'Été", "parks", None, ".gpkg")
    assert re.fullmatch(r"tower-hamlets-ville-d-ete-parks-\d{4}-\d\d-\d\d\.gpkg", name)


def test_finished_files_leave_nothing_behind(client, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for wanted in OTHERS:
        response = get(client, f=wanted.id)
        assert response.data
        response.close()
    assert list(Path(tmp_path).iterdir()) == []


def test_too_many_downloads_at_once_are_told_when_to_return(app, client):
    slots = app.extensions["downloads"]
    taken = 0
    while slots.acquire(blocking=False):
        taken += 1
    try:
        response = get(client, f="csv", status=503)
        assert int(response.headers["Retry-After"]) > 0
        assert get(client, f="csv", limit=3).status_code == 200
    finally:
        for _ in range(taken):
            slots.release()
    for _ in range(taken + 1):
        assert get(client, f="csv").data
        assert get(client, f="gpkg").data


def test_geojson_is_another_name_for_json(client):
    usual, other = get(client, f="json", limit=2), get(client, f="geojson", limit=2)
    assert other.mimetype == "application/geo+json"
    assert usual.get_json()["features"] == other.get_json()["features"]
    assert "f=geojson&" in other.headers["Link"]  # whoever follows a link goes on in their own words
    assert client.get("/api/collections/libraries/items/finsbury-library?f=geojson").status_code == 200
    assert "geojson" in get(client, f="geojsn", status=400).get_json()["errors"][0]["reason"]
    assert client.get("/api/collections?f=geojson").status_code == 400


def test_a_server_gives_every_format_and_goes_on_answering(live_server):
    """On the PostgreSQL there is: a statement that fails in a download must not spoil its connection."""

    def ask(path):
        with urllib.request.urlopen(live_server + path, timeout=60) as answer:
            assert answer.status == 200
            return answer.read()

    for layer in ("potential-green-spaces", "assets"):
        for each in FORMATS:
            body = ask(f"/api/collections/{layer}/items?f={each.id}")
            assert len(body) > 1000, each.id
            # More than one server process has threads: each connection comes round again.
            for number in range(4):
                page = json.loads(ask(f"/api/collections/{layer}/items?limit=2&offset={number}"))
                assert page["numberReturned"] == 2
                assert ask(f"/api/collections/{layer}/items?f=fgb&limit=1&offset={number}")[:3] == b"fgb"
