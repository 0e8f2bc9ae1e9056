"""Notices: told are those who watch and those for whom it waits, as far as they may see it, nobody else."""

import uuid
from datetime import date

from sqlalchemy import text

from mapservice.accounts.personal import export
from mapservice.survey import comments, notices
from mapservice.survey.confirming import confirm
from mapservice.survey.merging import merge
from mapservice.survey.spaces import read_space
from mapservice.survey.submitting import Sent, submit
from mapservice.web.survey.telling import notice_path, notice_words
from tests.survey.conftest import NORTH


def told(database, account):
    with database.session("tests") as session:
        return [(notice.kind, notice.green_space_id) for notice in notices.notices_of(session, account)]


def test_who_watches_is_told_but_not_of_what_they_did_themselves(database, suggest, who):
    space_id, watcher, doer = suggest(), who("reviewer"), who("reviewer")
    with database.session("tests") as session:
        for account in (watcher, doer):
            notices.watch(session, account.id, space_id)
            notices.watch(session, account.id, space_id)
        assert notices.tell(session, "changed", space_id, by=doer, fields=["name"]) == 1
    assert told(database, watcher) == [("changed", space_id)]
    assert told(database, doer) == []
    with database.session("tests") as session:
        notices.unwatch(session, watcher.id, space_id)
        assert notices.tell(session, "changed", space_id, by=doer) == 0


def test_what_is_suggested_waits_for_who_sees_the_queue_there(database, suggest, who):
    here, there, anywhere = who("reviewer@south"), who("surveyor@north"), who("planner")
    nobody = who("contributor")
    space_id = suggest()
    with database.session("tests") as session:
        notices.tell(session, "suggested", space_id, by=None)
    assert told(database, here) == told(database, anywhere) == [("suggested", space_id)]
    assert told(database, there) == told(database, nobody) == []
    with database.session("tests") as session:
        notices.tell(session, "suggested", suggest(NORTH), by=None)
    assert len(told(database, there)) == 1


def test_who_may_no_longer_see_a_space_reads_no_notice_of_it(database, suggest, who):
    space_id, account = suggest(), who("surveyor")
    with database.session("tests") as session:
        notices.tell(session, "comment", space_id, by=None, to=[account.id])
    assert len(told(database, account)) == 1
    from mapservice.accounts.account import find_account, set_grants
    from mapservice.accounts.permissions import parse_grants

    with database.session("tests") as session:
        set_grants(session, account.id, parse_grants(["contributor"]))
        lesser = find_account(session, account.id)
        assert notices.notices_of(session, lesser) == []
        assert notices.count_unread(session, lesser) == 0


def test_reading_is_ones_own(database, suggest, who):
    space_id, one, other = suggest(), who("reviewer"), who("reviewer")
    with database.session("tests") as session:
        notices.tell(session, "comment", space_id, by=None, to=[one.id, other.id])
        notices.tell(session, "mention", space_id, by=None, to=[one.id])
        (newest, _) = notices.notices_of(session, one)
        notices.mark_read(session, other.id, newest.id)
        assert notices.count_unread(session, one) == 2
        notices.mark_read(session, one.id, newest.id)
        assert notices.count_unread(session, one) == 1
        notices.mark_read(session, one.id)
        assert notices.count_unread(session, one) == 0
        assert notices.count_unread(session, other) == 1


def test_of_what_is_gone_they_read_who_might_have_seen_it(database, suggest, who):
    network, planner = who("surveyor"), who("planner")
    for visibility in ("network", "council"):
        space_id = suggest(visibility=visibility)
        with database.session("tests") as session:
            notices.tell(session, "comment", space_id, by=None, to=[network.id, planner.id])
            session.execute(text("DELETE FROM register.green_spaces WHERE id = :id"), {"id": space_id})
    assert len(told(database, network)) == 1
    assert len(told(database, planner)) == 2


def test_a_notice_leads_to_a_page_that_they_may_open(database, suggest, who):
    here, there = who("surveyor@south"), who("surveyor@north")
    space_id = suggest()
    with database.session("tests") as session:
        notices.tell(session, "mention", space_id, by=None, to=[here.id, there.id])
        notices.tell(session, "changed", space_id, by=None, to=[there.id])
        paths = [
            [notice_path(notice) for notice in notices.notices_of(session, each)] for each in (here, there)
        ]
    assert paths == [
        [f"/review/{space_id}#comments"],
        [f"/green-spaces/{space_id}", f"/green-spaces/{space_id}/comments"],
    ]


