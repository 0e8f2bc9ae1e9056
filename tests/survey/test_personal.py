"""What the survey knows of a person is theirs to take along, and goes from it when they go."""

import json
import uuid
from datetime import date

import pytest
from sqlalchemy import text

from mapservice.accounts import people, personal
from mapservice.accounts.account import A_RESIDENT, names_shown
from mapservice.survey.comments import comments_of, say
from mapservice.survey.happened import read_happened
from mapservice.survey.meetings import note_meeting
from mapservice.survey.notices import watch
from mapservice.survey.spaces import read_space
from mapservice.survey.stages import move_stage


@pytest.fixture
def busy(database, who, suggest):
    """Somebody who left something in every table of the survey, with the space it was about."""
    account, other = who("reviewer", public_name="Zebedee Unmistakable"), who("reviewer")
    space_id = suggest(by=account)
    with database.session(account.actor) as session:
        space = read_space(session, space_id, account.sees)
        say(session, space, account, "The gate was open")
        watch(session, account.id, space_id)
        note_meeting(session, "south", date(2026, 3, int(account.id[-4:], 16) % 27 + 1), account.id)
        move_stage(session, space_id, "checked-on-site", account, space.version)
        given = {"id": space_id, "account": account.id, "merged": f"gone-{space_id}"}
        session.execute(
            text(
                "INSERT INTO survey.files"
                " (id, green_space_key, green_space_id, account_id, kind, sha256, name, media_type, bytes)"
                " SELECT gen_random_uuid(), key, id, :account, 'evidence', repeat('a', 64), 'letter.pdf',"
                " 'application/pdf', 1 FROM register.green_spaces WHERE id = :id"
            ),
            given,
        )
        session.execute(
            text(
                "INSERT INTO survey.merges (merged_id, into_id, account_id) VALUES (:merged, :id, :account)"
            ),
            given,
        )
    with database.session(other.actor) as session:
        space = read_space(session, space_id, other.sees)
        say(session, space, other, "Thank you @Zebedee Unmistakable", comment_id=uuid.uuid4())
    return account, other, space_id


def test_all_that_one_sent_said_and_decided_can_be_taken_along(database, busy):
    account, _, space_id = busy
    with database.session("tests") as session:
        found = personal.export(session, account.id)
        # Every table that knows accounts has a part in it.
        tables = session.execute(
            text(
                "SELECT DISTINCT table_name FROM information_schema.columns"
                " WHERE table_schema = 'survey' AND column_name = 'account_id'"
            )
        ).scalars()
        assert {*tables} <= {*found}
    json.dumps(found)
    assert found["account"]["daily_digest"] is True
    for part in ("submissions", "comments", "files", "watches", "notices", "merges", "meetings", "decisions"):
        assert found[part], part
    assert found["submissions"][0]["green_space_id"] == space_id
    assert [each["body"] for each in found["comments"]] == ["The gate was open"]
    assert found["mentioned_in"][0]["green_space_id"] == space_id
    assert "sha256" not in json.dumps(found)
    assert {each["table_name"] for each in found["changes"]} >= {"green_spaces", "comments"}


def test_what_one_decided_on_does_not_give_the_sender_away(database, who, suggest):
    sender, reviewer = who("contributor"), who("reviewer")
    space_id = suggest(by=sender)
    with database.session(reviewer.actor) as session:
        space = read_space(session, space_id, reviewer.sees)
        move_stage(session, space_id, "checked-on-site", reviewer, space.version)
    with database.session("tests") as session:
        found = personal.export(session, reviewer.id)
    assert "submissions" in {each["table_name"] for each in found["changes"]}
    assert sender.id not in json.dumps(found)


def test_who_is_erased_leaves_words_as_a_resident_and_nothing_that_names_them(database, busy):
    account, other, space_id = busy
    with database.session("tests") as session:
        since = session.execute(text("SELECT now() - interval '1 hour'")).scalar_one()
        people.erase(session, account.id)
    with database.session("tests") as session:
        space = read_space(session, space_id, other.sees)
        said = comments_of(session, space, other)
        assert (said[0].by, said[0].body) == (A_RESIDENT, "The gate was open")
        assert names_shown(session, [account.id]) == {account.id: A_RESIDENT}
        story = next(
            one for one in read_happened(session, "south", since, other.sees).stories if one.id == space_id
        )
        assert {event.by for event in story.events} <= {A_RESIDENT, "tests"}
        for table, columns in (
            ("submissions", ("account_id", "decided_by")),
            *((table, ("account_id",)) for table in ("comments", "files", "merges", "meetings")),
            ("watches", ("account_id",)),
            ("notices", ("account_id", "by_account_id")),
        ):
            for column in columns:
                left = session.execute(
                    text(f"SELECT count(*) FROM survey.{table} WHERE {column} = :id"), {"id": account.id}
                )
                assert left.scalar() == 0, (table, column)
        # What is left by the history is the opaque id; the name is nowhere but where others wrote it.
        for table in (
            "history.changes",
            "survey.submissions",
            "survey.files",
            "survey.notices",
            "survey.meetings",
        ):
            rows = session.execute(text(f"SELECT t::text FROM {table} t")).scalars()
            named = [row for row in rows if "Unmistakable" in row and "Thank you" not in row]
            assert not named, table
        assert session.execute(
            text("SELECT count(*) FROM survey.submissions WHERE green_space_id = :id"), {"id": space_id}
        ).scalar_one()
