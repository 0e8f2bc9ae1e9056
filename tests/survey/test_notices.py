"""Notices: told are those who watch and those for whom it waits, as far as they may see it, nobody else."""

from sqlalchemy import text

from mapservice.survey import notices
from mapservice.web.survey.telling import notice_path
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
