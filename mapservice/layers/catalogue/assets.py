"""The layers of places that can help."""

from __future__ import annotations

from mapservice.layers.catalogue.shared import DIRECT_ENTRY, Shared, one_of, page, text
from mapservice.layers.layer import Editable, Layer, Property, Style
from mapservice.register import opening_hours
from mapservice.register.vocabulary import ACCESS_FACTS, SUPPORT, YES_NO_UNKNOWN


def assets(
    shared: Shared, layer_id: str, title: str, description: str, where: str | None, style: Style
) -> Layer:
    """A layer of places, chosen by `where`."""
    return Layer(
        id=layer_id,
        title=title,
        description=description,
        relation="layers.assets",
        where=where,
        geometry_kind="point",
        place_may_be_unknown=True,
        properties=(
            text("name", "Name"),
            text("kind", "Kind", "The first of its categories, in words."),
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
            text("organisation", "Organisation"),
            text("address", "Address"),
            text("postcode", "Postcode"),
            text("phone", "Phone"),
            text("email", "E-mail"),
            text("website", "Website"),
            Property(
                "opening_hours",
                "string",
                "Opening hours",
                "In OpenStreetMap's opening_hours syntax. Empty means not known: call first.",
                check=opening_hours.check,
            ),
            text("opening_note", "Opening, in words"),
            Property("closures", "array", "Closures", "When it is shut: from, to, reason.", filterable=False),
            *(one_of(name, title, YES_NO_UNKNOWN) for name, title in ACCESS_FACTS.items()),
            text(
                "step_free_source",
                "Step-free: source",
                "Whose word `step_free` is, where it is that of an entrance and not of the place as a whole.",
            ),
            Property("open_door", "boolean", "Open door", "Whether anybody may walk in and ask."),
            text("ods_code", "ODS code", "Code of the NHS Organisation Data Service."),
            one_of("position", "Position", ("building", "postcode", "none"), "What its point is."),
            text("hub_for", "Hub for", f"The locality whose {shared.hub.singular} it is."),
            text("listed_under", "Listed under", f'The locality that lists it under "{shared.promise}".'),
            Property(
                "locality",
                "string",
                "Locality",
                "The locality it lies in; of a place without a position, the one it is for.",
                expression="COALESCE(f.areas #>> '{localities,0,name}', f.hub_for_name)",
            ),
            *shared.membership,
            *shared.provenance,
            page("/assets/"),
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
            positions_of_points=("building", "postcode"),
            derived=("step_free",),
        ),
        brief=("name", "kind", "categories", "position", "demonstration"),
        page="/assets/",
        attribution=shared.attribution,
        licence=shared.licence,
        licence_url=shared.licence_url,
        keywords=("community assets", layer_id),
    )
