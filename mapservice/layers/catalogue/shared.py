"""What several layers have in common."""

from __future__ import annotations

from mapservice.layers.layer import Property
from mapservice.register.borough import Borough

# Rows that people enter through the API name this source of geodata's own list; a migration makes it.
DIRECT_ENTRY = {"source_id": "'direct-entry'", "verified": "false", "demonstration": "false"}


class Shared:
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


def text(name: str, title: str, description: str = "") -> Property:
    """A property of plain text."""
    return Property(name, "string", title, description)


def one_of(name: str, title: str, values: tuple[str, ...], description: str = "") -> Property:
    """A property that is one of some words."""
    return Property(name, "string", title, description, values=values)


def page(path: str) -> Property:
    """The address of a feature's page under a path."""
    return Property(
        "page",
        "string",
        "Page",
        "Address of its page for residents.",
        expression=f"%(site)s || '{path}' || f.id",
        filterable=False,
        sortable=False,
    )
