"""The batch: measured once, again only what changed, and going on after a sudden end."""

import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import text

from mapservice.network.measuring import AT_ONCE, measure
from mapservice.network.walking import walking
from mapservice.sources import run_import
from tests.network.conftest import write_open_roads

WEST, SOUTH, EAST, NORTH, STEP = 528_600, 181_400, 533_800, 188_200, 200
LIBRARY = "finsbury-library"


@pytest.fixture(scope="session")
def grid(tmp_path_factory):
    """A town of straight streets, 200 m apart, where the borough is."""
    points = {(x, y): f"{x} {y}" for x in range(WEST, EAST + 1, STEP) for y in range(SOUTH, NORTH + 1, STEP)}
    links = []
    for (x, y), name in points.items():
        for other in ((x + STEP, y), (x, y + STEP)):
            if other in points:
                links.append((str(len(links)), name, points[other], f"LINESTRING ({name}, {points[other]})"))
    return write_open_roads(tmp_path_factory.mktemp("grid") / "grid.gpkg", links)


@pytest.fixture(scope="module")
def measured(database, grid):
    """The database of this module with the grid, all measured."""
    assert run_import(database, "open-roads", grid, "tester").ok
    assert measure(database) > 100
    return database


def to_measure(database):
    with database.reading() as cursor:
        return cursor.execute(
            "SELECT count(*) FROM network.places WHERE measured IS DISTINCT FROM generation"
        ).fetchone()[0]


def stored(database, postcode):
    """What the batch left, whatever is to be measured again."""
    with database.reading() as cursor:
        rows = cursor.execute(
            "SELECT u.place, u.metres FROM network.walks k"
            " CROSS JOIN LATERAL unnest(k.places, k.metres) AS u(place, metres)"
            " JOIN network.places p ON p.key = u.place AND p.batch = k.batch WHERE k.postcode = %s",
            (postcode,),
        ).fetchall()
    assert len(dict(rows)) == len(rows), "each place once"
    return dict(rows)


def asked(database, postcode):
    with database.reading() as cursor:
        x, y = cursor.execute(
            "SELECT ST_X(geom_4326), ST_Y(geom_4326) FROM register.postcodes WHERE postcode = %s", (postcode,)
        ).fetchone()
        return walking(cursor, x, y, postcode).metres


def change(database, statement, **parameters):
    with database.session("tester", as_owner=True) as session:
        session.execute(text(statement), parameters)


def test_measuring_again_measures_nothing(measured):
    assert to_measure(measured) == 0
    assert measure(measured) == 0


def test_a_place_that_moves_is_the_only_one_measured_again(measured):
    before = asked(measured, "N1 9JP")
    change(
        measured,
        "UPDATE register.assets SET geom = ST_Translate(geom, 0, 400) WHERE id = :id",
        id=LIBRARY,
    )
    assert to_measure(measured) == 1
    meanwhile = asked(measured, "N1 9JP")
    assert meanwhile[("assets", LIBRARY)] != before[("assets", LIBRARY)], "never what is no longer true"
    assert measure(measured) == 1
    after = asked(measured, "N1 9JP")
    assert after == pytest.approx(meanwhile, abs=1), "measured on the spot or beforehand, it is the same"
    assert {place for place in before if before[place] != after.get(place)} == {("assets", LIBRARY)}


def test_a_new_place_is_measured_and_one_that_goes_is_forgotten(measured):
    change(
        measured,
        "INSERT INTO register.assets (id, name, categories, position, geom, source_id, verified)"
        " SELECT 'new-place', 'New', categories, 'building', ST_Translate(geom, 30, 0), source_id, false"
        " FROM register.assets WHERE id = :id",
        id=LIBRARY,
    )
    assert ("assets", "new-place") in asked(measured, "EC1R 4RB")
    assert measure(measured) == 1
    assert ("assets", "new-place") in asked(measured, "EC1R 4RB")
    change(measured, "DELETE FROM register.assets WHERE id = 'new-place'")
    assert ("assets", "new-place") not in asked(measured, "EC1R 4RB")
    assert to_measure(measured) == 0


def test_a_change_that_moves_nothing_measures_nothing(measured):
    change(measured, "UPDATE register.assets SET name = name || '!' WHERE id = :id", id=LIBRARY)
    assert to_measure(measured) == 0


def test_a_postcode_that_moves_is_measured_again_from_the_places_near_it(measured):
    places = len(stored(measured, "N1 9JP"))
    far = stored(measured, "N19 3QN") or stored(measured, "N19 5JF")
    change(
        measured,
        "UPDATE register.postcodes SET geom = ST_Translate(geom, 200, 0) WHERE postcode = 'N1 9JP'",
    )
    assert stored(measured, "N1 9JP") == {}
    assert 0 < to_measure(measured) <= places + 20
    now = asked(measured, "N1 9JP")
    measure(measured)
    assert asked(measured, "N1 9JP") == pytest.approx(now, abs=1)
    assert len(stored(measured, "N1 9JP")) >= places - 20
    assert (stored(measured, "N19 3QN") or stored(measured, "N19 5JF")) == far


