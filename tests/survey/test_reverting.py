"""Merging and taking back: nothing is lost by the one, and the other undoes exactly what was done."""

import pytest
from sqlalchemy import text

from mapservice.survey import comments, merging, notices, reverting, stages
from mapservice.survey.changes import changes_of
from mapservice.survey.editing import edit
from mapservice.survey.merging import merge, part_of_what, parts_of
from mapservice.survey.reverting import ChangedSince, bring_back, removed_spaces, revert
from mapservice.survey.spaces import NoSuchSpace, NotAllowed, Outdated, Refused, read_space
from mapservice.web.survey.telling import notice_words
from tests.survey.conftest import NORTH

NETWORK = ("public", "network")
COUNCIL = (*NETWORK, "council")
GONE = ("green_spaces", "deleted")


@pytest.fixture(scope="module")
def ada(who):
    return who("reviewer", public_name="Ada L")


@pytest.fixture(scope="module")
def grace(who):
    return who("reviewer", public_name="Grace H")


def seen(database, space_id):
    with database.session("tests") as session:
        return read_space(session, space_id, NETWORK)


def change(database, account, space_id, viewer=NETWORK, **typed):
    with database.session(account.actor) as session:
        space = read_space(session, space_id, viewer)
        return edit(session, space_id, account, space.version, typed).space.version


def take_back(database, account, space_id, change_id, **given):
    with database.session(account.actor) as session:
        return revert(session, space_id, change_id, account, **given)


def rows(database, statement, **given):
    with database.session("tests") as session:
        return [tuple(row) for row in session.execute(text(statement), given)]


def entrance(database, space_id):
    with database.session("tests") as session:
        session.execute(
            text(
                "INSERT INTO register.entrances (id, green_space_key, geom, source_id)"
                " SELECT id || '-gate', key, ST_Centroid(geom), 'green-space-survey'"
                " FROM register.green_spaces WHERE id = :id"
            ),
            {"id": space_id},
        )
    return f"{space_id}-gate"


def do_merge(database, account, duplicate, into, **given):
    with database.session(account.actor) as session:
        versions = (seen(database, duplicate).version, seen(database, into).version)
        return merge(session, duplicate, into, account, given.pop("versions", versions), **given)


def everything(database, space_id):
    """What belongs to a space: its row, and what names it."""
    return rows(
        database,
        "SELECT f.key::text, to_jsonb(f) - 'geom_4326' - 'geom_3857' - 'updated_at'"
        " FROM register.green_spaces f WHERE id = :id"
        " UNION ALL SELECT 'entrance', to_jsonb(e) - 'updated_at' FROM register.entrances e"
        " JOIN register.green_spaces f ON f.key = e.green_space_key WHERE f.id = :id"
        " UNION ALL SELECT 'submission', to_jsonb(s) FROM survey.submissions s WHERE green_space_id = :id"
        " UNION ALL SELECT 'comment', to_jsonb(s) FROM survey.comments s WHERE green_space_id = :id"
        " UNION ALL SELECT 'evidence', to_jsonb(e) - 'updated_at' FROM register.evidence e"
        " WHERE subject = 'green-spaces' AND subject_id = :id"
        " UNION ALL SELECT 'watch', to_jsonb(w) FROM survey.watches w"
        " JOIN register.green_spaces f ON f.key = w.green_space_key WHERE f.id = :id"
        " UNION ALL SELECT 'area', to_jsonb(m) FROM register.green_space_areas m"
        " JOIN register.green_spaces f ON f.key = m.green_space_key WHERE f.id = :id ORDER BY 1, 2",
        id=space_id,
    )


def test_a_change_is_taken_back_and_what_others_did_since_stays(database, suggest, ada, grace):
    space_id = suggest()
    name = seen(database, space_id).values["name"]
    first = change(database, ada, space_id, name="Wrong", note="Wrong too")
    change(database, grace, space_id, safety_note="Nettles")
    space = take_back(database, grace, space_id, first)
    assert (space.values["name"], space.values["note"]) == (name, None)
    assert space.values["safety_note"] == "Nettles"
    # It is a change of its own, which can be taken back in its turn.
    again = take_back(database, ada, space_id, space.version)
    assert again.values["name"] == "Wrong"


def test_what_was_changed_again_is_said_first_and_the_rest_can_go_back(database, suggest, ada, grace):
    space_id = suggest()
    first = change(database, ada, space_id, name="Wrong", note="Wrong too")
    change(database, grace, space_id, name="Right")
    with pytest.raises(ChangedSince) as since:
        take_back(database, ada, space_id, first)
    assert [(each.name, each.then, each.now, each.by) for each in since.value.later] == [
        ("name", "Wrong", "Right", "Grace H")
    ]
    assert since.value.rest == ("note",)
    assert seen(database, space_id).values["note"] == "Wrong too"
    space = take_back(database, ada, space_id, first, rest_only=True)
    assert (space.values["name"], space.values["note"]) == ("Right", None)


