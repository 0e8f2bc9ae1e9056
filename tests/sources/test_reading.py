"""Files as people really send them: every mistake is named with its line, nothing is guessed."""

import json

import pytest

from mapservice.sources.features import read_features
from mapservice.sources.report import Report
from mapservice.sources.tables import read_table, refuse_repeated

SQUARE = [[[530000, 183000], [530100, 183000], [530100, 183100], [530000, 183100], [530000, 183000]]]
GRID = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}


def read(tmp_path, content, required=("id", "name"), optional=("note",)):
    path = tmp_path / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = Report("test", path.name)
    return read_table(path, report, required, optional), report


def reasons(report):
    return [(r.line, r.field, r.reason) for r in report.rejected]


@pytest.mark.parametrize(
    "content",
    [
        "id,name\na,Äpfel\n",
        "\ufeffid,name\r\na,Äpfel\r\n",
        "id;name\na;Äpfel\n",
        "name\tid\nÄpfel\ta",
        '"id","name"\n\n"a"," Äpfel "\n,\n',
    ],
)
def test_spreadsheets_in_all_their_dialects_are_read(tmp_path, content):
    table, report = read(tmp_path, content)
    assert report.ok
    assert [row.cells for row in table.rows] == [{"id": "a", "name": "Äpfel"}]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    table, report = read(tmp_path, 'id,name\n\na,"two\nlines"\nb,B\n')
    assert report.ok
    assert [row.line for row in table.rows] == [3, 5]


def test_another_encoding_is_refused_with_what_to_do(tmp_path):
    _, report = read(tmp_path, b"id,name\na,A\nb,St John\x92s\n")
    assert reasons(report)[0][0] == 3
    assert "Windows-1252" in report.render()
    assert "CSV UTF-8" in report.render()
    _, report = read(tmp_path, "id,name\na,A\n".encode("utf-16"))
    assert "UTF-16" in report.render()
    _, report = read(tmp_path, b"id,name\na,\x00\n")
    assert "not a text file" in report.render()


def test_columns_are_checked_and_near_misses_named(tmp_path):
    _, report = read(tmp_path, "id,nmae,id\na,A,b\n")
    assert reasons(report) == [
        (1, "nmae", "is not a known column; did you mean name?") if field == "nmae" else (1, field, reason)
        for _, field, reason in reasons(report)
    ]
    assert {reason for _, _, reason in reasons(report)} >= {"appears more than once", "is missing"}


def test_ragged_and_broken_rows_are_named(tmp_path):
    _, report = read(tmp_path, "id,name\na\nb,B,C\n")
    assert [line for line, _, _ in reasons(report)] == [2, 3]
    _, report = read(tmp_path, 'id,name\na,"open\n')
    assert not report.ok


@pytest.mark.parametrize("content", ["", "\n", "id,name\n"])
def test_a_file_without_rows_is_refused(tmp_path, content):
    _, report = read(tmp_path, content)
    assert not report.ok


def test_repeated_ids_name_the_first_line(tmp_path):
    table, report = read(tmp_path, "id,name\na,A\nb,B\na,C\n")
    refuse_repeated(table.rows, ["id"])
    assert reasons(report) == [(4, "id", "is in this file twice, first on line 2")]


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        report = Report("test")
        read_table(path, report, ["id"])
        assert not report.ok


def features(tmp_path, document):
    path = tmp_path / "file.geojson"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    report = Report("test", path.name)
    return read_features(path, report, ["id"], ["note"], ["MultiPolygon"]), report


def collection(*items, crs=GRID):
    return {"type": "FeatureCollection", "crs": crs, "features": list(items)}


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def polygon(rings):
    return {"type": "Polygon", "coordinates": rings}


def test_a_polygon_becomes_a_multipolygon_and_values_become_cells(tmp_path):
    found, report = features(tmp_path, collection(feature(polygon(SQUARE), id="a", note=None)))
    assert report.ok, report.render()
    assert found.rows[0].geometry.geom_type == "MultiPolygon"
    assert found.rows[0].row.cells == {"id": "a", "note": ""}


def test_degrees_are_turned_into_the_national_grid(tmp_path):
    ring = [[[-0.11, 51.53], [-0.10, 51.53], [-0.10, 51.54], [-0.11, 51.53]]]
    found, report = features(tmp_path, collection(feature(polygon(ring), id="a"), crs=None))
    assert report.ok, report.render()
    assert found.rows[0].geometry.bounds == pytest.approx((531197, 182924, 531891, 184055), abs=2)


@pytest.mark.parametrize(
    "geometry,why",
    [
        (None, "is missing"),
        (polygon([[[0, 0], [10, 10], [0, 10], [10, 0], [0, 0]]]), "not valid: Self-intersection"),
        ({"type": "Point", "coordinates": [1, 2]}, "is a Point"),
        ({"type": "Polygon", "coordinates": []}, "is empty"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "cannot be read"),
        ({"type": "Circle"}, "cannot be read"),
    ],
)
def test_wrong_geometry_is_refused(tmp_path, geometry, why):
    _, report = features(tmp_path, collection(feature(geometry, id="a")))
    assert why in report.render()


@pytest.mark.parametrize(
    "document,why",
    [
        ("{", "is not JSON"),
        ("[]", "FeatureCollection"),
        ('{"type":"FeatureCollection","features":3}', "must be a list"),
        ('{"type":"FeatureCollection","features":[]}', "holds no feature"),
        ('{"type":"FeatureCollection","features":[7]}', "is not a GeoJSON Feature"),
        ('{"type":"FeatureCollection","features":[NaN]}', "NaN"),
        ("[" * 100_000, "cannot be read"),
        (
            collection(feature(polygon(SQUARE), id="a"), crs={"properties": {"name": "EPSG:3857"}}),
            "must be EPSG:27700",
        ),
        (collection(feature(polygon(SQUARE), id="a"), crs=None), "not in longitude and latitude"),
        (collection(feature(polygon(SQUARE), id="a", nots="x")), "did you mean note"),
        (collection(feature(polygon(SQUARE), id={"a": 1})), "must be text"),
    ],
)
def test_wrong_documents_are_refused(tmp_path, document, why):
    _, report = features(tmp_path, document)
    assert why in report.render()


def test_features_are_named_by_their_line(tmp_path):
    lines = [json.dumps(feature(polygon(SQUARE), id="a")), json.dumps(feature(None, id="b"))]
    body = (
        '{"type":"FeatureCollection","crs":'
        + json.dumps(GRID)
        + ',"features":[\n'
        + ",\n".join(lines)
        + "\n]}\n"
    )
    _, report = features(tmp_path, body)
    assert reasons(report) == [(3, "geometry", "is missing")]


def test_a_report_reads_like_a_list_of_things_to_do():
    report = Report("assets", "assets.csv")
    report.reject(12, "postcode", "N1 9JX9", "is not a postcode")
    assert report.render().splitlines() == [
        "assets (assets.csv): refused, nothing was changed. 1 to put right:",
        '  line 12: postcode "N1 9JX9": is not a postcode',
    ]
    assert Report("assets", created=1, unchanged=2).render() == "assets: 1 created, 2 unchanged"
    assert Report("assets", unchanged=2).render() == "assets: 0 changes (2 unchanged)"
