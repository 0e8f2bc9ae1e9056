"""Stages: who may move a space where, what each move needs, and what it leaves behind."""

from datetime import date

import pytest
from sqlalchemy import text

from mapservice.survey import notices, stages
from mapservice.survey.spaces import NoSuchSpace, NotAllowed, Outdated, Refused, read_space
from tests.survey.conftest import NORTH

NETWORK = ("public", "network")


@pytest.fixture(scope="module")
def reviewer(who):
    return who("reviewer")


def seen(database, space_id):
    with database.session("tests") as session:
        return read_space(session, space_id, NETWORK)


def move(database, space_id, target, account, **given):
    with database.session(account.actor) as session:
        version = given.pop("version", None) or read_space(session, space_id, NETWORK).version
        return stages.move_stage(session, space_id, target, account, version, **given)


def submission(database, space_id):
    with database.session("tests") as session:
        return session.execute(
            text("SELECT state, reason FROM survey.submissions WHERE green_space_id = :id"), {"id": space_id}
        ).one()


def test_the_places_tried_lie_where_the_tests_think(database, suggest):
    assert seen(database, suggest()).localities == ("south",)
    assert seen(database, suggest(NORTH)).localities == ("north",)


def test_a_space_goes_through_every_stage_and_opens_under_its_id(database, suggest, reviewer):
    space_id = suggest()
    began = seen(database, space_id)
    for target in ("checked-on-site", "owner-contacted", "plan"):
        assert move(database, space_id, target, reviewer).stage == target
    opened = move(database, space_id, "opened", reviewer, opened_on="2026-05-31", access="open-to-all")
    assert (opened.id, opened.key) == (began.id, began.key)
    assert (opened.status, opened.visibility) == ("existing", "public")
    assert opened.values["opened_on"] == "2026-05-31"
    with database.session("tests") as session:
        published = session.execute(
            text("SELECT status, stage, access FROM layers.green_spaces WHERE id = :id"), {"id": space_id}
        ).one()
        stages_passed = session.execute(
            text(
                "SELECT after ->> 'stage' FROM history.changes"
                " WHERE table_name = 'green_spaces' AND row_key = :key ORDER BY id"
            ),
            {"key": str(began.key)},
        ).scalars()
        assert [*stages_passed] == ["suggested", "checked-on-site", "owner-contacted", "plan", "opened"]
    assert published == ("existing", "opened", "open-to-all")
    assert submission(database, space_id) == ("taken", None)


def test_a_decline_needs_a_reason_which_the_suggester_is_told(database, suggest, who, reviewer):
    suggester = who("contributor")
    space_id = suggest(by=suggester)
    with pytest.raises(Refused) as refused:
        move(database, space_id, "declined", reviewer, reason="  ")
    assert [field for field, _ in refused.value.mistakes] == ["reason"]
    move(database, space_id, "declined", reviewer, reason="It is a front garden.")
    assert submission(database, space_id) == ("declined", "It is a front garden.")
    with database.session("tests") as session:
        (notice,) = notices.notices_of(session, suggester)
    assert (notice.kind, notice.detail["reason"]) == ("stage", "It is a front garden.")
    # The network alone sees the space; the suggestion is theirs to follow all the same.
    assert not notice.there
    assert notice.own_submission


def test_taken_up_again_a_declined_suggestion_is_no_longer_declined(database, suggest, reviewer):
    space_id = suggest()
    move(database, space_id, "declined", reviewer, reason="The owner said no.")
    again = move(database, space_id, "owner-contacted", reviewer, reason="The owner thinks again.")
    assert again.values["stage_reason"] == "The owner thinks again."
    assert submission(database, space_id) == ("taken", None)


@pytest.mark.parametrize(
    "given, wrong",
    [
        ({}, ["opened_on", "access"]),
        ({"opened_on": "yesterday", "access": "open-to-all"}, ["opened_on"]),
        ({"opened_on": "2999-01-01", "access": "open-to-all"}, ["opened_on"]),
        ({"opened_on": "2026-05-31", "access": "no-access"}, ["access"]),
        ({"opened_on": "2026-05-31", "access": "<script>"}, ["access"]),
    ],
)
def test_what_is_opened_has_a_day_and_somebody_who_may_go_in(database, suggest, reviewer, given, wrong):
    space_id = suggest()
    with pytest.raises(Refused) as refused:
        move(database, space_id, "opened", reviewer, today=date(2026, 11, 22), **given)
    assert [field for field, _ in refused.value.mistakes] == wrong
    assert seen(database, space_id).stage == "suggested"


def test_back_is_for_reviewers_with_a_reason(database, suggest, reviewer):
    space_id = suggest()
    move(database, space_id, "opened", reviewer, opened_on="2026-05-31", access="open-to-all")
    with pytest.raises(Refused):
        move(database, space_id, "plan", reviewer)
    back = move(database, space_id, "plan", reviewer, reason="The gate was shut again.")
    assert (back.status, back.stage, back.values["opened_on"]) == ("potential", "plan", None)