def test_an_opening_is_taken_back_whole_and_the_suggestion_waits_again(database, suggest, ada):
    space_id = suggest()
    before = seen(database, space_id).values
    with database.session(ada.actor) as session:
        opened = stages.move_stage(
            session, space_id, "opened", ada, seen(database, space_id).version,
            opened_on="2026-05-31", access="open-to-all",
        )  # fmt: skip
    assert take_back(database, ada, space_id, opened.version).values == before
    statement = "SELECT state, decided_at FROM survey.submissions WHERE green_space_id = :id"
    assert rows(database, statement, id=space_id) == [("waiting", None)]


def test_an_outline_goes_back_exactly(database, suggest, ada):
    space_id = suggest()
    statement = "SELECT geom::text FROM register.green_spaces WHERE id = :id"
    before = rows(database, statement, id=space_id)
    with database.session("import") as session:
        session.execute(
            text(
                "UPDATE register.green_spaces SET geom = ST_Multi(ST_Rotate(geom, 1, ST_Centroid(geom)))"
                " WHERE id = :id"
            ),
            {"id": space_id},
        )
    assert rows(database, statement, id=space_id) != before
    take_back(database, ada, space_id, seen(database, space_id).version)
    assert rows(database, statement, id=space_id) == before


def test_an_entrance_comes_and_goes(database, suggest, ada):
    space_id = suggest()
    gate = entrance(database, space_id)
    with database.session("tests") as session:
        (latest, *_) = changes_of(session, read_space(session, space_id, NETWORK), NETWORK)
    take_back(database, ada, space_id, latest.id)
    count = "SELECT count(*) FROM register.entrances WHERE id = :id"
    assert rows(database, count, id=gate) == [(0,)]
    with database.session("tests") as session:
        (latest, *_) = changes_of(session, read_space(session, space_id, NETWORK), NETWORK)
    assert latest.operation == "deleted"
    take_back(database, ada, space_id, latest.id)
    assert rows(database, count, id=gate) == [(1,)]


def test_what_was_removed_comes_back_with_all_that_was_its_own(database, suggest, ada, who):
    space_id = suggest()
    entrance(database, space_id)
    with database.session(ada.actor) as session:
        comments.say(session, read_space(session, space_id, NETWORK), ada, "Worth it")
    before = everything(database, space_id)
    with database.session("somebody") as session:
        session.execute(text("DELETE FROM register.green_spaces WHERE id = :id"), {"id": space_id})
    assert seen(database, space_id) is None
    with database.session(ada.actor) as session:
        (removed,) = [each for each in removed_spaces(session, ada) if each.id == space_id]
        north = who("reviewer@north")
        assert space_id not in [each.id for each in removed_spaces(session, north)]
        with pytest.raises(NotAllowed):
            bring_back(session, removed.change_id, north)
        with pytest.raises(NoSuchSpace):
            bring_back(session, removed.change_id, who("contributor"))
    with database.session(ada.actor) as session:
        bring_back(session, removed.change_id, ada)
    assert everything(database, space_id) == before
    with database.session(ada.actor) as session:
        assert space_id not in [each.id for each in removed_spaces(session, ada)]
        with pytest.raises(Refused):
            bring_back(session, removed.change_id, ada)


def test_merged_everything_said_sent_and_watched_is_at_the_one_that_stays(database, suggest, ada, grace):
    duplicate, into = suggest(by=grace), suggest()
    gate = entrance(database, duplicate)
    with database.session(grace.actor) as session:
        comments.say(session, read_space(session, duplicate, NETWORK), grace, "Seen from the bus")
    sent = rows(database, "SELECT id FROM survey.submissions WHERE green_space_id = :id", id=duplicate)
    space = do_merge(database, ada, duplicate, into, reason="The same corner")
    assert seen(database, duplicate) is None
    with database.session("tests") as session:
        assert part_of_what(session, duplicate, NETWORK) == into
        assert parts_of(session, space) == [duplicate]
        assert [each.body for each in comments.comments_of(session, space, ada)] == ["Seen from the bus"]
        assert grace.id in notices.watchers(session, into)
        told = [(each.kind, each.green_space_id) for each in notices.notices_of(session, grace)]
        created = [each.row_id for each in changes_of(session, space, NETWORK) if each.operation == "created"]
    assert ("merged", into) in told
    assert {duplicate, into, gate} == {*created}
    kept = rows(database, "SELECT id FROM survey.submissions WHERE green_space_id = :id", id=into)
    assert {*sent} <= {*kept}
    where = "SELECT f.id FROM register.entrances e JOIN register.green_spaces f ON f.key = e.green_space_key"
    assert rows(database, f"{where} WHERE e.id = :id", id=gate) == [(into,)]


