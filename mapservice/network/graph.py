"""The network as a graph in memory: how far everything is from somewhere, and the way there.

Positions are points of edges (`Spot`), not nodes: somebody in the middle of a long street need not first walk
to its end. A search starts from a node added for it, joined to the ends of the edges it starts on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

NEXT_TO_NOTHING = 1e-6
"""Metres: an edge of length 0 is no edge to scipy."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of an edge, as a share of its length, and the metres from there to the place itself."""

    edge: int
    fraction: float
    metres: float


@dataclass(frozen=True, slots=True)
class Leg:
    """A piece of an edge that is walked, from one share of its length to another; backwards if less."""

    edge: int
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Spots:
    """Many spots as arrays, for measuring to all of them at once."""

    edge: Ints
    fraction: Floats
    metres: Floats

    @classmethod
    def of(cls, spots: Sequence[Spot]) -> Spots:
        """The spots as arrays."""
        return cls(
            np.array([spot.edge for spot in spots], dtype=np.int32),
            np.array([spot.fraction for spot in spots], dtype=np.float64),
            np.array([spot.metres for spot in spots], dtype=np.float64),
        )


@dataclass(frozen=True)
class Graph:
    """Edges by their keys, and who is next to whom as compressed rows; see `build_graph`."""

    from_node: Ints
    to_node: Ints
    metres: Floats
    nodes: int
    _rows: Ints = field(repr=False)
    _neighbours: Ints = field(repr=False)
    _lengths: Floats = field(repr=False)
    _edges: Ints = field(repr=False)

    def distances(self, starts: Iterable[Spot], limit: float) -> Floats:
        """Metres from the nearest of the starts to each node; infinite beyond the limit."""
        found: Floats = self._search(list(starts), limit, False)[: self.nodes]
        return found

    def to_spots(self, starts: Sequence[Spot], spots: Spots, limit: float) -> Floats:
        """Metres from the nearest of the starts to each spot, infinite where there is no way."""
        if not starts:
            return np.full(len(spots.edge), np.inf)
        reached = self.distances(starts, limit)
        along = spots.fraction * self.metres[spots.edge]
        rest = self.metres[spots.edge] - along
        best = np.minimum(
            reached[self.from_node[spots.edge]] + along, reached[self.to_node[spots.edge]] + rest
        )
        for start in starts:
            # On the same edge one need not go by way of its ends.
            same = np.flatnonzero(spots.edge == start.edge)
            direct = np.abs(spots.fraction[same] - start.fraction) * self.metres[start.edge] + start.metres
            best[same] = np.minimum(best[same], direct)
        return best + spots.metres

    def route(self, start: Spot, ends: Sequence[Spot], limit: float) -> tuple[float, list[Leg]] | None:
        """The shortest way from a spot to the nearest of others: its metres and its pieces in order."""
        reached, before = self._search([start], limit, True)
        best: tuple[float, Spot, int | None, float] | None = None
        for end in ends:
            length = float(self.metres[end.edge])
            first, last = int(self.from_node[end.edge]), int(self.to_node[end.edge])
            # With the share of the edge it is entered at: of a loop both ends are one node.
            options: list[tuple[float, int | None, float]] = [
                (float(reached[first]) + end.fraction * length, first, 0.0),
                (float(reached[last]) + (1 - end.fraction) * length, last, 1.0),
            ]
            if end.edge == start.edge:
                direct = abs(end.fraction - start.fraction) * length + start.metres
                options.append((direct, None, start.fraction))
            metres, node, entered = min(options, key=lambda option: option[0])
            if np.isfinite(metres) and (best is None or metres + end.metres < best[0]):
                best = (metres + end.metres, end, node, entered)
        if best is None:
            return None
        metres, end, node, entered = best
        legs = [Leg(end.edge, entered, end.fraction)]
        if node is None:
            return metres, legs
        while (previous := int(before[node])) != self.nodes:
            legs.append(self._leg(previous, node))
            node = previous
        # The first node may be either end of the edge it starts on.
        ends_of = {int(self.from_node[start.edge]): 0.0, int(self.to_node[start.edge]): 1.0}
        if self.from_node[start.edge] == self.to_node[start.edge]:
            ends_of = {node: 0.0 if start.fraction <= 0.5 else 1.0}
        legs.append(Leg(start.edge, start.fraction, ends_of[node]))
        return metres, [leg for leg in reversed(legs) if leg.begin != leg.end]

    def _leg(self, start: int, end: int) -> Leg:
        begin = self._rows[start]
        row = self._neighbours[begin : self._rows[start + 1]]
        edge = int(self._edges[begin + np.searchsorted(row, end)])
        return Leg(edge, 0.0, 1.0) if self.from_node[edge] == start else Leg(edge, 1.0, 0.0)

    def _search(self, starts: Sequence[Spot], limit: float, predecessors: bool) -> Any:
        offsets: dict[int, float] = {}
        for start in starts:
            length = float(self.metres[start.edge])
            for node, metres in (
                (int(self.from_node[start.edge]), start.metres + start.fraction * length),
                (int(self.to_node[start.edge]), start.metres + (1 - start.fraction) * length),
            ):
                offsets[node] = min(metres, offsets.get(node, np.inf))
        neighbours = np.append(self._neighbours, np.fromiter(sorted(offsets), np.int32))
        lengths = np.append(self._lengths, [max(offsets[node], NEXT_TO_NOTHING) for node in sorted(offsets)])
        rows = np.append(self._rows, np.int32(len(neighbours)))
        graph = csr_array((lengths, neighbours, rows), shape=(self.nodes + 1, self.nodes + 1))
        return dijkstra(
            graph, directed=True, indices=self.nodes, limit=limit, return_predecessors=predecessors
        )


def build_graph(
    from_node: Ints, to_node: Ints, metres: Floats, allowed: NDArray[np.bool_] | None = None
) -> Graph:
    """A graph of edges; only those `allowed` are walked along, if not all.

    Of several edges between the same nodes the shortest is walked.
    """
    nodes = int(max(from_node.max(), to_node.max())) + 1
    walked = from_node != to_node
    if allowed is not None:
        walked &= allowed
    edges = np.flatnonzero(walked).astype(np.int32)
    start = np.concatenate([from_node[edges], to_node[edges]])
    end = np.concatenate([to_node[edges], from_node[edges]])
    both = np.concatenate([edges, edges])
    order = np.lexsort((metres[both], end, start))
    start, end, both = start[order], end[order], both[order]
    shortest = np.ones(len(start), dtype=bool)
    shortest[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
    start, end, both = start[shortest], end[shortest], both[shortest]
    rows = np.zeros(nodes + 1, dtype=np.int32)
    np.cumsum(np.bincount(start, minlength=nodes), out=rows[1:])
    return Graph(
        from_node, to_node, metres, nodes, rows, end.astype(np.int32), metres[both].astype(np.float64), both
    )
