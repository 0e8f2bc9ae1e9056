"""What is said of an outline while it is drawn, and of what is on the map around it."""

import math
import random

import pytest

from mapservice.survey.nearby import near
from mapservice.survey.outlines import (
    CROSSES,
    OUTSIDE,
    TENNIS_COURT_M2,
    Unreadable,
    check,
    read_entrances,
    read_geometry,
)
from mapservice.survey.whereabouts import find, read_reference
from tests.survey.test_submitting import SOUTH, outline


@pytest.fixture
def session(database):
    with database.session("tests") as session:
        yield session


def of_known(session, name):
    """The outline of a space on the map."""
    row = session.connection().exec_driver_sql(
        "SELECT id, ST_AsGeoJSON((ST_Dump(geom_4326)).geom, 7)::json FROM register.green_spaces"
        f" WHERE name = '{name}' AND position = 'outline' ORDER BY ST_Area(geom) DESC LIMIT 1"
    )
    found, shape = row.first()
    return found, {"type": "Polygon", "coordinates": shape["coordinates"][:1]}


def test_a_good_outline_has_its_size_in_square_metres_and_tennis_courts(session):
    found = check(session, outline(), ("public",))
    assert found.problems == ()
    assert found.area_m2 == pytest.approx(693, rel=0.02)
    assert found.tennis_courts == pytest.approx(found.area_m2 / (23.77 * 10.97))
    assert math.isclose(TENNIS_COURT_M2, 260.76, abs_tol=0.01)


def test_a_crossing_is_said_and_where_it_is(session):
    x, y = SOUTH
    bow = [[x, y], [x + 0.001, y + 0.001], [x + 0.001, y], [x, y + 0.001], [x, y]]
    found = check(session, {"type": "Polygon", "coordinates": [bow]}, ("public",))
    assert found.problems == (CROSSES,)
    assert found.crossing == pytest.approx((x + 0.0005, y + 0.0005), abs=1e-5)


@pytest.mark.parametrize("at", [(-0.3, 51.5), (2.35, 48.85), (0, 0), (-179.9, -89.9)])
def test_outside_the_borough_is_outside(session, at):
    assert check(session, outline(at=at), ("public",)).problems == (OUTSIDE,)


def test_an_outline_over_a_known_space_names_it_with_the_shares(session):
    known, shape = of_known(session, "Highbury Fields")
    found = check(session, shape, ("public",))
    first = found.overlaps[0]
    assert first.id == known
    assert first.share == pytest.approx(1, abs=0.01)
    assert check(session, shape, ("public",), but=known).overlaps == () or all(
        each.id != known for each in check(session, shape, ("public",), but=known).overlaps
    )


def test_what_one_may_not_see_is_not_told(session, suggest):
    hidden = suggest(size=40)
    row = session.connection().exec_driver_sql(
        "SELECT ST_AsGeoJSON((ST_Dump(geom_4326)).geom, 7)::json, ST_X(ST_Centroid(geom_4326)),"
        f" ST_Y(ST_Centroid(geom_4326)) FROM register.green_spaces WHERE id = '{hidden}'"
    )
    shape, x, y = row.first()
    assert hidden not in {each.id for each in check(session, shape, ("public",)).overlaps}
    seen = check(session, shape, ("public", "network")).overlaps
    assert any(each.id == hidden and each.likely_the_same for each in seen)
    assert hidden not in {each.id for each in near(session, x, y, "", ("public",))}
    assert hidden in {each.id for each in near(session, x, y, "", ("public", "network"))}


def test_an_entrance_far_away_is_a_slip(session):
    x, y = SOUTH
    assert check(session, outline(), (), [[x, y]]).problems == ()
    assert "entrance" in check(session, outline(), (), [[x + 0.01, y]]).problems[0]


def test_an_entrance_at_the_other_end_of_the_earth_is_a_slip_too(session):
    assert "entrance" in check(session, outline(), (), [[88.0, 22.5]]).problems[0]


def test_a_tangle_is_refused_without_being_worked_out(session):
    x, y = SOUTH
    drawn = random.Random(7)
    corners = [[x + drawn.random() * 0.01, y + drawn.random() * 0.01] for _ in range(1500)]
    session.connection().exec_driver_sql("SET LOCAL statement_timeout = '5s'")
    found = check(session, {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}, ())
    assert found.crossing
    assert found.area_m2 is None


def test_spaces_near_by_are_found_and_those_of_like_name_from_farther(session):
    known, shape = of_known(session, "Highbury Fields")
    x, y = shape["coordinates"][0][0]
    assert known in {each.id for each in near(session, x, y, "", ("public",))}
    away = (x - 0.004, y)
    alike = [each.id for each in near(session, *away, "highbury field", ("public",))]
    assert known in alike
    assert near(session, 50, 10, "x", ("public",)) == []


@pytest.mark.parametrize(
    "given",
    [
        None, [], "POINT(0 0)", {}, {"type": "Point"}, {"type": "Point", "coordinates": ["a", 1]},
        {"type": "Point", "coordinates": [float("nan"), 1]}, {"type": "Point", "coordinates": [1]},
        {"type": "Point", "coordinates": [1, 91]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": []}, {"type": "GeometryCollection", "geometries": []},
        {"type": "Polygon", "coordinates": [[[0, 0]] * 2001]}, {"type": "Polygon", "coordinates": [{}]},
        {"type": "Point", "coordinates": [True, False]},
    ],
    ids=range(15),
)  # fmt: skip
def test_what_is_no_geometry_is_refused_in_words(given):
    with pytest.raises(Unreadable):
        read_geometry(given)


def test_too_many_entrances_are_refused():
    with pytest.raises(Unreadable):
        read_entrances([[0, 51]] * 21)


@pytest.mark.parametrize(
    "typed, within",
    [("TQ 31 83", 500), ("tq 312 834", 50), ("TQ3120083400", 0.5), ("531200 183400", 1), ("51.535,-0.1", 1)],
)
def test_a_grid_reference_or_degrees_are_a_spot(typed, within):
    found = read_reference(typed)
    assert found.within_m == within
    assert found.longitude == pytest.approx(-0.105, abs=0.006)
    assert found.latitude == pytest.approx(51.535, abs=0.001)


@pytest.mark.parametrize(
    "typed", ["", "TQ", "TQ 3", "TQ 123", "zz 12 34", "1 2 3", "9e9 9e9", "-1 -1", "x" * 999]
)
def test_what_is_no_place_is_none(database, typed):
    with database.reading() as cursor:
        assert find(cursor, typed) is None


def test_a_postcode_is_a_spot_that_says_it_is_rough(database):
    with database.reading() as cursor:
        found = find(cursor, "n1 9jp")
    assert found.postcode == "N1 9JP"
    assert found.within_m == 100
