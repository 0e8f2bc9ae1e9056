"""Every format holds what GeoJSON holds: features, order, ids, CRS, bounds and values, whatever the layer."""

import csv
import json
from datetime import date, datetime

import geopandas
import pandas
import pyogrio
import pytest
from sqlalchemy import text

from mapservice.layers.export import UnknownFormat, export_layer
from mapservice.layers.formats import FORMAT_BY_ID, FORMATS, Job, delimited, format_of_path, snapshot
from mapservice.layers.formats.shapefile import short_names
from mapservice.layers.layer import Layer, Property, Style
from mapservice.layers.paging import SortKey
from mapservice.layers.query import CRS84, STORAGE_CRS, FeatureQuery

PROPERTIES = (
    Property("name", "string", "Name"),
    Property("note", "string", "Note"),
    Property("tags", "array", "Tags"),
    Property("parts", "array", "Parts"),
    Property("whole", "object", "Whole"),
    Property("day", "date", "Day"),
    Property("moment", "date-time", "Moment"),
    Property("open", "boolean", "Open"),
    Property("amount", "number", "Amount"),
    Property("pieces", "integer", "Pieces"),
)
HOSTILE = ["=1+1", "+44 20 7946 0000", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "＝1+1"]
HARMLESS = [
    "-12.5",
    "+3",
    "1e-5",
    "-.5",
    "a=b",
    "",
    " ",
    "0",
    "l'été",
    "«日本»",
    'say "hi", twice',
    "two\nlines",
]
TABLE = """
CREATE TABLE layers.odd (
    id text PRIMARY KEY, kind text NOT NULL, name text, note text, tags text[], parts jsonb, whole jsonb,
    day date, moment timestamptz, open boolean, amount double precision, pieces bigint,
    visibility text NOT NULL DEFAULT 'public', geom geometry(Geometry, 27700),
    geom_4326 geometry(Geometry, 4326)
        GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 4326)) STORED,
    geom_3857 geometry(Geometry, 3857)
        GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 3857)) STORED)
"""
ROW = """
INSERT INTO layers.odd (id, kind, name, note, tags, parts, whole, day, moment, open, amount, pieces, geom)
VALUES (:id, :kind, :name, :note, :tags, CAST(:parts AS jsonb), CAST(:whole AS jsonb), :day, :moment, :open,
        :amount, :pieces, ST_GeomFromText(:wkt, 27700))
"""
POINT = "POINT(531000.25 184000.5)"
AREA = "MULTIPOLYGON(((531000 184000, 531100 184000, 531100 184100, 531000 184000)))"
EMPTY = dict.fromkeys(("note", "tags", "parts", "whole", "day", "moment", "open", "amount", "pieces", "wkt"))


def rows():
    for number, name in enumerate([*HOSTILE, *HARMLESS]):
        yield {
            **EMPTY, "id": f"row-{number:02}", "kind": "point", "name": name, "note": f"{number}",
            "tags": ["library", "hub; café"][: number % 3],
            "parts": json.dumps([{"name": "A", "share": 0.5}]),
            "whole": json.dumps({"a": [1, {"b": None}]}), "day": date(2024, 2, 29),
            "moment": datetime.fromisoformat("2026-11-22T15:04:05.678+00:00"), "open": number % 2 == 0,
            "amount": number / 7, "pieces": 2**40 + number, "wkt": None if number % 5 == 4 else POINT,
        }  # fmt: skip
    yield {**EMPTY, "id": "nothing", "kind": "point", "name": None}
    for number in range(3):
        yield {**EMPTY, "id": f"area-{number}", "kind": "polygon", "name": f"Area {number}", "wkt": AREA}


def odd(layer_id, kind, where):
    return Layer(
        id=layer_id, title="Odd <things> & more", description="What could go wrong.", relation="layers.odd",
        where=where, geometry_kind=kind, properties=PROPERTIES, style=Style("#123456", "circle", "O"),
        attribution="Nobody's © data",
        licence="Open Government Licence v3.0",
    )  # fmt: skip