def words(database, account):
    with database.session("tests") as session:
        return [notice_words(notice) for notice in notices.notices_of(session, account)]


def test_a_notice_says_who_did_what_and_how_it_begins(database, suggest, who):
    space_id, reviewer = suggest(visibility="public", status="existing", stage=None), who("reviewer@south")
    watcher, sender = who("contributor"), who("contributor", public_name="Zadie")
    with database.session("tests") as session:
        for account in (reviewer, watcher):
            notices.watch(session, account.id, space_id)
        given = {"changed": "closed", "note": "The gate\nis chained, " + "and " * 60 + "so on"}
        submit(session, Sent(uuid.uuid4(), "change", given, green_space_id=space_id), sender)
        sent = Sent(uuid.uuid4(), "confirmation", {"access": "open-to-all"}, green_space_id=space_id)
        confirm(session, sent, None, ("public",), date(2026, 11, 22))
        space = read_space(session, space_id, reviewer.sees)
        comments.say(session, space, who("surveyor@south"), "It is the\nthird time")
    confirmed, reported = words(database, reviewer)[1:]
    assert confirmed == "Confirmed by a resident: it is still open. A reviewer is to decide"
    assert reported.startswith("Reported by Zadie, and waiting for review: It is closed")
    assert ". The gate is chained, and and" in reported
    assert reported.endswith(" …")
    assert words(database, reviewer)[0].startswith("a surveyor for South")
    assert words(database, reviewer)[0].endswith("said something: It is the third time")
    # What was sent is for who works there.
    assert words(database, watcher) == [f"Something was reported by {who}" for who in ("a resident", "Zadie")]


def test_the_name_of_a_draft_that_became_part_of_a_space_is_told_to_the_network_alone(database, suggest, who):
    reviewer, surveyor, watcher = who("reviewer"), who("surveyor@south"), who("contributor")
    draft, into = suggest(name="Behind Ms Hart's garage"), suggest(visibility="public")
    with database.session("tests") as session:
        for account in (surveyor, watcher):
            notices.watch(session, account.id, into)
        versions = [read_space(session, each, reviewer.sees).version for each in (draft, into)]
        merge(session, draft, into, reviewer, tuple(versions))
        mine = str(export(session, watcher.id)["notices"])
    assert words(database, surveyor)[0].startswith("“Behind Ms Hart's garage” was merged into it by")
    assert words(database, watcher) == ["It was put together with another by a resident"]
    assert into in mine
    assert draft not in mine
    assert "Hart" not in mine


def test_what_was_taken_back_or_is_not_for_them_is_not_in_a_notice(database, suggest, who):
    space_id, reviewer = suggest(visibility="public"), who("reviewer")
    named = who("contributor", public_name="Named One")
    with database.session("tests") as session:
        space = read_space(session, space_id, reviewer.sees)
        notices.watch(session, named.id, space_id)
        comments.say(session, space, who("reviewer", public_name="Rita"), "@Named One: a secret")
        (comment,) = comments.comments_of(session, space, named)
    assert words(database, named) == ["Rita named you: @Named One: a secret"]
    with database.session("tests") as session:
        session.execute(text("UPDATE survey.comments SET mentions = '{}'"))
    assert words(database, named) == ["Rita named you"]
    with database.session("tests") as session:
        session.execute(text("UPDATE survey.comments SET mentions = ARRAY[:id]"), {"id": named.id})
        comments.remove_comment(session, space, comment.id, reviewer)
    assert words(database, named) == ["Rita named you"]


def test_a_notice_of_the_register_says_what_was_done(database, suggest, who):
    space_id, account = suggest(), who("reviewer")
    with database.session("tests") as session:
        given = {"by": who("reviewer", public_name="Rob"), "to": [account.id]}
        notices.tell(session, "suggested", space_id, **given)
        notices.tell(session, "changed", space_id, reverted=7, **given)
        notices.tell(session, "changed", space_id, what="confirmed", **given)
        notices.tell(session, "changed", space_id, fields=["entrances", "name"], **given)
        notices.tell(session, "due", space_id, by=None, to=[account.id], due_on="2026-11-20")
    assert words(database, account) == [
        "Due on 20 November 2026",
        "Changed by Rob: Entrances and Name",
        "Confirmed on the spot by Rob: it is still open",
        "A change was taken back by Rob",
        "Suggested by Rob, and waiting for review",
    ]
