"""Ways along a graph small enough to be checked by hand."""

import numpy as np
import pytest

from mapservice.network.graph import Leg, Spot, build_graph

# A street of 100 m, and at its end a loop of 80 m that comes back to where it began.
STREET, LOOP = 0, 1
GRAPH = build_graph(np.array([0, 1], np.int32), np.array([1, 1], np.int32), np.array([100.0, 80.0]))


@pytest.mark.parametrize("share,metres,entered", [(0.25, 120.0, 0.0), (0.75, 120.0, 1.0), (0.9, 108.0, 1.0)])
def test_a_loop_is_entered_at_its_nearer_end(share, metres, entered):
    found = GRAPH.route(Spot(STREET, 0.0, 0.0), [Spot(LOOP, share, 0.0)], 1000)
    assert found == (pytest.approx(metres, abs=0.01), [Leg(STREET, 0.0, 1.0), Leg(LOOP, entered, share)])


@pytest.mark.parametrize("share,left", [(0.25, 0.0), (0.75, 1.0)])
def test_a_loop_is_left_at_its_nearer_end(share, left):
    metres, legs = GRAPH.route(Spot(LOOP, share, 0.0), [Spot(STREET, 0.0, 0.0)], 1000)
    assert metres == pytest.approx(120.0, abs=0.01)
    assert legs == [Leg(LOOP, share, left), Leg(STREET, 1.0, 0.0)]


def test_on_one_edge_the_way_is_along_it():
    found = GRAPH.route(Spot(LOOP, 0.25, 0.0), [Spot(LOOP, 0.5, 0.0)], 1000)
    assert found == (pytest.approx(20.0), [Leg(LOOP, 0.25, 0.5)])