LAYERS = {
    "points": odd("points", "point", "f.kind = 'point'"),
    "areas": odd("areas", "polygon", "f.kind = 'polygon'"),
    "both": odd("both", "mixed", None),
    "none": odd("none", "mixed", "f.kind = 'no such'"),
}
EVERY_LAYER = pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
EVERY_FORMAT = pytest.mark.parametrize("wanted", FORMATS, ids=lambda each: each.id)


@pytest.fixture(scope="module", autouse=True)
def table(database):
    with database.owner.begin() as connection:
        connection.execute(text(TABLE))
        connection.execute(text(ROW), list(rows()))


def save(database, layer, wanted, tmp_path, **query):
    path = tmp_path / f"{layer.id}{wanted.ending}"
    with database.reading() as cursor, snapshot(cursor.connection):
        wanted.save(cursor.connection, Job(layer, FeatureQuery(**query), "https://maps.example.org"), path)
    return path


def read(wanted, path):
    """One frame of all that the file holds; null instead of the many ways to say that nothing is there."""
    if wanted.id == "parquet":
        return geopandas.read_parquet(path)
    if wanted.id == "csv":
        return pandas.read_csv(path)
    if wanted.id == "kml":
        return (
            geopandas.read_file(path).drop(columns="name", errors="ignore").rename(columns={"Name": "name"})
        )
    frames = [geopandas.read_file(path, layer=name) for name, _ in pyogrio.list_layers(path)]
    return pandas.concat(frames) if len(frames) > 1 else frames[0]


def features(database, layer, tmp_path, **query):
    path = save(database, layer, FORMAT_BY_ID["json"], tmp_path, **query)
    return json.loads(path.read_text())["features"]


@EVERY_FORMAT
@EVERY_LAYER
def test_features_crs_and_bounds_are_those_of_geojson(database, layer, wanted, tmp_path):
    for crs in (CRS84, STORAGE_CRS):
        if wanted.degrees_only and crs != CRS84:
            continue
        truth = features(database, layer, tmp_path, crs=crs)
        path = save(database, layer, wanted, tmp_path, crs=crs)
        if not truth and wanted.id in ("geojsonseq", "jsonfg", "kml"):
            # Nothing tells GDAL of a layer that has no features in these.
            assert "row-00" not in path.read_text()
            continue
        found = read(wanted, path)
        assert len(found) == len(truth)
        if not truth:
            continue
        ids = list(found["id"])
        assert (sorted(ids) if wanted.id == "shp" else ids) == sorted(feature["id"] for feature in truth)
        placed = {feature["id"] for feature in truth if feature["geometry"]}
        if wanted.id == "csv":
            assert set(found["id"][found["longitude"].notna()]) == placed
            continue
        assert set(found["id"][found.geometry.notna()]) == placed
        if wanted.id not in ("json", "geojsonseq"):
            assert found.crs.to_epsg() == (27700 if crs == STORAGE_CRS else 4326) or crs == CRS84
        west, south, east, north = found.total_bounds
        if crs == STORAGE_CRS:
            assert (west, south) == pytest.approx(
                (531000, 184000) if layer.id != "points" else (531000.25, 184000.5)
            )
        else:
            assert -0.12 < west <= east < -0.10
            assert 51.53 < south <= north < 51.55


def plain(value):
    """A value as JSON would have it, whichever type a reader made of it."""
    if isinstance(value, list) or getattr(value, "ndim", 0):
        return [plain(each) for each in value]
    if value is None or value is pandas.NaT or (isinstance(value, float) and value != value):
        return None
    return value.item() if hasattr(value, "item") else value


def expected(wanted, name, value):
    """What GeoJSON's value is in the format's own terms."""
    flat = wanted.id not in ("json", "geojsonseq", "jsonfg")
    if value is None:
        return None
    if name == "tags" and flat and wanted.id != "parquet":
        return "; ".join(value) or None
    if name == "parts" and wanted.id == "parquet":
        return [json.dumps(each) for each in value]
    return value


