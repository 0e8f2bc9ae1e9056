"""What is published follows the register by itself, counts its versions, and writes only what differs."""

import contextlib
import threading

import pytest
from sqlalchemy import text

TABLES = ("areas", "assets", "green_spaces")
COLUMNS = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute"


class Undo(Exception):
    """Raised to roll back."""


def one(session, statement, **parameters):
    return session.execute(text(statement), parameters).scalar_one()


def versions(session):
    rows = session.execute(text("SELECT relation, version FROM layers.relations"))
    return {row[0].removeprefix("layers."): row[1] for row in rows}


def differences(session):
    """Rows that differ between what is published and what should be, whatever their `updated_at`."""
    found = {}
    for table in TABLES:
        columns = one(
            session,
            f"{COLUMNS} WHERE attrelid = 'register.published_{table}'::regclass AND attnum > 0"
            " AND attname <> 'updated_at'",
        )
        should, does = (
            f"SELECT {columns} FROM {relation}"
            for relation in (f"register.published_{table}", f"layers.{table}")
        )
        either = f"(({should}) EXCEPT ALL ({does})) UNION ALL (({does}) EXCEPT ALL ({should}))"
        found[table] = one(session, f"SELECT count(*) FROM ({either}) x")
    return found


def bumped(session, change, **parameters):
    """The relations whose version a change in a transaction of its own moves."""
    before = versions(session)
    session.execute(text(change), parameters)
    assert differences(session) == dict.fromkeys(TABLES, 0), change
    after = versions(session)
    assert all(after[name] - before[name] in (0, 1) for name in TABLES)
    return {name for name in TABLES if after[name] != before[name]}


AREA = "boundary_set_id = 'wards-2002' AND id = 'clerkenwell'"
LIBRARY = "(SELECT key FROM register.assets WHERE id = 'finsbury-library')"
CHANGES = {
    "UPDATE register.assets SET name = 'X' WHERE id = 'finsbury-library'": {"assets"},
    "UPDATE register.assets SET id = 'x' WHERE id = 'finsbury-library'": {"assets"},
    "DELETE FROM register.assets WHERE id = 'finsbury-library'": {"assets"},
    "UPDATE register.assets SET geom = ST_Translate(geom, 900, 900) WHERE id = 'finsbury-library'": {
        "assets"
    },
    "UPDATE register.green_spaces SET access = 'unknown'": {"green_spaces"},
    "DELETE FROM register.green_spaces": {"green_spaces"},
    "INSERT INTO register.contact_points (id, asset_key, name, kind, value, source_id)"
    f" SELECT 'x', {LIBRARY}, 'X', 'phone', '000', id FROM register.sources LIMIT 1": {"assets"},
    f"DELETE FROM register.asset_areas WHERE asset_key = {LIBRARY}": {"assets"},
    "DELETE FROM register.green_space_areas": {"green_spaces"},
    "UPDATE register.organisations SET name = name || ' X'": {"assets"},
    # A way in without steps is the place's, where it says nothing of its own.
    "INSERT INTO register.entrances (id, asset_key, geom, step_free, source_id) SELECT 'x', key, geom, 'yes',"
    " source_id FROM register.assets WHERE id = 'finsbury-library'": {"assets"},
    "INSERT INTO register.entrances (id, asset_key, geom, step_free, source_id) SELECT 'x', key, geom, 'no',"
    " source_id FROM register.assets WHERE id = 'finsbury-library'": set(),
    "UPDATE register.categories SET name = 'Reading room' WHERE id = 'library'": {"assets"},
    f"UPDATE register.areas SET name = 'X' WHERE {AREA}": {"areas", "assets", "green_spaces"},
    "UPDATE register.boundary_sets SET accuracy = 'X'": {"areas"},
    "UPDATE register.sources SET licence = licence || ' X'": {"areas", "assets", "green_spaces"},
    f"DELETE FROM register.area_overlaps WHERE area_key = (SELECT key FROM register.areas WHERE {AREA})": {
        "areas"
    },
    "TRUNCATE register.green_space_areas": {"green_spaces"},
    # What is not published, and what changes nothing, makes no version.
    "UPDATE register.assets SET name = name": set(),
    "UPDATE register.areas SET geom = geom": set(),
    "UPDATE register.green_spaces SET updated_at = now()": set(),
    "UPDATE register.entrances SET note = 'x'": set(),
    "UPDATE register.contact_points SET note = 'x'": set(),
    "DELETE FROM register.postcodes WHERE false": set(),
}


@pytest.mark.parametrize("change, expected", CHANGES.items(), ids=list(CHANGES))
def test_what_is_published_follows_the_register(database, change, expected):
    with contextlib.suppress(Undo), database.session("tester", as_owner=True) as session:
        assert bumped(session, change) == expected
        raise Undo


