"""Which of the places found an answer names, in which order, and what it says when wishes refuse them all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mapservice.finder.search import COMPARED, Found, Place, Wish, Wishes, by_distance

SPECIFIC_FIRST = 3
"""So many places known to help with the need are named, even where other doors are nearer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The places to name. Where wishes refused all, `refused` says which did, and the places are others."""

    places: list[Place]
    refused: tuple[Wish, ...] = ()


def choose(found: Found, wishes: Wishes, told: Collection[str], most: int) -> Choice:
    """The nearest places for the need and the nearest doors where anybody may ask, as one list."""
    if not wishes.made:
        return Choice(_nearest(found, "", told, most))
    fitting = [place for place in _nearest(found, "+", (), COMPARED * 2) if wishes_met(place, wishes)]
    if fitting:
        kept = [place for place in fitting if place.id not in told]
        return Choice((kept or fitting)[:most])
    known = [place for place in found.places if place.sections & {"need", "door", "need+", "door+"}]
    alone = tuple(wish for wish in wishes.made if not any(wish in place.fits for place in known))
    return Choice(_nearest(found, "", told, most), refused=alone or wishes.made)


def wishes_met(place: Place, wishes: Wishes) -> bool:
    """Whether a place is as wished. What is not known is not met: nobody is sent to try."""
    return all(wish in place.fits for wish in wishes.made)


def to_ring_first(place: Place) -> bool:
    """Whether nobody should set out without ringing: the place is shut, or a note stands for its hours."""
    facts = place.properties
    shut = place.opening.word == "closure"
    return shut or (bool(facts.get("opening_note")) and not facts.get("opening_hours"))


def _nearest(found: Found, suffix: str, told: Collection[str], most: int) -> list[Place]:
    specific = [place for place in found.of(f"need{suffix}") if place.id not in told]
    doors = [place for place in found.of(f"door{suffix}") if place.id not in told and place not in specific]
    kept = specific[:SPECIFIC_FIRST]
    rest = sorted([*specific[SPECIFIC_FIRST:], *doors], key=by_distance)[: max(0, most - len(kept))]
    # Those to ring first come last: nobody is sent to stand before a closed door.
    return sorted([*kept, *rest], key=lambda place: (to_ring_first(place), *by_distance(place)))
