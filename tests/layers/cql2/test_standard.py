"""The standard's own abstract tests of temporal functions, and that spatial filters are answered by an index.

The standard publishes predicates and how many features of its test data they find. The three features of that
data that have dates follow from those numbers; a fourth, without any, must never be found.
"""

import json

import pytest

from mapservice.layers import sql
from mapservice.layers.cql2 import read_filter
from mapservice.layers.layer import Layer, Property, Style
from mapservice.layers.query import CRS_URIS, FeatureQuery

PLACES = Layer(
    id="places",
    title="Places",
    description="",
    relation="trial.places",
    geometry_kind="point",
    properties=(
        Property("name", "string", "Name"),
        Property("pop", "integer", "Population"),
        Property("date", "date", "Date"),
        Property("start", "date-time", "Start"),
        Property("end", "date-time", "End"),
    ),
    style=Style("#123456", "circle"),
    id_type="bigint",
    geometries={4326: "geom"},
    storage_srid=4326,
    visibility_column=None,
)
IN_METRES = Layer(
    id="metres",
    title="Places in metres",
    description="",
    relation="trial.metres",
    geometry_kind="point",
    properties=PLACES.properties[:1],
    style=PLACES.style,
    id_type="bigint",
    geometries={27700: "geom"},
    visibility_column=None,
)
SQL = """
CREATE SCHEMA trial;
GRANT USAGE ON SCHEMA trial TO mapservice_reader;
CREATE TABLE trial.places (id bigint PRIMARY KEY, name text, pop bigint, date date, start timestamptz,
    "end" timestamptz, geom geometry(Point, 4326));
INSERT INTO trial.places VALUES
    (1, 'a', 1, '2021-04-16', '2021-04-16T10:15:59Z', '2022-04-16T10:16:06Z', NULL),
    (2, 'b', 2, '2022-04-16', '2022-04-16T10:13:19Z', '2023-04-16T10:15:10Z', NULL),
    (3, 'c', 3, '2023-04-16', '2022-04-16T10:15:10Z', '2022-04-16T10:16:06Z', NULL),
    (4, 'd', 4, NULL, NULL, NULL, NULL);
INSERT INTO trial.places (id, name, geom)
    SELECT n, 'p', ST_SetSRID(ST_Point(-3 + n % 300 * 0.01, 50 + n / 300 * 0.05), 4326)
    FROM generate_series(5, 30000) n;
CREATE INDEX ON trial.places USING gist (geom);
CREATE TABLE trial.metres (id bigint PRIMARY KEY, name text, geom geometry(Point, 27700));
INSERT INTO trial.metres
    SELECT n, 'p', ST_SetSRID(ST_Point(500000 + n % 300 * 100, 100000 + n / 300 * 1000), 27700)
    FROM generate_series(1, 30000) n;
CREATE INDEX ON trial.metres USING gist (geom);
GRANT SELECT ON trial.places, trial.metres TO mapservice_reader;
ANALYZE trial.places, trial.metres;
"""

# Predicates of the abstract tests, annex A of the standard, and how many features each finds.
DATES = [
    ("t_after(\"date\",date('2022-04-16'))", 1),
    ("t_before(\"date\",date('2022-04-16'))", 1),
    ("t_disjoint(\"date\",date('2022-04-16'))", 2),
    ("t_equals(\"date\",date('2022-04-16'))", 1),
    ("t_intersects(\"date\",date('2022-04-16'))", 1),
    ("t_after(\"date\",interval('2022-01-01','2022-12-31'))", 1),
    ("t_before(\"date\",interval('2022-01-01','2022-12-31'))", 1),
    ("t_disjoint(\"date\",interval('2022-01-01','2022-12-31'))", 2),
    ("t_equals(\"date\",interval('2022-01-01','2022-12-31'))", 0),
    ("t_equals(\"date\",interval('2022-04-16','2022-04-16'))", 1),
    ("t_intersects(\"date\",interval('2022-01-01','2022-12-31'))", 1),
    ("t_after(start,timestamp('2022-04-16T10:13:19Z'))", 1),
    ("t_before(start,timestamp('2022-04-16T10:13:19Z'))", 1),
    ("t_disjoint(start,timestamp('2022-04-16T10:13:19Z'))", 2),
    ("t_equals(start,timestamp('2022-04-16T10:13:19Z'))", 1),
    ("t_intersects(start,timestamp('2022-04-16T10:13:19Z'))", 1),
    ("t_after(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z'))", 0),
    ("t_before(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z'))", 1),
    ("t_disjoint(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z'))", 1),
    ("t_equals(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z'))", 0),
    ("t_intersects(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z'))", 2),
    ("t_after(interval(start,end),interval('..','2022-04-16T10:13:19Z'))", 1),
    ("t_before(interval(start,end),interval('2023-01-01T00:00:00Z','..'))", 2),
    ("t_disjoint(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:09Z'))", 1),
    ("t_equals(interval(start,end),interval('2021-04-16T10:15:59Z','2022-04-16T10:16:06Z'))", 1),
    ("t_intersects(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:09Z'))", 2),
    ("T_CONTAINS(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z'))", 1),
    ("T_DURING(interval(start,end),interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z'))", 1),
    ("T_FINISHES(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:16:06Z'))", 1),
    ("T_FINISHEDBY(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:16:06Z'))", 1),
    ("T_MEETS(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z'))", 0),
    ("T_METBY(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z'))", 1),
    ("T_OVERLAPPEDBY(interval(start,end),interval('2020-04-16T10:13:19Z','2022-04-16T10:15:10Z'))", 2),
    ("T_OVERLAPS(interval(start,end),interval('2022-04-16T10:13:19Z','2023-04-16T10:15:10Z'))", 1),
    ("T_STARTEDBY(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z'))", 1),
    ("T_STARTS(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z'))", 0),
]