def test_a_way_in_follows_its_entrance_from_place_to_place(database):
    first = "SELECT place_id FROM layers.services WHERE place_kind = 'assets' ORDER BY id LIMIT 1"
    door = (
        "INSERT INTO register.entrances (id, asset_key, geom, step_free, source_id)"
        " SELECT 'door', key, geom, 'yes', 'direct-entry' FROM register.assets WHERE id = :here"
    )
    change = "UPDATE register.entrances SET {} WHERE id = 'door'"
    word = "UPDATE register.assets SET step_free = '{}' WHERE id = :there"
    key = "asset_key = (SELECT key FROM register.assets WHERE id = :there)"
    title = "UPDATE register.sources SET title = 'Renamed' WHERE id = 'direct-entry'"
    unknown = ("unknown", None)
    with contextlib.suppress(Undo), database.session("tester", as_owner=True) as session:
        here = one(session, first)
        there = "finsbury-library" if here != "finsbury-library" else "archway-library"
        source = one(session, "SELECT title FROM register.sources WHERE id = 'direct-entry'")
        session.execute(
            text("UPDATE register.assets SET step_free = 'unknown' WHERE id = ANY (:ids)"),
            {"ids": [here, there]},
        )

        def said(place):
            statement = "SELECT step_free, step_free_source FROM layers.assets WHERE id = :id"
            return tuple(session.execute(text(statement), {"id": place}).one())

        def said_of_services():
            statement = "SELECT DISTINCT step_free FROM layers.services WHERE place_id = :id"
            return session.execute(text(statement), {"id": here}).scalars().all()

        assert (said(here), said(there), said_of_services()) == (unknown, unknown, ["unknown"])
        for statement, of_here, of_there in (
            (door, ("yes", source), unknown),
            (change.format(key), unknown, ("yes", source)),
            (title, unknown, ("yes", "Renamed")),
            (word.format("no"), unknown, ("no", None)),
            (word.format("unknown"), unknown, ("yes", "Renamed")),
            (change.format("step_free = 'no'"), unknown, unknown),
            (
                change.format("step_free = 'yes', " + key.replace(":there", ":here")),
                ("yes", "Renamed"),
                unknown,
            ),
            ("DELETE FROM register.entrances WHERE id = 'door'", unknown, unknown),
        ):
            session.execute(text(statement), {"here": here, "there": there})
            assert (said(here), said(there)) == (of_here, of_there), statement
            assert said_of_services() == [of_here[0]], statement
        assert differences(session) == dict.fromkeys(TABLES, 0)
        raise Undo


def test_moving_a_boundary_touches_only_what_it_moves(fresh_database):
    with fresh_database.session("tester", as_owner=True) as session:
        before = session.execute(text("SELECT row_key, version_from FROM history.versions")).all()
        assert "areas" in bumped(
            session, f"UPDATE register.areas SET geom = ST_Multi(ST_Translate(geom, 0, 15)) WHERE {AREA}"
        )
        after = session.execute(
            text("SELECT row_key, version_from FROM history.versions WHERE version_to IS NULL")
        ).all()
        assert 0 < len(set(after) - set(before)) < len(before) / 4
        far = one(
            session,
            "SELECT count(*) FROM history.versions"
            " WHERE id = 'archway-library' AND relation = 'layers.assets'",
        )
        assert far == 1


def test_one_transaction_is_one_version_at_one_instant(fresh_database):
    states = (
        "SELECT operation, version_from, version_to, state ->> 'name' FROM history.versions WHERE id = :id"
    )
    with fresh_database.session("tester") as session:
        before = versions(session)["assets"]
    with fresh_database.session("tester") as session:
        for name in ("A", "B", "C"):
            session.execute(
                text("UPDATE register.assets SET name = :name WHERE id = 'finsbury-library'"), {"name": name}
            )
        session.execute(text("DELETE FROM register.assets WHERE id = 'archway-library'"))
        assert versions(session)["assets"] == before + 1
    with fresh_database.session("tester") as session:
        rows = session.execute(text(states + " ORDER BY version_from"), {"id": "finsbury-library"}).all()
        assert [tuple(row) for row in rows] == [
            ("created", before, before + 1, "Finsbury Library"),
            ("updated", before + 1, None, "C"),
        ]
        (gone,) = session.execute(text(states), {"id": "archway-library"}).all()
        assert gone.version_to == before + 1
        moments = "SELECT count(DISTINCT moment) FROM (SELECT valid_from AS moment FROM history.versions"
        moments += " WHERE version_from = :v AND relation = 'layers.assets' UNION ALL SELECT valid_to"
        moments += " FROM history.versions WHERE version_to = :v AND relation = 'layers.assets') x"
        assert one(session, moments, v=before + 1) == 1


def test_a_row_that_came_and_went_in_one_transaction_leaves_no_trace(fresh_database):
    copy = (
        "INSERT INTO register.assets (id, name, categories, position, geom, source_id, verified)"
        " SELECT 'brief', 'Brief', categories, position, geom, source_id, false FROM register.assets"
        " WHERE id = 'finsbury-library'"
    )
    with fresh_database.session("tester") as session:
        session.execute(text(copy))
        session.execute(text("DELETE FROM register.assets WHERE id = 'brief'"))
    with fresh_database.session("tester") as session:
        assert one(session, "SELECT count(*) FROM history.versions WHERE id = 'brief'") == 0
        session.execute(text(copy))
        with contextlib.suppress(Undo), session.begin_nested():
            session.execute(text("UPDATE register.assets SET name = 'Undone' WHERE id = 'brief'"))
            raise Undo
    with fresh_database.session("tester") as session:
        row = session.execute(text("SELECT operation, state FROM history.versions WHERE id = 'brief'")).one()
        assert (row.operation, row.state["name"]) == ("created", "Brief")


