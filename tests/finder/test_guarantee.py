"""The promise as figures: what counts, what does not, and that the sums are right."""

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from mapservice.finder import searches
from mapservice.finder.guarantee import WALK_M, check_doors
from mapservice.finder.searches import SMALLEST_TOLD, Tally, read_searches

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def found(database):
    with database.reading() as cursor:
        return check_doors(cursor, now=MONDAY)


def test_every_live_postcode_and_every_need_is_checked(database, found):
    with database.reading() as cursor:
        live = cursor.execute(
            "SELECT count(*) FROM register.postcodes p WHERE status = 'live' AND EXISTS ("
            " SELECT FROM register.areas a"
            " WHERE a.boundary_set_id = 'localities' AND ST_Covers(a.geom, p.geom))"
        ).fetchone()[0]
    assert [need.postcodes for need in found.needs] == [live] * 6
    assert live > 6000


def test_the_nearest_doors_are_those_that_a_plain_question_finds(database, found):
    worst = found.worst[0]
    with database.reading() as cursor:
        nearest = cursor.execute(
            "SELECT min(f.geom <-> p.geom) FROM layers.assets f, register.postcodes p"
            " WHERE p.postcode = %s AND f.open_door AND NOT f.demonstration"
            " AND (f.listed_under IS NOT NULL OR f.hub_for IS NOT NULL"
            "      OR %s = ANY (f.support || f.usual_support))",
            (worst.postcode, worst.need),
        ).fetchone()[0]
    assert worst.metres is None
    assert nearest > WALK_M


def test_what_is_lacking_is_never_counted_as_there(found):
    for need in found.needs:
        assert need.kept <= min(need.doors, need.phones, need.hours)
        assert need.both_at_one <= need.kept
        assert need.said <= need.doors
    assert not found.kept
    assert found.doors_with_hours < found.doors


def test_localities_add_up_to_the_whole(found):
    assert sum(one.postcodes for one in found.localities) == found.postcodes
    assert found.postcodes_kept <= min(need.kept for need in found.needs)
    for one in found.localities:
        lacking = one.postcodes - one.kept
        assert max(one.no_door, one.no_phone, one.no_hours) <= lacking
        assert lacking <= one.no_door + one.no_phone + one.no_hours


def test_what_is_found_out_mends_as_many_postcodes_as_the_list_said(fresh_database, found):
    listed = found.to_find_out
    assert {name for one in listed for name in one.door.lacks} == {"phone", "hours"}
    assert [one.beyond for one in listed] == sorted((one.beyond for one in listed), reverse=True)
    assert listed[0].beyond == listed[0].mends > 0
    first, second = listed[:2]
    with fresh_database.session("tester", as_owner=True) as session:
        connection = session.connection().connection.cursor()
        for one in (first, second):
            if "hours" in one.door.lacks:
                connection.execute(
                    "UPDATE register.assets SET opening_hours = 'Mo-Su 08:00-20:00' WHERE id = %s",
                    (one.door.id,),
                )
            if "phone" in one.door.lacks:
                connection.execute(
                    "INSERT INTO register.contact_points (id, asset_key, name, kind, value, source_id)"
                    " SELECT id || '-x', key, name, 'phone', '020 7946 0000', source_id"
                    " FROM register.assets WHERE id = %s",
                    (one.door.id,),
                )
    with fresh_database.reading() as cursor:
        mended = check_doors(cursor, now=MONDAY)
    assert mended.postcodes_kept == found.postcodes_kept + first.beyond + second.beyond
    assert mended.mendable == found.mendable - first.beyond - second.beyond
    assert not {first.door.id, second.door.id} & {one.door.id for one in mended.to_find_out}
    assert max(need.both_at_one for need in mended.needs) >= max(first.whole, second.whole)


def test_a_closure_takes_the_hour_away_and_a_number_gives_one(fresh_database):
    def hours_and_phones():
        with fresh_database.reading() as cursor:
            need = check_doors(cursor, now=MONDAY).needs[0]
        return need.hours, need.phones

    before = hours_and_phones()
    with fresh_database.session("tester", as_owner=True) as session:
        connection = session.connection().connection.cursor()
        connection.execute(
            "INSERT INTO register.closures (id, asset_key, first_day, reason, source_id)"
            " SELECT 'shut-' || key, key, '2026-01-01', 'for the test', source_id FROM register.assets"
            " WHERE opening_hours IS NOT NULL"
        )
    assert hours_and_phones()[0] == 0
    assert before[0] > 5000
    with fresh_database.session("tester", as_owner=True) as session:
        session.connection().connection.cursor().execute(
            "INSERT INTO register.contact_points (id, asset_key, name, kind, value, source_id)"
            " SELECT 'asset-' || id || '-x', key, name, 'phone', '020 7946 0000', source_id"
            " FROM register.assets"
        )
    assert hours_and_phones()[1] > before[1]


def test_a_longer_walk_reaches_at_least_as_many(database, found):
    with database.reading() as cursor:
        longer = check_doors(cursor, 2000, now=MONDAY)
    assert all(far.doors >= near.doors for far, near in zip(longer.needs, found.needs, strict=True))
    assert longer.needs[0].doors == longer.needs[0].postcodes


def test_the_published_figure_for_libraries_lies_between_a_short_and_a_long_quarter_of_an_hour(found):
    def share(part):
        return sum(one.residents_within for one in part) / sum(one.residents for one in part)

    assert share(found.libraries_shorter) < 0.97 < share(found.libraries)
    assert sum(one.residents for one in found.libraries) == pytest.approx(216_656, rel=0.02)


def test_searches_are_counted_without_who_or_where_and_small_numbers_withheld(fresh_database):
    tally = Tally(fresh_database)
    for _ in range(SMALLEST_TOLD):
        tally.add("food", "south", "found")
    tally.add("home", "north", "nothing")
    tally.flush()
    tally.add("food", "south", "found")
    tally.flush()
    with fresh_database.session("tester") as session:
        told = {one.need: one.searches for one in read_searches(session, datetime(2020, 1, 1).date())}
        columns = session.scalars(
            text(
                "SELECT attname::text FROM pg_attribute"
                " WHERE attrelid = 'counts.searches'::regclass AND attnum > 0 ORDER BY attnum"
            )
        ).all()
    assert told == {"food": SMALLEST_TOLD + 1, "home": None}
    assert columns == ["month", "need", "locality", "outcome", "searches"]


def test_a_database_that_is_away_loses_no_count(fresh_database, monkeypatch):
    tally = Tally(fresh_database)
    tally.add("food", "south", "found")
    with monkeypatch.context() as broken:
        broken.setattr(searches, "_ADD", searches.text("SELECT FROM no_such_table"))
        tally.flush()
    tally.flush()
    with fresh_database.session("tester") as session:
        assert len(read_searches(session, datetime(2020, 1, 1).date())) == 1


def test_the_command_says_so_with_its_exit_code(database, monkeypatch):
    import contextlib

    from mapservice import door_commands

    monkeypatch.setattr(door_commands, "open_database", lambda *_, **__: contextlib.nullcontext(database))
    result = CliRunner().invoke(door_commands.check_doors_command, ["--worst", "3"])
    assert result.exit_code == 1
    assert "The promise does not hold everywhere." in result.output
    assert "no door within the walk" in result.output
