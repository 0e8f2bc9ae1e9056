"""Filters as text and as JSON mean the same, and find what hand-written SQL finds in the real borough."""

import json

import pytest

from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.cql2 import read_filter
from mapservice.layers.cql2.jsonform import parse_json
from mapservice.layers.cql2.text import parse_text
from mapservice.register.borough import read_borough

P = "property"
BOX = "-0.11,51.52,-0.10,51.53"
CORNERS = [-0.11, 51.52, -0.1, 51.53]
RING = [[-0.12, 51.52], [-0.09, 51.52], [-0.09, 51.54], [-0.12, 51.54], [-0.12, 51.52]]
WKT_RING = "((-0.12 51.52, -0.09 51.52, -0.09 51.54, -0.12 51.54, -0.12 51.52))"
POLYGON = f"ST_GeomFromText('POLYGON{WKT_RING}', 4326)"


def op(name, *args):
    return {"op": name, "args": list(args)}


def prop(name):
    return {P: name}


# Layer, CQL2 text, CQL2 JSON, condition in SQL over layers.assets, layers.green_spaces or layers.areas.
CASES = [
    # basic-cql2
    ("assets", "kind = 'Library'", op("=", prop("kind"), "Library"), "kind = 'Library'"),
    ("assets", "kind<>'Library'", op("<>", prop("kind"), "Library"), "kind <> 'Library'"),
    ("assets", "name < 'D'", op("<", prop("name"), "D"), "name < 'D'"),
    ("green-spaces", "area_ha >= 1.5", op(">=", prop("area_ha"), 1.5), "area_ha >= 1.5"),
    ("green-spaces", "area_ha <= 1", op("<=", prop("area_ha"), 1), "area_ha <= 1"),
    ("green-spaces", "area_ha > 1E0", op(">", prop("area_ha"), 1.0), "area_ha > 1"),
    ("assets", "verified = TRUE", op("=", prop("verified"), True), "verified"),
    ("assets", "verified", prop("verified"), "verified"),
    ("assets", "NOT verified", op("not", prop("verified")), "NOT verified"),
    ("assets", "verified <> false", op("<>", prop("verified"), False), "verified"),
    ("assets", "phone IS NULL", op("isNull", prop("phone")), "phone IS NULL"),
    ("assets", "phone is not null", op("not", op("isNull", prop("phone"))), "phone IS NOT NULL"),
    ("assets", "geometry IS NULL", op("isNull", prop("geometry")), "geom IS NULL"),
    ("assets", "TRUE", True, "true"),
    ("assets", "false or not true", op("or", False, op("not", True)), "false"),
    ("assets", "id = 'finsbury-library'", op("=", prop("id"), "finsbury-library"), "id = 'finsbury-library'"),
    (
        "assets",
        "kind = 'Library' AND phone IS NULL OR step_free = 'yes' AND NOT (verified = true)",
        op(
            "or",
            op("and", op("=", prop("kind"), "Library"), op("isNull", prop("phone"))),
            op("and", op("=", prop("step_free"), "yes"), op("not", op("=", prop("verified"), True))),
        ),
        "kind = 'Library' AND phone IS NULL OR step_free = 'yes' AND NOT verified",
    ),
    # A row without a value matches neither a condition nor its opposite.
    ("assets", "phone = 'x'", op("=", prop("phone"), "x"), "false"),
    ("assets", "NOT phone = 'x'", op("not", op("=", prop("phone"), "x")), "phone IS NOT NULL"),
    ("assets", "name = 'it''s'", op("=", prop("name"), "it's"), "name = 'it''s'"),
    ("assets", r"name = 'it\'s'", op("=", prop("name"), "it's"), "name = 'it''s'"),
    ("assets", '"name" >= \'W\'', op(">=", prop("name"), "W"), "name >= 'W'"),
    (
        "wards-2022",
        "valid_from = DATE('2022-05-05')",
        op("=", prop("valid_from"), {"date": "2022-05-05"}),
        "boundary_set_id = 'wards-2022'",
    ),
    (
        "assets",
        "updated_at > TIMESTAMP('2020-01-01T00:00:00Z')",
        op(">", prop("updated_at"), {"timestamp": "2020-01-01T00:00:00Z"}),
        "true",
    ),
    # advanced-comparison-operators
    ("assets", "name LIKE '%Library'", op("like", prop("name"), "%Library"), "name LIKE '%Library'"),
    ("assets", "name NOT LIKE '_i%'", op("not", op("like", prop("name"), "_i%")), "name !~ '^.i'"),
    ("assets", r"name LIKE '\%%'", op("like", prop("name"), "\\%%"), "left(name, 1) = '%'"),
    (
        "green-spaces",
        "area_ha BETWEEN 0.5 AND 2",
        op("between", prop("area_ha"), 0.5, 2),
        "area_ha >= 0.5 AND area_ha <= 2",
    ),
    (
        "green-spaces",
        "area_ha NOT BETWEEN 0.5 AND 2",
        op("not", op("between", prop("area_ha"), 0.5, 2)),
        "area_ha < 0.5 OR area_ha > 2",
    ),
    (
        "assets",
        "kind IN ('Library','GP practice')",
        op("in", prop("kind"), ["Library", "GP practice"]),
        "kind = 'Library' OR kind = 'GP practice'",
    ),
    (
        "assets",
        "phone NOT IN ('1')",
        op("not", op("in", prop("phone"), ["1"])),
        "phone IS NOT NULL",
    ),
    ("green-spaces", "area_ha IN (1, 2.5)", op("in", prop("area_ha"), [1, 2.5]), "area_ha IN (1, 2.5)"),
    # case- and accent-insensitive-comparison
    (
        "assets",
        "CASEI(name) = CASEI('FINSBURY library')",
        op("=", op("casei", prop("name")), op("casei", "FINSBURY library")),
        "id = 'finsbury-library'",
    ),
    (
        "assets",
        "CASEI(name) LIKE casei('%LIBRARY')",
        op("like", op("casei", prop("name")), op("casei", "%LIBRARY")),
        "name ILIKE '%library'",
    ),
    ("assets", "CASEI('Straße ΟΔΟΣ') = CASEI('STRASSE οδος')",
     op("=", op("casei", "Straße ΟΔΟΣ"), op("casei", "STRASSE οδος")), "true"),
    ("assets", "ACCENTI('débárquér') = ACCENTI('debarquer')",
     op("=", op("accenti", "débárquér"), op("accenti", "debarquer")), "true"),
    ("assets", "ACCENTI(CASEI(name)) IN (ACCENTI(CASEI('Fínsbury Library')))",
     op("in", op("accenti", op("casei", prop("name"))), [op("accenti", op("casei", "Fínsbury Library"))]),
     "id = 'finsbury-library'"),
    # A full-width ＼ would become a backslash, and that must not break the pattern.
    ("assets", "ACCENTI(name) LIKE ACCENTI('a＼')",
     op("like", op("accenti", prop("name")), op("accenti", "a＼")), "false"),
    # basic-spatial-functions, -plus, spatial-functions
    ("libraries", f"S_INTERSECTS(geometry, BBOX({BOX}))",
     op("s_intersects", prop("geometry"), {"bbox": CORNERS}),
     f"geom_4326 && ST_MakeEnvelope({BOX}, 4326)"),
    ("wards-2022", "S_INTERSECTS(geometry, POINT(-0.104553 51.526486))",
     op("s_intersects", prop("geometry"), {"type": "Point", "coordinates": [-0.104553, 51.526486]}),
     "ST_Intersects(geom_4326, ST_SetSRID(ST_Point(-0.104553, 51.526486), 4326))"),
    ("wards-2022", f"S_INTERSECTS(geometry, POLYGON{WKT_RING})",
     op("s_intersects", prop("geometry"), {"type": "Polygon", "coordinates": [RING]}),
     f"ST_Intersects(geom_4326, {POLYGON})"),
    ("wards-2022", "S_INTERSECTS(geometry, MULTIPOLYGON Z(((-0.12 51.52 1, -0.09 51.52 1, -0.09 51.54 1,"
     "-0.12 51.54 1, -0.12 51.52 1))))",
     op("s_intersects", prop("geometry"), {"type": "MultiPolygon", "coordinates": [[RING]]}),
     f"ST_Intersects(geom_4326, {POLYGON})"),
    *(
        (layer, f"{name}(geometry, POLYGON{WKT_RING})",
         op(name.lower(), prop("geometry"), {"type": "Polygon", "coordinates": [RING]}),
         f"{function}(geom_4326, {POLYGON})")
        for layer in ("wards-2022", "green-spaces", "assets")
        for name, function in (
            ("S_EQUALS", "ST_Equals"), ("S_DISJOINT", "ST_Disjoint"), ("S_TOUCHES", "ST_Touches"),
            ("S_WITHIN", "ST_Within"), ("S_OVERLAPS", "ST_Overlaps"), ("S_CROSSES", "ST_Crosses"),
            ("S_CONTAINS", "ST_Contains"),
        )
    ),
    ("wards-2022", "S_CROSSES(LINESTRING(-0.2 51.5, -0.05 51.6), geometry)",
     op("s_crosses", {"type": "LineString", "coordinates": [[-0.2, 51.5], [-0.05, 51.6]]}, prop("geometry")),
     "ST_Crosses(ST_GeomFromText('LINESTRING(-0.2 51.5, -0.05 51.6)', 4326), geom_4326)"),
    ("wards-2022", "S_INTERSECTS(geometry, MULTIPOINT(-0.104553 51.526486, (-0.12 51.56)))",
     op("s_intersects", prop("geometry"),
        {"type": "MultiPoint", "coordinates": [[-0.104553, 51.526486], [-0.12, 51.56]]}),
     "ST_Intersects(geom_4326, ST_GeomFromText('MULTIPOINT(-0.104553 51.526486, -0.12 51.56)', 4326))"),
    ("wards-2022", "S_INTERSECTS(geometry, MULTILINESTRING((-0.2 51.5, -0.05 51.6), (0 51, 0 52)))",
     op("s_intersects", prop("geometry"), {"type": "MultiLineString", "coordinates":
        [[[-0.2, 51.5], [-0.05, 51.6]], [[0, 51], [0, 52]]]}),
     "ST_Intersects(geom_4326, ST_GeomFromText('LINESTRING(-0.2 51.5, -0.05 51.6)', 4326))"),
    ("wards-2022", "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(-0.104553 51.526486),"
     "LINESTRING(0 51, 0 52)))",
     op("s_intersects", prop("geometry"), {"type": "GeometryCollection", "geometries": [
        {"type": "Point", "coordinates": [-0.104553, 51.526486]},
        {"type": "LineString", "coordinates": [[0, 51], [0, 52]]}]}),
     "ST_Intersects(geom_4326, ST_SetSRID(ST_Point(-0.104553, 51.526486), 4326))"),
    ("wards-2022", "S_INTERSECTS(geometry, BBOX(170, 0, -170, 60))",
     op("s_intersects", prop("geometry"), {"bbox": [170, 0, -170, 60]}), "false"),
    ("wards-2022", "S_INTERSECTS(geometry, BBOX(-10, 0, -100, -20, 60, 100))",
     op("s_intersects", prop("geometry"), {"bbox": [-10, 0, -100, -20, 60, 100]}), "true"),
    ("assets", "S_EQUALS(geometry, geometry)", op("s_equals", prop("geometry"), prop("geometry")),
     "geom IS NOT NULL"),
    # temporal-functions
    ("assets", "T_AFTER(updated_at, DATE('2020-01-01'))",
     op("t_after", prop("updated_at"), {"date": "2020-01-01"}), "true"),
    ("assets", "T_BEFORE(updated_at, TIMESTAMP('2020-01-01T00:00:00Z'))",
     op("t_before", prop("updated_at"), {"timestamp": "2020-01-01T00:00:00Z"}), "false"),
    ("assets", "T_INTERSECTS(confirmed_on, INTERVAL('2000-01-01', '..'))",
     op("t_intersects", prop("confirmed_on"), {"interval": ["2000-01-01", ".."]}),
     "confirmed_on >= '2000-01-01'"),
    ("wards-2002", "T_DURING(INTERVAL(valid_from, valid_to), INTERVAL('2000-01-01', '2023-01-01'))",
     op("t_during", {"interval": [prop("valid_from"), prop("valid_to")]},
        {"interval": ["2000-01-01", "2023-01-01"]}),
     "boundary_set_id = 'wards-2002' AND valid_from > '2000-01-01' AND valid_to < '2023-01-01'"),
    ("wards-2022", "T_INTERSECTS(INTERVAL(valid_from, '..'), INTERVAL('2023-01-01T00:00:00Z', '..'))",
     op("t_intersects", {"interval": [prop("valid_from"), ".."]},
        {"interval": ["2023-01-01T00:00:00Z", ".."]}), "boundary_set_id = 'wards-2022'"),
    # array-functions
    ("assets", "A_CONTAINS(categories, ('library'))", op("a_contains", prop("categories"), ["library"]),
     "'library' = ANY (categories)"),
    ("assets", "A_OVERLAPS(categories, ('library', 'gp-site'))",
     op("a_overlaps", prop("categories"), ["library", "gp-site"]),
     "'library' = ANY (categories) OR 'gp-site' = ANY (categories)"),
    ("assets", "A_CONTAINEDBY(categories, ('library', 'gp-site'))",
     op("a_containedBy", prop("categories"), ["library", "gp-site"]),
     "(SELECT bool_and(c IN ('library', 'gp-site')) FROM unnest(categories) c)"),
    ("assets", "A_EQUALS(support, ())", op("a_equals", prop("support"), []), "cardinality(support) = 0"),
    ("assets", "A_EQUALS((1, 2.0), (2, 1))", op("a_equals", [1, 2.0], [2, 1]), "true"),
    ("assets", "A_OVERLAPS(support, usual_support)", op("a_overlaps", prop("support"), prop("usual_support")),
     "support && usual_support"),
    # property-property
    ("green-spaces", "area_ha < area_stated_ha", op("<", prop("area_ha"), prop("area_stated_ha")),
     "area_ha < area_stated_ha"),
    ("assets", "'Library' = kind", op("=", "Library", prop("kind")), "kind = 'Library'"),
    ("assets", "1 < 2", op("<", 1, 2), "true"),
    ("assets", "(kind = 'Library') = verified", op("=", op("=", prop("kind"), "Library"), prop("verified")),
     "(kind = 'Library') = verified"),
    # arithmetic
    ("green-spaces", "area_ha * 10000 > 5000 + 2 ^ 3",
     op(">", op("*", prop("area_ha"), 10000), op("+", 5000, op("^", 2, 3))), "area_ha * 10000 > 5008"),
    ("green-spaces", "area_ha / 0 > 1", op(">", op("/", prop("area_ha"), 0), 1), "false"),
    ("assets", "7 div 2 = 3 AND 7 % 2 = 1 AND -(2 - 3) = 1 AND 4 ^ 0.5 = 2 AND 2 ^ -1 = 0.5",
     op("and", op("=", op("div", 7, 2), 3), op("=", op("%", 7, 2), 1),
        op("=", op("*", -1, op("-", 2, 3)), 1), op("=", op("^", 4, 0.5), 2), op("=", op("^", 2, -1), 0.5)),
     "true"),
]  # fmt: skip


