"""How far the survey has come: counted once, in every kind of area, and nothing made up."""

from datetime import date

import pytest
from sqlalchemy import text

from mapservice.survey import progress
from mapservice.survey.reverting import revert
from mapservice.survey.spaces import read_space
from mapservice.survey.stages import move_stage
from tests.survey.conftest import NORTH

TODAY = date.today()


@pytest.fixture
def read(database):
    def areas():
        with database.reading() as cursor:
            return {(area.boundary_set, area.id): area for area in progress.read_progress(cursor)}

    return areas


def whole(areas):
    return next(area for (kind, _), area in areas.items() if kind == progress.WHOLE)


def months(database):
    with database.reading() as cursor:
        return progress.read_months(cursor, TODAY)


def test_before_anybody_did_anything_there_is_nothing_and_examples_do_not_count(read, database):
    areas = read()
    assert whole(areas).told_of == whole(areas).confirmed == 0
    assert whole(areas).existing > 50
    assert [each.any for each in months(database)] == [False] * 12
    assert months(database)[0].month == TODAY.replace(day=1)
    with database.reading() as cursor:
        assert progress.count_examples(cursor) == 9


def test_spaces_are_counted_at_their_stage_and_all_that_came_so_far(read, suggest, who, database):
    reviewer = who("reviewer")

    def move(space_id, stage, **more):
        with database.session(reviewer.actor) as session:
            version = read_space(session, space_id, reviewer.sees).version
            move_stage(session, space_id, stage, reviewer, version, **more)

    ids = [suggest() for _ in range(4)] + [suggest(at=NORTH), suggest(visibility="public")]
    suggest(demonstration=True)
    suggest(visibility="council")
    before = whole(read())
    move(ids[1], "checked-on-site")
    move(ids[2], "plan")
    move(ids[2], "opened", opened_on=str(TODAY), access="open-to-all")
    move(ids[3], "declined", reason="It is a road")
    areas = read()
    total = whole(areas)
    assert total.now == (3, 1, 0, 0, 1)
    assert total.reached == (5, 2, 1, 1, 1)
    assert (total.declined, total.told_of) == (1, 6)
    assert total.existing == before.existing + 1, "opened, it is an existing one"
    assert areas["localities", "north"].suggested == 1
    for kind in ("localities", "wards-2002", "wards-2022"):
        inside = [area for (found, _), area in areas.items() if found == kind]
        assert tuple(map(sum, zip(*(area.now for area in inside), strict=True))) == total.now, kind
        assert sum(area.existing for area in inside) == total.existing
        assert sum(area.existing_ha for area in inside) == pytest.approx(total.existing_ha)
    month = months(database)[0]
    assert (month.suggested, month.further, month.opened, month.declined) == (6, 2, 1, 1)


def test_a_move_its_undo_and_its_redo_are_one_step_and_what_was_undone_is_none(suggest, who, database):
    reviewer, space_id = who("reviewer"), suggest()

    def counted():
        month = months(database)[0]
        return month.further, month.opened, month.declined

    def move(stage, **more):
        with database.session(reviewer.actor) as session:
            version = read_space(session, space_id, reviewer.sees).version
            return move_stage(session, space_id, stage, reviewer, version, **more).version

    def undo(version):
        with database.session(reviewer.actor) as session:
            return revert(session, space_id, version, reviewer).version

    further, opened, declined = counted()
    undone = undo(move("checked-on-site"))
    assert counted() == (further, opened, declined)
    undo(undone)
    assert counted() == (further + 1, opened, declined)
    undo(move("declined", reason="It is a road"))
    assert counted() == (further + 1, opened, declined)
    move("opened", opened_on=str(TODAY), access="open-to-all", sure=True)
    assert counted() == (further + 1, opened + 1, declined)


def test_a_space_confirmed_on_site_counts_with_its_hectares_and_in_its_month(read, database):
    before = whole(read())
    with database.session("tests") as session:
        session.execute(
            text("UPDATE register.green_spaces SET confirmed_on = now()::date WHERE id = 'barnard-park'")
        )
        session.execute(
            text(
                "INSERT INTO survey.submissions"
                " (id, kind, green_space_key, green_space_id, written_at, fields, state, decided_at)"
                " SELECT gen_random_uuid(), 'confirmation', key, id, now(), '{}', state,"
                " CASE state WHEN 'waiting' THEN NULL ELSE now() END"
                " FROM register.green_spaces, unnest(ARRAY['taken', 'waiting']) AS state"
                " WHERE id = 'barnard-park'"
            )
        )
    after = whole(read())
    assert after.confirmed == before.confirmed + 1
    assert after.confirmed_ha > before.confirmed_ha + 1
    assert after.existing == before.existing
    assert months(database)[0].confirmed == 1, "what waits has been checked by nobody"


def test_a_suggestion_a_year_and_a_month_ago_is_history(suggest, database):
    space_id = suggest()
    before = sum(each.suggested for each in months(database))
    with database.session("tests") as session:
        session.execute(
            text(
                "UPDATE survey.submissions SET received_at = now() - interval '13 months'"
                " WHERE green_space_id = :id"
            ),
            {"id": space_id},
        )
    assert sum(each.suggested for each in months(database)) == before - 1
