"""A small map as one static SVG, for paper: outlines of layers, numbered places, where one asked from.

It is drawn from our own geometries, needs no script and no tile, and is black where colour would be lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from psycopg import Cursor

from mapservice.layers.layer import Layer
from mapservice.layers.outlines import Square, read_outlines
from mapservice.layers.visibility import Viewer

RADIUS = 6378137.0
NEAREST_VIEW_M = 350
"""Half a side, at least: closer up there would be nothing to know one's way by."""
FARTHEST_VIEW_M = 2500
"""And at most: what lies further away stands in the list and not on the map."""
EDGE = 0.84
"""Of half a side, how far out a place may be drawn, so that its number is whole."""
BARS_M = (100, 200, 500, 1000, 2000)

# As attributes and not in a style sheet, so that it looks the same wherever the drawing is shown.
AREA = 'fill="#d5e5d2" fill-rule="evenodd" stroke="#5c7a58" stroke-width="3"'
DASHED = 'fill="#eef0d8" fill-rule="evenodd" stroke="#4d5a00" stroke-width="4" stroke-dasharray="12 8"'
LINE = 'fill="none" stroke="#444" stroke-width="5" stroke-dasharray="18 10"'
LEADER = 'stroke="#000" stroke-width="4"'
DISC = 'fill="#fff" stroke="#000" stroke-width="6"'
CROSS = 'fill="none" stroke="#000" stroke-width="12"'
BAR = 'fill="none" stroke="#000" stroke-width="6"'

APART = 72
"""How far the middles of two numbers are from one another, at least."""

Spot = tuple[int, int]
"""Where something is drawn."""
Position = tuple[float, float]
"""Longitude and latitude in degrees."""


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """The drawing as markup, and which of the places it was asked for lie on it."""

    svg: str
    on_it: frozenset[int]


def draw_map(
    cursor: Cursor[Any],
    layers: Iterable[Layer],
    viewer: Viewer,
    you: Position,
    places: list[tuple[int, Position]],
    label: str,
    *,
    marked: bool = True,
    also: Iterable[Position] = (),
) -> DrawnMap:
    """A map around `you` (a cross, if `marked`) with as many of the numbered places as one would walk to.

    `also` are positions that are to lie on it as well, without a number: the corners of an area.
    """
    square = square_around(you, [*(position for _, position in places), *also])
    drawn = [
        f'<path d="{path}" {_look(layer)}/>' for layer, path in read_outlines(cursor, layers, square, viewer)
    ]
    spots = [(number, _spot(position, square)) for number, position in places]
    seen = [(number, spot) for number, spot in spots if all(0 < at < 1000 for at in spot)]
    here = _spot(you, square)
    drawn += _numbers(seen, here)
    if marked:
        drawn.append(_here(here))
    drawn.append(_bar(square, you[1]))
    body = "".join(drawn)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" class="app-drawn" viewBox="0 0 1000 1000" role="img" '
        f'aria-label="{escape(label, quote=True)}">{body}</svg>'
    )
    return DrawnMap(svg, frozenset(number for number, _ in seen))


def _look(layer: Layer) -> str:
    if layer.style.symbol != "area":
        return f'class="app-drawn__line" {LINE}'
    return f'class="app-drawn__area" {DASHED if layer.style.dashed else AREA}'


def square_around(you: Position, places: list[Position]) -> Square:
    """What is drawn: around `you`, with the places on it that one would walk to."""
    stretch = 1 / math.cos(math.radians(you[1]))  # of the Mercator grid, here
    x, y = _mercator(you)
    reach = NEAREST_VIEW_M * stretch
    for position in places:
        px, py = _mercator(position)
        needed = max(abs(px - x), abs(py - y)) / EDGE
        if needed <= FARTHEST_VIEW_M * stretch:
            reach = max(reach, needed)
    return Square(x, y, reach)


def _mercator(position: Position) -> tuple[float, float]:
    longitude, latitude = position
    y = math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))
    return RADIUS * math.radians(longitude), RADIUS * y


def _spot(position: Position, square: Square) -> Spot:
    x, y = _mercator(position)
    left, top = square.x - square.half, square.y + square.half
    return round((x - left) / square.unit), round((top - y) / square.unit)


def _numbers(places: list[tuple[int, Spot]], here: Spot) -> list[str]:
    """Each number at its place, or beside it with a line to it where another stands there already."""
    taken = [here]
    drawn = []
    for number, (x, y) in places:
        at = next(
            (one for one in _around(x, y) if all(math.dist(one, other) > APART for other in taken)), (x, y)
        )
        taken.append(at)
        line = f'<path d="M{x} {y}L{at[0]} {at[1]}" {LEADER}/>' if at != (x, y) else ""
        drawn.append(
            '<g class="app-drawn__number" font-size="50" font-weight="700">'
            f'{line}<circle cx="{at[0]}" cy="{at[1]}" r="38" {DISC}/>'
            f'<text x="{at[0]}" y="{at[1] + 18}" text-anchor="middle">{number}</text></g>'
        )
    return drawn


def _around(x: int, y: int) -> Iterator[Spot]:
    """The spot itself, then those around it, further and further out, as far as they are on the map."""
    yield x, y
    for out in (APART + 6, 2 * APART):
        for step in range(8):
            turn = step * math.pi / 4
            near = round(x + out * math.cos(turn)), round(y + out * math.sin(turn))
            if all(45 < at < 955 for at in near):
                yield near


def _here(spot: Spot) -> str:
    x, y = spot
    return f'<path class="app-drawn__you" d="M{x - 26} {y}h52M{x} {y - 26}v52" {CROSS}/>'


def _bar(square: Square, latitude: float) -> str:
    metres = square.unit * math.cos(math.radians(latitude))  # on the ground, for one unit of the drawing
    length = max((bar for bar in BARS_M if bar / metres <= 450), default=BARS_M[0])
    text = f"{length} m" if length < 1000 else f"{length // 1000} km"
    return (
        f'<g class="app-drawn__bar" font-size="40"><path d="M40 960v-20h{round(length / metres)}v20" {BAR}/>'
        f'<text x="50" y="925">{text}</text></g>'
    )