def test_two_writers_of_one_row_lose_neither_change(fresh_database):
    first_wrote, done = threading.Event(), threading.Event()

    def second():
        first_wrote.wait(10)
        with fresh_database.session("second") as session:
            session.execute(
                text(
                    "INSERT INTO register.contact_points (id, asset_key, name, kind, value, source_id)"
                    f" SELECT 'aaa', {LIBRARY}, 'X', 'phone', '000', source_id FROM register.assets LIMIT 1"
                )
            )
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    with fresh_database.session("first") as session:
        session.execute(text("UPDATE register.assets SET name = 'New' WHERE id = 'finsbury-library'"))
        first_wrote.set()
        assert not done.wait(0.5), "the second waits for the first to commit"
    thread.join(10)
    with fresh_database.session("third") as session:
        row = session.execute(
            text("SELECT name, phone FROM layers.assets WHERE id = 'finsbury-library'")
        ).one()
        assert tuple(row) == ("New", "000")
        assert differences(session) == dict.fromkeys(TABLES, 0)
        times = session.execute(
            text(
                "SELECT valid_from FROM history.versions WHERE id = 'finsbury-library' ORDER BY version_from"
            )
        ).scalars()
        assert (moments := list(times)) == sorted(set(moments))
        assert len(moments) == 3


@pytest.fixture
def tracked(fresh_database):
    """A table of another kind, tracked with history or without."""

    def make(history):
        with fresh_database.session("tester", as_owner=True) as session:
            session.execute(text("CREATE SCHEMA other"))
            session.execute(
                text(
                    "CREATE TABLE other.things"
                    " (key int PRIMARY KEY, code text, size float, at geometry(Point, 4326))"
                )
            )
            session.execute(
                text("INSERT INTO other.things VALUES (1, 'a', 0.1, 'SRID=4326;POINT(0.1 51.123456789)')")
            )
            session.execute(text(f"SELECT layers.track('other.things', 'key', 'code', {history})"))
        return fresh_database

    return make


def counter(session):
    return one(session, "SELECT version FROM layers.relations WHERE relation = 'other.things'")


@pytest.mark.parametrize("history", [True, False])
def test_any_table_can_be_tracked_in_one_call(tracked, history):
    database = tracked(history)
    changes = (
        "INSERT INTO other.things SELECT n, 'n' || n FROM generate_series(2, 50) n",
        "UPDATE other.things SET size = key / 3.0",
        "DELETE FROM other.things WHERE key > 40",
        "TRUNCATE other.things",
    )
    numbers = []
    for change in (*changes, "DELETE FROM other.things", "UPDATE other.things SET size = 1"):
        with database.session("tester", as_owner=True) as session:
            session.execute(text(change))
            numbers.append(counter(session))
    assert numbers == [2, 3, 4, 5, 5, 5]
    with database.session("tester", as_owner=True) as session:
        kept = one(session, "SELECT count(*) FROM history.versions WHERE relation = 'other.things'")
        assert kept == (1 + 49 + 50 if history else 0)
        assert one(session, "SELECT count(*) FROM history.versions v WHERE v.version_to IS NULL AND"
                            " v.relation = 'other.things'") == 0  # fmt: skip
        session.execute(text("SELECT layers.untrack('other.things')"))
        session.execute(text("INSERT INTO other.things VALUES (1)"))
        assert one(session, "SELECT count(*) FROM layers.relations WHERE relation = 'other.things'") == 0
        assert one(session, "SELECT count(*) FROM history.versions WHERE relation = 'other.things'") == 0


def test_tracking_again_begins_a_new_history_with_a_new_version(tracked):
    database = tracked(True)
    with database.session("tester", as_owner=True) as session:
        session.execute(text("SELECT layers.track('other.things', 'key', 'code')"))
        assert counter(session) == 2
        row = session.execute(
            text("SELECT version_from, state FROM history.versions WHERE relation = 'other.things'")
        )
        assert [(v, state["code"]) for v, state in row] == [(2, "a")]


def test_who_reads_cannot_write_versions_or_start_tracking(database):
    for statement in (
        "UPDATE layers.assets SET name = 'x'",
        "UPDATE layers.relations SET version = 1",
        "DELETE FROM history.versions",
        "SELECT layers.track('layers.assets', 'row_key', 'id')",
        "SELECT layers.refresh('assets', NULL)",
        "SELECT layers.bump('layers.assets')",
    ):
        for engine in (database.reader, database.editor):
            with (
                engine.connect() as connection,
                pytest.raises(Exception, match=r"permission denied|read-only"),
            ):
                connection.execute(text(statement))
