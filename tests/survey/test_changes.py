"""What was done to a space, with before and after, its outline drawn where that moved."""

import pytest
from sqlalchemy import text

from mapservice.maps.difference import draw_difference
from mapservice.survey.changes import OF_SPACE, changes_of
from mapservice.survey.people import ANYBODY, shown_names
from mapservice.survey.spaces import read_space


@pytest.fixture(scope="module")
def changed(database, suggest, who):
    """A space that was named and moved, and that got an entrance."""
    ada = who("reviewer", public_name="Ada L")
    space_id = suggest()
    with database.session(ada.actor, "The sign says so") as session:
        session.execute(
            text("UPDATE register.green_spaces SET name = 'Named', cost_gbp = 100 WHERE id = :id"),
            {"id": space_id},
        )
    with database.session("import of parks") as session:
        session.execute(
            text("UPDATE register.green_spaces SET geom = ST_Translate(geom, 20, 10) WHERE id = :id"),
            {"id": space_id},
        )
        session.execute(
            text(
                "INSERT INTO register.entrances (id, green_space_key, geom, source_id)"
                " SELECT 'tried-entrance', key, ST_Centroid(geom), 'green-space-survey'"
                " FROM register.green_spaces WHERE id = :id"
            ),
            {"id": space_id},
        )
    with database.session("tests") as session:
        space = read_space(session, space_id, ("public", "network"))
        return changes_of(session, space, ("public", "network"))


def test_changes_come_newest_first_with_who_and_why(changed):
    told = [(change.table, change.operation, change.by, change.reason) for change in changed]
    assert told == [
        ("entrances", "created", "import of parks", None),
        ("green_spaces", "updated", "import of parks", None),
        ("green_spaces", "updated", "Ada L", "The sign says so"),
        ("green_spaces", "created", "tests", None),
    ]


def test_each_field_has_its_before_and_after(changed):
    named = changed[2]
    assert {each.name: (each.before is None, each.after) for each in named.differences} == {
        "name": (False, "Named"),
        "cost_gbp": (True, 100),
    }
    assert named.drawn is None


def test_an_outline_that_moved_is_drawn_as_it_was_and_is_in_one_frame(changed):
    drawn = changed[1].drawn
    assert drawn.before.startswith("M")
    assert drawn.after.startswith("M")
    numbers = [float(each) for each in drawn.after.replace("M", "").replace("L", "").replace("Z", "").split()]
    assert all(0 <= number <= 400 for number in numbers)
    assert drawn.before != drawn.after
    assert changed[0].drawn.before is None
    svg = draw_difference(drawn.before, drawn.after, 'Before "and" <after>')
    assert svg.count("<path") == 2
    assert "<after>" not in svg


def test_who_sent_without_an_account_is_a_resident_like_any_other(database):
    from mapservice.web.survey.suggesting import ANYBODY as SENDS_AS

    assert SENDS_AS == ANYBODY
    with database.session("tests") as session:
        names = shown_names(session, {SENDS_AS, None, "person-gone", "import of parks"})
    assert names == {
        SENDS_AS: "a resident",
        None: "a resident",
        "person-gone": "a resident",
        "import of parks": "import of parks",
    }


def test_the_history_of_one_space_is_found_without_looking_through_all(fresh_database):
    with fresh_database.owner.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO history.changes (table_name, row_key, operation, actor, after)"
                " SELECT what, n::text, 'created', 'tests', jsonb_build_object('green_space_key', n)"
                " FROM generate_series(1, 10000) n, unnest(ARRAY['entrances', 'green_spaces']) what"
            )
        )
        connection.execute(text("ANALYZE history.changes"))
        plan = connection.execute(
            text(f"EXPLAIN SELECT FROM history.changes c WHERE {OF_SPACE}"),
            {"keys": ["4711"], "viewer": ["public"]},
        ).scalars()
        read = "\n".join(plan)
    assert "changes_entrances" in read
    assert "Seq Scan on changes" not in read