def test_a_merge_is_taken_back_whole(database, suggest, ada, grace):
    duplicate, into = suggest(by=grace), suggest()
    entrance(database, duplicate)
    with database.session(grace.actor) as session:
        comments.say(session, read_space(session, duplicate, NETWORK), grace, "Seen from the bus")
    before = everything(database, duplicate), everything(database, into)
    space = do_merge(database, ada, duplicate, into)
    with database.session("tests") as session:
        merged = next(each for each in changes_of(session, space, NETWORK) if each.operation == "deleted")
    take_back(database, grace, into, merged.id)
    assert (everything(database, duplicate), everything(database, into)) == before
    with database.session("tests") as session:
        assert part_of_what(session, duplicate, NETWORK) is None


def test_a_suggestion_that_became_part_of_another_space_waits_no_longer(database, suggest, ada, grace):
    suggester = grace
    duplicate, into = suggest(by=suggester), suggest(visibility="public", name="The corner")
    sent = "SELECT id, state, reason, decided_by FROM survey.submissions WHERE account_id = :by AND id = :id"
    (row,) = rows(database, "SELECT id FROM survey.submissions WHERE green_space_id = :id", id=duplicate)
    given = {"by": suggester.id, "id": row[0]}
    space = do_merge(database, ada, duplicate, into)
    assert rows(database, sent, **given) == [(row[0], "taken", "It became part of The corner", ada.id)]
    with database.session("tests") as session:
        changes = changes_of(session, space, NETWORK)
    take_back(database, ada, into, next(each for each in changes if (each.table, each.operation) == GONE).id)
    assert rows(database, sent, **given) == [(row[0], "waiting", None, None)]


def test_who_watched_still_does_after_a_merge_and_after_it_was_taken_back(database, suggest, ada, grace, who):
    duplicate, into, both = suggest(), suggest(), who("reviewer")
    with database.session("tests") as session:
        for account, space_id in ((grace, duplicate), (both, duplicate), (both, into)):
            notices.watch(session, account.id, space_id)
    space = do_merge(database, ada, duplicate, into)
    with database.session("tests") as session:
        assert notices.watchers(session, into) == {grace.id, both.id}
        merged = next(
            each for each in changes_of(session, space, NETWORK) if (each.table, each.operation) == GONE
        )
    take_back(database, ada, into, merged.id)
    with database.session("tests") as session:
        assert notices.watchers(session, into) == {both.id}
        assert notices.watchers(session, duplicate) == {grace.id, both.id}


def test_a_notice_is_of_what_it_was_told_of_however_often_that_was_merged_and_brought_back(
    database, suggest, ada, who
):
    vic, rae, grace = who("contributor"), who("contributor"), who("reviewer")
    first, second = suggest(by=vic, name="The yard"), suggest(by=rae, name="The stage")
    last = suggest(name="The car park")
    with database.session("tests") as session:
        session.execute(
            text('UPDATE survey.submissions SET fields = \'{"name": "The yard"}\' WHERE account_id = :id'),
            {"id": vic.id},
        )
        for space_id in (first, second, last):
            notices.tell(session, "suggested", space_id, by=None, to=[grace.id])
        notices.tell(session, "stage", first, by=ada, stage="plan")

    def told(account):
        with database.session("tests") as session:
            found = notices.notices_of(session, account)
            return [(each.green_space_id, each.name, notice_words(each)) for each in found]

    def gone(space_id):
        with database.session("tests") as session:
            return merging.removal_of(session, space_id)

    apart = [(last, "The car park"), (second, "The stage"), (first, "The yard")]
    by_whom = {space_id: words for space_id, _, words in told(grace)}
    assert [each[:2] for each in told(grace)] == apart
    do_merge(database, ada, first, second)
    do_merge(database, ada, second, last)
    assert [each[:2] for each in told(grace)] == [(last, "The car park")] * 3
    assert told(grace)[2][2] == f"To “The yard”, which is part of it now: {by_whom[first]}"
    # Who suggested it is told what became of it, and nothing of what it became part of.
    theirs = told(vic)
    assert {each[1] for each in theirs} == {"The yard"}
    with database.session("tests") as session:
        notices.tell(session, "stage", last, by=ada, stage="plan")
    assert told(vic) == theirs
    with database.session(ada.actor) as session:
        bring_back(session, gone(second), ada)
    assert [each[:2] for each in told(grace)] == [apart[0], (second, "The stage"), (second, "The stage")]
    with database.session(ada.actor) as session:
        bring_back(session, gone(first), ada)
    assert told(grace) == [(*each, by_whom[each[0]]) for each in apart]


