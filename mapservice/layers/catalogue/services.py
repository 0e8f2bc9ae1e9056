"""The layer of services: what is offered where, and when."""

from __future__ import annotations

from mapservice.layers.catalogue.shared import Shared, one_of, text
from mapservice.layers.layer import Layer, Property, Style
from mapservice.register.vocabulary import SUPPORT


def services(shared: Shared) -> Layer:
    """One feature for each place where a service is given; its row follows the register by itself."""
    return Layer(
        id="services",
        title="Services",
        description="What organisations offer at places, in green spaces and at pop-up places: services, "
        "activities, events, volunteering and outreach, each with its sessions in words. The same directory "
        "is served as Open Referral UK. Rows marked as demonstration are examples and no real help.",
        relation="layers.services",
        geometry_kind="point",
        place_may_be_unknown=True,
        properties=(
            text("name", "Name"),
            one_of(
                "kind",
                "Kind",
                ("service", "activity", "event", "volunteering", "outreach"),
                "What it is.",
            ),
            text("description", "Description"),
            text("organisation", "Organisation", "Who gives it."),
            text("place", "Place", "Where it is given."),
            one_of("place_kind", "Kind of place", ("assets", "green-spaces", "pop-up"), "What the place is."),
            text("place_id", "Place id", "The place's id in its own layer."),
            text("address", "Address"),
            text("postcode", "Postcode"),
            one_of("status", "Status", ("active", "inactive", "defunct", "temporarily closed")),
            text("alert", "Alert", "What to know just now."),
            Property("needs", "array", "Help with", "Dimensions of support it speaks to.", values=SUPPORT),
            Property("terms", "array", "Terms", "The terms it is described with, of any taxonomy."),
            Property("sessions", "array", "Sessions", "When it is given, in words. Empty: not known."),
            text("cost", "Cost", "Empty: not known."),
            Property("minimum_age", "number", "Minimum age", "Empty: open-ended.", unit="years"),
            Property("maximum_age", "number", "Maximum age", "Empty: open-ended.", unit="years"),
            text("eligibility", "For whom"),
            text("how_to_get_it", "How to get it", "Self-referral, referral, drop-in."),
            Property("languages", "array", "Languages", "Languages it is given in, where a source says so."),
            text("phone", "Phone"),
            text("email", "E-mail"),
            text("website", "Website"),
            text("step_free", "Step-free", "Whether one can get in without steps, where that is known."),
            text("service", "Service id", "Of one service given at several places all rows have the same."),
            Property(
                "locality",
                "string",
                "Locality",
                "The locality it is given in.",
                expression="f.areas #>> '{localities,0,name}'",
            ),
            *shared.membership,
            *shared.provenance,
            Property(
                "page",
                "string",
                "Page",
                "Address of its place's page for residents.",
                expression="CASE WHEN f.place_kind <> 'pop-up'"
                " THEN %(site)s || '/' || f.place_kind || '/' || f.place_id END",
                filterable=False,
                sortable=False,
            ),
        ),
        style=Style("#5694ca", "square", "S"),
        time=("updated_at", "updated_at"),
        tracked=True,
        brief=("name", "kind", "place", "demonstration"),
        attribution=shared.attribution,
        licence=shared.licence,
        licence_url=shared.licence_url,
        keywords=("services", "directory", "Open Referral UK"),
    )
