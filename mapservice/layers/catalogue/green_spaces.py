"""The layers of green spaces, existing and potential."""

from __future__ import annotations

from mapservice.layers.catalogue.shared import DIRECT_ENTRY, Shared, one_of, page, text
from mapservice.layers.layer import Editable, Layer, Property, Style


def green_spaces(
    shared: Shared, layer_id: str, title: str, description: str, where: str, style: Style
) -> Layer:
    """A layer of green spaces, chosen by `where`."""
    potential = layer_id == "potential-green-spaces"
    return Layer(
        id=layer_id,
        title=title,
        description=description,
        relation="layers.green_spaces",
        where=where,
        geometry_kind="mixed",
        properties=(
            text("name", "Name"),
            text("type", "Type", "Typology of OS Open Greenspace and PPG17."),
            one_of(
                "access",
                "Access",
                ("open-to-all", "restricted-hours", "members-or-residents", "no-access", "unknown"),
                "Who may use it.",
            ),
            text("access_note", "Access, in words"),
            *(
                (
                    one_of(
                        "stage",
                        "Stage",
                        ("suggested", "checked-on-site", "owner-contacted", "plan", "declined"),
                        "How far it has come.",
                    ),
                    text("stage_reason", "Reason"),
                    text("current_use", "Current use", "What is there now."),
                    text("owner_kind", "Kind of owner"),
                    Property("cost_gbp", "integer", "Cost", "What opening it would cost.", unit="GBP"),
                    text("opportunity", "Opportunity", "Why it could be good."),
                )
                if potential
                else (Property("opened_on", "date", "Opened", "When it was opened to the public."),)
            ),
            Property("area_ha", "number", "Area", "Area of the outline in EPSG:27700.", unit="ha"),
            Property("area_stated_ha", "number", "Area stated", "Area that a source states.", unit="ha"),
            one_of(
                "position",
                "Position",
                ("outline", "approximate"),
                "Whether the outline is known or only an approximate point.",
            ),
            Property("in_borough", "boolean", "In the borough", "Whether any of it lies in the borough."),
            text("address", "Address"),
            text("postcode", "Postcode"),
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
            page("/green-spaces/"),
        ),
        style=style,
        time=("updated_at", "updated_at"),
        tracked=True,
        editable=Editable(
            table="register.green_spaces",
            properties=(
                *("name", "type", "access", "access_note", "address", "postcode", "area_stated_ha"),
                *(
                    ("stage", "stage_reason", "current_use", "owner_kind", "cost_gbp", "opportunity")
                    if potential
                    else ("opened_on",)
                ),
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
            derived=("name",),
        ),
        brief=("name", "type", "access", *(["stage"] if potential else []), "position", "demonstration"),
        page="/green-spaces/",
        attribution=shared.attribution,
        licence=shared.licence,
        licence_url=shared.licence_url,
        keywords=("green space", layer_id),
    )
