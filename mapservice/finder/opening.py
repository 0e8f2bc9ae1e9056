"""Whether a place is open, from what is published about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from mapservice.register.opening_hours import Closure, Opening, opening_at

OFFICE_HOURS = "Mo-Fr 09:00-17:00; PH off"
"""Outside of these, a line for out of hours may be the only one that somebody answers."""


def offices_are_shut(now: datetime) -> bool:
    """Whether it is evening, night, a weekend or a bank holiday."""
    return not _opening(OFFICE_HOURS, (), now.replace(second=0, microsecond=0), None).is_open


def opening_of(facts: Mapping[str, Any], now: datetime) -> Opening:
    """What is known of a place at a moment, to the minute. Places share their hours, and so the working out.

    Where a note stands in place of hours, a person has to ring.
    """
    closures = tuple(
        Closure(
            date.fromisoformat(c["from"]), date.fromisoformat(c["to"]) if "to" in c else None, c["reason"]
        )
        for c in facts.get("closures") or ()
    )
    hours = facts.get("opening_hours")
    if not hours and not closures:
        return Opening("unknown")
    lon, lat = facts.get("lon"), facts.get("lat")
    position = (round(lon, 1), round(lat, 1)) if lon is not None and lat is not None else None
    return _opening(hours, closures, now.replace(second=0, microsecond=0), position)


def _day(text: str) -> date:
    return date.fromisoformat(text)


@lru_cache(maxsize=8192)
def _opening(
    hours: str | None, closures: tuple[Closure, ...], now: datetime, position: tuple[float, float] | None
) -> Opening:
    return opening_at(hours, closures, now, position)