@pytest.fixture(scope="module")
def layers(settings):
    return build_catalogue(read_borough(settings.geodata_dir))


@pytest.mark.parametrize("layer, text, form, condition", CASES, ids=[f"{c[0]}: {c[1][:60]}" for c in CASES])
def test_text_and_json_find_what_sql_finds(layers, database, layer, text, form, condition):
    written = json.dumps(form)
    assert parse_text(text) == parse_json(written)
    found = layers.get(layer)
    predicate = read_filter(found, text)
    assert predicate == read_filter(found, written, "cql2-json")
    within = found.where or "true"
    with database.reading() as cursor:
        truth = cursor.execute(
            f"SELECT array_agg(id ORDER BY id) FROM {found.relation} f WHERE ({within}) AND ({condition})"
        ).fetchone()
        answer = cursor.execute(
            f"SELECT array_agg(id ORDER BY id) FROM {found.relation} f WHERE ({within}) AND {predicate.sql}",
            dict(predicate.parameters),
        ).fetchone()
    assert answer == truth


def ids(database, layer, text, crs):
    predicate = read_filter(layer, text, crs=crs)
    with database.reading() as cursor:
        cursor.execute(
            f"SELECT id FROM {layer.relation} f WHERE {predicate.sql} ORDER BY id", dict(predicate.parameters)
        )
        return [row[0] for row in cursor]


