"""The layers of wards and localities."""

from __future__ import annotations

from mapservice.layers.catalogue.shared import text
from mapservice.layers.layer import Layer, Property, Style
from mapservice.register.borough import Borough, BoundarySetFile


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
    text("name", "Name"),
    text("code", "Code", "Code in the Office for National Statistics' register (GSS)."),
    text("vintage", "Vintage", "The boundary set it belongs to."),
    Property("valid_from", "date", "Valid from"),
    Property("valid_to", "date", "Valid to", "Empty while it is in force."),
    Property("area_ha", "number", "Area", "Area in EPSG:27700.", unit="ha"),
)


def wards(borough: Borough, boundary_set: BoundarySetFile) -> Layer:
    """The wards of one vintage."""
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
            text("source", "Source"),
            text("licence", "Licence"),
        ),
        style=Style("#505a5f" if newest else "#7a6a00", "outline", dashed=not newest, shown=newest),
        time=("valid_from", "valid_to"),
        tracked=True,
        attribution=" ".join(borough.attribution),
        licence=borough.licence,
        licence_url=borough.licence_url,
        keywords=("wards", "boundaries", boundary_set.vintage),
    )


def localities(borough: Borough) -> Layer:
    """The localities."""
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
            text("source", "Source"),
            text("licence", "Licence"),
        ),
        style=Style("#4c2c92", "outline"),
        time=("valid_from", "valid_to"),
        tracked=True,
        attribution=" ".join(borough.attribution),
        licence=borough.licence,
        licence_url=borough.licence_url,
        keywords=("localities", "boundaries"),
    )
