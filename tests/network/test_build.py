"""A network of ways: they meet where they share a vertex, and nowhere else."""

import numpy as np
import pytest

from mapservice.network.build import Way, build_network
from mapservice.network.graph import Leg, Spot, Spots, build_graph

EVERYWHERE = (-1e6, -1e6, 1e6, 1e6)


def network(*lines, within=EVERYWHERE, kinds=None):
    """Each line is a list of (vertex number, x, y)."""
    ways = [Way(f"way/{n}", (kinds or {}).get(n, "street")) for n in range(len(lines))]
    starts = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
    flat = [vertex for line in lines for vertex in line]
    vertices = np.array([number for number, _, _ in flat], dtype=np.int64)
    coordinates = np.array([(x, y) for _, x, y in flat], dtype=np.float64)
    return build_network(ways, starts, vertices, coordinates, within)


def graph_of(built):
    return build_graph(built.from_node, built.to_node, built.metres)


def test_ways_that_cross_without_a_common_vertex_do_not_meet():
    built = network([(1, 0, 5), (2, 10, 5)], [(3, 5, 0), (4, 5, 10)])
    assert len(built.ways) == 2
    metres = graph_of(built).to_spots([Spot(0, 0.0, 0.0)], Spots.of([Spot(1, 0.5, 0.0)]), 1000)
    assert metres[0] == np.inf, "one is a bridge over the other"


def test_ways_are_split_where_they_share_a_vertex():
    built = network([(1, 0, 5), (9, 5, 5), (2, 10, 5)], [(3, 5, 0), (9, 5, 5), (4, 5, 10)])
    assert built.metres.tolist() == [5, 5, 5, 5]
    assert [way.reference for way in built.ways] == ["way/0", "way/0", "way/1", "way/1"]
    assert len(built.nodes) == 5
    metres = graph_of(built).to_spots([Spot(0, 0.0, 0.0)], Spots.of([Spot(3, 1.0, 0.0)]), 1000)
    assert metres[0] == pytest.approx(10)


def test_a_bend_that_nobody_else_touches_is_no_node():
    built = network([(1, 0, 0), (2, 3, 4), (3, 6, 0)])
    assert (len(built.ways), len(built.nodes), built.metres[0]) == (1, 2, 10)
    assert len(built.lines[0].coords) == 3


def test_islands_are_left_out_and_counted():
    built = network([(1, 0, 0), (2, 1000, 0)], [(3, 0, 50), (4, 5, 50)])
    assert [way.reference for way in built.ways] == ["way/0"]
    assert built.islands == 1


def test_edges_beyond_the_bounds_are_left_out():
    far = [(1, 0, 0), (2, 90, 0), (3, 180, 0), (4, 270, 0)]
    built = network(far, [(2, 90, 0), (5, 90, 50)], [(3, 180, 0), (6, 180, 50)], within=(-10, -10, 100, 100))
    assert sorted(built.metres.tolist()) == [50, 90, 90]
    assert network(far, within=(5000, 5000, 6000, 6000)) is None


def test_the_digest_names_what_is_in_the_network():
    one, two = network([(1, 0, 0), (2, 10, 0)]), network([(7, 0, 0), (8, 10, 0)])
    assert one.digest == two.digest, "numbers of vertices are the file's own affair"
    assert one.digest != network([(1, 0, 0), (2, 10, 1)]).digest
    assert one.digest != network([(1, 0, 0), (2, 10, 0)], kinds={0: "steps"}).digest


def square():
    """The four sides of a square of 100 m, edges 0 to 3 from its lower side on."""
    return network(
        [(1, 0, 0), (2, 100, 0)],
        [(2, 100, 0), (3, 100, 100)],
        [(3, 100, 100), (4, 0, 100)],
        [(4, 0, 100), (1, 0, 0)],
    )


def test_walks_begin_and_end_between_nodes():
    graph = graph_of(square())
    middle = Spot(0, 0.5, 7.0)  # in the middle of the lower side, 7 m from it
    spots = Spots.of([Spot(0, 0.9, 0.0), Spot(1, 0.5, 3.0), Spot(2, 0.5, 0.0)])
    assert graph.to_spots([middle], spots, 1000).tolist() == pytest.approx([47, 110, 207])


def test_beyond_the_limit_nothing_is_known_and_the_nearest_start_counts():
    graph = graph_of(square())
    top = Spots.of([Spot(2, 0.5, 0.0)])
    assert graph.to_spots([Spot(0, 0.5, 0.0)], top, 100)[0] == np.inf
    assert graph.to_spots([Spot(0, 0.5, 0.0), Spot(1, 1.0, 0.0)], top, 1000)[0] == pytest.approx(50)
    assert graph.to_spots([], top, 1000)[0] == np.inf


def test_a_route_is_made_of_pieces_of_edges_in_order():
    graph = graph_of(square())
    metres, legs = graph.route(Spot(0, 0.75, 0.0), [Spot(2, 0.25, 0.0)], 1000)
    assert metres == pytest.approx(150)
    assert legs == [Leg(0, 0.75, 1.0), Leg(1, 0.0, 1.0), Leg(2, 0.0, 0.25)]
    assert graph.route(Spot(0, 0.75, 0.0), [Spot(0, 0.25, 0.0)], 1000) == (50, [Leg(0, 0.75, 0.25)])
    assert graph.route(Spot(0, 0.5, 0.0), [Spot(2, 0.5, 0.0)], 100) is None


def test_of_two_edges_between_the_same_nodes_the_shorter_is_walked():
    built = network(
        [(1, 0, 0), (2, 100, 0)], [(1, 0, 0), (3, 50, 80), (2, 100, 0)], [(2, 100, 0), (4, 200, 0)]
    )
    metres, legs = graph_of(built).route(Spot(2, 1.0, 0.0), [Spot(0, 0.0, 0.0)], 1000)
    assert metres == pytest.approx(200)
    assert [leg.edge for leg in legs] == [2, 0]


def test_edges_that_are_not_allowed_are_walked_round():
    built = square()
    allowed = np.array([True, False, True, True])
    graph = build_graph(built.from_node, built.to_node, built.metres, allowed)
    assert graph.route(Spot(0, 1.0, 0.0), [Spot(2, 0.0, 0.0)], 1000)[0] == pytest.approx(300)