@pytest.mark.parametrize(
    "crs, box",
    [
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "-0.11,51.52,-0.10,51.53"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", "51.52,-0.11,51.53,-0.10"),
        ("http://www.opengis.net/def/crs/EPSG/0/27700", "531190,181810,531920,182940"),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", "-12245.1,6714400.8,-11131.9,6716190.2"),
    ],
)
def test_a_box_means_the_same_in_every_system(layers, database, crs, box):
    found = ids(database, layers.get("libraries"), f"S_INTERSECTS(geometry, BBOX({box}))", crs)
    assert "finsbury-library" in found
    assert len(found) < 10


# Intervals of days: the first operand is 10 to 20 June 2024 throughout.
@pytest.mark.parametrize(
    "function, start, end, holds",
    [
        ("T_AFTER", "01", "09", True),
        ("T_AFTER", "01", "10", False),
        ("T_BEFORE", "21", "25", True),
        ("T_BEFORE", "20", "25", False),
        ("T_DISJOINT", "21", "25", True),
        ("T_DISJOINT", "20", "25", False),
        ("T_INTERSECTS", "20", "25", True),
        ("T_INTERSECTS", "21", "25", False),
        ("T_EQUALS", "10", "20", True),
        ("T_EQUALS", "10", "21", False),
        ("T_CONTAINS", "11", "19", True),
        ("T_CONTAINS", "10", "19", False),
        ("T_DURING", "09", "21", True),
        ("T_DURING", "10", "21", False),
        ("T_FINISHEDBY", "11", "20", True),
        ("T_FINISHEDBY", "10", "20", False),
        ("T_FINISHES", "09", "20", True),
        ("T_FINISHES", "10", "20", False),
        ("T_MEETS", "20", "25", True),
        ("T_MEETS", "19", "25", False),
        ("T_METBY", "01", "10", True),
        ("T_METBY", "01", "11", False),
        ("T_OVERLAPS", "15", "25", True),
        ("T_OVERLAPS", "10", "25", False),
        ("T_OVERLAPPEDBY", "05", "15", True),
        ("T_OVERLAPPEDBY", "05", "10", False),
        ("T_STARTEDBY", "10", "15", True),
        ("T_STARTEDBY", "10", "20", False),
        ("T_STARTS", "10", "25", True),
        ("T_STARTS", "09", "25", False),
    ],
)
@pytest.mark.parametrize("suffix", ["", "T12:00:00Z"])
def test_intervals_are_compared_as_owl_time_defines(layers, database, function, start, end, holds, suffix):
    first, second = (
        f"INTERVAL('2024-06-{a}{suffix}', '2024-06-{b}{suffix}')" for a, b in (("10", "20"), (start, end))
    )
    predicate = read_filter(layers.get("assets"), f"{function}({first}, {second})")
    with database.reading() as cursor:
        (answer,) = cursor.execute(f"SELECT {predicate.sql}", dict(predicate.parameters)).fetchone()
    assert answer is holds
