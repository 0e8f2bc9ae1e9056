"""OS Open Roads taken in: links meet at the nodes they name; mistakes are named row by row."""

import pyogrio
import pytest

from mapservice.sources import run_import
from tests.network.conftest import write_open_roads

LINKS = [
    ("a", "n1", "n2", "LINESTRING (531000 184000, 531050 184010, 531100 184000)"),
    ("b", "n2", "n3", "LINESTRING (531100 184000, 531100 184100)"),
    # Crosses b without a node of its own there.
    ("c", "n1", "n4", "LINESTRING (531000 184000, 531200 184050)"),
]


def rows(database, query):
    with database.reading() as cursor:
        return cursor.execute(query).fetchall()


def test_links_meet_at_their_nodes_and_nowhere_else(fresh_database, tmp_path):
    report = run_import(fresh_database, "open-roads", write_open_roads(tmp_path / "a.gpkg", LINKS), "Ada")
    assert report.created == 3, report.render()
    assert rows(fresh_database, "SELECT count(*) FROM network.nodes") == [(4,)]
    assert rows(fresh_database, "SELECT kind, licence FROM network.loads WHERE current") == [
        ("open-roads", "Open Government Licence v3.0")
    ]
    assert run_import(fresh_database, "open-roads", tmp_path / "a.gpkg", "Ada").changes == 0


def test_motorways_are_not_for_walkers(fresh_database, tmp_path):
    path = write_open_roads(tmp_path / "a.gpkg", LINKS)
    frame = pyogrio.read_dataframe(path)
    frame.loc[frame["id"] == "c", "road_classification"] = "Motorway"
    pyogrio.write_dataframe(frame, path, layer="road_link", driver="GPKG")
    assert run_import(fresh_database, "open-roads", path, "Ada").created == 2


def test_every_bad_row_is_named_and_nothing_is_changed(fresh_database, tmp_path):
    assert run_import(fresh_database, "open-roads", write_open_roads(tmp_path / "a.gpkg", LINKS), "Ada").ok
    bad = [
        LINKS[0],
        ("a", "n2", "n3", LINKS[1][3]),
        ("", "n2", "n3", LINKS[1][3]),
        ("d", "", "n4", LINKS[2][3]),
    ]
    report = run_import(fresh_database, "open-roads", write_open_roads(tmp_path / "b.gpkg", bad), "Ada")
    assert [(r.field, r.reason) for r in report.rejected] == [
        ("row 2: id", "is in this file twice"),
        ("row 3: id", "must be filled in"),
        ("row 4: startnode", "must be filled in"),
    ]
    assert rows(fresh_database, "SELECT count(*) FROM network.edges") == [(3,)]


@pytest.mark.parametrize("content", [b"not a geopackage", b""])
def test_a_file_that_is_no_geopackage_is_refused(database, tmp_path, content):
    path = tmp_path / "a.gpkg"
    path.write_bytes(content)
    report = run_import(database, "open-roads", path, "Ada")
    assert "cannot be read as a GeoPackage" in report.render()


def test_another_layer_or_a_missing_column_is_named(database, tmp_path):
    report = run_import(
        database, "open-roads", write_open_roads(tmp_path / "a.gpkg", LINKS, layer="paths"), "Ada"
    )
    assert "has no layer road_link; its layers are: paths" in report.render()
    frame = pyogrio.read_dataframe(write_open_roads(tmp_path / "b.gpkg", LINKS))
    pyogrio.write_dataframe(
        frame.drop(columns=["end_node"]), tmp_path / "c.gpkg", layer="road_link", driver="GPKG"
    )
    assert (
        "endnode: this column is missing"
        in run_import(database, "open-roads", tmp_path / "c.gpkg", "Ada").render()
    )
