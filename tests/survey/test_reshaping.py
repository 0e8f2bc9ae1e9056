"""An outline drawn anew: checked as any, its entrances with it, and nobody's drawing lost unseen."""

from types import SimpleNamespace

import pytest
from sqlalchemy import text

from mapservice.survey import outlines
from mapservice.survey.reshaping import as_drawn, entrances_of, reshape
from mapservice.survey.reverting import revert
from mapservice.survey.spaces import NotAllowed, Outdated, Refused, read_space

NETWORK = ("public", "network")


@pytest.fixture(scope="module")
def ada(who):
    return who("reviewer@south")


def seen(database, space_id):
    with database.session("tests") as session:
        space = read_space(session, space_id, NETWORK)
        return space, entrances_of(session, space)


def draw(database, account, space, geometry, entrances=(), had=()):
    with database.session(account.actor) as session:
        return reshape(session, space.id, account, space.version, geometry, entrances, had)


def moved(space, by=0.0001):
    drawn = as_drawn(space)
    ring = [[longitude + by, latitude] for longitude, latitude in drawn["coordinates"][0]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_an_outline_is_drawn_anew_and_taken_back_exactly(database, suggest, ada):
    space, _ = seen(database, suggest())
    statement = text("SELECT geom::text FROM register.green_spaces WHERE id = :id")
    with database.session("tests") as session:
        before = session.execute(statement, {"id": space.id}).scalar()
    after = draw(database, ada, space, moved(space))
    assert after.geometry != space.geometry
    with database.session(ada.actor) as session:
        revert(session, space.id, after.version, ada)
        assert session.execute(statement, {"id": space.id}).scalar() == before


def test_nobody_waits_while_an_outline_is_looked_at(database, suggest, ada, monkeypatch):
    space, _ = seen(database, suggest())
    looked = []

    def check(*given, **more):
        with database.session("somebody else") as other:
            other.execute(text("SET LOCAL lock_timeout = '500ms'"))
            other.execute(text("SELECT layers.wait_for_turn()"))
            looked.append(outlines.check(*given, **more))
        return looked[-1]

    monkeypatch.setattr("mapservice.survey.reshaping.outlines", SimpleNamespace(check=check))
    assert draw(database, ada, space, moved(space)).version != space.version
    assert len(looked) == 1


def test_what_is_as_it_was_is_no_change(database, suggest, ada):
    space, _ = seen(database, suggest())
    assert draw(database, ada, space, as_drawn(space)).version == space.version


def test_entrances_are_added_moved_and_taken_away_and_those_of_others_stay(database, suggest, ada):
    space, _ = seen(database, suggest())
    (longitude, latitude), *_ = as_drawn(space)["coordinates"][0]
    one, two = [longitude, latitude], [round(longitude + 0.0001, 7), latitude]
    draw(database, ada, space, as_drawn(space), [one, two])
    _, entrances = seen(database, space.id)
    assert [list(each.position) for each in entrances] == [one, two]
    # The form showed the first alone; it was moved. The second came from somebody else in the meantime.
    three = [longitude, round(latitude + 0.0001, 7)]
    draw(database, ada, space, as_drawn(space), [three], had=[entrances[0].id])
    _, now = seen(database, space.id)
    assert sorted(list(each.position) for each in now) == sorted([two, three])


def test_of_two_who_draw_at_once_the_second_is_told(database, suggest, ada):
    space, _ = seen(database, suggest())
    draw(database, ada, space, moved(space))
    with pytest.raises(Outdated):
        draw(database, ada, space, moved(space, 0.0002))
    # An entrance alone collides with nothing.
    now, _ = seen(database, space.id)
    (spot, *_) = as_drawn(now)["coordinates"][0]
    assert draw(database, ada, space, as_drawn(now), [spot]).geometry == now.geometry


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [2.35, 48.85]},
        {"type": "Polygon", "coordinates": [[[-0.1, 51.53], [-0.099, 51.531], [-0.1, 51.531], [-0.099, 51.53],
                                            [-0.1, 51.53]]]},
    ],
    ids=["paris", "bow-tie"],
)  # fmt: skip
def test_what_is_wrong_is_refused(database, suggest, ada, geometry):
    space, _ = seen(database, suggest())
    with pytest.raises(Refused):
        draw(database, ada, space, geometry)


def test_reviewers_of_elsewhere_draw_nothing(database, suggest, who):
    space, _ = seen(database, suggest())
    for grant in ("reviewer@north", "surveyor", "planner"):
        with pytest.raises(NotAllowed):
            draw(database, who(grant), space, moved(space))
