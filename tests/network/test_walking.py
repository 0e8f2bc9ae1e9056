"""Walking distances on the borough's own streets, and what is said where there are none."""

import math

import pytest

from mapservice.network.access import read_spot
from mapservice.network.graph import Spots
from mapservice.network.store import read_graphs, read_loaded
from mapservice.network.walking import Walk, walking


def position(cursor, postcode):
    return cursor.execute(
        "SELECT ST_X(geom_4326), ST_Y(geom_4326), ST_X(geom), ST_Y(geom) FROM register.postcodes"
        " WHERE postcode = %s",
        (postcode,),
    ).fetchone()


def straight_and_walked(database, start, end):
    with database.reading() as cursor:
        graph = read_graphs(cursor, read_loaded(cursor).digest).all
        here, there = position(cursor, start), position(cursor, end)
        spots = [read_spot(cursor, *where[:2]) for where in (here, there)]
    straight = ((here[2] - there[2]) ** 2 + (here[3] - there[3]) ** 2) ** 0.5
    return straight, float(graph.to_spots(spots[:1], Spots.of(spots[1:]), 6000)[0])


def test_the_canal_is_a_barrier(walked):
    """Noel Road and Vincent Terrace face each other across the Regent's Canal, between two bridges."""
    straight, far = straight_and_walked(walked, "N1 8HA", "N1 8HN")
    assert straight < 80
    assert far > 3 * straight


def test_along_the_canal_there_is_none(walked):
    straight, far = straight_and_walked(walked, "N1 8HA", "N1 8LD")
    assert far < 1.3 * straight


def test_walks_are_about_a_quarter_longer_than_straight_lines(walked):
    with walked.reading() as cursor:
        places = {
            key: (x, y)
            for key, x, y in cursor.execute(
                "SELECT p.key, ST_X(a.geom), ST_Y(a.geom) FROM network.places p"
                " JOIN register.assets a ON a.key = p.asset_key WHERE a.geom IS NOT NULL"
            ).fetchall()
        }
        rows = cursor.execute(
            "SELECT ST_X(c.geom), ST_Y(c.geom), k.places, k.metres FROM network.walks k"
            " JOIN register.postcodes c ON c.postcode = k.postcode WHERE k.postcode LIKE 'N1 %'"
        ).fetchall()
    pairs = [
        (far, math.dist((x, y), places[key]))
        for x, y, keys, metres in rows
        for key, far in zip(keys, metres, strict=True)
        if key in places
    ]
    pairs = [(far, straight) for far, straight in pairs if straight > 300]
    assert len(pairs) > 20_000
    assert 1.18 < sum(far for far, _ in pairs) / sum(straight for _, straight in pairs) < 1.28
    assert min(far - straight for far, straight in pairs) >= -1, "nothing is nearer on foot"


@pytest.mark.parametrize("postcode", ["N1 9JP", "EC1V 4NB", "N7 8GG", "WC1X 9EY"])
def test_measured_on_the_spot_it_is_the_same_as_beforehand(walked, postcode):
    with walked.reading() as cursor:
        longitude, latitude, *_ = position(cursor, postcode)
        beforehand = walking(cursor, longitude, latitude, postcode)
        now = walking(cursor, longitude, latitude)
    assert beforehand.network
    assert len(beforehand.metres) > 50
    # Places at the very edge of reach are told by their ways in on one side, by themselves on the other.
    both = beforehand.metres.keys() & now.metres.keys()
    assert len(both) > 0.9 * len(beforehand.metres)
    assert max(abs(beforehand.metres[place] - now.metres[place]) for place in both) <= 1


def test_a_walk_says_how_it_was_measured(walked):
    with walked.reading() as cursor:
        longitude, latitude, *_ = position(cursor, "N1 9JP")
        walks = walking(cursor, longitude, latitude, "N1 9JP")
        nowhere = walking(cursor, -0.4, 51.3)
    known = walks.to("assets", "finsbury-library", straight_m=900.0)
    assert (known.measured, known.is_path) == ("path", True)
    assert known.credit == "Contains OS data © Crown copyright and database right."
    assert known.minutes == -(-known.metres // 80)
    assert walks.to("assets", "no-such-place", straight_m=170.0) == Walk(170.0, "straight line")
    assert nowhere.network
    assert nowhere.to("assets", "finsbury-library", straight_m=9000.0).measured == "straight line"


def test_without_a_network_every_distance_is_a_straight_line(make_database):
    with make_database() as database, database.reading() as cursor:
        assert read_loaded(cursor) is None, "none is shipped"
        for postcode in ("N1 9JP", None):
            walks = walking(cursor, -0.11, 51.53, postcode)
            assert not walks.network
            assert walks.to("assets", "finsbury-library", 812.4) == Walk(812.4, "straight line")


@pytest.mark.parametrize("metres,minutes", [(0, 1), (79, 1), (80, 1), (81, 2), (1000, 13), (3000, 38)])
def test_minutes_are_rounded_up_at_eighty_metres_a_minute(metres, minutes):
    assert Walk(metres, "path").minutes == minutes


def test_a_search_reads_the_walks_by_one_index(walked):
    with walked.reading() as cursor:
        plan = "\n".join(
            row[0]
            for row in cursor.execute(
                "EXPLAIN SELECT * FROM network.walks WHERE postcode = 'N1 9JP'"
            ).fetchall()
        )
    assert "walks_pkey" in plan
