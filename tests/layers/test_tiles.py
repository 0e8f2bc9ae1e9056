"""Vector tiles: what is in them, where it is, and that the same data gives the same bytes."""

import dataclasses
import math
from datetime import UTC, datetime

import mapbox_vector_tile
import pytest
from shapely.geometry import box, shape
from sqlalchemy import text

from mapservice.layers import sql, tiles
from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.layer import Layer, Property, Style
from mapservice.layers.query import FeatureQuery, Interval
from mapservice.layers.visibility import ANONYMOUS
from mapservice.register.borough import read_borough

WORLD = 2 * tiles.HALF_WORLD
# The corner of a tile of scale 12, and with it of the tiles of all larger scales.
Z, X, Y = 12, 2046, 1360
WEST, NORTH = -WORLD / 2 + X * WORLD / 2**Z, WORLD / 2 - Y * WORLD / 2**Z
WIDTH = WORLD / 2**Z
STEP = WIDTH / 16
EVERYBODY = ("public", "network", "council")


def strewn(width):
    """The place of a row by its number i, in a square at the corner, without any order."""
    return (
        f"ST_SetSRID(ST_MakePoint({WEST} + (i * 0.754877666) % 1 * {width},"
        f" {NORTH} - (i * 0.569840291) % 1 * {width}), 3857)"
    )


PROPERTIES = (
    Property("name", "string", "Name"),
    Property("kind", "string", "Kind"),
    Property("level", "integer", "Level"),
    Property("size", "number", "Size"),
    Property("open", "boolean", "Open"),
    Property("since", "date", "Since"),
    Property("changed", "date-time", "Changed"),
    Property("words", "array", "Words"),
    Property("more", "object", "More", filterable=False),
    Property("page", "string", "Page", expression="%(site)s || f.id", filterable=False),
)
TABLE = """
    CREATE TABLE layers.{name} (
        id {id_type} PRIMARY KEY, name text, kind text, level integer, size numeric, open boolean, since date,
        changed timestamptz, words text[], more jsonb, visibility text NOT NULL DEFAULT 'public',
        geom_3857 geometry(Geometry, 3857));
    CREATE INDEX ON layers.{name} USING gist (geom_3857);
    GRANT SELECT ON layers.{name} TO mapservice_reader
"""


def a_layer(name, kind, id_type="bigint", **more):
    return Layer(
        id=name,
        title=name,
        description="",
        relation=f"layers.{name}",
        geometry_kind=kind,
        properties=PROPERTIES,
        style=Style("#123456", "circle", "A"),
        id_type=id_type,
        geometries={3857: "geom_3857"},
        storage_srid=3857,
        brief=("name", "kind"),
        **more,
    )


POINTS = a_layer("points", "point")
NAMED = a_layer("named", "mixed", "text")
CROWD = a_layer("crowd", "point")
OUTLINES = a_layer("outlines", "polygon")
HEAP = a_layer("heap", "polygon", "text")


@pytest.fixture(scope="module")
def made(database):
    """Tables of the layers above, on a database of this module's own."""
    change(
        database,
        *(
            TABLE.format(name=layer.id, id_type=layer.id_type)
            for layer in (POINTS, NAMED, CROWD, OUTLINES, HEAP)
        ),
        # Points strewn over a tile of scale 12 without any order.
        "INSERT INTO layers.points SELECT i, 'Point ' || i, 'post', i % 7, i / 4.0, i % 2 = 0, '2024-05-31',"
        " '2024-05-31T09:00Z', '{a,b}', '{}', CASE WHEN i % 10 = 0 THEN 'council' ELSE 'public' END,"
        f" {strewn(WIDTH)} FROM generate_series(1, 2000) i",
        "INSERT INTO layers.crowd (id, name, geom_3857)"
        f" SELECT i, 'One of many', {strewn(WIDTH)} FROM generate_series(1, 12000) i",
        "INSERT INTO layers.outlines (id, name, geom_3857) SELECT i * 100 + j, 'Field', ST_Buffer(ST_SetSRID("
        f"ST_MakePoint({WEST} + (i + 0.5) * {STEP}, {NORTH} - (j + 0.5) * {STEP}), 3857), 300, 12)"
        " FROM generate_series(0, 15) i, generate_series(0, 15) j",
        "INSERT INTO layers.heap (id, name, geom_3857)"
        f" SELECT 'h' || i, 'Yard', ST_Expand({strewn(WIDTH / 4)}, 5 + i / 1000.0)"
        " FROM generate_series(1, 11000) i",
        *(f"ANALYZE layers.{layer.id}" for layer in (POINTS, CROWD, OUTLINES, HEAP)),
    )
    return database


