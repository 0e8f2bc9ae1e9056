"""Services: rules that hold in the database, and published rows that follow every table they are made of."""

import contextlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

COLUMNS = (
    "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute"
    " WHERE attrelid = 'register.published_services'::regclass AND attnum > 0 AND attname <> 'updated_at'"
)
SERVICE = "service_id = 'fairer-together-hub'"


class Undo(Exception):
    """Raised to roll back."""


@pytest.fixture
def undone(database):
    """A session whose changes are rolled back."""

    @contextlib.contextmanager
    def run():
        with contextlib.suppress(Undo), database.session("tester", as_owner=True) as session:
            yield session
            raise Undo

    return run


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE register.services SET name = 'X' WHERE id = 'fairer-together-hub'",
        "UPDATE register.services SET visibility = 'council' WHERE id = 'fairer-together-hub'",
        "DELETE FROM register.services WHERE id = 'fairer-together-hub'",
        f"DELETE FROM register.service_at_locations WHERE {SERVICE}",
        f"DELETE FROM register.service_terms WHERE {SERVICE} AND term_id = 'support-food'",
        f"DELETE FROM register.service_contacts WHERE {SERVICE}",
        "UPDATE register.taxonomy_terms SET name = 'Eating' WHERE id = 'support-food'",
        "UPDATE register.contact_points SET value = '020 7000 0000' WHERE id = 'access-islington'",
        "UPDATE register.organisations SET name = 'X' WHERE id = 'islington-council'",
        "UPDATE register.sources SET title = 'X' WHERE id = 'partnership-documents'",
        "UPDATE register.assets SET opening_hours = 'Mo 10:00-12:00' WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET geom = ST_Translate(geom, 900, 900) WHERE id = 'finsbury-library'",
        "DELETE FROM register.assets WHERE id = 'finsbury-library'",
        "UPDATE register.green_spaces SET name = 'X' WHERE id = (SELECT place_id FROM layers.services"
        " WHERE place_kind = 'green-spaces' LIMIT 1)",
        "UPDATE register.areas SET name = 'X' WHERE boundary_set_id = 'localities' AND id = 'south'",
        "UPDATE register.schedules SET opens_at = NULL WHERE id = 'example-money-advice-tuesdays'",
        "INSERT INTO register.cost_options (id, service_id, amount, source_id)"
        " VALUES ('x', 'fairer-together-hub', 0, 'direct-entry')",
        "INSERT INTO register.service_languages (service_id, code, name, source_id)"
        " VALUES ('fairer-together-hub', 'so', 'Somali', 'direct-entry')",
    ],
)
def test_published_services_follow_what_they_are_made_of(undone, change):
    with undone() as session:
        columns = session.execute(text(COLUMNS)).scalar_one()
        should, does = (
            f"SELECT {columns} FROM {relation}"
            for relation in ("register.published_services", "layers.services")
        )
        before = session.execute(
            text(f"SELECT md5(string_agg(s::text, '' ORDER BY id)) FROM ({does}) s")
        ).scalar()
        session.execute(text(change))
        either = f"(({should}) EXCEPT ALL ({does})) UNION ALL (({does}) EXCEPT ALL ({should}))"
        assert session.execute(text(f"SELECT count(*) FROM ({either}) x")).scalar_one() == 0
        after = session.execute(
            text(f"SELECT md5(string_agg(s::text, '' ORDER BY id)) FROM ({does}) s")
        ).scalar()
        assert after != before


@pytest.mark.parametrize(
    "columns,values",
    [
        ("freq, byday", "'DAILY', 'MO'"),
        ("freq, byday", "'WEEKLY', 'XX'"),
        ("freq, byday", "'WEEKLY', '2MO'"),
        ("freq", "'WEEKLY'"),
        ("byday", "'MO'"),
        ("dtstart, opens_at, closes_at", "'2026-01-01', '12{0}00', '10{0}00'"),
        ("freq, byday, bymonth", "'WEEKLY', 'MO', '{{13}}'"),
        ("freq, byday, interval", "'WEEKLY', 'MO', 2"),
        ("dtstart, valid_from, valid_to", "'2026-01-01', '2026-02-01', '2026-01-01'"),
        ("schedule_link", "'javascript'"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(database, columns, values):
    statement = (
        f"INSERT INTO register.schedules (id, service_id, source_id, {columns})"
        f" VALUES ('x', 'bright-start', 'direct-entry', {values.format(':')})"
    )
    with pytest.raises(IntegrityError), database.session("tester") as session:
        session.connection().exec_driver_sql(statement)


def test_a_place_of_a_service_is_one_place(database):
    two = (
        "INSERT INTO register.service_at_locations (id, service_id, asset_key, place_name, source_id)"
        " SELECT 'x', 'bright-start', key, 'Hall', 'direct-entry' FROM register.assets LIMIT 1"
    )
    with pytest.raises(IntegrityError), database.session("tester") as session:
        session.execute(text(two))


def test_changes_of_services_are_in_the_history(undone):
    with undone() as session:
        session.execute(text("UPDATE register.services SET alert = 'Moved' WHERE id = 'bright-start'"))
        found = session.execute(
            text(
                "SELECT operation, actor, after ->> 'alert' FROM history.changes"
                " WHERE table_name = 'services' AND row_key = 'bright-start' ORDER BY id DESC LIMIT 1"
            )
        ).one()
        assert tuple(found) == ("updated", "tester", "Moved")
