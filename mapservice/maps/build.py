"""Builds the maps: Folium elements from the catalogue's declarations, rendered once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import folium
from folium.utilities import JsCode

from mapservice.layers.layer import Layer
from mapservice.maps.document import Parts, take_apart
from mapservice.maps.elements import (
    OwnFullscreen,
    OwnGeoMan,
    OwnLocateControl,
    OwnMarkerCluster,
    ServerLayer,
    Start,
    ours,
)
from mapservice.maps.symbols import symbol_svg

Variant = Literal["full", "small", "draw"]
VARIANTS: tuple[Variant, ...] = ("full", "small", "draw")
# The page has buttons of its own, with words on them, so that of the plugin's bar nothing is left.
NO_BAR = (
    {
        f"draw_{name}": False
        for name in ("marker", "circle_marker", "polyline", "rectangle", "polygon", "circle", "text")
    }
    | {f"{name}_mode": False for name in ("edit", "drag", "removal", "rotate")}
    | {"cut_polygon": False}
)

OSM_URL = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
OSM_ATTRIBUTION = 'Map <a href="https://www.openstreetmap.org/copyright">© OpenStreetMap contributors</a>'


@dataclass(frozen=True, slots=True)
class BaseMap:
    """The picture under the layers: a Leaflet tile address and the credit its owner asks for."""

    url: str
    attribution: str


@dataclass(frozen=True, slots=True)
class FrontendFiles:
    """Addresses, on this server, of the built script and style of the map."""

    script: str
    style: str


@dataclass(frozen=True, slots=True)
class BuiltMap:
    """A rendered map. ``body`` goes into the page; script and style are served under their own names."""

    body: str
    script: str
    style: str
    script_name: str
    style_name: str
    script_urls: tuple[str, ...]
    style_urls: tuple[str, ...]


def base_map(kind: str, url: str | None = None, attribution: str | None = None) -> BaseMap | None:
    """The base map that the settings ask for: ``none``, ``osm`` or ``custom``; None means no base map."""
    if kind == "osm":
        return BaseMap(OSM_URL, OSM_ATTRIBUTION)
    if kind == "custom" and url and attribution:
        return BaseMap(url, attribution)
    return None


def build_map(
    catalogue: Iterable[Layer],
    *,
    files: FrontendFiles,
    centre: tuple[float, float],
    zoom: int,
    bounds: tuple[float, float, float, float] | None = None,
    base: BaseMap | None = None,
    variant: Variant = "full",
    items_url: str = "/api/collections/{layer}/items",
) -> BuiltMap:
    """Build the map of all layers of a catalogue.

    ``centre`` is (longitude, latitude) and ``bounds`` (west, south, east, north), degrees. The ``small``
    variant goes beside a page's own list: it shows what the page lists, over outlines and areas only.
    The ``draw`` variant is such a map to draw on.
    """
    small = variant != "full"
    view = folium.Map(
        location=(centre[1], centre[0]),
        zoom_start=zoom,
        tiles=None,
        control_scale=not small,
        minZoom=10,
        maxZoom=19,
        # A page must scroll past a small map without the map catching the wheel.
        scrollWheelZoom=not small,
    )
    ours(view, files.script, files.style)
    if base is not None:
        folium.TileLayer(
            tiles=base.url, attr=base.attribution, name="Base map", max_zoom=19, control=False
        ).add_to(view)
    clusters = OwnMarkerCluster(  # type: ignore[no-untyped-call]
        control=False,
        show=False,
        icon_create_function=JsCode("mapservice.clusterIcon").js_code,
        maxClusterRadius=44,
        showCoverageOnHover=False,
        spiderfyOnMaxZoom=True,
        chunkedLoading=True,
    )
    clusters.add_to(view)
    layers = [_layer(layer, small, items_url) for layer in catalogue if _belongs(layer, small)]
    for layer in layers:
        layer.add_to(view)
    if not small:
        OwnLocateControl(  # type: ignore[no-untyped-call]
            strings={
                "title": "Show where I am",
                "popup": "You are within {distance} {unit} of here",
                "outsideMapBoundsMsg": "You seem to be outside the area this map covers",
            },
            setView="once",
            showCompass=False,
            locateOptions={"maxZoom": 16},
        ).add_to(view)
        full_screen = OwnFullscreen(title="Full screen", title_cancel="Leave full screen")  # type: ignore[no-untyped-call]
        full_screen.add_to(view)
    if variant == "draw":
        OwnGeoMan(**NO_BAR).add_to(view)  # type: ignore[no-untyped-call]
    Start(clusters, layers, _start_options(variant, bounds)).add_to(view)
    return _built(take_apart(view.get_root().render()), variant)


def _belongs(layer: Layer, small: bool) -> bool:
    return not small or (layer.geometry_kind != "point" and layer.style.shown)


def _layer(layer: Layer, small: bool, items_url: str) -> ServerLayer:
    style = layer.style
    options: dict[str, Any] = {
        "id": layer.id,
        "title": layer.title,
        "url": items_url.format(layer=layer.id),
        "page": layer.page,
        "colour": style.colour,
        "symbol": symbol_svg(style),
        "boundary": style.symbol == "outline",
        "area": style.symbol == "area",
        "dashed": style.dashed,
    }
    if small:
        options["quiet"] = True  # a picture behind the page's places: nothing in it takes focus
    return ServerLayer(
        {key: value for key, value in options.items() if value not in (None, False)}, show=style.shown
    )


def _start_options(variant: Variant, bounds: tuple[float, float, float, float] | None) -> dict[str, Any]:
    options: dict[str, Any] = {"small": variant != "full"}
    if variant == "draw":
        options["drawing"] = True
    if bounds is not None:
        west, south, east, north = bounds
        options["bounds"] = [[south, west], [north, east]]
    return options


def _built(parts: Parts, variant: Variant) -> BuiltMap:
    style = _without_page_rules(parts.style)
    return BuiltMap(
        body=parts.body,
        script=parts.script,
        style=style,
        script_name=f"{variant}-{_short_hash(parts.script)}.js",
        style_name=f"{variant}-{_short_hash(style)}.css",
        script_urls=parts.script_urls,
        style_urls=parts.style_urls,
    )


def _without_page_rules(style: str) -> str:
    """Folium's rules for a page that is nothing but a map do not belong on a page with a body of its own."""
    rules = [rule.strip() + "}" for rule in style.split("}") if rule.strip()]
    return "\n".join(rule for rule in rules if not rule.startswith(("html", "#map {", "#map{")))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
