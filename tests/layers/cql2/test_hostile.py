"""Nothing that is sent as a filter breaks anything: it gives a predicate that runs, or a BadQuery."""

import json
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.cql2 import read_filter
from mapservice.layers.query import CRS_URIS, BadQuery
from mapservice.register.borough import read_borough

EXAMPLES = 400


@pytest.fixture(scope="module")
def layers(settings):
    return build_catalogue(read_borough(settings.geodata_dir))


@pytest.fixture(scope="module")
def run(database):
    """Runs a predicate on a layer; a database error fails the test."""
    with database.reading() as cursor:

        def count(layer, predicate):
            with cursor.connection.transaction():
                return cursor.execute(
                    f"SELECT count(*) FROM {layer.relation} f WHERE {predicate.sql}",
                    dict(predicate.parameters),
                ).fetchone()[0]

        yield count


def reason(layer, text, language="cql2-text", crs=CRS_URIS[0]):
    with pytest.raises(BadQuery) as caught:
        read_filter(layer, text, language, crs)
    (mistake,) = caught.value.mistakes
    assert mistake.parameter == "filter"
    return f"{mistake.reason} | {mistake.hint or ''}"


WORDS = [
    "name", "kind", "area_ha", "verified", "categories", "support", "updated_at", "confirmed_on",
    "geometry", "id", '"name"', "'x'", "'a''b'", "'%'", r"'\'", "''", "1", "-1", "0", "1e300", "-1E-300",
    "2.5", ".5", "9" * 25, "true", "FALSE", "AND", "or", "NOT", "(", ")", "(", ")", ",", ",", "=", "<>",
    "<", ">=", "+", "-", "*", "/", "%", "div", "^", "IS NULL", "is not null", "LIKE", "BETWEEN", "IN",
    "CASEI(", "ACCENTI(", "S_INTERSECTS(", "S_WITHIN(", "T_AFTER(", "T_DURING(", "A_CONTAINS(", "A_EQUALS(",
    "DATE('2024-02-29')", "DATE('2024-02-30')", "TIMESTAMP('2024-01-01T00:00:00Z')",
    "INTERVAL('..', '2024-01-01')", "INTERVAL(confirmed_on, '..')", "POINT(0 51)", "POINT(0 510)",
    "BBOX(-1,51,1,52)", "LINESTRING(0 0, 0 0)", "POLYGON((0 0,1 1,1 0,0 1,0 0))",
    "POLYGON((0 51,1 51,1 52,0 51))", "GEOMETRYCOLLECTION(POINT(0 51),LINESTRING(0 51,1 52))", "[", "]",
    "\x00", "é", ";", "--", "/*", "%(site)s", "%s", "{", "}",
]  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
def test_any_text_is_a_predicate_that_runs_or_a_bad_query(layers, run, text):
    layer = layers.get("assets")
    for language in ("cql2-text", "cql2-json"):
        try:
            predicate = read_filter(layer, text, language)
        except BadQuery:
            continue
        run(layer, predicate)


def texts():
    return st.one_of(
        st.sampled_from(["name", "kind", "id"]),
        st.text(max_size=8).map(lambda text: "'" + text.replace("'", "''") + "'"),
    )


def patterns():
    return st.text(st.sampled_from("ab%_\\＼％é"), max_size=8).map(lambda text: f"'{text}'")


def numbers(names):
    leaf = st.one_of(
        st.sampled_from(names),
        st.integers(-(10**20), 10**20).map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(inner, inner).map(lambda t: f"({t[0]} div {t[1]})"),
            st.tuples(inner, st.sampled_from(["0", "2", "-3", "0.5", "-1.5", "8"])).map(
                lambda t: f"({t[0]} ^ {t[1]})"
            ),
        ),
        max_leaves=8,
    )


def coordinates():
    near = st.floats(-2e7, 2e7, allow_nan=False).map(lambda number: f"{number:.4f}")
    return st.one_of(st.floats(-90, 90).map(lambda number: f"{number:.6f}"), near)


