"""OpenStreetMap taken in: who may walk where, what meets what, and what is refused by line and reason."""

import json

import osmium
import pytest

from mapservice.sources import run_import
from mapservice.sources.osm_tags import walkable

# Near the borough's middle; 0.001 degrees are about 69 m east and 111 m north.
WEST, SOUTH = -0.11, 51.54


def at(x, y):
    return (round(WEST + x / 1000, 7), round(SOUTH + y / 1000, 7))


# number: (tags, positions). A street along y = 0, a bridge over it, steps down from its end, and others.
WAYS = {
    1: ({"highway": "residential", "name": "Low Street"}, [(0, 0), (1, 0), (2, 0), (3, 0)]),
    2: ({"highway": "footway", "bridge": "yes", "layer": "1"}, [(1.5, -1), (1.5, 1)]),
    3: ({"highway": "steps"}, [(1.5, 1), (2, 0)]),
    4: ({"highway": "footway"}, [(1.5, 1), (3, 1), (3, 0)]),
    5: ({"highway": "motorway"}, [(0, 0), (0, 3)]),
    6: ({"highway": "service", "access": "private"}, [(1, 0), (1, 3)]),
    7: ({"highway": "footway"}, [(1.5, -1), (0, -1)]),
    8: ({"waterway": "canal"}, [(0, 0.5), (3, 0.5)]),
}


@pytest.fixture
def written(tmp_path):
    """A function that writes the ways as OpenStreetMap data in the format that the file's ending names."""

    def write(name, ways=WAYS):
        path = tmp_path / name
        positions = {p: n for n, p in enumerate(sorted({p for _, line in ways.values() for p in line}), 1)}
        with osmium.SimpleWriter(str(path)) as writer:
            for position, number in positions.items():
                writer.add_node(osmium.osm.mutable.Node(id=number, version=1, location=at(*position)))
            for number, (tags, line) in ways.items():
                nodes = [positions[position] for position in line]
                writer.add_way(osmium.osm.mutable.Way(id=number, version=1, tags=tags, nodes=nodes))
        return path

    return write


def geojson(tmp_path, features, **members):
    path = tmp_path / "streets.geojson"
    head = json.dumps({"type": "FeatureCollection", **members, "features": []})[:-2]
    path.write_text(head + "\n" + ",\n".join(map(json.dumps, features)) + "\n]}\n")
    return path


def feature(way, tags, line, kind="LineString"):
    coordinates = [at(*position) for position in line]
    geometry = {"type": kind, "coordinates": [coordinates] if kind == "Polygon" else coordinates}
    return {"type": "Feature", "properties": {"@id": f"way/{way}", **tags}, "geometry": geometry}


def edges(database):
    with database.reading() as cursor:
        return sorted(
            cursor.execute("SELECT reference, kind, step_free, at_grade FROM network.edges").fetchall()
        )


WALKABLE = [
    ("way/1", "street", True, True),
    ("way/1", "street", True, True),
    ("way/2", "path", True, False),
    ("way/3", "steps", False, True),
    ("way/4", "path", True, True),
    ("way/7", "path", True, True),
]


@pytest.mark.parametrize("name", ["extract.osm.pbf", "extract.osm"])
def test_an_extract_becomes_a_network_of_what_may_be_walked_along(fresh_database, written, name):
    report = run_import(fresh_database, "osm", written(name), "Ada", reason="new extract")
    assert report.ok, report.render()
    assert report.created == 6
    assert edges(fresh_database) == WALKABLE
    with fresh_database.reading() as cursor:
        row = cursor.execute(
            "SELECT kind, licence, attribution, file, edges, loaded_by, reason, current FROM network.loads"
        ).fetchall()
    said = ("osm", "Open Database License 1.0", "© OpenStreetMap contributors", name, 6)
    assert row == [(*said, "Ada", "new extract", True)]


def test_a_bridge_is_reached_by_its_ends_alone(fresh_database, written):
    run_import(fresh_database, "osm", written("extract.osm.pbf"), "Ada")
    with fresh_database.reading() as cursor:
        ends = cursor.execute(
            "SELECT count(*) FROM network.edges e JOIN network.edges f ON e.reference = 'way/2'"
            " AND f.reference = 'way/1' AND ARRAY[e.from_node, e.to_node] && ARRAY[f.from_node, f.to_node]"
        ).fetchone()
    assert ends == (0,)


def test_geojson_gives_the_same_network_and_the_same_file_again_changes_nothing(
    fresh_database, written, tmp_path
):
    path = geojson(
        tmp_path, [feature(number, *way) for number, way in WAYS.items()], timestamp="2026-05-04T10:00:00Z"
    )
    assert run_import(fresh_database, "osm", path, "Ada").ok
    assert edges(fresh_database) == WALKABLE
    with fresh_database.reading() as cursor:
        assert str(cursor.execute("SELECT data_date FROM network.loads").fetchone()[0]) == "2026-05-04"
    again = run_import(fresh_database, "osm", written("extract.osm.pbf"), "Ada")
    assert (again.changes, again.unchanged) == (0, 6), "the same streets from another file"


