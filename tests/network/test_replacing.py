"""Another network is taken in while one is read: nobody mixes edges of one with the graph of the other."""

import pytest

from mapservice.network import measuring, routing, walking
from mapservice.network.measuring import measure
from mapservice.network.routing import find_route
from mapservice.network.walking import walking as walks_from
from mapservice.sources import run_import
from tests.network.conftest import write_open_roads

LIBRARY = "finsbury-library"


def town(path, step):
    """Straight streets around the library, so many metres apart: fewer are fewer keys of edges."""
    west, south, east, north = 530_800, 182_000, 532_400, 183_600
    points = {(x, y): f"{x} {y}" for x in range(west, east + 1, step) for y in range(south, north + 1, step)}
    links = [
        (f"{name}-{points[other]}", name, points[other], f"LINESTRING ({name}, {points[other]})")
        for (x, y), name in points.items()
        for other in ((x + step, y), (x, y + step))
        if other in points
    ]
    return write_open_roads(path / f"town-{step}.gpkg", links)


@pytest.fixture
def replacing(fresh_database, tmp_path, monkeypatch):
    """A function: when something of a module is called next, another network is taken in just before."""
    wide, narrow = town(tmp_path, 400), town(tmp_path, 100)
    assert run_import(fresh_database, "open-roads", wide, "tester").ok

    def replace_before(module, name):
        original, left = getattr(module, name), [narrow]

        def late(*arguments, **more):
            if left:
                assert run_import(fresh_database, "open-roads", left.pop(), "tester").ok
            return original(*arguments, **more)

        monkeypatch.setattr(module, name, late)

    return replace_before


@pytest.mark.parametrize("name", ["read_graphs", "_read_postcodes", "read_access"])
def test_the_batch_starts_again(fresh_database, replacing, name):
    replacing(measuring, name)
    assert measure(fresh_database) > 10
    with fresh_database.reading() as cursor:
        left = cursor.execute(
            "SELECT count(*) FROM network.places WHERE measured IS DISTINCT FROM generation"
        ).fetchone()
        edges = cursor.execute(
            "SELECT max(a.edge), max(e.key) FROM network.access a, network.edges e"
        ).fetchone()
    assert left == (0,)
    assert edges[0] <= edges[1]
    assert edges[0] > 40, "the ways in are of the network that came later"


def test_a_question_is_answered_from_one_network(fresh_database, replacing):
    def ask():
        with fresh_database.reading() as cursor:
            return walks_from(cursor, -0.1046, 51.5265).metres

    before = ask()
    assert ("assets", LIBRARY) in before
    replacing(walking, "read_access")
    assert ask() == before
    assert ask() != before


def test_a_way_is_drawn_on_one_network(fresh_database, replacing):
    def ask():
        with fresh_database.reading() as cursor:
            return find_route(cursor, -0.1100, 51.5290, "assets", LIBRARY)

    before = ask()
    assert before.walk.is_path
    replacing(routing, "read_spot")
    assert ask() == before
    assert ask() != before
