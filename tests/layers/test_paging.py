"""Walking `next` meets every row that is there all along exactly once, whatever comes and goes meanwhile."""

import itertools
import random

import pytest
from sqlalchemy import text

from mapservice.layers.features import read_page
from mapservice.layers.layer import Layer, Property, Style
from mapservice.layers.paging import decode_cursor, encode_cursor, parse_sort
from mapservice.layers.query import FeatureQuery

ROWS = 1176
SORTS = ["tie", "-tie", "rank,-tie", "-rank,tie", "name,-rank", "-seen", "flag,-day", ""]
LAYER = Layer(
    id="things",
    title="Things",
    description="Many alike.",
    relation="paging.things",
    geometry_kind="point",
    id_column="code",
    visibility_column=None,
    geometries={27700: "geom"},
    properties=(
        Property("tie", "string", "Tie"),
        Property("rank", "number", "Rank"),
        Property("name", "string", "Name"),
        Property("flag", "boolean", "Flag"),
        Property("day", "date", "Day"),
        Property("seen", "date-time", "Seen"),
    ),
    style=Style("#123456", "circle", "T"),
)
MAKE = """
    CREATE SCHEMA paging;
    GRANT USAGE ON SCHEMA paging TO mapservice_reader;
    CREATE TABLE paging.things (
        code text PRIMARY KEY, tie text, rank double precision, name text, flag boolean, day date,
        seen timestamptz, geom geometry(Point, 27700), keep boolean NOT NULL);
    GRANT SELECT ON paging.things TO mapservice_reader;
"""
# Few values and many nulls: nearly every row ties with many others. Names sort differently than bytes do.
INSERT = """
    INSERT INTO paging.things
    SELECT :code || n, (ARRAY['a', 'b', NULL])[1 + n % 3], (ARRAY[0.1, 1e300, -2.5, NULL])[1 + n % 4],
           (ARRAY['Éa', 'e, "x"', 'Z''', '', NULL])[1 + n % 5], (ARRAY[true, false, NULL])[1 + n % 3],
           (ARRAY['2024-02-29', NULL]::date[])[1 + n % 2],
           (ARRAY['2024-05-31 09:00:00.123456+01', '0044-03-15 00:00:00+00', NULL]::timestamptz[])[1 + n % 3],
           ST_SetSRID(ST_Point(530000 + n, 180000), 27700), :keep
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n
"""


@pytest.fixture
def things(fresh_database):
    with fresh_database.session("tester", as_owner=True) as session:
        session.execute(text(MAKE))
        session.execute(text(INSERT), {"code": "keep-", "first": 1, "last": ROWS, "keep": True})
        session.execute(text(INSERT), {"code": "doomed-", "first": 1, "last": 600, "keep": False})
    return fresh_database


def read(database, sort, cursor, limit):
    # As a client does: nothing but the token is carried from page to page.
    place = decode_cursor(LAYER, sort, cursor) if cursor else None
    query = FeatureQuery(limit=limit, sort=sort, cursor=place, fields=(), geometry=False)
    with database.reading() as reader:
        page = read_page(reader, LAYER, query, "")
    ids = [part.partition('"')[0] for part in page.features.decode().split('"id":"')[1:]]
    tokens = (p and encode_cursor(LAYER, sort, p) for p in (page.next, page.previous))
    return ids, *tokens


def churn(database, numbers, dice):
    """Rows come and go, before and behind, in the middle of ties."""
    with database.session("tester", as_owner=True) as session:
        first = next(numbers) * 1000 + dice.randrange(12)
        session.execute(
            text(INSERT),
            {"code": f"{dice.choice('ajlz')}-", "first": first, "last": first + 9, "keep": False},
        )
        session.execute(
            text("DELETE FROM paging.things WHERE code IN (SELECT code FROM paging.things WHERE NOT keep"
                 " ORDER BY md5(code || :salt) LIMIT 12)"), {"salt": str(dice.random())}
        )  # fmt: skip


@pytest.mark.parametrize("order", SORTS)
def test_every_surviving_row_is_met_exactly_once_both_ways(things, order):
    sort, dice, numbers = parse_sort(LAYER, order) if order else (), random.Random(order), itertools.count(1)
    with things.reading() as reader:
        surviving = {row[0] for row in reader.execute("SELECT code FROM paging.things WHERE keep")}

    forward, cursor, last = [], None, None
    while True:
        ids, following, back = read(things, sort, cursor, 50)
        forward.append(ids)
        churn(things, numbers, dice)
        if following is None:
            last = back
            break
        cursor = following
    met = [one for page in forward for one in page if one in surviving]
    assert len(met) == len(set(met)) == len(surviving) == ROWS

    backward, cursor = [forward[-1]], last
    while cursor:
        ids, _, cursor = read(things, sort, cursor, 50)
        backward.insert(0, ids)
        churn(things, numbers, dice)
    assert [one for page in backward for one in page if one in surviving] == met


@pytest.mark.parametrize("order", SORTS)
def test_pages_are_in_the_order_the_database_sorts_in(things, order):
    keys = (
        [f"{key.property.name} {'DESC' if key.descending else ''}" for key in parse_sort(LAYER, order)]
        if order
        else []
    )
    with things.reading() as reader:
        rows = reader.execute(
            f"SELECT code FROM paging.things ORDER BY {', '.join([*keys, 'code'])}"
        ).fetchall()
    sort, walked, cursor = parse_sort(LAYER, order) if order else (), [], None
    while True:
        ids, cursor, _ = read(things, sort, cursor, 97)
        walked += ids
        if cursor is None:
            break
    assert walked == [row[0] for row in rows]


def test_the_row_a_cursor_names_may_be_gone(things):
    sort = parse_sort(LAYER, "-tie")
    ids, cursor, _ = read(things, sort, None, 5)
    following, _, _ = read(things, sort, cursor, 5)
    with things.session("tester", as_owner=True) as session:
        session.execute(text("DELETE FROM paging.things WHERE code = ANY (:ids)"), {"ids": ids})
    again, _, back = read(things, sort, cursor, 5)
    assert again == following
    assert read(things, sort, back, 5)[0] == []
