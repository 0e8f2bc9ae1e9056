"""Meetings of a locality, and what is told to have happened since the last one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from mapservice.survey import meetings, stages
from mapservice.survey.happened import read_happened
from mapservice.survey.merging import merge
from mapservice.survey.reverting import bring_back, removed_spaces, revert
from mapservice.survey.spaces import read_space
from tests.survey.conftest import NORTH

TODAY = date(2026, 3, 12)
NETWORK = ("public", "network")


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def told(database):
    """A function that gives what happened to one space, as (kind, detail) in order."""

    def read(space_id, since, locality="south", viewer=NETWORK):
        with database.session("tests") as session:
            happened = read_happened(session, locality, since, viewer)
        return next((story for story in happened.stories if story.id == space_id), None)

    return read


def test_a_pack_looks_back_to_the_last_meeting_before_today_that_whole_day_included(database):
    with database.session("tests") as session:
        assert meetings.last_meeting(session, "central", TODAY) is None
        for day in (date(2026, 1, 8), date(2026, 2, 10), TODAY):
            assert meetings.note_meeting(session, "central", day, None)
        assert not meetings.note_meeting(session, "central", TODAY, None), "once is enough"
        assert meetings.meetings_of(session, "central") == [TODAY, date(2026, 2, 10), date(2026, 1, 8)]
        assert meetings.meetings_of(session, "north") == []
        last = meetings.last_meeting(session, "central", TODAY)
        assert meetings.since(last, TODAY).isoformat() == "2026-02-10T00:00:00+00:00"
        assert meetings.forget_meeting(session, "central", date(2026, 2, 10))
        assert not meetings.forget_meeting(session, "central", date(2026, 2, 10))
        assert meetings.last_meeting(session, "central", TODAY) == date(2026, 1, 8)
    assert meetings.since(None, TODAY).date() == TODAY - timedelta(days=31)


def test_everything_a_meeting_should_hear_of_is_told_in_order(database, who, suggest, told, now):
    reviewer = who("reviewer@south", public_name="Ada of the network")
    resident = who("contributor")
    space_id = suggest(by=resident, opportunity="Nothing else within ten minutes")

    def move(stage, **more):
        with database.session(reviewer.actor) as session:
            version = read_space(session, space_id, reviewer.sees).version
            stages.move_stage(session, space_id, stage, reviewer, version, **more)

    move("checked-on-site")
    with database.session(reviewer.actor) as session:
        session.execute(
            text("UPDATE register.green_spaces SET name = 'The corner', cost_gbp = 100 WHERE id = :id"),
            {"id": space_id},
        )
    move("declined", reason="The owner will build")
    move("checked-on-site", reason="The owner sold it")
    move("opened", opened_on=date.today().isoformat(), access="open-to-all")
    with database.session("mapservice import") as session:
        session.execute(
            text("UPDATE register.green_spaces SET confirmed_on = '2026-01-01' WHERE id = :id"),
            {"id": space_id},
        )
    story = told(space_id, now)
    assert story.name == "The corner"
    assert [(event.kind, event.by) for event in story.events] == [
        ("suggested", "a resident"),
        ("stage", "Ada of the network"),
        ("changed", "Ada of the network"),
        ("declined", "Ada of the network"),
        ("stage", "Ada of the network"),
        ("opened", "Ada of the network"),
        ("confirmed", "mapservice import"),
    ]
    details = [event.detail for event in story.events]
    assert details[0]["reason"] == "Nothing else within ten minutes"
    assert (details[1]["was"], details[1]["stage"]) == ("suggested", "checked-on-site")
    assert details[2]["fields"] == ["cost_gbp", "name"]
    assert details[3]["reason"] == "The owner will build"
    assert details[5]["opened_on"] == date.today().isoformat()
    assert told(space_id, datetime.now(UTC)) is None, "nothing since"


def test_a_move_and_its_undo_are_not_told_and_what_was_done_again_is_told_once(
    database, who, suggest, told, now
):
    reviewer, space_id = who("reviewer"), suggest()

    def kinds():
        return [event.kind for event in told(space_id, now).events]

    with database.session(reviewer.actor) as session:
        version = read_space(session, space_id, reviewer.sees).version
        moved = stages.move_stage(session, space_id, "checked-on-site", reviewer, version)
    assert kinds() == ["suggested", "stage"]
    with database.session(reviewer.actor) as session:
        undone = revert(session, space_id, moved.version, reviewer)
    assert kinds() == ["suggested"]
    with database.session(reviewer.actor) as session:
        revert(session, space_id, undone.version, reviewer)
    assert kinds() == ["suggested", "stage"]


def test_each_space_is_told_to_its_own_locality_and_drafts_only_to_the_network(suggest, told, now):
    ours, theirs = suggest(), suggest(at=NORTH)
    assert told(ours, now)
    assert told(ours, now, viewer=("public",)) is None
    assert told(theirs, now) is None
    assert told(theirs, now, locality="north")


def test_what_was_the_councils_at_the_time_is_not_told_to_the_network(database, suggest, told, now):
    space_id = suggest(visibility="council")
    for values in ("note = 'Contaminated'", "visibility = 'network'", "note = NULL, address = 'The corner'"):
        with database.session("tests") as session:
            session.execute(
                text(f"UPDATE register.green_spaces SET {values} WHERE id = :id"), {"id": space_id}
            )
    heard = {
        viewer: [
            event.detail.get("fields") or event.kind for event in told(space_id, now, viewer=viewer).events
        ]
        for viewer in (NETWORK, (*NETWORK, "council"))
    }
    assert heard[NETWORK] == [["address", "note"]]
    assert heard[(*NETWORK, "council")] == ["suggested", ["note"], ["address", "note"]]


def test_a_duplicate_is_told_with_what_it_became_part_of(database, who, suggest, told, now):
    kept, gone = suggest(), suggest()
    account = who("reviewer")
    with database.session(account.actor) as session:
        versions = [read_space(session, space_id, account.sees).version for space_id in (gone, kept)]
        merge(session, gone, kept, account, (versions[0], versions[1]), "The same car park")
    event = told(kept, now).events[-1]
    assert (event.kind, event.by) == ("merged", "a resident")
    assert event.detail == {"merged": gone, "reason": "The same car park"}
    assert told(gone, now) is None
    with database.session(account.actor) as session:
        removed = next(one for one in removed_spaces(session, account) if one.id == gone)
        bring_back(session, removed.change_id, account)
    assert [event.kind for event in told(gone, now).events] == ["suggested", "restored"]
    assert all(event.kind != "merged" for event in told(kept, now).events)


def test_what_came_with_the_first_import_is_counted_and_not_listed(database):
    with database.session("tests") as session:
        happened = read_happened(session, "south", datetime(2020, 1, 1, tzinfo=UTC), ("public",))
    assert happened.added > 10
    assert all(story.events for story in happened.stories)
    assert not any(story.id == "barnard-park" for story in happened.stories)
