"""What the database derives stays true when areas vanish, postcodes go, and several people write at once."""

import contextlib
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mapservice.layers import editing
from mapservice.layers.catalogue import build_catalogue
from mapservice.register.borough import read_borough

DERIVED = {
    "asset_areas": "asset_key, area_key",
    "green_space_areas": "green_space_key, area_key, round(share::numeric, 6)",
    "area_overlaps": "area_key, other_key, round(share_of_area::numeric, 6),"
    " round(share_of_postcodes::numeric, 6)",
    "areas": "key, round(ST_Area(geom)::numeric, 1), ST_XMin(geom), ST_YMin(geom)",
}
# A corner that two wards share, and no third.
CORNER_OF = """
(SELECT p.geom FROM register.areas a, ST_DumpPoints(a.geom) p
 WHERE a.boundary_set_id = '%s' AND a.id = 'barnsbury'
   AND ARRAY(SELECT b.id FROM register.areas b
             WHERE b.boundary_set_id = a.boundary_set_id AND ST_Covers(b.geom, p.geom) ORDER BY b.id)
       = '{barnsbury,caledonian}' LIMIT 1)
"""
CORNER = CORNER_OF % "wards-2002"
LIBRARY = "(SELECT key FROM register.assets WHERE id = 'finsbury-library')"
A_PARK = (
    "INSERT INTO register.green_spaces (id, name, status, type, access, position, geom, source_id, verified)"
    " SELECT 'x-park', 'X', 'existing', 'other', 'unknown', '{position}', {geom}, min(id), false"
    " FROM register.sources"
)


class Undo(Exception):
    """Raised to roll back."""


@contextlib.contextmanager
def undone(database, *, as_owner=True):
    with contextlib.suppress(Undo), database.session("tester", as_owner=as_owner) as session:
        yield session
        raise Undo


def run(session, *statements):
    for statement in statements:
        session.execute(text(statement))


def one(session, statement):
    return session.execute(text(statement)).scalar_one()


def an_asset(geom, name="x"):
    return (
        "INSERT INTO register.assets (id, name, categories, position, geom, source_id, verified)"
        f" SELECT '{name}', 'X', '{{library}}', 'building', {geom}, min(id), false FROM register.sources"
    )


def ward(name):
    return f"boundary_set_id = 'wards-2002' AND id = '{name}'"


def moved(name, metres=400):
    return f"UPDATE register.areas SET geom = ST_Multi(ST_Translate(geom, 0, {metres})) WHERE {ward(name)}"


def wards_of(session, feature, table="asset", vintage="wards-2002"):
    rows = session.execute(
        text(
            f"SELECT a.id FROM register.{table}s f JOIN register.{table}_areas m ON m.{table}_key = f.key"
            " JOIN register.areas a ON a.key = m.area_key"
            f" WHERE f.id = '{feature}' AND a.boundary_set_id = '{vintage}'"
        )
    )
    return set(rows.scalars())


def derived(session):
    rows = {t: session.execute(text(f"SELECT {columns} FROM register.{t}")) for t, columns in DERIVED.items()}
    return {table: sorted(map(str, found)) for table, found in rows.items()}


def assert_nothing_is_stale(database):
    with undone(database) as session:
        found = derived(session)
        run(session, "SELECT register.derive_for_areas(ARRAY(SELECT key FROM register.areas))")
        fresh = derived(session)
        for table in DERIVED:
            assert found[table] == fresh[table], f"{table} was stale"


# areas that vanish


# Those of 2022 are in no locality, whose change would place things anew by the way.
@pytest.mark.parametrize("vintage", ["wards-2002", "wards-2022"])
def test_a_place_on_the_edge_of_a_deleted_ward_falls_to_its_neighbour(database, vintage):
    corner = CORNER_OF % vintage
    with undone(database) as session:
        run(session, an_asset(corner), A_PARK.format(position="approximate", geom=corner))
        places = (session, "x", "asset", vintage), (session, "x-park", "green_space", vintage)
        assert [wards_of(*place) for place in places] == [{"barnsbury"}] * 2
        run(session, f"DELETE FROM register.areas WHERE boundary_set_id = '{vintage}' AND id = 'barnsbury'")
        assert [wards_of(*place) for place in places] == [{"caledonian"}] * 2
        published = f"SELECT areas -> '{vintage}' -> 0 ->> 'id' FROM layers.assets WHERE id = 'x'"
        assert one(session, published) == "caledonian"


