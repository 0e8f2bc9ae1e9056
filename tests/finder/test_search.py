"""A question to the register: what is found, and what of it helps."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from mapservice.finder.choosing import SHOWN, choose, known_to_help
from mapservice.finder.guarantee import check_doors
from mapservice.finder.search import Start, Wishes, search

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
# One service with something for everybody, at every place there is.
EVERYWHERE = """
INSERT INTO register.services (id, organisation_id, name, maximum_age, source_id, verified)
VALUES ('somali', 'islington-council', 'A service in Somali', 10, 'direct-entry', true);
INSERT INTO register.service_at_locations (id, service_id, asset_key, source_id)
SELECT 'somali-' || key, 'somali', key, 'direct-entry' FROM register.assets WHERE NOT demonstration;
INSERT INTO register.service_languages (service_id, code, name, source_id)
VALUES ('somali', 'so', 'Somali', 'direct-entry');
INSERT INTO register.service_terms (service_id, term_id, source_id)
SELECT 'somali', term_id, source_id FROM register.service_terms WHERE service_id = 'fairer-together-hub'
"""


@pytest.fixture(scope="module")
def given(database):
    """A function that changes the service, and what of the promise is kept without it."""

    def make_it(change):
        with database.session("tester", as_owner=True) as session:
            session.execute(text(f"UPDATE register.services SET {change} WHERE id = 'somali'"))

    before = kept(database)
    with database.session("tester", as_owner=True) as session:
        session.connection().exec_driver_sql(EVERYWHERE)
    assert kept(database) > before
    assert not helps(database, language="Welsh")
    return make_it, before


def helps(database, language="Somali"):
    """Whether Finsbury Library is found to speak a language and to have something for children."""
    wishes = Wishes(children=True, language=language)
    with database.reading() as cursor:
        found = search(cursor, [], Start(postcodes=("EC1V 4NB",)), "", wishes, MONDAY)
    return any(
        place.id == "finsbury-library" and {"children", "language"} <= place.fits
        for place in found.of("door+")
    )


def kept(database):
    """How often a service is said to help, over all postcodes and needs."""
    with database.reading() as cursor:
        return sum(need.said for need in check_doors(cursor, now=MONDAY).needs)


@pytest.mark.parametrize(
    "was,change",
    [
        ("status = 'temporarily closed'", "status = 'inactive'"),
        ("status = 'active'", "status = 'defunct'"),
        ("status = 'active'", "visibility = 'council'"),
        ("visibility = 'public'", "demonstration = true"),
    ],
)
def test_what_has_ended_or_is_not_public_helps_nobody_and_keeps_no_promise(database, given, was, change):
    make_it, before = given
    make_it(was)
    assert helps(database)
    make_it(change)
    assert not helps(database)
    assert kept(database) == before


def test_a_place_known_to_help_is_among_the_first_even_where_other_doors_are_nearer(database):
    with database.reading() as cursor:
        found = search(cursor, [], Start(postcodes=("N19 5PH",)), "family", Wishes(), MONDAY)
    places = choose(found, Wishes(), (), 6).places
    assert {"archway-library", "archway-childrens-centre"} <= {place.id for place in places[:SHOWN]}
    assert all(known_to_help(place) for place in places[: SHOWN - 1])
    assert len(places) == 6
