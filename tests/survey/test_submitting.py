"""What people send is taken once, whole, and by nobody's leave but the register's rules."""

import itertools
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mapservice.survey.outcomes import read_outcome
from mapservice.survey.spaces import NoSuchSpace, Refused
from mapservice.survey.submitting import KeptPhotograph, Sent, is_repeat, submit

SOUTH = (-0.1012, 51.5272)
WORDS = {"name": "Corner by the <b>old</b> dairy", "current_use": "car-park", "opportunity": "Sun\r\nall day"}

_steps = itertools.count()


def outline(size=0.0003, at=SOUTH):
    x, y = at
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def sent(**given):
    # Each a step beside the last: the same words of the same place would be the same suggestion.
    beside = outline(at=(SOUTH[0] + 0.00002 * next(_steps), SOUTH[1]))
    given = {"id": uuid.uuid4(), "kind": "space", "fields": WORDS, "geometry": beside, **given}
    return Sent(**given)


@pytest.fixture
def send(database):
    def run(what, account=None, viewer=("public",)):
        with database.session(account.actor if account else "survey") as session:
            return submit(session, what, account, viewer)

    return run


def one(database, statement, **values):
    with database.session("tests") as session:
        return session.execute(text(statement), values).one()


def test_a_suggestion_is_a_row_of_the_register_that_only_the_network_sees(database, send):
    x, y = SOUTH
    given = sent(entrances=[[x, y], [x + 0.0003, y]], fields={**WORDS, "title_number": " ngl 123456"})
    received = send(given)
    assert received.new
    row = one(
        database,
        "SELECT f.*, ST_Area(f.geom) AS m2, (SELECT count(*) FROM register.entrances e"
        " WHERE e.green_space_key = f.key) AS entrances FROM register.green_spaces f WHERE id = :id",
        id=received.green_space_id,
    )
    assert received.green_space_id.startswith("corner-by-the-b-old-b-dairy")
    assert (row.status, row.stage, row.visibility, row.verified) == (
        "potential",
        "suggested",
        "network",
        False,
    )
    assert (row.name, row.current_use, row.opportunity) == (WORDS["name"], "car-park", "Sun\nall day")
    assert (row.title_number, row.entrances, row.position) == ("NGL123456", 2, "outline")
    assert row.m2 == pytest.approx(693, rel=0.02)
    kept = one(database, "SELECT * FROM survey.submissions WHERE id = :id", id=given.id)
    assert kept.state == "waiting"
    assert kept.fields["name"] == WORDS["name"]
    assert kept.account_id is None


def test_sent_twice_it_is_taken_once(database, send):
    given = sent()
    first = send(given)
    second = send(given)
    assert (second.green_space_id, second.new) == (first.green_space_id, False)
    count = "SELECT count(*) AS n FROM survey.submissions WHERE green_space_id = :id"
    assert one(database, count, id=first.green_space_id).n == 1


def test_ten_at_the_same_moment_are_one(database, send):
    given, received = sent(), []
    threads = [threading.Thread(target=lambda: received.append(send(given))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.green_space_id for each in received}) == 1
    assert sum(each.new for each in received) == 1


def test_different_words_under_the_same_id_are_kept_as_a_report(database, send):
    given = sent()
    first = send(given)
    changed = sent(id=given.id, fields={**WORDS, "opportunity": "It floods"})
    second, third = send(changed), send(changed)
    assert second.new
    assert not third.new
    rows = "SELECT array_agg(kind ORDER BY kind) AS kinds FROM survey.submissions WHERE green_space_id = :id"
    assert one(database, rows, id=first.green_space_id).kinds == ["change", "space"]


def test_another_outline_under_the_same_id_is_kept_as_a_report(database, send):
    at = (-0.1083, 51.5283)
    given = sent(geometry=outline(at=at))
    first = send(given)
    moved = sent(id=given.id, geometry=outline(at=(at[0] + 0.0001, at[1])))
    assert [send(one).new for one in (given, moved, moved, given)] == [False, True, False, False]
    rows = "SELECT fields FROM survey.submissions WHERE green_space_id = :id AND kind = 'change'"
    fields = one(database, rows, id=first.green_space_id).fields
    assert fields["changed"] == "boundary"
    assert "POLYGON((-0.1" in fields["note"]