MEMBERS = (
    "DELETE FROM register.areas WHERE key IN (SELECT lw.ward_key FROM register.locality_wards lw"
    " JOIN register.areas l ON l.key = lw.locality_key WHERE l.id = 'south')"
)


def test_a_locality_goes_with_its_last_ward(database):
    count = "SELECT count(*) FROM {} WHERE boundary_set_id = 'localities' AND id = 'south'"
    with undone(database) as session:
        run(session, "UPDATE register.assets SET hub_for_key = NULL, listed_area_key = NULL", MEMBERS)
        assert one(session, count.format("register.areas")) == 0
        assert one(session, count.format("layers.areas")) == 0
        inside = "SELECT count(*) FROM layers.assets WHERE areas -> 'localities' -> 0 ->> 'id' = 'south'"
        assert one(session, inside) == 0


def test_wards_of_a_locality_that_a_hub_serves_cannot_all_go(database):
    with pytest.raises(DBAPIError, match="still referenced from table"), undone(database) as session:
        run(session, MEMBERS)


def test_a_locality_without_the_ward_it_gave_away_goes_too(database):
    with undone(database) as session:
        run(
            session,
            "UPDATE register.assets SET hub_for_key = NULL, listed_area_key = NULL",
            "UPDATE register.locality_wards SET locality_key = (SELECT key FROM register.areas"
            " WHERE boundary_set_id = 'localities' AND id = 'north')",
        )
        left = "SELECT array_agg(id) FROM register.areas WHERE boundary_set_id = 'localities'"
        assert one(session, left) == ["north"]


def test_without_postcodes_there_is_no_share_of_them(database):
    known = "SELECT count(share_of_postcodes) FROM register.area_overlaps"
    with undone(database) as session:
        assert one(session, known) > 0
        run(session, "DELETE FROM register.postcodes")
        assert one(session, known) == 0


# history


def operations(session, table, *keys):
    rows = session.execute(
        text(
            "SELECT row_key, operation, before IS NOT NULL, after IS NOT NULL FROM history.changes"
            " WHERE table_name = :table AND row_key = ANY (:keys)"
            " AND transaction_id = pg_current_xact_id() ORDER BY id"
        ),
        {"table": table, "keys": list(keys)},
    )
    return {tuple(row) for row in rows}


def test_a_changed_key_is_recorded_as_one_row_gone_and_one_come(database):
    with undone(database) as session:
        run(session, "UPDATE register.contact_points SET id = 'renamed', note = 'x'"
                     " WHERE id = (SELECT min(id) FROM register.contact_points)")  # fmt: skip
        old = one(session, "SELECT min(row_key) FROM history.changes WHERE table_name = 'contact_points'"
                           " AND transaction_id = pg_current_xact_id() AND row_key <> 'renamed'")  # fmt: skip
        assert operations(session, "contact_points", old, "renamed") == {
            (old, "deleted", True, False),
            ("renamed", "created", False, True),
        }


@pytest.mark.parametrize("table", ["postcodes", "evidence", "sources"])
def test_a_recorded_table_cannot_be_truncated(database, table):
    with pytest.raises(DBAPIError, match="cannot be truncated"), undone(database) as session:
        run(session, f"TRUNCATE register.{table} CASCADE")


# what is published


def test_the_contact_of_first_rank_is_published(database):
    contact = (
        "INSERT INTO register.contact_points (id, asset_key, name, kind, value, rank, source_id)"
        f" SELECT '{{}}', {LIBRARY}, 'X', 'phone', '{{}}', {{}}, min(id) FROM register.sources"
    )
    phone = "SELECT phone FROM layers.assets WHERE id = 'finsbury-library'"
    with undone(database) as session:
        run(session, contact.format("x-late", "000", 900), contact.format("x-first", "999", 1))
        assert one(session, phone) == "999"
        run(session, contact.format("x-a", "555", 1))
        assert one(session, phone) == "555", "of one rank the first by id"