@pytest.fixture(scope="module")
def borough_layers(settings):
    return build_catalogue(read_borough(settings.geodata_dir))


def change(database, *statements):
    with database.owner.begin() as connection:
        for statement in statements:
            connection.execute(text(statement.replace(":", r"\:")))


def read(database, layer, z=Z, x=X, y=Y, query=None, viewer=ANONYMOUS):
    with database.reading() as cursor:
        return tiles.read_tile(cursor, layer, z, x, y, query or FeatureQuery(), viewer)


def features(tile, layer):
    """The features of a layer in a tile, y growing southwards as it is encoded."""
    decoded = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True}) if tile else {}
    return decoded.get(layer.id, {"features": []})["features"]


def ids(tile, layer):
    return [feature["properties"].get("id", feature.get("id")) for feature in features(tile, layer)]


def children(z):
    """The tiles of scale z that the one of scale 12 divides into."""
    times = 2 ** (z - Z)
    return [(z, X * times + i, Y * times + j) for i in range(times) for j in range(times)]


def test_positions_are_right_to_a_unit_at_every_scale(made):
    with made.reading() as cursor:
        truth = dict(
            cursor.execute("SELECT id, ARRAY[ST_X(geom_3857), ST_Y(geom_3857)] FROM layers.points").fetchall()
        )
    for z in (0, 5, 9, 12, 16, 22):
        width = WORLD / 2**z
        x, y = (math.floor((v * WIDTH + at) / width) for v, at in ((X, 0.4 * WIDTH), (Y, 0.4 * WIDTH)))
        if z > Z:
            east, south = truth[7]
            x, y = int((east + WORLD / 2) // width), int((WORLD / 2 - south) // width)
        found = features(read(made, POINTS, z, x, y), POINTS)
        assert found
        for feature in found:
            column, row = feature["geometry"]["coordinates"]
            place = (
                -WORLD / 2 + x * width + column * width / 4096,
                WORLD / 2 - y * width - row * width / 4096,
            )
            assert place == pytest.approx(truth[feature["id"]], abs=width / 4096)


def test_the_same_data_gives_the_same_bytes(made):
    for layer in (POINTS, CROWD, OUTLINES, HEAP):
        before = read(made, layer)
        assert before == read(made, layer)
        # The rows lie elsewhere on the disk, and their index is built anew.
        change(made, f"CLUSTER layers.{layer.id} USING {layer.id}_geom_3857_idx")
        assert read(made, layer) == before
        change(made, f"CLUSTER layers.{layer.id} USING {layer.id}_pkey")
        assert read(made, layer) == before


@pytest.mark.parametrize("z", [12, 13, 15])
def test_no_point_is_lost_between_tiles(made, z):
    inside = []
    for place in children(z):
        for feature in features(read(made, POINTS, *place, viewer=EVERYBODY), POINTS):
            column, row = feature["geometry"]["coordinates"]
            assert -tiles.BUFFER <= min(column, row) <= max(column, row) <= 4096 + tiles.BUFFER
            if 0 <= column < 4096 and 0 <= row < 4096:
                inside.append(feature["id"])
    # One that is rounded onto a border may be on either side of it, or on both in a buffer.
    assert len(set(inside)) >= 2000 - 4
    assert len(inside) - len(set(inside)) <= 4


def test_a_point_near_a_border_is_in_both_tiles(made):
    change(
        made,
        "INSERT INTO layers.named (id, name, geom_3857) VALUES ('on-the-border', 'Post',"
        f" ST_SetSRID(ST_MakePoint({WEST + WIDTH / 2 + 3}, {NORTH - 100}), 3857))",
    )
    width = WIDTH / 2
    for x in (X * 2, X * 2 + 1):
        (feature,) = features(read(made, NAMED, Z + 1, x, Y * 2), NAMED)
        place = WEST - X * WIDTH + x * width + feature["geometry"]["coordinates"][0] * width / 4096
        assert place == pytest.approx(WEST + WIDTH / 2 + 3, abs=width / 4096)


def test_outlines_cut_by_tiles_fit_together(made):
    with made.reading() as cursor:
        (truth,) = cursor.execute("SELECT sum(ST_Area(geom_3857)) FROM layers.outlines").fetchone()
    frame = box(0, 0, 4096, 4096)
    for z in (12, 14, 15):
        unit = WORLD / 2**z / 4096
        area, seen = 0.0, set()
        for place in children(z):
            for feature in features(read(made, OUTLINES, *place), OUTLINES):
                seen.add(feature["id"])
                area += shape(feature["geometry"]).intersection(frame).area * unit**2
        assert len(seen) == 256
        assert area == pytest.approx(truth, rel=0.03 if z < tiles.EXACT_ZOOM else 0.002)


def test_outlines_are_simpler_from_afar(made):
    def vertices(z, place):
        found = features(read(made, OUTLINES, z, *place), OUTLINES)
        return sum(len(ring) for f in found for ring in f["geometry"]["coordinates"]) / len(found)

    assert vertices(12, (X, Y)) < vertices(15, (X * 8, Y * 8)) / 1.5


def test_few_attributes_from_afar_and_all_close_by(made):
    far = features(read(made, POINTS, 13, X * 2, Y * 2), POINTS)[0]
    assert far["properties"].keys() == {"name", "kind"}
    near = features(read(made, POINTS, 14, X * 4, Y * 4), POINTS)[0]
    number = near["id"]
    assert near["properties"] == {
        "name": f"Point {number}",
        "kind": "post",
        "level": number % 7,
        "size": number / 4,
        "open": number % 2 == 0,
        "since": "2024-05-31",
        "changed": "2024-05-31T09:00:00+00:00",
        "words": "a,b",
    }


def test_attributes_can_be_chosen_at_any_scale(made):
    found = features(read(made, POINTS, query=FeatureQuery(fields=("level", "more", "page"))), POINTS)
    assert {frozenset(feature["properties"]) for feature in found} == {frozenset(("level",))}


def test_a_number_is_the_features_own_and_a_name_is_an_attribute(made):
    numbered = features(read(made, POINTS), POINTS)
    assert {feature["id"] for feature in numbered} <= set(range(1, 2001))
    assert all("id" not in feature["properties"] for feature in numbered)
    named = features(read(made, HEAP, 14, X * 4, Y * 4), HEAP)
    # The decoder calls a feature without a number 0.
    assert {feature.get("id", 0) for feature in named} == {0}
    assert named[0]["properties"]["id"].startswith("h")


def test_a_negative_number_is_not_lost(made):
    below = a_layer("below", "point")
    change(
        made,
        TABLE.format(name="below", id_type="bigint"),
        f"INSERT INTO layers.below (id, geom_3857) SELECT i - 5, {strewn(WIDTH)}"
        " FROM generate_series(3, 6) i",
    )
    found = features(read(made, below), below)
    assert [feature["properties"].get("id") for feature in found] == [-2, -1, None, None]
    assert [feature.get("id") for feature in found][-1] == 1


def test_features_come_in_the_order_of_their_ids(made):
    found = ids(read(made, POINTS), POINTS)
    assert found == sorted(found)
    named = ids(read(made, HEAP, 15, X * 8, Y * 8), HEAP)
    assert named == sorted(named)
    assert len(named) > 100


def test_small_outlines_are_left_out_from_afar_only(made):
    change(
        made,
        "INSERT INTO layers.named (id, name, geom_3857) VALUES ('kiosk', 'Kiosk',"
        f" ST_Expand(ST_SetSRID(ST_MakePoint({WEST + WIDTH / 3}, {NORTH - WIDTH / 3}), 3857), 4))",
    )
    times = 4
    place = X * times + times // 3, Y * times + times // 3
    assert "kiosk" in ids(read(made, NAMED, 14, *place), NAMED)
    assert "kiosk" not in ids(read(made, NAMED), NAMED)
    assert "on-the-border" in ids(read(made, NAMED), NAMED)


def test_a_crowd_of_points_thins_to_one_in_each_cell(made):
    everything = features(read(made, POINTS), POINTS)
    assert len(everything) == 1800
    assert not any("thinned" in feature["properties"] for feature in everything)
    found = features(read(made, CROWD), CROWD)
    assert all(feature["properties"]["thinned"] is True for feature in found)
    cells = [tuple(n * tiles.CELLS // 4096 for n in f["geometry"]["coordinates"]) for f in found]
    # The encoded position is rounded, which may carry one over into the next cell.
    assert len(set(cells)) >= len(cells) - len(cells) // 50
    assert 3000 < len(found) <= (tiles.CELLS + 2) ** 2
    close = features(read(made, CROWD, 14, X * 4, Y * 4), CROWD)
    assert len(close) >= 700
    assert not any("thinned" in feature["properties"] for feature in close)


def test_of_points_in_one_place_the_first_is_kept(made):
    place = f"ST_SetSRID(ST_MakePoint({WEST + 50}, {NORTH - 50}), 3857)"
    change(made, f"UPDATE layers.crowd SET geom_3857 = {place}")
    try:
        assert ids(read(made, CROWD), CROWD) == [1]
    finally:
        change(made, f"UPDATE layers.crowd SET geom_3857 = {strewn(WIDTH).replace('(i *', '(id *')}")


def test_of_too_many_outlines_the_largest_are_kept(made):
    found = ids(read(made, HEAP, 14, X * 4, Y * 4), HEAP)
    assert len(found) == tiles.FEATURE_LIMIT
    # Half a width of 5 m and a millimetre more for each number.
    assert min(int(name[1:]) for name in found) > 900


def test_a_thinned_tile_is_as_confidential_and_as_filtered_as_any(made):
    change(made, "UPDATE layers.crowd SET visibility = 'council', kind = 'shed' WHERE id <= 600")
    assert 0 < min(ids(read(made, CROWD, viewer=("council",)), CROWD)) <= 600
    assert min(ids(read(made, CROWD), CROWD)) > 600
    kind = next(prop for prop in PROPERTIES if prop.name == "kind")
    sheds = features(read(made, CROWD, query=FeatureQuery(equals=((kind, "shed"),)), viewer=EVERYBODY), CROWD)
    assert len(sheds) == 600
    assert not any("thinned" in feature["properties"] for feature in sheds)


def test_a_layer_stored_in_degrees_has_the_same_tiles(made):
    change(
        made,
        "ALTER TABLE layers.points ADD geom_4326 geometry(Geometry, 4326)",
        "ALTER TABLE layers.crowd ADD geom_4326 geometry(Geometry, 4326)",
        *(
            statement
            for layer in (POINTS, CROWD)
            for statement in (
                f"UPDATE layers.{layer.id} SET geom_4326 = ST_Transform(geom_3857, 4326)",
                f"CREATE INDEX {layer.id}_degrees ON layers.{layer.id} USING gist (geom_4326)",
                f"ANALYZE layers.{layer.id}",
            )
        ),
    )
    degrees = {"geometries": {4326: "geom_4326"}, "storage_srid": 4326}
    points, crowd = dataclasses.replace(POINTS, **degrees), dataclasses.replace(CROWD, **degrees)
    for z, x, y in ((0, 0, 0), (12, X, Y), (15, X * 8, Y * 8)):
        there = {f["id"]: f["geometry"]["coordinates"] for f in features(read(made, POINTS, z, x, y), POINTS)}
        here = {f["id"]: f["geometry"]["coordinates"] for f in features(read(made, points, z, x, y), POINTS)}
        assert here.keys() == there.keys()
        assert all(here[name] == pytest.approx(there[name], abs=1) for name in here)
    assert len(set(ids(read(made, crowd), CROWD)) & set(ids(read(made, CROWD), CROWD))) > 2800
    statement = tiles.tile((points,), 16, X * 16, Y * 16, FeatureQuery(), ANONYMOUS)
    with made.reading() as cursor:
        plan = cursor.execute(f"EXPLAIN {statement.text}", statement.parameters).fetchall()
    assert any("points_degrees" in line for (line,) in plan)


def test_rows_are_seen_by_those_who_may(made):
    assert not any(number % 10 == 0 for number in ids(read(made, POINTS), POINTS))
    assert sum(number % 10 == 0 for number in ids(read(made, POINTS, viewer=EVERYBODY), POINTS)) == 200


def test_an_empty_tile_has_no_bytes(made):
    assert read(made, POINTS, 12, 0, 0) == b""
    assert read(made, OUTLINES, 22, 0, 0) == b""
    nothing = FeatureQuery(equals=((PROPERTIES[0], "nothing is called so"),))
    assert read(made, POINTS, query=nothing) == b""


def test_a_change_is_seen_at_once(made):
    place = f"ST_SetSRID(ST_MakePoint({WEST + 9}, {NORTH - 9}), 3857)"
    change(made, f"INSERT INTO layers.named (id, name, geom_3857) VALUES ('new', 'New', {place})")
    assert "new" in ids(read(made, NAMED), NAMED)
    change(made, "UPDATE layers.named SET name = 'Renamed' WHERE id = 'new'")
    (found,) = (f["properties"] for f in features(read(made, NAMED), NAMED) if f["properties"]["id"] == "new")
    assert found["name"] == "Renamed"
    change(made, "DELETE FROM layers.named WHERE id = 'new'")
    assert "new" not in ids(read(made, NAMED), NAMED)


def test_several_layers_are_one_tile(made):
    with made.reading() as cursor:
        both = tiles.read_tiles(cursor, [POINTS, CROWD, HEAP], Z, X, Y, FeatureQuery(), ANONYMOUS)
    assert both == read(made, POINTS) + read(made, CROWD) + read(made, HEAP)
    assert list(mapbox_vector_tile.decode(both)) == ["points", "crowd", "heap"]


def test_the_index_finds_a_tiles_features(made):
    statement = tiles.tile((POINTS,), 16, X * 16, Y * 16, FeatureQuery(), ANONYMOUS)
    with made.reading() as cursor:
        plan = cursor.execute(f"EXPLAIN {statement.text}", statement.parameters).fetchall()
    assert any("points_geom_3857_idx" in line for (line,) in plan)
    statement = tiles.tile((CROWD,), Z, X, Y, FeatureQuery(), ANONYMOUS, thinned=True)
    with made.reading() as cursor:
        plan = [line for (line,) in cursor.execute(f"EXPLAIN {statement.text}", statement.parameters)]
    assert any("Order By: (geom_3857 <->" in line for line in plan)


def test_every_layer_of_the_borough_is_whole_in_its_tiles(database, borough_layers):
    for layer in borough_layers:
        with database.reading() as cursor:
            rows = cursor.execute(
                f"SELECT {layer.id_column} FROM {layer.relation} f"
                + sql.where(["geom_3857 IS NOT NULL", *sql.membership(layer)]),
                {"viewer": ["public"]},
            ).fetchall()
            corners = cursor.execute(
                "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)"
                f" FROM (SELECT ST_Extent(geom_3857) AS e FROM {layer.relation}) x"
            ).fetchone()
        width = WORLD / 2**14
        west, south, east, north = corners
        found = set()
        for x in range(int((west + WORLD / 2) // width), int((east + WORLD / 2) // width) + 1):
            for y in range(int((WORLD / 2 - north) // width), int((WORLD / 2 - south) // width) + 1):
                found |= set(ids(read(database, layer, 14, x, y), layer))
        assert found == {name for (name,) in rows}, layer.id


def test_a_layer_is_filtered_by_time_like_its_items(database, borough_layers):
    layer = borough_layers.get("wards-2002")
    place = (9, *tile_of(-0.1, 51.54, 9))
    assert len(ids(read(database, layer, *place), layer)) == 16
    now = Interval(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
    assert read(database, layer, *place, query=FeatureQuery(interval=now)) == b""


def tile_of(lon, lat, z):
    across = (lon + 180) / 360
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int(across * 2**z), int(down * 2**z)
