"""Who may do what, as a table; and how roles are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapservice.accounts.permissions import (
    ALLOWED,
    LOCAL_ROLES,
    ROLE_WORDS,
    SEES,
    WITHOUT_ACCOUNT,
    Action,
    Grant,
    Role,
    UnknownRole,
    localities_for,
    may,
    sees,
)

GRANTS = st.builds(Grant, st.sampled_from(Role)) | st.builds(
    Grant, st.sampled_from(sorted(LOCAL_ROLES)), st.sampled_from(["north", "south"])
)


def test_every_action_and_role_is_in_the_tables():
    assert {*ALLOWED} == {*Action}
    assert {*SEES} == {*ROLE_WORDS} == {*Role}
    for action, roles in ALLOWED.items():
        assert Role.ADMINISTRATOR in roles, action


@pytest.mark.parametrize(
    "action, roles",
    [
        (Action.SUGGEST, {"contributor", "surveyor", "reviewer", "planner", "administrator"}),
        (Action.CONFIRM, {"surveyor", "reviewer", "administrator"}),
        (Action.PUBLISH, {"reviewer", "administrator"}),
        (Action.EDIT_FEATURES, {"planner", "administrator"}),
        (Action.MANAGE_PEOPLE, {"administrator"}),
    ],
)
def test_who_may(action, roles):
    assert {str(role) for role in Role if may([Grant(role)], action)} == roles


def test_anybody_may_suggest_and_nothing_else():
    assert {action for action in Action if may([], action)} == {Action.SUGGEST, Action.PHOTOGRAPH}


def test_a_role_for_one_locality_counts_there_and_nowhere_else():
    south = [Grant(Role.REVIEWER, "south")]
    assert may(south, Action.DECLINE, "south")
    assert may(south, Action.DECLINE)
    assert not may(south, Action.DECLINE, "north")
    assert not may(south, Action.DECLINE, "")
    assert may([Grant(Role.REVIEWER)], Action.DECLINE, "")


@given(st.sets(GRANTS), st.sampled_from(Action), st.sampled_from(["north", "south", "central"]))
def test_localities_and_permission_agree(grants, action, locality):
    where = localities_for(grants, action)
    if action not in WITHOUT_ACCOUNT:
        assert may(grants, action, locality) == (where is None or locality in where)
        assert may(grants, action) == (where is None or bool(where))
        assert may(grants, action, "") == (where is None)


@given(st.sets(GRANTS), GRANTS)
def test_one_role_more_never_lets_one_do_or_see_less(grants, more):
    for action in Action:
        assert may(grants, action) <= may({*grants, more}, action)
    assert {*sees(grants)} <= {*sees({*grants, more})}


@given(GRANTS)
def test_what_is_written_is_read_back(grant):
    assert Grant.parse(str(grant)) == grant


@pytest.mark.parametrize(
    "written", ["", "king", "planner@south", "reviewer@", "reviewer@So uth", "Reviewer", "a@b@c"]
)
def test_what_is_no_role_is_refused(written):
    with pytest.raises(UnknownRole):
        Grant.parse(written)
