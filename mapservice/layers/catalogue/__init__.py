"""The layer catalogue: every layer of the service, declared once.

Adding a layer is one declaration in this package (and a view in a migration where the relation is new); no
other file knows any layer by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mapservice.layers.catalogue.assets import assets
from mapservice.layers.catalogue.boundaries import localities, wards
from mapservice.layers.catalogue.green_spaces import green_spaces
from mapservice.layers.catalogue.services import services
from mapservice.layers.catalogue.shared import Shared
from mapservice.layers.catalogue.small_areas import small_areas
from mapservice.layers.layer import Layer, Style
from mapservice.layers.visibility import Viewer, may_see
from mapservice.register.borough import Borough


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All layers, in the order in which they are shown."""

    layers: tuple[Layer, ...]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def get(self, layer_id: str) -> Layer | None:
        """The layer with this id, or None."""
        return next((layer for layer in self.layers if layer.id == layer_id), None)

    def visible_to(self, viewer: Viewer) -> Catalogue:
        """The layers that exist for a viewer."""
        return Catalogue(tuple(layer for layer in self.layers if may_see(layer, viewer)))

    def with_layer(self, layer: Layer) -> Catalogue:
        """This catalogue and one layer more."""
        return Catalogue((*self.layers, layer))


def build_catalogue(borough: Borough) -> Catalogue:
    """The layers of one borough: its boundary sets, its localities, and what the register holds."""
    shared = Shared(borough)
    return Catalogue(
        (
            *(wards(borough, boundary_set) for boundary_set in borough.boundary_sets),
            localities(borough),
            small_areas(borough),
            assets(
                shared,
                "assets",
                "All places that can help",
                "Every community asset of the register: hubs, community centres, libraries, children's "
                "centres, GP practices and more. A place that does several things appears once.",
                where=None,
                style=Style("#1d70b8", "circle", "•"),
            ),
            assets(
                shared,
                "hubs",
                shared.hub.plural,
                "One-stop shops for help with work, money, food, home, family and wellbeing, one for each "
                "locality. A hub whose place is still to be confirmed is listed without a position.",
                where="f.categories @> '{hub}'",
                style=Style("#912b88", "diamond", "H", shown=True),
            ),
            assets(
                shared,
                "community-centres",
                "Community centres and hubs",
                "Community centres, community hubs and halls.",
                where="f.categories && '{community-centre,community-hub}'",
                style=Style("#b8420f", "square", "C", shown=True),
            ),
            assets(
                shared,
                "libraries",
                "Libraries",
                "Public libraries.",
                where="f.categories @> '{library}'",
                style=Style("#28788c", "circle", "L", shown=True),
            ),
            assets(
                shared,
                "childrens-centres",
                "Children's centres",
                "Children's centres: help for families with children under five.",
                where="f.categories @> '{childrens-centre}'",
                style=Style("#8a4b00", "triangle", "B", shown=True),
            ),
            assets(
                shared,
                "gp-sites",
                "GP practices",
                "GP practices and medical centres, with the NHS organisation (ODS) code of each.",
                where="f.categories @> '{gp-site}'",
                style=Style("#003078", "hexagon", "G", shown=True),
            ),
            services(shared),
            green_spaces(
                shared,
                "green-spaces",
                "Green spaces",
                "Green spaces in the borough and just outside it, with who may use them. Where no outline is "
                "known the position is an approximate point.",
                where="f.status = 'existing'",
                style=Style("#00703c", "area", "P", shown=True),
            ),
            green_spaces(
                shared,
                "potential-green-spaces",
                "Potential green spaces",
                "Spaces that could become green spaces the public can use, with the stage each has reached. "
                "Rows marked as demonstration are examples, not proposals about a real place.",
                where="f.status = 'potential'",
                style=Style("#6a7d00", "area", "?", dashed=True),
            ),
        )
    )