def test_a_network_replaces_the_one_before_and_all_walks_are_to_be_measured(fresh_database, written):
    run_import(fresh_database, "osm", written("a.osm.pbf"), "Ada")
    report = run_import(fresh_database, "osm", written("b.osm.pbf", {1: WAYS[1]}), "Bea")
    assert (report.created, report.removed) == (1, 6)
    with fresh_database.reading() as cursor:
        loads = cursor.execute("SELECT loaded_by, current FROM network.loads ORDER BY id").fetchall()
        assert loads == [("Ada", False), ("Bea", True)]
        assert cursor.execute(
            "SELECT count(*) FROM network.places WHERE measured = generation"
        ).fetchone() == (0,)


def test_a_square_is_walked_along_its_edge_and_its_points_are_passed_over(fresh_database, tmp_path):
    ring = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    crossing = feature(9, {"highway": "crossing"}, [(0, 0)])
    crossing["geometry"] = {"type": "Point", "coordinates": at(0, 0)}
    square = feature(1, {"highway": "pedestrian", "area": "yes"}, ring, "Polygon")
    path = geojson(tmp_path, [square, crossing, feature(2, *WAYS[1])])
    assert run_import(fresh_database, "osm", path, "Ada").ok
    assert {reference for reference, *_ in edges(fresh_database)} == {"way/1", "way/2"}


def test_every_mistake_is_named_with_its_line_and_nothing_is_changed(fresh_database, written, tmp_path):
    run_import(fresh_database, "osm", written("good.osm.pbf"), "Ada")
    street = {"highway": "residential"}
    missing = feature(3, street, [(0, 0), (1, 0)]) | {"geometry": None}
    metres = feature(4, street, [(0, 0), (1, 0)])
    metres["geometry"]["coordinates"] = [[531000, 184000], [531100, 184000]]
    short = feature(5, street, [(0, 0)])
    path = geojson(
        tmp_path,
        [
            feature(1, *WAYS[1]),
            {"type": "Nothing"},
            missing,
            metres,
            short,
            feature(6, {"shop": "yes"}, [(0, 0)]),
        ],
    )
    report = run_import(fresh_database, "osm", path, "Ada")
    found = [(rejection.line, rejection.field, rejection.value) for rejection in report.rejected]
    assert found == [
        (3, "feature 2", ""),
        (4, "geometry", "way/3"),
        (5, "geometry", "way/4"),
        (6, "geometry", "way/5"),
    ]
    assert [rejection.reason.split(":")[0] for rejection in report.rejected[1:3]] == [
        "is missing",
        "is not in longitude and latitude",
    ]
    assert edges(fresh_database) == WALKABLE


@pytest.mark.parametrize(
    "name,content,reason",
    [
        ("a.osm.pbf", b"not a pbf at all", "cannot be read as OpenStreetMap data"),
        ("a.osm", b"<osm", "cannot be read as OpenStreetMap data"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "holds no street or path"),
        ("a.geojson", b"{", "is not JSON"),
        ("a.zip", b"PK", "must end in one of"),
    ],
)
def test_files_that_are_something_else_are_refused(database, tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    report = run_import(database, "osm", path, "Ada")
    assert not report.ok
    assert reason in report.render()
    assert str(tmp_path) not in report.render()


def test_an_extract_of_another_town_is_refused(database, tmp_path):
    path = geojson(tmp_path, [feature(1, {"highway": "residential"}, [(3000, 0), (3001, 0)])])
    assert "in or near the borough" in run_import(database, "osm", path, "Ada").render()


@pytest.mark.parametrize(
    "tags,kind",
    [
        ("highway=residential", "street"),
        ("highway=footway", "path"),
        ("highway=steps", "steps"),
        ("highway=cycleway", "path"),
        ("highway=cycleway foot=no", None),
        ("highway=motorway", None),
        ("highway=motorway_link", None),
        ("highway=trunk", "street"),
        ("highway=trunk motorroad=yes", None),
        ("highway=trunk sidewalk=no", None),
        ("highway=trunk sidewalk=no foot=yes", "street"),
        ("highway=trunk sidewalk:left=no sidewalk:right=yes", "street"),
        ("highway=primary tunnel=yes", None),
        ("highway=primary tunnel=yes sidewalk=both", "street"),
        ("highway=service access=private", None),
        ("highway=service access=private foot=permissive", "street"),
        ("highway=footway access=no", None),
        ("highway=path foot=private", None),
        ("highway=residential foot=use_sidepath", None),
        ("highway=footway indoor=yes", None),
        ("highway=construction", None),
        ("highway=proposed", None),
        ("railway=rail", None),
        ("", None),
    ],
)
def test_who_may_walk_where(tags, kind):
    way = walkable(dict(tag.split("=") for tag in tags.split()), "way/1")
    assert (way.kind if way else None) == kind


@pytest.mark.parametrize(
    "tags,step_free,at_grade",
    [
        ("highway=footway", True, True),
        ("highway=footway wheelchair=no", False, True),
        ("highway=steps", False, True),
        ("highway=steps ramp:wheelchair=yes", True, True),
        ("highway=footway tunnel=yes", True, False),
        ("highway=footway tunnel=building_passage", True, True),
        ("highway=footway bridge=yes", True, False),
        ("highway=footway layer=-1", True, False),
    ],
)
def test_steps_and_bridges_are_told_apart(tags, step_free, at_grade):
    way = walkable(dict(tag.split("=") for tag in tags.split()), "way/1")
    assert (way.step_free, way.at_grade) == (step_free, at_grade)
