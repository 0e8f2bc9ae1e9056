"""Two people change one space: what does not meet is merged, what meets is asked, nobody's words are lost."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from mapservice.survey.editing import Conflict, edit
from mapservice.survey.fields import FIELDS, read_value
from mapservice.survey.spaces import NoSuchSpace, NotAllowed, Refused, read_space

NETWORK = ("public", "network")


@pytest.fixture(scope="module")
def ada(who):
    return who("reviewer", public_name="Ada L")


@pytest.fixture(scope="module")
def grace(who):
    return who("reviewer@south", public_name="Grace H")


def seen(database, space_id):
    with database.session("tests") as session:
        return read_space(session, space_id, NETWORK)


def change(database, account, space, **typed):
    """Send a form that was made from `space` as it was."""
    more = {name: typed.pop(name) for name in ("keep_theirs", "reason") if name in typed}
    with database.session(account.actor) as session:
        return edit(session, space.id, account, space.version, typed, **more)


def test_fields_that_one_side_changed_merge_by_themselves(database, suggest, ada, grace):
    form = seen(database, suggest())
    change(database, ada, form, name="Ada's corner", safety_note="")
    edited = change(database, grace, form, name=form.values["name"], owner_note="The vicar, she says")
    assert edited.changed == ("owner_note",)
    assert [(each.name, each.now, each.by) for each in edited.meanwhile] == [
        ("name", "Ada's corner", "Ada L")
    ]
    values = seen(database, form.id).values
    assert (values["name"], values["owner_note"]) == ("Ada's corner", "The vicar, she says")


def test_fields_that_both_changed_come_back_with_both_and_who(database, suggest, ada, grace):
    form = seen(database, suggest())
    change(database, ada, form, name="Ada's corner", note="Seen twice")
    with pytest.raises(Conflict) as caught:
        change(database, grace, form, name="Grace's corner", safety_note="Nettles")
    conflict = caught.value
    assert [(each.name, each.was, each.now, each.by) for each in conflict.conflicts] == [
        ("name", form.values["name"], "Ada's corner", "Ada L")
    ]
    assert [each.name for each in conflict.meanwhile] == ["note"]
    assert conflict.mine == {"name": "Grace's corner", "safety_note": "Nettles"}
    # Nothing was written: what was typed goes with the choice or not at all.
    assert seen(database, form.id).values["safety_note"] is None


@pytest.mark.parametrize("choice, name", [("mine", "Grace's corner"), ("theirs", "Ada's corner")])
def test_who_came_second_chooses_and_the_rest_of_theirs_is_kept(database, suggest, ada, grace, choice, name):
    form = seen(database, suggest())
    change(database, ada, form, name="Ada's corner")
    now = seen(database, form.id)
    keep = ["name"] if choice == "theirs" else []
    edited = change(database, grace, now, name="Grace's corner", safety_note="Nettles", keep_theirs=keep)
    assert (edited.space.values["name"], edited.space.values["safety_note"]) == (name, "Nettles")


def test_the_same_change_twice_is_no_conflict_and_no_second_change(database, suggest, ada, grace):
    form = seen(database, suggest())
    change(database, ada, form, name="The corner")
    edited = change(database, grace, form, name="The corner")
    assert edited.changed == ()


def test_two_at_the_same_moment_lose_nothing(database, suggest, ada, grace):
    form = seen(database, suggest())
    ready, outcomes = threading.Barrier(2), []

    def send(account, **typed):
        ready.wait()
        try:
            change(database, account, form, **typed)
            outcomes.append("taken")
        except Conflict as conflict:
            outcomes.append(conflict.conflicts[0].now)

    threads = [
        threading.Thread(target=send, args=(ada,), kwargs={"name": "A", "note": "by Ada"}),
        threading.Thread(target=send, args=(grace,), kwargs={"name": "B", "safety_note": "by Grace"}),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    now = seen(database, form.id).values["name"]
    assert sorted(outcomes) == sorted(["taken", now])


def test_the_reason_stands_in_the_history(database, suggest, ada):
    form = seen(database, suggest())
    edited = change(database, ada, form, name="New", reason="The sign says so")
    with database.session("tests") as session:
        row = session.execute(
            text("SELECT actor, reason FROM history.changes WHERE id = :id"), {"id": edited.space.version}
        ).one()
    assert row == (ada.id, "The sign says so")


def test_every_mistake_is_named_and_nothing_is_written(database, suggest, ada):
    form = seen(database, suggest())
    with pytest.raises(Refused) as refused:
        change(
            database, ada, form, name="Right", type="<script>", access="", title_number="not one",
            cost_gbp="12.5", area_stated_ha="-1", confirmed_on="2999-01-01", note="\x00", address="x" * 201,
        )  # fmt: skip
    assert {field for field, _ in refused.value.mistakes} == {
        "type", "access", "title_number", "cost_gbp", "area_stated_ha", "confirmed_on", "note", "address"
    }  # fmt: skip
    assert seen(database, form.id).version == form.version


def test_words_of_other_sources_stay_unless_changed(database, suggest, ada):
    form = seen(database, suggest(current_use="bowling green, disused"))
    typed = {"current_use": "bowling green, disused", "name": "Bowling green"}
    assert change(database, ada, form, **typed).changed == ("name",)


def test_what_belongs_to_stages_and_the_network_is_not_changed_here(database, suggest, ada):
    form = seen(database, suggest())
    sent = {"stage": "opened", "status": "existing", "visibility": "public", "key": "1", "verified": "true"}
    assert change(database, ada, form, **sent).changed == ()


def test_who_may_not_review_there_changes_nothing(database, suggest, who, grace):
    form = seen(database, suggest((530_000, 187_000)))
    for account in (grace, who("surveyor"), who("planner")):
        with pytest.raises(NotAllowed):
            change(database, account, form, name="Mine")
    with pytest.raises(NoSuchSpace):
        change(database, who("contributor"), form, name="Mine")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_in_words(name, typed):
    try:
        said = str(read_value(FIELDS[name], typed))
    except ValueError as error:
        said = f"{error}"
    assert "\x00" not in said
