"""What counts as access to green space, in numbers, with where each number is from."""

from __future__ import annotations

from dataclasses import dataclass

ACCESSIBLE = ("open-to-all", "restricted-hours")
"""Kinds of access with which a space serves the public; one for members, or of unknown access, does not."""
CAPACITY_HA_PER_1000 = 3.0
"""Natural England, Green Infrastructure Framework (2023): hectares for every 1,000 people."""
SMALL_AREAS_RANKED = 33_755
"""Small areas of England that the Index of Multiple Deprivation 2025 ranks (LSOAs of 2021)."""
PUBLIC_OWNERS = ("council", "public", "public-body", "government", "nhs", "school", "transport-body")
"""Values of a space's `owner_kind` that are public bodies."""


@dataclass(frozen=True, slots=True)
class Standard:
    """A green space of so many hectares within so many metres.

    `straight` says that it is measured in a straight line whatever else is known: it is too far to walk.
    """

    id: str
    title: str
    hectares: float
    metres: int
    straight: bool = False


ANY_SIZE = Standard("any-size", "Any size", 0.0, 300)
"""A green space within 300 m, whatever its size: the 300 of the rule 3-30-300."""
DOORSTEP = Standard("doorstep", "Doorstep", 0.5, 200)
LOCAL = Standard("local", "Local natural", 2.0, 300)
STANDARDS = (
    ANY_SIZE,
    DOORSTEP,
    LOCAL,
    Standard("neighbourhood", "Neighbourhood natural", 10.0, 1_000),
    Standard("wider-neighbourhood", "Wider neighbourhood", 20.0, 2_000),
    Standard("district", "District", 100.0, 5_000, straight=True),
    Standard("sub-regional", "Sub-regional", 500.0, 10_000, straight=True),
)
"""Size and distance as in Natural England's Accessible Greenspace Standards (2023), and `ANY_SIZE`."""