def geometries():
    point = st.tuples(coordinates(), coordinates()).map(" ".join)
    line = st.lists(point, min_size=2, max_size=5).map(lambda points: f"({', '.join(points)})")
    ring = st.lists(point, min_size=3, max_size=5).map(lambda points: f"({', '.join([*points, points[0]])})")
    plain = st.one_of(
        point.map(lambda text: f"POINT({text})"),
        line.map(lambda text: f"LINESTRING{text}"),
        line.map(lambda text: f"MULTIPOINT{text}"),
        st.lists(line, min_size=1, max_size=3).map(lambda lines: f"MULTILINESTRING({', '.join(lines)})"),
        ring.map(lambda text: f"POLYGON({text})"),
        st.lists(ring, min_size=1, max_size=2).map(
            lambda rings: f"MULTIPOLYGON({', '.join(f'({r})' for r in rings)})"
        ),
    )
    box = st.tuples(*[coordinates()] * 4).map(lambda numbers: f"BBOX({', '.join(numbers)})")
    several = st.lists(plain, min_size=1, max_size=3).map(lambda p: f"GEOMETRYCOLLECTION({', '.join(p)})")
    return st.one_of(plain, box, several, st.just("geometry"))


def instants():
    return st.one_of(
        st.sampled_from(
            ["updated_at", "confirmed_on", "INTERVAL('..', '..')", "INTERVAL(confirmed_on, '..')"]
        ),
        st.dates().map(lambda day: f"DATE('{day}')"),
        st.datetimes().map(lambda moment: f"TIMESTAMP('{moment:%Y-%m-%dT%H:%M:%S}Z')"),
        st.tuples(st.dates(), st.dates()).map(lambda days: f"INTERVAL('{min(days)}', '{max(days)}')"),
    )


def conditions():
    number = numbers(["area_ha", "area_stated_ha"])
    comparison = st.sampled_from(["=", "<>", "<", ">", "<=", ">="])
    function = st.sampled_from(["{}", "CASEI({})", "ACCENTI({})", "ACCENTI(CASEI({}))"])
    spatial = ["INTERSECTS", "EQUALS", "DISJOINT", "TOUCHES", "WITHIN", "OVERLAPS", "CROSSES", "CONTAINS"]
    temporal = ["AFTER", "BEFORE", "DISJOINT", "EQUALS", "INTERSECTS", "DURING", "MEETS", "FINISHEDBY"]
    leaf = st.one_of(
        st.tuples(texts(), comparison, texts()).map(" ".join),
        st.tuples(function, texts(), patterns()).map(
            lambda t: f"{t[0].format(t[1])} LIKE {t[0].format(t[2])}"
        ),
        st.tuples(number, comparison, number).map(" ".join),
        st.tuples(number, number, number).map(lambda t: f"{t[0]} NOT BETWEEN {t[1]} AND {t[2]}"),
        st.tuples(texts(), st.lists(texts(), min_size=1, max_size=4)).map(
            lambda t: f"{t[0]} IN ({', '.join(t[1])})"
        ),
        st.tuples(st.sampled_from(spatial), geometries(), geometries()).map(
            lambda t: f"S_{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(st.sampled_from(temporal), instants(), instants()).map(
            lambda t: f"T_{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(instants(), comparison, instants()).map(" ".join),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({' '.join(t)})"),
            inner.map(lambda text: f"NOT ({text})"),
            inner.map(lambda text: f"({text}) IS NULL"),
        ),
        max_leaves=5,
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions(), st.sampled_from(CRS_URIS), st.sampled_from(["green-spaces", "assets", "wards-2022"]))
def test_whatever_follows_the_grammar_runs(layers, run, text, crs, name):
    layer = layers.get(name)
    try:
        predicate = read_filter(layer, text, crs=crs)
    except BadQuery:
        return
    run(layer, predicate)