def test_what_only_the_council_sees_does_not_become_the_networks(database, suggest, who):
    planner, administrator = who("administrator"), who("administrator")
    secret, shared = suggest(visibility="council", safety_note="Contaminated"), suggest()
    versions = []
    with database.session("tests") as session:
        versions = [read_space(session, each, COUNCIL).version for each in (secret, shared)]
    with pytest.raises(Refused, match="only the council may"), database.session("tests") as session:
        merge(session, secret, shared, planner, tuple(versions))
    with database.session("tests") as session:
        merged = merge(session, shared, secret, administrator, tuple(reversed(versions)))
    assert merged.visibility == "council"


def test_what_was_the_councils_once_stays_so_when_the_space_is_shared(database, suggest, ada, who):
    planner = who("administrator")
    space_id = suggest(visibility="council", safety_note="Contaminated")
    gate = entrance(database, space_id)
    change(database, planner, space_id, owner_note="Sells soon", viewer=COUNCIL)
    with database.session("tests") as session:
        hidden = [each.id for each in changes_of(session, read_space(session, space_id, COUNCIL), COUNCIL)]
        assert len(hidden) == 3
    with database.session(planner.actor) as session:
        session.execute(
            text("UPDATE register.green_spaces SET visibility = 'network' WHERE id = :id"), {"id": space_id}
        )
    change(database, ada, space_id, note="Seen by all of us")
    with database.session("tests") as session:
        space = read_space(session, space_id, COUNCIL)
        (seen_by_ada,) = changes_of(session, space, NETWORK)
        assert seen_by_ada.fields == {"note"}
        assert len(changes_of(session, space, COUNCIL)) == 5
        with pytest.raises(NoSuchSpace):
            edit(session, space_id, ada, hidden[-1], {"safety_note": "x"})
    for change_id in hidden:
        with pytest.raises(NoSuchSpace):
            take_back(database, ada, space_id, change_id)
    assert rows(database, "SELECT count(*) FROM register.entrances WHERE id = :id", id=gate) == [(1,)]


def test_a_reviewer_of_one_locality_finds_what_was_removed_there_among_much_else(
    database, suggest, who, monkeypatch
):
    monkeypatch.setattr(reverting, "MOST_REMOVED", 1)
    here, elsewhere = suggest(NORTH), suggest()
    for space_id in (here, elsewhere):
        with database.session("somebody") as session:
            session.execute(text("DELETE FROM register.green_spaces WHERE id = :id"), {"id": space_id})
    with database.session("tests") as session:
        assert [each.id for each in removed_spaces(session, who("reviewer@north"))] == [here]


def test_merged_twice_an_old_id_still_leads_to_what_is_there(database, suggest, ada):
    first, second, third = suggest(), suggest(), suggest()
    do_merge(database, ada, first, second)
    space = do_merge(database, ada, second, third)
    with database.session("tests") as session:
        assert part_of_what(session, first, NETWORK) == third
        created = {each.row_id for each in changes_of(session, space, NETWORK) if each.operation == "created"}
    assert created == {first, second, third}


def test_merging_what_somebody_has_changed_meanwhile_asks_again(database, suggest, ada, grace, who):
    duplicate, into = suggest(), suggest()
    versions = (seen(database, duplicate).version, seen(database, into).version)
    change(database, grace, into, note="Just seen")
    with pytest.raises(Outdated):
        do_merge(database, ada, duplicate, into, versions=versions)
    with pytest.raises(Refused):
        do_merge(database, ada, into, into)
    with pytest.raises(NotAllowed):
        do_merge(database, who("reviewer@south"), suggest(NORTH), into)
    with pytest.raises(NotAllowed):
        do_merge(database, who("surveyor"), duplicate, into)


def test_an_existing_space_is_not_merged_into_a_potential_one(database, suggest, ada):
    with pytest.raises(Refused):
        do_merge(database, ada, "highbury-fields", suggest())


def test_only_reviewers_take_back_and_only_changes_of_this_space(database, suggest, ada, who):
    one, other = suggest(), suggest()
    version = change(database, ada, one, name="New")
    with pytest.raises(NoSuchSpace):
        take_back(database, ada, other, version)
    with pytest.raises(NoSuchSpace):
        take_back(database, ada, one, 2**62)
    with pytest.raises(NotAllowed):
        take_back(database, who("surveyor"), one, version)


def test_a_space_that_nobody_worked_on_is_removed_by_taking_back_that_it_came(database, suggest, ada):
    space_id = suggest()
    created = seen(database, space_id).version
    change(database, ada, space_id, name="Somebody cares")
    with pytest.raises(ChangedSince):
        take_back(database, ada, space_id, created)
    untouched = suggest()
    assert take_back(database, ada, untouched, seen(database, untouched).version) is None
    assert seen(database, untouched) is None
