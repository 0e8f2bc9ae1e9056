"""What the survey says of itself is known again as it is kept, and what people typed stays as it is."""

import pytest

from mapservice.saying import Said
from mapservice.survey import reasons
from mapservice.survey.changes import changes_of
from mapservice.survey.reshaping import reshape
from mapservice.survey.spaces import read_space


@pytest.mark.parametrize(
    "kept, text, values",
    [
        ("Confirmed on the spot", reasons.CONFIRMED.text, {}),
        ("It became part of 5 % (x) %(id)s", reasons.BECAME_PART.text, {"name": "5 % (x) %(id)s"}),
        (str(reasons.OF_A_DRAFT), reasons.OF_A_DRAFT.text, {}),
        ("takes back change 12", reasons.REVERTED.text, {"number": "12"}),
    ],
)
def test_a_reason_of_its_own_is_known_again(kept, text, values):
    found = reasons.known_again(kept)
    assert (found, found.text, found.values) == (kept, text, values)


@pytest.mark.parametrize("typed", ["Merged into one by hand", "", None])
def test_what_somebody_typed_stays_as_it_is(typed):
    assert reasons.known_again(typed) == typed
    assert not isinstance(reasons.known_again(typed), Said)


def test_the_history_gives_it_so_that_it_can_be_translated(database, suggest, who):
    space_id, reviewer = suggest(), who("reviewer")
    with database.session("tests") as session:
        space = read_space(session, space_id, reviewer.sees)
        point = {"type": "Point", "coordinates": [-0.1012, 51.5272]}
        after = reshape(session, space_id, reviewer, space.version, point, [], [])
        newest = changes_of(session, after, reviewer.sees)[0]
    assert newest.reason.text == "drawn anew"