def test_an_entrance_is_where_a_place_is_entered(measured):
    place = "SELECT key FROM register.green_spaces WHERE id = 'highbury-fields'"
    before = asked(measured, "N5 1AR")[("green-spaces", "highbury-fields")]
    change(
        measured,
        "INSERT INTO register.entrances (id, green_space_key, geom, source_id)"
        f" SELECT 'far-gate', ({place}), ST_SetSRID(ST_MakePoint(531800, 185400), 27700), 'demonstration'",
    )
    assert to_measure(measured) == 1
    measure(measured)
    after = asked(measured, "N5 1AR")[("green-spaces", "highbury-fields")]
    with measured.reading() as cursor:
        methods = cursor.execute(
            f"SELECT a.method, count(*) FROM network.access a JOIN network.places p ON p.key = a.place"
            f" WHERE p.green_space_key = ({place}) GROUP BY a.method"
        ).fetchall()
    assert methods == [("entrance", 1)]
    assert after > before, "one gate is farther than the nearest of all sides"
    change(measured, "DELETE FROM register.entrances WHERE id = 'far-gate'")
    measure(measured)
    assert asked(measured, "N5 1AR")[("green-spaces", "highbury-fields")] == before


def test_an_imported_entrance_of_a_place_is_where_it_is_entered(measured, tmp_path):
    before = asked(measured, "N1 9JP")[("assets", LIBRARY)]
    file = tmp_path / "entrances.csv"
    file.write_text(f"place,easting,northing,step_free,source\n{LIBRARY},531560,182640,yes,demonstration\n")
    assert run_import(measured, "entrances", file, "tester").created == 1
    assert to_measure(measured) == 1
    measure(measured)
    assert asked(measured, "N1 9JP")[("assets", LIBRARY)] != before
    change(measured, "DELETE FROM register.entrances")
    measure(measured)
    assert asked(measured, "N1 9JP")[("assets", LIBRARY)] == before


STOPPED = """
import os, signal
from mapservice.database import Database
from mapservice.network.measuring import AT_ONCE, measure
from mapservice.settings import load_settings

def stop(done, total, what):
    if done == 2 * AT_ONCE:
        os.kill(os.getpid(), signal.SIGKILL)

measure(Database.connect(load_settings()), stop)
"""


def test_after_a_sudden_end_what_was_measured_stays_measured(measured, cluster, grid):
    expected = asked(measured, "N1 9JP")
    change(measured, "UPDATE network.places SET generation = generation + 1, batch = NULL")
    total = to_measure(measured)
    name = measured.reader.url.database
    environment = {**os.environ, "DATABASE_URL": f"postgresql://postgres@/{name}?host={cluster.socket_dir}"}
    stopped = subprocess.run([sys.executable, "-c", STOPPED], env=environment, check=False)
    assert stopped.returncode == -signal.SIGKILL
    assert to_measure(measured) == total - 2 * AT_ONCE
    assert asked(measured, "N1 9JP") == pytest.approx(expected, abs=1), (
        "until then what is lacking is measured on the spot"
    )
    said = []
    assert measure(measured, lambda done, todo, what: said.append((done, todo))) == total - 2 * AT_ONCE
    assert said[0] == (0, total - 2 * AT_ONCE)
    assert said[-1] == (total - 2 * AT_ONCE,) * 2
    assert asked(measured, "N1 9JP") == expected


def test_walks_of_forgotten_batches_go(measured):
    with measured.reading() as cursor:
        batches = (
            "SELECT count(*) FROM (SELECT DISTINCT batch FROM network.walks k WHERE NOT EXISTS"
            " (SELECT FROM network.places p WHERE p.batch = k.batch)) x"
        )
        assert cursor.execute(batches).fetchone() == (0,)


def test_only_the_owner_writes_the_network(measured):
    for engine in (measured.editor, measured.reader):
        for table in ("nodes", "edges", "loads", "places", "access", "walks"):
            with (
                engine.connect() as connection,
                pytest.raises(Exception, match=r"permission denied|read-only"),
            ):
                connection.execute(text(f"DELETE FROM network.{table}"))


def test_an_editor_who_moves_a_place_needs_no_right_to_the_walks(measured):
    with measured.session("editor") as session:
        session.execute(
            text("UPDATE register.assets SET geom = ST_Translate(geom, 10, 0) WHERE id = :id"),
            {"id": LIBRARY},
        )
    assert to_measure(measured) == 1
    assert measure(measured) == 1