@EVERY_FORMAT
def test_values_are_those_of_geojson(database, wanted, tmp_path):
    layer = LAYERS["points"]
    truth = {each["id"]: each["properties"] for each in features(database, layer, tmp_path)}
    found = read(wanted, save(database, layer, wanted, tmp_path))
    short = short_names(["id", *(prop.name for prop in PROPERTIES)]) if wanted.id == "shp" else {}
    for row in found.to_dict("records"):
        for name, value in truth[row["id"]].items():
            got, want = plain(row[short.get(name, name)]), expected(wanted, name, value)
            where = (wanted.id, row["id"], name)
            if name in ("parts", "whole") and isinstance(got, str):
                got = json.loads(got)
            elif name == "day" and got is not None:
                got, want = str(got)[:10], want[:10]
            elif name == "moment" and got is not None:
                assert pandas.Timestamp(got) == pandas.Timestamp(want), where
                continue
            elif name == "name" and wanted.id == "csv" and want in HOSTILE:
                want = f"'{want}"
            elif name in ("name", "note") and wanted.id == "csv":
                got = want if str(got) == want or (got is None and want == "") else got
                got = want if isinstance(got, float | int) and float(want) == got else got
            elif name == "name" and wanted.id in ("kml", "shp"):
                # XML reads a carriage return as a line feed, and a DBF keeps no spaces at the end.
                got, want = ((each or "").replace("\r", "\n").strip() for each in (got, want))
            elif isinstance(want, float):
                want = pytest.approx(want)
            assert got == want, where


def test_csv_runs_no_formula_and_keeps_numbers(database, tmp_path):
    path = save(database, LAYERS["points"], FORMAT_BY_ID["csv"], tmp_path)
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfid,name,note,")
    with path.open(encoding="utf-8-sig", newline="") as file:
        found = {row["id"]: row for row in csv.DictReader(file, strict=True)}
    for number, name in enumerate([*HOSTILE, *HARMLESS]):
        cell = found[f"row-{number:02}"]["name"]
        assert cell == (f"'{name}" if name in HOSTILE else name)
        assert found[f"row-{number:02}"]["open"] == ("true" if number % 2 == 0 else "false")
    assert found["row-02"]["tags"] == "library; hub; café"
    assert found["row-00"]["easting"] == "531000.25"
    assert found["row-04"]["easting"] == found["row-04"]["longitude"] == ""
    assert set(found["nothing"].values()) == {"nothing", ""}


def test_outlines_in_csv_have_a_point_on_them_and_wkt(database, tmp_path):
    found = read(
        FORMAT_BY_ID["csv"], save(database, LAYERS["both"], FORMAT_BY_ID["csv"], tmp_path, crs=STORAGE_CRS)
    )
    area = found[found["id"] == "area-0"].iloc[0]
    shape = geopandas.GeoSeries.from_wkt([area["wkt"]])[0]
    assert shape.contains(geopandas.points_from_xy([area["easting"]], [area["northing"]])[0])
    assert area["wkt"] == "MULTIPOLYGON(((531000 184000,531100 184000,531100 184100,531000 184000)))"
    assert found[found["id"] == "row-00"].iloc[0]["wkt"] == "POINT(531000.25 184000.5)"


