"""The queue: what waits where, what presses first, and nothing of where somebody has no part in it."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from mapservice.survey.queue import DUE, OUTSIDE, WAITING, read_queue
from tests.survey.conftest import NORTH

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def spaces(database, suggest):
    """Potential spaces in two localities, of several stages."""
    made = {
        "new": suggest(),
        "north": suggest(NORTH),
        "plan": suggest(stage="plan", due_on=TODAY - timedelta(days=3)),
        "later": suggest(stage="owner-contacted", due_on=TODAY + timedelta(days=30)),
        "declined": suggest(stage="declined", stage_reason="Built on"),
        "outside": suggest((533_300, 180_600)),
        "council": suggest(visibility="council"),
    }
    with database.session("tests") as session:
        # One suggestion of this module waits, the oldest; the rest were dealt with.
        session.execute(
            text(
                "UPDATE survey.submissions SET state = 'taken', decided_at = now()"
                " WHERE green_space_id <> ALL (:waiting)"
            ),
            {"waiting": [made["new"], made["north"], made["outside"]]},
        )
        session.execute(
            text(
                "INSERT INTO survey.submissions"
                " (id, kind, green_space_key, green_space_id, written_at, fields)"
                " SELECT gen_random_uuid(), 'change', key, id, now(), '{\"note\": \"The gate is locked\"}'"
                " FROM register.green_spaces WHERE id = 'highbury-fields'"
            )
        )
    return made


def queue(database, account, *args, **given):
    with database.session(account.actor) as session:
        return read_queue(session, account, *args, today=TODAY, **given)


def ids(found):
    return [row.id for row in found.rows]


def test_what_is_due_comes_first_then_what_waits_then_the_rest(database, spaces, who):
    found = queue(database, who("reviewer@south"), "south")
    mine = [row for row in ids(found) if row in spaces.values()]
    assert mine == [spaces["plan"], spaces["new"], spaces["later"]]
    assert found.rows[0].late(TODAY)


def test_a_role_for_one_locality_sees_its_queue_alone(database, spaces, who):
    reviewer = who("reviewer@south")
    assert spaces["north"] not in ids(queue(database, reviewer))
    assert ids(queue(database, reviewer, "north")) == []
    assert ids(queue(database, reviewer, OUTSIDE)) == []
    everywhere = who("reviewer")
    assert ids(queue(database, everywhere, OUTSIDE)) == [spaces["outside"]]
    assert spaces["north"] in ids(queue(database, everywhere))


def test_reports_of_spaces_that_are_there_wait_too(database, spaces, who):
    reviewer = who("reviewer")
    rows = {row.id: row for row in queue(database, reviewer, "", WAITING).rows}
    assert rows["highbury-fields"].reports == 1
    assert rows["highbury-fields"].status == "existing"
    assert rows[spaces["new"]].suggestions == 1
    assert spaces["plan"] not in rows


@pytest.mark.parametrize(
    "only, expected", [("plan", ["plan"]), ("declined", ["declined"]), (DUE, ["plan"]), ("nonsense", [])]
)
def test_it_can_be_narrowed_to_a_stage_or_to_what_is_due(database, spaces, who, only, expected):
    found = queue(database, who("surveyor"), "south", only)
    assert [row for row in ids(found) if row in spaces.values()] == [spaces[name] for name in expected]


def test_counts_are_of_what_is_listed(database, spaces, who):
    reviewer = who("reviewer")
    whole = queue(database, reviewer)
    for only, number in whole.counts.items():
        found = queue(database, reviewer, "", only)
        if only:
            assert found.matched == number == len(found.rows), only


def test_nobody_sees_more_than_their_role_shows(database, spaces, who):
    assert spaces["council"] not in ids(queue(database, who("reviewer")))
    assert spaces["council"] in ids(queue(database, who("planner")))


def test_pages_follow_each_other_and_end(database, spaces, who):
    planner = who("planner")
    first, second = queue(database, planner), queue(database, planner, page=2)
    assert not {*ids(first)} & {*ids(second)}
    assert ids(queue(database, planner, page=1000)) == []
    assert isinstance(first.rows[0].created_at, datetime)