def test_two_spaces_of_one_name_have_two_ids_and_none_that_is_a_page(send):
    ids = {send(sent(fields={"name": "Suggest"})).green_space_id for _ in range(2)}
    assert "suggest" not in ids
    assert len(ids) == 2
    assert send(sent(fields={"name": "公园 ☘"})).green_space_id.startswith("feature")


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"current_use": "castle"}, "current_use"),
        ({"access": "castle"}, "access"),
        ({"owner_kind": "castle"}, "owner_kind"),
        ({"title_number": "'; DROP TABLE"}, "title_number"),
        ({"opportunity": "x" * 5001}, "opportunity"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(database, send, fields, field):
    given = sent(fields={**WORDS, **fields})
    with pytest.raises(Refused) as refused:
        send(given)
    assert [name for name, _ in refused.value.mistakes] == [field]
    with database.session("tests") as session:
        assert read_outcome(session, given.id) is None


def test_an_outline_that_crosses_itself_is_refused_by_the_database_too(send):
    x, y = SOUTH
    bow = [[x, y], [x + 0.001, y + 0.001], [x + 0.001, y], [x, y + 0.001], [x, y]]
    with pytest.raises(Refused, match="crosses itself"):
        send(sent(geometry={"type": "Polygon", "coordinates": [bow]}))
    with pytest.raises(Refused, match="outside the borough"):
        send(sent(geometry={"type": "Point", "coordinates": [-0.3, 51.5]}))


def test_a_report_needs_a_space_that_one_may_see_and_something_to_say(send):
    received = send(sent())
    about = {"kind": "change", "geometry": None, "green_space_id": received.green_space_id}
    with pytest.raises(NoSuchSpace):
        send(sent(**about, fields={"note": "It is shut"}))
    assert send(sent(**about, fields={"note": "It is shut"}), viewer=("public", "network")).new
    with pytest.raises(Refused):
        send(sent(**about, fields={}), viewer=("public", "network"))


def test_the_same_photograph_is_named_once_for_each_sending(database, send):
    photograph = KeptPhotograph("a" * 64, 10, 4, 3, "gate.jpg")
    given = sent(photographs=[photograph, photograph])
    send(given)
    send(given)
    count = "SELECT count(*) AS n FROM survey.files WHERE submission_id = :id"
    assert one(database, count, id=given.id).n == 1


def test_when_it_was_written_is_believed_within_reason(database, send):
    now = datetime.now(UTC)
    for written, taken in (
        (now - timedelta(days=2), now - timedelta(days=2)),
        (now + timedelta(days=400), now),
        (now - timedelta(days=4000), now - timedelta(days=90)),
    ):
        given = sent(written_at=written)
        send(given)
        kept = one(database, "SELECT written_at FROM survey.submissions WHERE id = :id", id=given.id)
        assert abs(kept.written_at - taken) < timedelta(minutes=1)


def test_who_suggested_it_watches_it_and_the_reviewers_are_told(database, send, who):
    walker, reviewer, elsewhere = who("contributor"), who("reviewer@south"), who("reviewer@north")
    received = send(sent(), walker)
    told = "SELECT array_agg(account_id) AS who FROM survey.notices WHERE green_space_id = :id"
    found = one(database, told, id=received.green_space_id).who
    assert reviewer.id in found
    assert elsewhere.id not in found
    assert walker.id not in found
    with database.session("tests") as session:
        outcome = read_outcome(session, received.submission_id)
    assert (outcome.state, outcome.stage, outcome.public, outcome.name) == (
        "waiting",
        "suggested",
        False,
        WORDS["name"],
    )


def test_only_the_very_same_words_and_outline_are_a_repeat(database, send):
    first = sent()
    send(first)
    with database.session("tests") as session:
        assert is_repeat(session, first)
        assert is_repeat(session, sent(id=first.id, geometry=None))
        assert not is_repeat(session, sent(id=first.id, geometry=outline(at=(-0.1121, 51.5301))))
        assert not is_repeat(session, sent(id=first.id, fields={**WORDS, "opportunity": "And more"}))
        assert not is_repeat(session, sent())


def test_no_more_photographs_than_a_form_has_come_under_one_id(send):
    def pictures(start):
        return [KeptPhotograph(f"{n:064x}", 10, 4, 3, "a.jpg") for n in range(start, start + 4)]

    first = sent(photographs=pictures(0))
    send(first)
    send(first)
    with pytest.raises(Refused, match="at most 6"):
        send(replace(first, photographs=pictures(4)))


def test_an_id_that_led_somewhere_once_leads_nowhere_else(database, send):
    first = send(sent(fields={**WORDS, "name": "Gone again"}))
    with database.session("tests") as session:
        session.execute(
            text("DELETE FROM register.green_spaces WHERE id = :id"), {"id": first.green_space_id}
        )
    second = send(sent(fields={**WORDS, "name": "Gone again"}))
    assert (first.green_space_id, second.green_space_id) == ("gone-again", "gone-again-2")


def test_who_sent_something_is_not_told_of_what_it_became_part_of(database, send):
    mine, other = sent(), sent(fields={**WORDS, "name": "Not theirs"}, geometry=outline(at=(-0.103, 51.53)))
    first, second = send(mine), send(other)
    with database.session("tests") as session:
        assert read_outcome(session, mine.id).stage == "suggested"
        session.execute(
            text(
                "UPDATE survey.submissions s SET green_space_key = f.key, green_space_id = f.id"
                " FROM register.green_spaces f WHERE f.id = :into AND s.id = :id"
            ),
            {"into": second.green_space_id, "id": mine.id},
        )
        found = read_outcome(session, mine.id)
        assert (found.name, found.stage, found.stage_reason) == (WORDS["name"], None, None)
        session.execute(
            text("UPDATE register.green_spaces SET visibility = 'public' WHERE id = :id"),
            {"id": second.green_space_id},
        )
        assert read_outcome(session, mine.id).name == "Not theirs"
    assert first.green_space_id != second.green_space_id


def test_what_became_of_a_report_is_not_what_became_of_its_space(database, send):
    suggested = send(sent())
    report = sent(kind="change", fields={"note": "Seen"}, green_space_id=suggested.green_space_id)
    send(report, viewer=("public", "network"))
    with database.session("tests") as session:
        session.execute(
            text(
                "UPDATE register.green_spaces SET stage = 'declined', stage_reason = 'Sold',"
                " visibility = 'public' WHERE id = :id"
            ),
            {"id": suggested.green_space_id},
        )
        found = read_outcome(session, report.id)
    assert (found.state, found.stage, found.stage_reason) == ("waiting", None, None)


def test_who_goes_back_and_sends_again_has_suggested_once(send, who):
    at = (-0.1031, 51.5291)
    first = send(sent(geometry=outline(at=at)))
    again = send(sent(geometry=outline(at=at)))
    assert (again.new, again.submission_id, again.green_space_id) == (
        False,
        first.submission_id,
        first.green_space_id,
    )
    beside = send(sent(geometry=outline(at=(at[0] + 0.0005, at[1]))))
    assert beside.new
    assert send(sent(geometry=outline(at=at), fields={**WORDS, "opportunity": "Another"})).new
    assert send(sent(geometry=outline(at=at)), who("contributor")).new
