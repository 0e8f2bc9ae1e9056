"""From ways as a source draws them to the edges of a network: split where ways meet, islands left out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Kind = Literal["street", "path", "steps"]
Bounds = tuple[float, float, float, float]

SMALLEST_PART = 0.01
"""Share of the whole length below which a part that nothing joins to the rest is an island."""


@dataclass(frozen=True, slots=True)
class Way:
    """What a walker needs to know of a street or path as its source has it."""

    reference: str
    kind: Kind
    step_free: bool = True
    at_grade: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes and edges, ready to be written; `lines[i]` is edge i, from `from_node[i]` to `to_node[i]`."""

    nodes: NDArray[np.float64]
    from_node: NDArray[np.int32]
    to_node: NDArray[np.int32]
    metres: NDArray[np.float64]
    ways: list[Way]
    lines: NDArray[Any]
    islands: int = 0

    @property
    def digest(self) -> str:
        """The same for the same network, whichever file it came from."""
        digest = hashlib.sha256()
        for line, way in zip(shapely.to_wkb(self.lines), self.ways, strict=True):
            digest.update(line)
            digest.update(f"{way.reference}|{way.kind}|{way.step_free}|{way.at_grade}".encode())
        for array in (self.from_node, self.to_node):
            digest.update(array.tobytes())
        return digest.hexdigest()


def build_network(
    ways: Sequence[Way],
    starts: NDArray[np.int64],
    vertices: NDArray[np.int64],
    coordinates: NDArray[np.float64],
    within: Bounds,
) -> Network | None:
    """A network of ways: way i has the vertices from `starts[i]` up to `starts[i + 1]`.

    Ways meet where they have a vertex of the same number, and nowhere else: a bridge and the street below
    share none. Edges outside `within` (EPSG:27700) are left out; None if nothing remains.
    """
    if not len(ways):
        return None
    coordinates = np.round(coordinates, 3)
    first = np.zeros(len(vertices), dtype=bool)
    first[starts[:-1]] = True
    last = np.zeros(len(vertices), dtype=bool)
    last[starts[1:] - 1] = True
    numbers, identity = np.unique(vertices, return_inverse=True)
    meeting = np.bincount(identity, minlength=len(numbers)) > 1
    broken = np.flatnonzero(meeting[identity] | first | last)
    # Each edge runs from one break to the next, unless that begins another way.
    begin, end = broken[:-1], broken[1:]
    along = ~last[begin]
    begin, end = begin[along], end[along]
    steps = np.hypot(*np.diff(coordinates, axis=0).T)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    metres = travelled[end] - travelled[begin]
    owner = np.searchsorted(starts, begin, side="right") - 1
    keep = (metres > 0) & _touching(coordinates, begin, end, within)
    begin, end, metres, owner = begin[keep], end[keep], metres[keep], owner[keep]
    if not len(begin):
        return None
    joined, islands = _joined(identity[begin], identity[end], metres)
    begin, end, metres, owner = begin[joined], end[joined], metres[joined], owner[joined]
    ends, numbered = np.unique(np.concatenate([identity[begin], identity[end]]), return_inverse=True)
    somewhere = np.empty(len(numbers), dtype=np.int64)
    somewhere[identity] = np.arange(len(identity))
    return Network(
        nodes=coordinates[somewhere[ends]],
        from_node=numbered[: len(begin)].astype(np.int32),
        to_node=numbered[len(begin) :].astype(np.int32),
        metres=metres,
        ways=[ways[number] for number in owner],
        lines=_lines(coordinates, begin, end),
        islands=islands,
    )


def _touching(
    coordinates: NDArray[np.float64], begin: NDArray[np.int64], end: NDArray[np.int64], within: Bounds
) -> NDArray[np.bool_]:
    """Which edges have a vertex within the bounds; edges are short beside the margin of the bounds."""
    west, south, east, north = within
    x, y = coordinates.T
    inside = ((x >= west) & (x <= east) & (y >= south) & (y <= north)).astype(np.int64)
    counted = np.concatenate([[0], np.cumsum(inside)])
    touching: NDArray[np.bool_] = counted[end + 1] > counted[begin]
    return touching


def _joined(
    start: NDArray[np.int64], end: NDArray[np.int64], metres: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], int]:
    """Which edges belong to a part worth walking in, and how many islands do not.

    A stretch in a courtyard that no mapped path leads to would catch the postcodes around it, and nobody
    would get anywhere from there.
    """
    size = int(max(start.max(), end.max())) + 1
    _, part = connected_components(coo_array((metres, (start, end)), shape=(size, size)), directed=False)
    length = np.bincount(part[start], weights=metres)
    large = length >= SMALLEST_PART * metres.sum()
    return large[part[start]], int(np.count_nonzero((length > 0) & ~large))


def _lines(
    coordinates: NDArray[np.float64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[Any]:
    count = end - begin + 1
    edge = np.repeat(np.arange(len(begin)), count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    lines: NDArray[Any] = shapely.linestrings(coordinates[begin[edge] + place], indices=edge)
    return lines