def test_every_move_of_the_table_works_and_no_other(database, suggest, reviewer):
    everything = {"reason": "Because.", "opened_on": "2026-05-31", "access": "open-to-all"}
    stages_there_are = (*stages.FORWARD, stages.DECLINED)
    space_id = suggest()
    for source in stages_there_are:
        for target in stages_there_are:
            with database.session("tests") as session:
                opened = source == "opened"
                session.execute(
                    text(
                        "UPDATE register.green_spaces SET stage = :stage, stage_reason = 'x',"
                        " status = :status, opened_on = NULL WHERE id = :id"
                    ),
                    {"stage": source, "status": "existing" if opened else "potential", "id": space_id},
                )
            if (source, target) in stages.MOVES:
                assert move(database, space_id, target, reviewer, **everything).stage == target
            else:
                with pytest.raises(Refused):
                    move(database, space_id, target, reviewer, **everything)


def test_surveyors_check_on_site_in_their_locality_and_do_no_more(database, suggest, who):
    surveyor = who("surveyor@south")
    here, there = suggest(), suggest(NORTH)
    assert move(database, here, "checked-on-site", surveyor).stage == "checked-on-site"
    for space_id, target in ((here, "owner-contacted"), (here, "suggested"), (there, "checked-on-site")):
        with pytest.raises(NotAllowed):
            move(database, space_id, target, surveyor, reason="Because.")
    with database.session("tests") as session:
        offered = stages.moves_from(read_space(session, here, NETWORK), surveyor)
    assert offered == []


def test_a_space_in_no_locality_needs_a_role_held_everywhere(database, suggest, who, reviewer):
    outside = suggest((533_300, 180_600))
    assert seen(database, outside).localities == ()
    with pytest.raises(NotAllowed):
        move(database, outside, "plan", who("reviewer@south"))
    assert move(database, outside, "plan", reviewer).stage == "plan"


def test_who_cannot_see_a_space_is_not_told_that_there_is_one(database, suggest, who):
    space_id = suggest()
    with pytest.raises(NoSuchSpace):
        move(database, space_id, "plan", who("contributor"), reason="Because.")


def test_the_second_of_two_who_move_it_is_told_and_nothing_is_moved_twice(database, suggest, reviewer):
    space_id = suggest()
    version = seen(database, space_id).version
    move(database, space_id, "plan", reviewer, version=version)
    with pytest.raises(Outdated) as outdated:
        move(database, space_id, "declined", reviewer, version=version, reason="Too small.")
    assert outdated.value.space.stage == "plan"
    assert seen(database, space_id).stage == "plan"


def test_a_version_of_another_space_is_none(database, suggest, reviewer):
    one, other = suggest(), suggest()
    with pytest.raises(NoSuchSpace):
        move(database, one, "plan", reviewer, version=seen(database, other).version)


def test_publishing_shows_it_to_everybody_and_back(database, suggest, reviewer, who):
    space_id = suggest()
    with database.session(reviewer.actor) as session, pytest.raises(NotAllowed):
        stages.publish(session, space_id, who("surveyor"), 0, public=True)
    for public, visibility in ((True, "public"), (False, "network")):
        with database.session(reviewer.actor) as session:
            version = seen(database, space_id).version
            stages.publish(session, space_id, reviewer, version, public=public)
        assert seen(database, space_id).visibility == visibility


def test_a_due_date_is_a_date(database, suggest, reviewer):
    space_id = suggest()
    for typed, due in (("2026-12-24", "2026-12-24"), ("", None)):
        with database.session(reviewer.actor) as session:
            version = seen(database, space_id).version
            assert stages.set_due(session, space_id, reviewer, version, typed).values["due_on"] == due
    with database.session(reviewer.actor) as session, pytest.raises(Refused):
        stages.set_due(session, space_id, reviewer, seen(database, space_id).version, "soon")


def test_the_second_of_two_is_told_that_it_is_published_or_due_otherwise_by_now(
    database, suggest, reviewer, who
):
    space_id, other = suggest(), who("reviewer")
    version = seen(database, space_id).version
    with database.session(other.actor) as session:
        stages.set_due(session, space_id, other, version, "2026-12-24")
        # What the other changed is none of this.
        published = stages.publish(session, space_id, other, version, public=True).version
    with database.session(reviewer.actor) as session, pytest.raises(Outdated):
        stages.set_due(session, space_id, reviewer, version, "2026-12-31")
    with database.session(reviewer.actor) as session:
        assert stages.set_due(session, space_id, reviewer, version, "2026-12-24")
    with database.session(reviewer.actor) as session:
        stages.publish(session, space_id, reviewer, seen(database, space_id).version, public=False)
    with database.session(reviewer.actor) as session, pytest.raises(Outdated):
        stages.publish(session, space_id, reviewer, published, public=True)
    assert seen(database, space_id).values["due_on"] == "2026-12-24"