def test_a_sliver_of_a_park_makes_it_a_park_of_the_borough(database):
    """A large park, of which a few square metres lie in the borough, then none but its edge, then none."""
    sliver = (
        "(SELECT ST_Multi(ST_MakeEnvelope(ST_XMax(e) - {0}, ST_YMin(e), ST_XMax(e) - {0} + 900, ST_YMax(e),"
        " 27700)) FROM (SELECT ST_Extent(geom)::geometry e FROM register.areas) x)"
    )
    answer = "SELECT in_borough FROM layers.green_spaces WHERE id = 'x-park'"
    with undone(database) as session:
        run(session, A_PARK.format(position="outline", geom=sliver.format("0.5")))
        assert wards_of(session, "x-park", "green_space") == set()
        assert one(session, answer) is True
        run(session, f"UPDATE register.green_spaces SET geom = {sliver.format('0')} WHERE id = 'x-park'")
        assert one(session, answer) is False
        run(session, f"UPDATE register.green_spaces SET geom = {sliver.format('0.5')} WHERE id = 'x-park'")
        run(session, "UPDATE register.areas SET geom = ST_Multi(ST_Translate(geom, -20, 0))")
        assert one(session, answer) is False, "the borough moved away from it"
        run(session, "UPDATE register.areas SET geom = ST_Multi(ST_Translate(geom, 20, 0))")
        assert one(session, answer) is True


def test_a_point_on_the_edge_that_is_in_a_ward_is_in_the_borough(database):
    with undone(database) as session:
        run(session, A_PARK.format(position="approximate", geom=CORNER))
        assert one(session, "SELECT in_borough FROM layers.green_spaces WHERE id = 'x-park'") is True


# the extent


@pytest.mark.parametrize(
    "change", ["extent = ST_Envelope(ST_Buffer(ST_Centroid(extent), 500)), margin_m = 0", "margin_m = 0"]
)
def test_an_extent_that_leaves_something_outside_is_refused(database, change):
    place = "(SELECT ST_SetSRID(ST_Point(ST_XMax(extent) + 1, ST_YMax(extent)), 27700) FROM register.borough)"
    with pytest.raises(DBAPIError) as refused, undone(database) as session:
        run(session, an_asset(place), f"UPDATE register.borough SET {change}")
    assert refused.value.orig.sqlstate == "23514"
    assert refused.value.orig.diag.table_name in ("assets", "areas")
    assert refused.value.orig.diag.table_name in str(refused.value.orig)


def test_a_wider_margin_is_welcome(database):
    with undone(database) as session:
        run(session, "UPDATE register.borough SET margin_m = margin_m + 1")


# who may write


@pytest.mark.parametrize(
    "statement",
    [
        f"DELETE FROM register.asset_areas WHERE asset_key = {LIBRARY}",
        "UPDATE register.green_space_areas SET share = 1",
        "INSERT INTO register.asset_areas VALUES (1, 1, 1)",
        "DELETE FROM register.area_overlaps",
        "SELECT register.place_assets('{1}')",
        "SELECT register.place_green_spaces('{1}')",
        "SELECT register.derive_for_areas('{1}')",
        "SELECT register.derive_postcode_shares()",
    ],
)
def test_the_editor_cannot_write_what_is_derived(database, statement):
    with pytest.raises(DBAPIError, match="permission denied"), undone(database, as_owner=False) as session:
        run(session, statement)


def test_the_editor_s_places_are_placed_all_the_same(database):
    with undone(database, as_owner=False) as session:
        run(session, an_asset(CORNER), A_PARK.format(position="approximate", geom=CORNER))
        assert wards_of(session, "x") == wards_of(session, "x-park", "green_space") == {"barnsbury"}
        run(session, "DELETE FROM register.assets WHERE id = 'x'")
        assert wards_of(session, "x") == set()


@pytest.mark.parametrize("table, subject", [("assets", "assets"), ("green_spaces", "green-spaces")])
def test_evidence_goes_and_is_renamed_with_what_it_is_about(database, table, subject):
    about = f"SELECT count(*) FROM register.evidence WHERE subject = '{subject}' AND subject_id = '{{}}'"
    with undone(database, as_owner=False) as session:
        feature = one(
            session,
            f"SELECT min(f.id) FROM register.{table} f"
            f" JOIN register.evidence e ON e.subject = '{subject}' AND e.subject_id = f.id",
        )
        count = one(session, about.format(feature))
        run(session, f"UPDATE register.{table} SET id = 'x-renamed' WHERE id = '{feature}'")
        assert one(session, about.format(feature)) == 0
        assert one(session, about.format("x-renamed")) == count > 0
        run(session, f"DELETE FROM register.{table} WHERE id = 'x-renamed'")
        assert one(session, about.format("x-renamed")) == 0
        gone = (
            "SELECT count(*) FROM history.changes WHERE table_name = 'evidence' AND operation = 'deleted'"
            " AND before ->> 'subject_id' = 'x-renamed' AND transaction_id = pg_current_xact_id()"
        )
        assert one(session, gone) == count


