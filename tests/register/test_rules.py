"""The rules between the register's tables hold in the database itself, whoever writes."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mapservice.register import migrate
from mapservice.register.models import Base

PARK = "ST_GeomFromText('MULTIPOLYGON(((%s %s, %s %s, %s %s, %s %s, %s %s)))', 27700)"


def areas_of(session, table, key_column, feature):
    rows = session.execute(
        text(
            f"SELECT a.boundary_set_id, a.id, m.share FROM register.{table} f"
            f" JOIN register.{key_column}_areas m ON m.{key_column}_key = f.key"
            " JOIN register.areas a ON a.key = m.area_key WHERE f.id = :id"
        ),
        {"id": feature},
    )
    return {(row[0], row[1]): row[2] for row in rows}


def changes(session, table, key):
    return session.execute(
        text(
            "SELECT operation, actor, reason, before, after FROM history.changes"
            " WHERE table_name = :table AND row_key = :key ORDER BY id"
        ),
        {"table": table, "key": str(key)},
    ).all()


def test_moving_a_place_moves_it_to_another_ward(fresh_database):
    with fresh_database.session("tester") as session:
        assert ("wards-2002", "clerkenwell") in areas_of(session, "assets", "asset", "finsbury-library")
        session.execute(
            text(
                "UPDATE register.assets SET geom = (SELECT geom FROM register.assets"
                " WHERE id = 'archway-library')"
                " WHERE id = 'finsbury-library'"
            )
        )
        moved = areas_of(session, "assets", "asset", "finsbury-library")
        assert ("localities", "north") in moved
        assert len(moved) == 3
        assert set(moved.values()) == {1.0}


def test_changing_a_boundary_moves_the_places_in_it(fresh_database):
    with fresh_database.session("tester", as_owner=True) as session:
        before = areas_of(session, "assets", "asset", "finsbury-library")
        assert ("wards-2002", "clerkenwell") in before
        session.execute(
            text(
                "UPDATE register.areas SET geom = ST_Multi(ST_Translate(geom, 0, 1500))"
                " WHERE boundary_set_id = 'wards-2002' AND id = 'clerkenwell'"
            )
        )
        after = areas_of(session, "assets", "asset", "finsbury-library")
        assert ("wards-2002", "clerkenwell") not in after
        assert ("localities", "south") not in after, "a locality is the union of its wards"
        assert {k for k in after if k[0] == "wards-2022"} == {k for k in before if k[0] == "wards-2022"}


def test_a_green_space_across_wards_is_in_each_with_its_share(fresh_database):
    with fresh_database.session("tester") as session:
        x, y = session.execute(
            text(
                "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_LineInterpolatePoint(ST_GeometryN(ST_LineMerge("
                "ST_CollectionExtract(ST_Intersection(a.geom, b.geom), 2)), 1), 0.5) p"
                " FROM register.areas a, register.areas b WHERE a.boundary_set_id = 'wards-2002'"
                " AND b.boundary_set_id = 'wards-2002' AND a.id = 'barnsbury' AND b.id = 'caledonian') x"
            )
        ).one()
        square = PARK % (x - 50, y - 50, x + 50, y - 50, x + 50, y + 50, x - 50, y + 50, x - 50, y - 50)
        session.execute(
            text(
                "INSERT INTO register.green_spaces (id, name, status, type, access, position, geom,"
                " source_id, verified) SELECT 'across', 'Across', 'existing', 'other', 'unknown', 'outline',"
                f" {square}, id, false FROM register.sources LIMIT 1"
            )
        )
        shares = areas_of(session, "green_spaces", "green_space", "across")
        wards = {k[1]: v for k, v in shares.items() if k[0] == "wards-2002"}
        assert {"barnsbury", "caledonian"} <= wards.keys()
        assert sum(wards.values()) == pytest.approx(1, abs=0.01)


def test_every_change_is_in_the_history_with_who_and_why(fresh_database):
    with fresh_database.session("Ada", "moved next door") as session:
        key = session.execute(
            text("UPDATE register.assets SET note = 'new' WHERE id = 'finsbury-library' RETURNING key")
        ).scalar_one()
    with fresh_database.session("Ben") as session:
        operation, actor, reason, before, after = changes(session, "assets", key)[-1]
        assert (operation, actor, reason) == ("updated", "Ada", "moved next door")
        assert before["note"] != after["note"] == "new"
        assert before["geom"] == after["geom"]
        count = len(changes(session, "assets", key))
        session.execute(text("UPDATE register.assets SET note = 'new' WHERE id = 'finsbury-library'"))
        assert len(changes(session, "assets", key)) == count, "a change that changes nothing is none"
        session.execute(text("DELETE FROM register.assets WHERE id = 'finsbury-library'"))
        assert changes(session, "assets", key)[-1].operation == "deleted"


def test_the_history_cannot_be_rewritten(fresh_database):
    for statement in ("UPDATE history.changes SET actor = 'x'", "DELETE FROM history.changes"):
        with (
            pytest.raises(DBAPIError, match="permission denied"),
            fresh_database.session("tester") as session,
        ):
            session.execute(text(statement))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE register.assets SET categories = '{library,pub}' WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET categories = '{}' WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET support = '{luck}' WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET geom = ST_SetSRID(ST_Point(0, 0), 27700) WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET geom = ST_SetSRID(ST_Point(0, 51), 4326) WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET geom = NULL WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET id = 'Not A Slug' WHERE id = 'finsbury-library'",
        "UPDATE register.green_spaces SET stage = 'plan' WHERE status = 'existing'",
        "UPDATE register.green_spaces SET stage = 'declined' WHERE status = 'potential'",
        "UPDATE register.green_spaces SET access = 'open' WHERE status = 'existing'",
        "UPDATE register.green_spaces SET geom = ST_Multi(ST_GeomFromText('POLYGON((531000 184000,"
        " 531100 184100, 531100 184000, 531000 184100, 531000 184000))', 27700)) WHERE position = 'outline'",
    ],
)  # fmt: skip
def test_the_database_refuses_what_breaks_a_rule(fresh_database, change):
    with pytest.raises(DBAPIError), fresh_database.session("tester") as session:
        session.execute(text(change))


def test_a_category_in_use_cannot_be_removed(fresh_database):
    with (
        pytest.raises(DBAPIError, match="in use"),
        fresh_database.session("tester", as_owner=True) as session,
    ):
        session.execute(text("DELETE FROM register.categories WHERE id = 'library'"))


def test_the_reader_cannot_write(database):
    with database.reading() as cursor, pytest.raises(Exception, match=r"permission denied|read-only"):
        cursor.execute("UPDATE register.assets SET note = 'x'")


def test_the_editor_cannot_change_tables_or_boundaries(fresh_database):
    for statement in (
        "DROP TABLE register.evidence",
        "DELETE FROM register.areas",
        "CREATE TABLE register.x ()",
    ):
        with (
            pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
            fresh_database.session("x") as session,
        ):
            session.execute(text(statement))


def test_models_and_migrations_agree(database):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def only_register(name, kind, parents):
        return name == "register" if kind == "schema" else True

    with database.owner.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_schemas": True, "include_name": only_register, "compare_server_default": True},
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_run_down_and_up_on_loaded_data(fresh_database):
    """Each step down and up again on the loaded borough; what a step does not touch is still there."""
    head = migrate.current(fresh_database)
    with fresh_database.session("tests") as session:
        places = session.execute(text("SELECT count(*) FROM register.assets")).scalar_one()
        session.execute(
            text(
                "INSERT INTO register.entrances (id, asset_key, geom, step_free, source_id)"
                " SELECT 'door', key, geom, 'yes', source_id FROM register.assets"
                " WHERE id = 'finsbury-library'"
            )
        )
    way_in = "SELECT step_free FROM layers.assets WHERE id = 'finsbury-library'"
    with fresh_database.reading() as cursor:
        assert cursor.execute(way_in).fetchone() == ("yes",)
    migrate.downgrade(fresh_database, "0016")
    with fresh_database.reading() as cursor:
        assert cursor.execute(way_in).fetchone() == ("unknown",)
        assert cursor.execute("SELECT count(*) FROM register.published_assets").fetchone() == (places,)
    migrate.downgrade(fresh_database, "0004")
    with fresh_database.reading() as cursor:
        kind = "SELECT relkind::text FROM pg_class WHERE oid = 'layers.assets'::regclass"
        assert cursor.execute(kind).fetchone() == ("v",)
        assert cursor.execute("SELECT count(*) FROM layers.assets").fetchone() == (places,)
    migrate.downgrade(fresh_database, "0001")
    with fresh_database.owner.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM register.assets")).scalar_one() == places > 50
    migrate.upgrade(fresh_database)
    assert migrate.current(fresh_database) == head
    with fresh_database.reading() as cursor:
        assert cursor.execute("SELECT count(*) FROM layers.assets").fetchone() == (places,)
        assert cursor.execute(way_in).fetchone() == ("yes",)
    migrate.downgrade(fresh_database, "base")
    with fresh_database.owner.connect() as connection:
        left = connection.execute(
            text("SELECT nspname FROM pg_namespace WHERE nspname IN ('register', 'layers', 'history')")
        ).all()
    assert left == []
    migrate.upgrade(fresh_database)
    assert migrate.current(fresh_database) == head
