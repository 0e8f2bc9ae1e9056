"""The layer catalogue: every layer of the service, declared once.

Adding a layer is one declaration here (and a view in a migration where the relation is new); no other file
knows any layer by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mapservice.layers.layer import Editable, Layer, Property, Style
from mapservice.layers.population import small_areas
from mapservice.layers.visibility import Viewer, may_see
from mapservice.register.borough import Borough, BoundarySetFile
from mapservice.register.vocabulary import ACCESS_FACTS, SUPPORT, YES_NO_UNKNOWN

# Rows that people enter through the API name this source of geodata's own list; a migration makes it.
DIRECT_ENTRY = {"source_id": "'direct-entry'", "verified": "false", "demonstration": "false"}


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
    shared = _Shared(borough)
    return Catalogue(
        (
            *(_wards(borough, boundary_set) for boundary_set in borough.boundary_sets),
            _localities(borough),
            small_areas(borough),
            _assets(
                shared,
                "assets",
                "All places that can help",
                "Every community asset of the register: hubs, community centres, libraries, children's "
                "centres, GP practices and more. A place that does several things appears once.",
                where=None,
                style=Style("#1d70b8", "circle", "•"),
            ),
            _assets(
                shared,
                "hubs",
                shared.hub.plural,
                "One-stop shops for help with work, money, food, home, family and wellbeing, one for each "
                "locality. A hub whose place is still to be confirmed is listed without a position.",
                where="f.categories @> '{hub}'",
                style=Style("#912b88", "diamond", "H", shown=True),
            ),
            _assets(
                shared,
                "community-centres",
                "Community centres and hubs",
                "Community centres, community hubs and halls.",
                where="f.categories && '{community-centre,community-hub}'",
                style=Style("#b8420f", "square", "C", shown=True),
            ),
            _assets(
                shared,
                "libraries",
                "Libraries",
                "Public libraries.",
                where="f.categories @> '{library}'",
                style=Style("#28788c", "circle", "L", shown=True),
            ),
            _assets(
                shared,
                "childrens-centres",
                "Children's centres",
                "Children's centres: help for families with children under five.",
                where="f.categories @> '{childrens-centre}'",
                style=Style("#8a4b00", "triangle", "B", shown=True),
            ),
            _assets(
                shared,
                "gp-sites",
                "GP practices",
                "GP practices and medical centres, with the NHS organisation (ODS) code of each.",
                where="f.categories @> '{gp-site}'",
                style=Style("#003078", "hexagon", "G", shown=True),
            ),
            _green_spaces(
                shared,
                "green-spaces",
                "Green spaces",
                "Green spaces in the borough and just outside it, with who may use them. Where no outline is "
                "known the position is an approximate point.",
                where="f.status = 'existing'",
                style=Style("#00703c", "area", "P", shown=True),
            ),
            _green_spaces(
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


class _Shared:
    """Properties that several layers have in common."""

    def __init__(self, borough: Borough) -> None:
        self.hub = borough.hub
        self.promise = borough.promise
        self.attribution = " ".join(borough.attribution)
        self.licence = f"{borough.licence}, except features whose own licence says otherwise"
        self.licence_url = borough.licence_url
        self.membership = (
            *(
                prop
                for boundary_set in borough.boundary_sets
                for prop in (
                    Property(
                        f"ward_{boundary_set.vintage}",
                        "string",
                        f"Ward ({boundary_set.vintage})",
                        f"Its ward, of {boundary_set.title}; the one with the largest share of it.",
                        expression=f"f.areas #>> '{{{boundary_set.id},0,name}}'",
                    ),
                    Property(
                        f"ward_{boundary_set.vintage}_code",
                        "string",
                        f"Ward code ({boundary_set.vintage})",
                        "Code of that ward in the Office for National Statistics' register (GSS).",
                        expression=f"f.areas #>> '{{{boundary_set.id},0,code}}'",
                    ),
                )
            ),
        )
        self.areas = Property(
            "areas",
            "object",
            "Areas",
            "Every ward and locality it lies in, by boundary set, with its share (0 to 1).",
            filterable=False,
            sortable=False,
        )
        self.provenance = (
            Property("source", "string", "Source", "Where the facts came from."),
            Property("licence", "string", "Licence", "Licence of that source."),
            # Not to filter by: as a parameter, `as_of` asks for the layer as it was.
            Property(
                "as_of",
                "string",
                "As of",
                "The date of the source, as precisely as it is known.",
                filterable=False,
            ),
            Property("confirmed_on", "date", "Confirmed on", "When somebody last confirmed the facts."),
            Property(
                "verified", "boolean", "Verified", "Whether address and position were seen in a source."
            ),
            Property(
                "demonstration", "boolean", "Demonstration", "True for an example that is not a real place."
            ),
            Property("note", "string", "Note", filterable=False, sortable=False),
            Property("updated_at", "date-time", "Updated", "When the row last changed."),
        )


def _text(name: str, title: str, description: str = "") -> Property:
    return Property(name, "string", title, description)


def _one_of(name: str, title: str, values: tuple[str, ...], description: str = "") -> Property:
    return Property(name, "string", title, description, values=values)


def _page(path: str) -> Property:
    return Property(
        "page",
        "string",
        "Page",
        "Address of its page for residents.",
        expression=f"%(site)s || '{path}' || f.id",
        filterable=False,
        sortable=False,
    )


def _overlaps(boundary_set_id: str, name: str, title: str) -> Property:
    return Property(
        name,
        "array",
        title,
        "Each with its share of this area and of its postcodes (0 to 1), largest first.",
        expression=f"f.areas -> '{boundary_set_id}'",
        filterable=False,
        sortable=False,
    )


_AREA_PROPERTIES = (
    _text("name", "Name"),
    _text("code", "Code", "Code in the Office for National Statistics' register (GSS)."),
    _text("vintage", "Vintage", "The boundary set it belongs to."),
    Property("valid_from", "date", "Valid from"),
    Property("valid_to", "date", "Valid to", "Empty while it is in force."),
    Property("area_ha", "number", "Area", "Area in EPSG:27700.", unit="ha"),
)


def _wards(borough: Borough, boundary_set: BoundarySetFile) -> Layer:
    newest = boundary_set is borough.newest_wards
    return Layer(
        id=boundary_set.id,
        title=boundary_set.title,
        description=f"{boundary_set.title} of {borough.name}. {boundary_set.accuracy}",
        relation="layers.areas",
        where=f"f.boundary_set_id = '{boundary_set.id}'",
        geometry_kind="polygon",
        properties=(
            *_AREA_PROPERTIES,
            _overlaps("localities", "localities", "Localities"),
            *(
                _overlaps(other.id, f"wards_{other.vintage}", other.title)
                for other in borough.boundary_sets
                if other is not boundary_set
            ),
            _text("source", "Source"),
            _text("licence", "Licence"),
        ),
        style=Style("#505a5f" if newest else "#7a6a00", "outline", dashed=not newest, shown=newest),
        time=("valid_from", "valid_to"),
        tracked=True,
        attribution=" ".join(borough.attribution),
        licence=borough.licence,
        licence_url=borough.licence_url,
        keywords=("wards", "boundaries", boundary_set.vintage),
    )


def _localities(borough: Borough) -> Layer:
    return Layer(
        id="localities",
        title=borough.localities.title,
        description=f"Localities of {borough.name}, defined on the wards of {borough.locality_vintage}. "
        f"{borough.localities.accuracy}",
        relation="layers.areas",
        where="f.boundary_set_id = 'localities'",
        geometry_kind="polygon",
        properties=(
            *(p for p in _AREA_PROPERTIES if p.name in ("name", "area_ha")),
            *(_overlaps(s.id, f"wards_{s.vintage}", s.title) for s in borough.boundary_sets),
            _text("source", "Source"),
            _text("licence", "Licence"),
        ),
        style=Style("#4c2c92", "outline"),
        time=("valid_from", "valid_to"),
        tracked=True,
        attribution=" ".join(borough.attribution),
        licence=borough.licence,
        licence_url=borough.licence_url,
        keywords=("localities", "boundaries"),
    )


def _assets(
    shared: _Shared, layer_id: str, title: str, description: str, where: str | None, style: Style
) -> Layer:
    return Layer(
        id=layer_id,
        title=title,
        description=description,
        relation="layers.assets",
        where=where,
        geometry_kind="point",
        properties=(
            _text("name", "Name"),
            _text("kind", "Kind", "The first of its categories, in words."),
            Property("categories", "array", "Categories", "All it is: one place can be several things."),
            Property(
                "support",
                "array",
                "Help with",
                "Dimensions of support a source states for this place.",
                values=SUPPORT,
            ),
            Property(
                "usual_support",
                "array",
                "Usual help",
                "Dimensions of support that places of this kind exist for; weaker than `support`.",
                values=SUPPORT,
            ),
            _text("organisation", "Organisation"),
            _text("address", "Address"),
            _text("postcode", "Postcode"),
            _text("phone", "Phone"),
            _text("email", "E-mail"),
            _text("website", "Website"),
            _text(
                "opening_hours",
                "Opening hours",
                "In OpenStreetMap's opening_hours syntax. Empty means not known: call first.",
            ),
            _text("opening_note", "Opening, in words"),
            Property("closures", "array", "Closures", "When it is shut: from, to, reason.", filterable=False),
            *(_one_of(name, title, YES_NO_UNKNOWN) for name, title in ACCESS_FACTS.items()),
            Property("open_door", "boolean", "Open door", "Whether anybody may walk in and ask."),
            _text("ods_code", "ODS code", "Code of the NHS Organisation Data Service."),
            _one_of("position", "Position", ("building", "postcode", "none"), "What its point is."),
            _text("hub_for", "Hub for", f"The locality whose {shared.hub.singular} it is."),
            _text("listed_under", "Listed under", f'The locality that lists it under "{shared.promise}".'),
            Property(
                "locality",
                "string",
                "Locality",
                "The locality it lies in; of a place without a position, the one it is for.",
                expression="COALESCE(f.areas #>> '{localities,0,name}', f.hub_for_name)",
            ),
            *shared.membership,
            *shared.provenance,
            _page("/assets/"),
        ),
        style=style,
        time=("updated_at", "updated_at"),
        tracked=True,
        editable=Editable(
            table="register.assets",
            properties=(
                *("name", "categories", "support", "address", "postcode", "opening_hours", "opening_note"),
                *ACCESS_FACTS,
                *("ods_code", "position", "as_of", "confirmed_on", "verified", "demonstration"),
                "note",
            ),
            required=("name", "categories"),
            defaults={**DIRECT_ENTRY, "support": "'{}'", **dict.fromkeys(ACCESS_FACTS, "'unknown'")},
            place_may_be_unknown=True,
            positions_of_points=("building", "postcode"),
        ),
        brief=("name", "kind", "categories", "position", "demonstration"),
        page="/assets/",
        attribution=shared.attribution,
        licence=shared.licence,
        licence_url=shared.licence_url,
        keywords=("community assets", layer_id),
    )


def _green_spaces(
    shared: _Shared, layer_id: str, title: str, description: str, where: str, style: Style
) -> Layer:
    potential = layer_id == "potential-green-spaces"
    return Layer(
        id=layer_id,
        title=title,
        description=description,
        relation="layers.green_spaces",
        where=where,
        geometry_kind="mixed",
        properties=(
            _text("name", "Name"),
            _text("type", "Type", "Typology of OS Open Greenspace and PPG17."),
            _one_of(
                "access",
                "Access",
                ("open-to-all", "restricted-hours", "members-or-residents", "no-access", "unknown"),
                "Who may use it.",
            ),
            _text("access_note", "Access, in words"),
            *(
                (
                    _one_of(
                        "stage",
                        "Stage",
                        ("suggested", "checked-on-site", "owner-contacted", "plan", "declined"),
                        "How far it has come.",
                    ),
                    _text("stage_reason", "Reason"),
                    _text("current_use", "Current use", "What is there now."),
                    _text("owner_kind", "Kind of owner"),
                    Property("cost_gbp", "integer", "Cost", "What opening it would cost.", unit="GBP"),
                )
                if potential
                else ()
            ),
            Property("area_ha", "number", "Area", "Area of the outline in EPSG:27700.", unit="ha"),
            Property("area_stated_ha", "number", "Area stated", "Area that a source states.", unit="ha"),
            _one_of(
                "position",
                "Position",
                ("outline", "approximate"),
                "Whether the outline is known or only an approximate point.",
            ),
            Property("in_borough", "boolean", "In the borough", "Whether any of it lies in the borough."),
            _text("address", "Address"),
            _text("postcode", "Postcode"),
            Property(
                "locality",
                "string",
                "Locality",
                "The locality that holds the largest share of it.",
                expression="f.areas #>> '{localities,0,name}'",
            ),
            *shared.membership,
            shared.areas,
            *shared.provenance,
            _page("/green-spaces/"),
        ),
        style=style,
        time=("updated_at", "updated_at"),
        tracked=True,
        editable=Editable(
            table="register.green_spaces",
            properties=(
                *("name", "type", "access", "access_note", "address", "postcode", "area_stated_ha"),
                *(("stage", "stage_reason", "current_use", "owner_kind", "cost_gbp") if potential else ()),
                *("position", "as_of", "confirmed_on", "verified", "demonstration", "note"),
            ),
            required=("name", "type"),
            defaults={
                **DIRECT_ENTRY,
                "access": "'unknown'",
                "status": "'potential'" if potential else "'existing'",
                **({"stage": "'suggested'"} if potential else {}),
            },
            positions_of_points=("approximate",),
            positions_of_outlines=("outline",),
        ),
        brief=("name", "type", "access", *(["stage"] if potential else []), "position", "demonstration"),
        page="/green-spaces/",
        attribution=shared.attribution,
        licence=shared.licence,
        licence_url=shared.licence_url,
        keywords=("green space", layer_id),
    )