def test_csv_says_what_it_leaves_out(database, tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_CELL", 40)
    found = read(FORMAT_BY_ID["csv"], save(database, LAYERS["both"], FORMAT_BY_ID["csv"], tmp_path))
    told = found.set_index("id")[["wkt", "wkt_left_out"]].astype(object)
    assert told.loc["area-0", "wkt_left_out"] in (True, "true")
    assert not isinstance(told.loc["area-0", "wkt"], str)
    assert told.loc["row-00", "wkt"].startswith("POINT(")
    assert told.loc["row-00", "wkt_left_out"] in (False, "false")


def test_flatgeobuf_has_an_index_where_nothing_speaks_against_it(database, tmp_path):
    def indexed(layer, **query):
        path = save(database, LAYERS[layer], FORMAT_BY_ID["fgb"], tmp_path, **query)
        return pyogrio.read_info(path)["capabilities"]["fast_spatial_filter"], len(geopandas.read_file(path))

    has, count = indexed("areas")
    assert has
    assert count > 1
    name = LAYERS["areas"].find_property("name")
    assert indexed("areas", sort=(SortKey(name, True),)) == (False, count)
    assert indexed("both")[0] is False  # some of it has no geometry


def test_degrees_in_latitude_first_order_are_so_in_text_and_not_in_files(database, tmp_path):
    crs = "http://www.opengis.net/def/crs/EPSG/0/4326"
    layer = LAYERS["areas"]
    assert features(database, layer, tmp_path, crs=crs)[0]["geometry"]["coordinates"][0][0][0][0] > 51
    (fg, gpkg) = (save(database, layer, FORMAT_BY_ID[each], tmp_path, crs=crs) for each in ("jsonfg", "gpkg"))
    place = json.loads(fg.read_text())["features"][0]["place"]
    assert place["coordinates"][0][0][0][0] > 51
    assert geopandas.read_file(gpkg).total_bounds[0] < 0
    assert geopandas.read_file(gpkg).crs.to_epsg() == 4326


def test_files_say_what_they_are(database, tmp_path):
    import pyarrow.parquet

    layer = LAYERS["both"]
    for wanted in ("gpkg", "fgb"):
        path = save(database, layer, FORMAT_BY_ID[wanted], tmp_path)
        told = pyogrio.read_info(path)["layer_metadata"]
        assert "Open Government Licence" in told["LICENCE"]
        assert told["ATTRIBUTION"] == "Nobody's © data"
        assert "What could go wrong." in told["DESCRIPTION"]
    metadata = pyarrow.parquet.read_schema(save(database, layer, FORMAT_BY_ID["parquet"], tmp_path)).metadata
    assert "Open Government Licence" in metadata[b"licence"].decode()
    kml = save(database, layer, FORMAT_BY_ID["kml"], tmp_path).read_text()
    assert "Nobody's © data" in kml
    assert "Odd &lt;things&gt; &amp; more" in kml
    fg = json.loads(save(database, layer, FORMAT_BY_ID["jsonfg"], tmp_path).read_text())
    assert fg["attribution"] == "Nobody's © data"
    assert fg["featureType"] == "both"


def test_the_grid_is_named_and_never_transformed(database, tmp_path):
    for wanted in ("gpkg", "fgb", "parquet", "shp", "jsonfg"):
        found = read(
            FORMAT_BY_ID[wanted],
            save(database, LAYERS["points"], FORMAT_BY_ID[wanted], tmp_path, crs=STORAGE_CRS),
        )
        (point,) = {geometry.wkt for geometry in found.geometry.dropna()}
        assert point == "POINT (531000.25 184000.5)", wanted


def test_short_names_are_short_and_different():
    names = [
        "id",
        "ward_2002",
        "ward_2002_code",
        "ward_2022_code",
        "opening_hours",
        "opening_note",
        "Opening_Ho",
    ]
    short = short_names(names)
    assert all(len(name) <= 10 for name in short.values())
    assert len({name.lower() for name in short.values()}) == len(names)
    assert short["ward_2002"] == "ward_2002"


def test_the_ending_of_a_name_chooses_the_format(tmp_path):
    endings = {ending: each.id for each in FORMATS for ending in each.endings}
    for ending, wanted in endings.items():
        assert format_of_path(tmp_path / f"Some.layer{ending.upper()}").id == wanted
    assert format_of_path(tmp_path / "layer.xlsx") is None


def test_export_writes_whole_files_or_none(database, tmp_path):
    layer = LAYERS["both"]
    assert export_layer(database, layer, tmp_path / "odd.gpkg") == len(list(rows()))
    assert geopandas.read_file(tmp_path / "odd.gpkg").crs.to_epsg() == 27700
    with pytest.raises(UnknownFormat, match=r"\.gpkg"):
        export_layer(database, layer, tmp_path / "odd.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["odd.gpkg"]
