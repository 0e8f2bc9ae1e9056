"""MapLibre style documents for vector tiles, made from the layers' own styles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mapservice.layers.layer import Layer
from mapservice.maps.symbols import readable_on

Document = dict[str, Any]

SOURCE = "mapservice"
# Renderers differ in whether they tell a geometry of several parts from one of one.
POINTS: list[Any] = ["match", ["geometry-type"], ["Point", "MultiPoint"], True, False]
OUTLINES: list[Any] = ["match", ["geometry-type"], ["Polygon", "MultiPolygon"], True, False]
RADIUS_PX = 10
"""Close up; a third of it from afar, where points stand close together."""
LETTERS_FROM_ZOOM = 13


def style_document(name: str, tilejson: str, layers: Iterable[Layer], all_shown: bool = False) -> Document:
    """A style, version 8, that draws layers as the service's own map does.

    `tilejson` is the address of the tile set's TileJSON. Areas come first, so that points lie on top of them.
    Of several layers those that the map does not show at first are hidden, unless `all_shown`. Letters are
    drawn in the reader's own fonts: no glyphs are fetched from anywhere.
    """
    drawn = list(layers)
    parts = [part for draw in (_areas, _points) for layer in drawn for part in draw(layer)]
    hidden = {layer.id for layer in drawn if not (all_shown or layer.style.shown)}
    for part in parts:
        if part["source-layer"] in hidden:
            part.setdefault("layout", {})["visibility"] = "none"
    return {
        "version": 8,
        "name": name,
        "sources": {SOURCE: {"type": "vector", "url": tilejson, "promoteId": _named(drawn)}},
        "layers": parts,
    }


def _named(layers: list[Layer]) -> dict[str, str]:
    """For layers whose ids are texts, the attribute that holds them."""
    return {layer.id: "id" for layer in layers if layer.id_type == "text"}


def _areas(layer: Layer) -> list[Document]:
    if layer.geometry_kind == "point":
        return []
    style = layer.style
    line: Document = {"line-color": style.colour, "line-width": 2}
    if style.dashed:
        line["line-dasharray"] = [3, 2]
    outline = _part(layer, "outline", "line", line, OUTLINES)
    if style.symbol == "outline":
        return [outline]
    # A pattern would need an image; a dashed outline and a paler fill tell the planned from the real.
    fill = {"fill-color": style.colour, "fill-opacity": 0.15 if style.dashed else 0.35}
    return [_part(layer, "area", "fill", fill, OUTLINES), outline]


def _points(layer: Layer) -> list[Document]:
    if layer.geometry_kind == "polygon":
        return []
    style = layer.style
    circle = {
        "circle-color": style.colour,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, RADIUS_PX / 3, 15, RADIUS_PX],
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 1.5,
    }
    parts = [_part(layer, "point", "circle", circle, POINTS)]
    if style.letter:
        letter = _part(layer, "letter", "symbol", {"text-color": readable_on(style.colour)}, POINTS)
        letter["layout"] = {
            "text-field": style.letter,
            "text-font": ["sans-serif"],
            "text-size": 12,
            "text-allow-overlap": True,
            "text-ignore-placement": True,
        }
        letter["minzoom"] = LETTERS_FROM_ZOOM
        parts.append(letter)
    return parts


def _part(layer: Layer, suffix: str, kind: str, paint: Document, wanted: list[Any]) -> Document:
    return {
        "id": f"{layer.id}-{suffix}",
        "type": kind,
        "source": SOURCE,
        "source-layer": layer.id,
        "filter": wanted,
        "paint": paint,
        "metadata": {"title": layer.title},
    }