NASTY = ["'; DROP TABLE register.assets; --", "') OR ('1'='1", "\\'; SELECT 1; --", "%(site)s", "$1", "x\\"]


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize(
    "form",
    [
        lambda text: {"op": "=", "args": [{"property": "name"}, text]},
        lambda text: {"op": "like", "args": [{"property": "name"}, text.rstrip("\\")]},
        lambda text: {"op": "in", "args": [{"property": "name"}, [text, text]]},
        lambda text: {"op": "a_contains", "args": [{"property": "categories"}, [text]]},
        lambda text: {"op": "=", "args": [{"op": "casei", "args": [text]}, {"property": "name"}]},
    ],
)
def test_sql_in_a_text_is_only_text(layers, run, nasty, form):
    predicate = read_filter(layers.get("assets"), json.dumps(form(nasty)), "cql2-json")
    assert nasty not in predicate.sql
    assert run(layers.get("assets"), predicate) == 0


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize(
    "form",
    [
        lambda text: {"op": "=", "args": [{"property": text}, 1]},
        lambda text: {"op": text, "args": [1, 2]},
        lambda text: {"op": "<", "args": [{"property": "updated_at"}, {"timestamp": text}]},
        lambda text: {"op": "<", "args": [{"property": "updated_at"}, {"date": text}]},
        lambda text: {"op": "t_after", "args": [{"property": "updated_at"}, {"interval": [text, ".."]}]},
        lambda text: {
            "op": "s_within",
            "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [text, 1]}],
        },
        lambda text: {"op": "s_within", "args": [{"property": "geometry"}, {"bbox": [text, 1, 2, 3]}]},
        lambda text: {"op": "s_within", "args": [{"property": "geometry"}, {"type": text}]},
    ],
)
def test_sql_in_the_place_of_anything_else_is_refused(layers, nasty, form):
    assert reason(layers.get("assets"), json.dumps(form(nasty)), "cql2-json")


@pytest.mark.parametrize("nasty", NASTY)
def test_sql_in_a_quoted_name_is_refused(layers, nasty):
    quoted = nasty.replace('"', '""')
    assert "there is no property" in reason(layers.get("assets"), f'"{quoted}" = 1')