@pytest.fixture(scope="module")
def large(database):
    """The borough's database with two large tables more."""
    with database.owner.begin() as connection:
        connection.connection.driver_connection.execute(SQL)
    return database


def statement(layer, text, crs=CRS_URIS[0]):
    return sql.items(layer, FeatureQuery(predicate=read_filter(layer, text, crs=crs)), "", ("public",))


def found(database, layer, text, crs=CRS_URIS[0]):
    query = FeatureQuery(predicate=read_filter(layer, text, crs=crs))
    asked = sql.count(layer, query, ("public",))
    with database.reading() as cursor:
        return cursor.execute(asked.text, asked.parameters).fetchone()[0]


@pytest.mark.parametrize("predicate, count", DATES)
def test_the_temporal_predicates_of_the_standard(large, predicate, count):
    assert found(large, PLACES, predicate) == count


@pytest.mark.parametrize("first, second", [*zip(DATES, reversed(DATES), strict=True)])
def test_combinations_of_predicates_as_the_standard_tests_them(large, first, second):
    one, two = first[0], second[0]
    text = f"((NOT {one} AND {two}) OR ({one} and NOT {two}) or not ({one} AND {two}))"
    assert 0 <= found(large, PLACES, text) <= 3


@pytest.mark.parametrize(
    "predicate, count",
    [
        ("pop=1+1", 1),
        ("pop=5-3", 1),
        ("pop > 4 - 2^0", 1),
        ("pop >= 20/10", 3),
        ("pop = 21 div 10", 1),
        ("pop=5%3", 1),
        ("2=pop", 1),
        ("pop BETWEEN 2 AND 3", 2),
        ("pop IN (1,3,9)", 2),
        ("pop = 2.0", 1),
        ("pop > 9223372036854775808", 0),
        ("id = 3", 1),
        ("casei(name) in (casei('A'),casei('Ä'))", 1),
        ("accenti(name) in (accenti('ä'))", 1),
    ],
)
def test_numbers_and_words(large, predicate, count):
    assert found(large, PLACES, f"id < 5 AND {predicate}") == count


EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.mark.parametrize("function", ["S_INTERSECTS", "S_WITHIN"])
@pytest.mark.parametrize(
    "layer, crs, box",
    [
        (PLACES, CRS_URIS[0], "-2,51,-1.9,51.2"),
        (PLACES, EPSG + "4326", "51,-2,51.2,-1.9"),
        (PLACES, EPSG + "27700", "400000,122000,407000,144000"),
        (PLACES, EPSG + "3857", "-222638,6621293,-211507,6656660"),
        (IN_METRES, EPSG + "27700", "505000,110000,506000,115000"),
        (IN_METRES, CRS_URIS[0], "-0.51,50.88,-0.49,50.93"),
        (IN_METRES, EPSG + "3857", "-56600,6599000,-54600,6608000"),
    ],
)
def test_the_index_answers_in_every_system(large, layer, crs, box, function):
    text = f"{function}(geometry, BBOX({box}))"
    assert 0 < found(large, layer, text, crs) < 2000
    asked = statement(layer, text, crs)
    with large.reading() as cursor:
        (plan,) = cursor.execute(f"EXPLAIN (FORMAT JSON) {asked.text}", asked.parameters).fetchone()
    shown = json.dumps(plan)
    assert f"{layer.id}_geom_idx" in shown, shown


def test_a_literal_out_of_reach_of_the_projection_is_still_compared(large):
    everywhere = found(large, IN_METRES, "S_INTERSECTS(geometry, BBOX(-180,-90,180,90))")
    apart = found(large, PLACES, "S_DISJOINT(geometry, POINT(900000000 900000000))", EPSG + "27700")
    with large.reading() as cursor:
        placed = cursor.execute(
            "SELECT (SELECT count(geom) FROM trial.metres), (SELECT count(geom) FROM trial.places)"
        ).fetchone()
    assert (everywhere, apart) == placed
    assert min(placed) > 0


def test_a_box_in_degrees_finds_the_same_in_metres(large):
    box = "S_WITHIN(geometry, BBOX(-0.51,50.88,-0.49,50.93))"
    with large.reading() as cursor:
        (truth,) = cursor.execute(
            "SELECT count(*) FROM trial.metres WHERE ST_Within(ST_Transform(ST_SetSRID(geom, 998277), 4326),"
            " ST_MakeEnvelope(-0.51, 50.88, -0.49, 50.93, 4326))"
        ).fetchone()
    assert found(large, IN_METRES, box) == truth > 0
