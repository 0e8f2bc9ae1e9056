"""Folium elements of our own: a layer fetched from the API, and the hand-over to the page's script."""

from __future__ import annotations

from typing import Any

from branca.element import MacroElement
from folium.elements import JSCSSMixin
from folium.map import Layer as FoliumLayer
from folium.plugins import Fullscreen, GeoMan, LocateControl, MarkerCluster
from folium.template import Template


class ServerLayer(FoliumLayer):
    """A catalogue layer: its features come from ``options["url"]`` as the map moves, never with the page."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = mapservice.layer({{ this.options|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, options: dict[str, Any], *, show: bool) -> None:
        super().__init__(name=options["title"], overlay=True, control=False, show=show)
        self._name = "ServerLayer"
        self.options = options


class Start(MacroElement):
    """The last element of a map: hands map, clusters and layers to the page's own script."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            mapservice.start({{ this._parent.get_name() }}, {
                clusters: {{ this.clusters.get_name() }},
                layers: [{{ this.layer_names }}],
                ...{{ this.options|tojson }}
            });
        {% endmacro %}
        """
    )

    def __init__(self, clusters: MacroElement, layers: list[ServerLayer], options: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Start"
        self.clusters = clusters
        self.layer_names = ", ".join(layer.get_name() for layer in layers)
        self.options = options


# Folium's plugins name a public host for their files; ours come in the one bundle this server gives.
class OwnMarkerCluster(MarkerCluster):
    """Clusters, with the plugin's files from this server."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class
    default_css: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class


class OwnLocateControl(LocateControl):
    """The locate-me button, with the plugin's files from this server."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class
    default_css: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class


class OwnFullscreen(Fullscreen):
    """The full-screen button, with the plugin's files from this server."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class
    default_css: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class


class OwnGeoMan(GeoMan):
    """What shapes are drawn with, with the plugin's files from this server."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class
    default_css: list[tuple[str, str]] = []  # noqa: RUF012 - Folium reads it off the class


def ours(element: JSCSSMixin, script: str, style: str) -> None:
    """Give one Folium element this server's two files in place of what it names itself."""
    element.default_js = [("mapservice_script", script)]
    element.default_css = [("mapservice_style", style)]