# several at once


def at_once(database, first, second, then=None):
    """Run `first`, begin `second` elsewhere, run `then`, commit the first, wait for the second to commit."""
    errors = []

    def other():
        try:
            with database.session("second", as_owner=True) as session:
                run(session, second)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=other)
    with database.session("first", as_owner=True) as session:
        first(session) if callable(first) else run(session, first)
        thread.start()
        thread.join(0.7)
        if then:
            run(session, then)
    thread.join(40)
    assert not thread.is_alive()
    assert errors == []


INSIDE = f"(SELECT ST_PointOnSurface(geom) FROM register.areas WHERE {ward('clerkenwell')})"
POSTCODE = (
    "INSERT INTO register.postcodes (postcode, geom, quality, status, source_id)"
    " SELECT '{}', " + INSIDE + ", 10, 'live', min(id) FROM register.sources"
)
GIVEN_AWAY = (
    "UPDATE register.locality_wards SET locality_key = (SELECT key FROM register.areas"
    " WHERE boundary_set_id = 'localities' AND id = '{}')"
    f" WHERE ward_key = (SELECT key FROM register.areas WHERE {ward('clerkenwell')})"
)
AT_ONCE = {
    "a place, then its ward moves": (an_asset(INSIDE, "x-1"), moved("clerkenwell")),
    "a ward moves, then a place": (moved("clerkenwell", -400), an_asset(INSIDE, "x-2")),
    "a postcode, then its ward moves": (POSTCODE.format("EC1R 9ZX"), moved("clerkenwell")),
    "a ward moves, then a postcode": (moved("clerkenwell", -400), POSTCODE.format("EC1R 9ZZ")),
    "a ward moves, then changes locality": (moved("clerkenwell"), GIVEN_AWAY.format("north")),
    "a ward changes locality, then moves": (GIVEN_AWAY.format("south"), moved("clerkenwell", -400)),
    "two wards of one locality": (moved("clerkenwell"), moved("bunhill"), moved("bunhill", -100)),
}  # fmt: skip


def test_changes_at_once_leave_nothing_stale_and_never_deadlock(fresh_database):
    stale = []
    for name, steps in AT_ONCE.items():
        try:
            at_once(fresh_database, *steps)
            assert_nothing_is_stale(fresh_database)
        except AssertionError as error:
            stale.append(f"{name}: {str(error)[:200]}")
    assert stale == []


def test_a_door_is_added_while_its_building_is_deleted(fresh_database):
    at_once(
        fresh_database,
        "INSERT INTO register.entrances (id, asset_key, geom, source_id)"
        " SELECT 'x-door', key, geom, source_id FROM register.assets WHERE id = 'finsbury-library'",
        "DELETE FROM register.assets WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET note = 'new door' WHERE id = 'finsbury-library'",
    )
    with fresh_database.session("tester") as session:
        assert one(session, "SELECT count(*) FROM register.entrances WHERE id = 'x-door'") == 0


def test_a_place_is_edited_while_it_is_imported(fresh_database, settings):
    """Through the API's own way in, which holds the row before it writes it."""
    layer = build_catalogue(read_borough(settings.geodata_dir)).get("assets")
    with fresh_database.session("tester") as session:
        version = editing._version(session, layer, "finsbury-library", ("public",))
    at_once(
        fresh_database,
        lambda s: editing._lock(s, layer, layer.editable, "finsbury-library", version, ("public",)),
        "UPDATE register.assets SET note = 'imported' WHERE id = 'finsbury-library'",
        "UPDATE register.assets SET note = 'edited' WHERE id = 'finsbury-library'",
    )
    assert_nothing_is_stale(fresh_database)


def test_every_table_of_the_register_takes_the_turn(database):
    """A table that did not would hold rows that others wait for while it waits for its turn itself."""
    with undone(database) as session:
        without = session.execute(
            text(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                " WHERE nspname = 'register' AND relkind = 'r' AND NOT EXISTS (SELECT FROM pg_trigger t"
                " WHERE t.tgrelid = c.oid AND t.tgfoid = 'layers.take_turn'::regproc)"
            )
        ).scalars()
        assert set(without) == {"loaded_files"}