BOMBS = {
    "parentheses": "(" * 4000 + "1=1" + ")" * 4000,
    "open parentheses": "(" * 8000,
    "not": "NOT " * 2000 + "verified",
    "casei": "CASEI(" * 1200 + "name",
    "arrays": "A_EQUALS(" + "(" * 4000,
    "sum": "1" + "+1" * 4000 + " = 1",
    "minus": "-" * 8000 + "1 = 1",
    "power": "2" + "^8" * 3000 + " = 1",
    "or": " OR ".join(["verified"] * 700),
    "in": f"area_ha IN ({','.join('1' * 4000)})",
    "long": "name = '" + "x" * 9000 + "'",
    "pattern": "name LIKE '" + "%a" * 2000 + "'",
    "collections": "S_WITHIN(geometry, " + "GEOMETRYCOLLECTION(" * 300 + "POINT(0 0)" + ")" * 301,
    "quotes": "name = " + "'" * 8000,
    "backslashes": "name = '" + "\\'" * 4000,
    "digits": "1" * 8000 + " = 1",
    "exponent": "1e999999999 = 1",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_defused(layers, run, name):
    layer = layers.get("green-spaces")
    before = sys.getrecursionlimit()
    try:
        predicate = read_filter(layer, BOMBS[name])
    except BadQuery as error:
        told = str(error)
    else:
        told = ""
        run(layer, predicate)
    assert len(told) < 300
    assert sys.getrecursionlimit() == before


@pytest.mark.parametrize(
    "form",
    [
        "[" * 4000,
        '{"op":"not","args":[' * 400,
        '{"op":"not","args":[' * 300 + "true" + "]}" * 300,
        '{"op":"and","args":[' + ",".join(["true"] * 1500) + "]}",
        '{"op":"=","args":[1e999,1]}',
        '{"op":"=","args":[NaN,1]}',
        '{"op":"=","args":[null,1]}',
        '{"op":"=","args":["\\u0000","a"]}',
        '{"op":"=","args":["\\ud800","a"]}',
        '{"op":"=","args":[1]}',
        '{"op":"and","args":[true]}',
        '{"op":"=","args":{"a":1}}',
        '{"op":7,"args":[1,2]}',
        '{"op":"in","args":[1,2]}',
        '{"args":[1,2]}',
        "[]",
        "7",
        '"text"',
        "",
    ],
)
def test_wrong_json_is_refused(layers, form):
    assert reason(layers.get("assets"), form, "cql2-json").startswith("at ")


# What is wrong, and a piece of what is said about it.
TOLD = [
    ("name = 'x' AND", "character 15: expected a property, a value or '(', found the end"),
    ("name = 'x' kind = 'y'", "character 12: expected AND, OR, a comparison or the end, found 'kind'"),
    ("nmae = 'x'", "did you mean name?"),
    ('name = "Finsbury Library"', "text stands in single quotes"),
    ("name == 'x'", "equality is written with one ="),
    ("name != 'x'", "not equal is written <>"),
    ("name = NULL", "IS NULL"),
    ("name ILIKE 'x'", "CASEI"),
    ("name = 'x", "this text never ends"),
    ("name", "expected a condition, found text"),
    ("name = 3", "cannot compare text with a number | text stands in single quotes"),
    ("area_ha = 'x'", "cannot compare a number with text | numbers are written without quotes"),
    ("name > DATE('2024-01-01')", "cannot compare text with a date or time"),
    ("updated_at > '2024-01-01'", "write DATE('2024-05-31')"),
    ("in_borough = 'true'", "write TRUE or FALSE"),
    ("in_borough < TRUE", "truth values have no order"),
    ("name BETWEEN 'a' 'b'", "expected AND"),
    ("name IN 'a'", "expected '(' and a list of values"),
    ("name IN ()", "one value at least"),
    ("name NOT 'a'", "expected LIKE, BETWEEN or IN"),
    ("name LIKE kind", "a pattern is text in single quotes"),
    ("name LIKE 'a\\'", "single backslash"),
    ("CASEI(area_ha) = 'x'", "CASEI takes text, not a number"),
    ("S_INTERSECT(geometry, POINT(0 51))", "did you mean S_INTERSECTS?"),
    ("S_INTERSECTS(geometry)", "takes 2 arguments, not 1"),
    ("S_INTERSECTS(name, POINT(0 51))", "write geometry"),
    ("S_INTERSECTS(geom, POINT(0 51))", "did you mean geometry?"),
    ("S_INTERSECTS(geometry, POINT(51.5 -0.1 2 3))", "expected another number or ')'"),
    ("S_INTERSECTS(geometry, POINT(0))", "expected a number"),
    ("S_INTERSECTS(geometry, POINT EMPTY)", "empty"),
    ("S_INTERSECTS(geometry, POINT(531000 182000))", "needs filter-crs"),
    ("S_INTERSECTS(geometry, BBOX(0,52,1,51))", "south edge"),
    ("S_INTERSECTS(geometry, BBOX(0,52,1))", "four numbers"),
    ("S_INTERSECTS(geometry, POLYGON((0 0,0 1,1 1)))", "must end where it starts"),
    ("S_INTERSECTS(geometry, POLYGON((0 0,0 1,0 0)))", "needs 4 points at least"),
    ("S_INTERSECTS(geometry, POLYGON((0 0,1 1,1 0,0 1,0 0)))", "not valid: Self-intersection"),
    ("S_INTERSECTS(geometry, LINESTRING(0 0))", "needs 2 points at least"),
    ("geometry = POINT(0 51)", "S_INTERSECTS"),
    ("T_DURING(updated_at, INTERVAL('2024-01-01', '..'))", "compares intervals, not single instants"),
    ("T_AFTER(name, DATE('2024-01-01'))", "'name' is text"),
    ("T_AFTER(updated_at, '2024-01-01')", "write DATE('2024-05-31')"),
    ("updated_at > DATE('2024-02-30')", "is not a date such as"),
    ("updated_at > TIMESTAMP('2024-01-01')", "is not an instant such as"),
    ("T_AFTER(updated_at, INTERVAL('2024-01-02', '2024-01-01'))", "ends before it starts"),
    ("T_AFTER(updated_at, INTERVAL('2024-01-01', '2024-01-01T00:00:00Z'))", "both ends"),
    ("note = 'x'", "cannot be filtered by"),
    ("name = 1 + 'x'", "computes with numbers"),
    ("area_ha ^ 9 = 1", "from -8 to 8"),
    ("(area_ha ^ 2) ^ 2 = 1", "cannot be raised"),
    ("upper(name) = 'X'", "there is no function 'upper'"),
    ("and = 1", 'written "and"'),
    ('{"op":"not"}', "filter-lang=cql2-json"),
]


@pytest.mark.parametrize("text, told", TOLD)
def test_what_is_wrong_is_told_with_its_place(layers, text, told):
    said = reason(layers.get("green-spaces"), text)
    assert said.startswith("at character ")
    assert told in said


def test_a_list_is_not_compared_like_a_word(layers):
    assert "A_CONTAINS" in reason(layers.get("assets"), "categories = 'library'")
    assert "write a property that is a list" in reason(layers.get("assets"), "A_CONTAINS(name, ('x'))")
