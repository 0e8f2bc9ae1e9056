"""Who may walk where, by OpenStreetMap's tagging conventions and their defaults in the United Kingdom."""

from __future__ import annotations

from collections.abc import Mapping

from mapservice.network.build import Kind, Way

STREETS = frozenset(
    (
        "trunk",
        "trunk_link",
        "primary",
        "primary_link",
        "secondary",
        "secondary_link",
        "tertiary",
        "tertiary_link",
        "unclassified",
        "residential",
        "living_street",
        "service",
        "road",
    )
)
PATHS = frozenset(("footway", "path", "pedestrian", "bridleway", "cycleway", "track"))
# Fast roads, on which walkers need a pavement.
FAST = frozenset(("trunk", "trunk_link", "primary", "primary_link"))
ALLOWED = frozenset(("yes", "designated", "permissive", "destination", "public", "official", "discouraged"))
CLOSED = frozenset(
    (
        "no",
        "private",
        "customers",
        "delivery",
        "military",
        "emergency",
        "agricultural",
        "forestry",
        "permit",
        "employees",
        "residents",
        "use_sidepath",
    )
)
NO_PAVEMENT = frozenset(("no", "none"))


def walkable(tags: Mapping[str, str], reference: str) -> Way | None:
    """The way a walker sees in an object's tags; None where nobody may walk, or for no street at all."""
    highway = tags.get("highway", "")
    steps = highway == "steps"
    if not (steps or highway in STREETS or highway in PATHS) or not _may_walk(highway, tags):
        return None
    wheelchair = tags.get("wheelchair") or tags.get("ramp:wheelchair")
    return Way(
        reference,
        _kind(highway),
        step_free=wheelchair == "yes" if steps else tags.get("wheelchair") != "no",
        at_grade=not _bridge_or_tunnel(tags),
    )


def _kind(highway: str) -> Kind:
    if highway == "steps":
        return "steps"
    return "street" if highway in STREETS else "path"


def _may_walk(highway: str, tags: Mapping[str, str]) -> bool:
    foot = tags.get("foot", "")
    # The more special tag has the last word: a private road with foot=permissive may be walked along.
    if foot in ALLOWED:
        return True
    if foot in CLOSED or tags.get("motorroad") == "yes" or tags.get("indoor") == "yes":
        return False
    if tags.get("access", "") in CLOSED or tags.get("service") == "drive-through":
        return False
    if highway in FAST:
        pavement = {tags.get(f"sidewalk{side}", "") for side in ("", ":both", ":left", ":right")} - {""}
        if highway.startswith("trunk") and pavement and pavement <= NO_PAVEMENT:
            return False
        # Nobody is sent through a main road's tunnel unless it is known to have a pavement.
        if tags.get("tunnel", "no") not in ("no", "building_passage") and pavement <= NO_PAVEMENT:
            return False
    return True


def _bridge_or_tunnel(tags: Mapping[str, str]) -> bool:
    return (
        tags.get("bridge", "no") != "no"
        or tags.get("tunnel", "no") not in ("no", "building_passage")
        or tags.get("layer", "0") not in ("0", "")
    )
