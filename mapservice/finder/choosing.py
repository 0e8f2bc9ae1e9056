"""Which of the places found an answer names, in which order, and what it says when wishes refuse them all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mapservice.finder.search import COMPARED, Found, Place, Wish, Wishes, by_distance

SPECIFIC_FIRST = 3
"""So many places known to help with the need are named, even where other doors are nearer."""

SHOWN = 3
"""So many are shown before the rest is folded away."""
KNOWN_FIRST = 2
"""So many, at most, stand first for being known to help with the need."""

TELLING = ("support", "listed_under", "opening_hours", "opening_note", "phone", "email", "website")
"""A place of which none of these is known is known to stand there, and no more: a polling venue, say."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The places to name. Where wishes refused all, `refused` says which did, and the places are others."""

    places: list[Place]
    refused: tuple[Wish, ...] = ()

    @property
    def known(self) -> bool:
        """Whether one of them is known to help with the need, or is of a kind that usually does."""
        return any(known_to_help(place) and not to_ring_first(place) for place in self.places)


def choose(found: Found, wishes: Wishes, told: Collection[str], most: int) -> Choice:
    """The nearest places for the need and the nearest doors where anybody may ask, as one list."""
    if not wishes.made:
        return Choice(_shown_first(_nearest(found, "", told, most)))
    fitting = [place for place in _nearest(found, "+", (), COMPARED * 2) if wishes_met(place, wishes)]
    if fitting:
        kept = [place for place in fitting if place.id not in told]
        return Choice(_shown_first((kept or fitting)[:most]))
    known = [place for place in found.places if place.sections & {"need", "door", "need+", "door+"}]
    alone = tuple(wish for wish in wishes.made if not any(wish in place.fits for place in known))
    return Choice(_shown_first(_nearest(found, "", told, most)), refused=alone or wishes.made)


def wishes_met(place: Place, wishes: Wishes) -> bool:
    """Whether a place is as wished. What is not known is not met: nobody is sent to try."""
    return all(wish in place.fits for wish in wishes.made)


def known_to_help(place: Place) -> bool:
    """Whether a source, its kind or a service there says that it helps with the need that was asked about."""
    return bool(place.sections & {"need", "need+"})


def to_ring_first(place: Place) -> bool:
    """Whether nobody should set out without ringing: the place is shut, or a note stands for its hours."""
    facts = place.properties
    shut = place.opening.word == "closure"
    return shut or (bool(facts.get("opening_note")) and not facts.get("opening_hours"))


def _shown_first(places: list[Place]) -> list[Place]:
    """The same, with the nearest that are known to help first; a nearer door to ask at follows them."""
    known = [place for place in places if known_to_help(place) and not to_ring_first(place)]
    kept = known[:KNOWN_FIRST]
    return [*kept, *(place for place in places if place not in kept)]


def _nearest(found: Found, suffix: str, told: Collection[str], most: int) -> list[Place]:
    specific = [place for place in found.of(f"need{suffix}") if place.id not in told]
    doors = [place for place in found.of(f"door{suffix}") if place.id not in told and place not in specific]
    kept = specific[:SPECIFIC_FIRST]
    others = [*specific[SPECIFIC_FIRST:], *doors]
    rest = sorted(others, key=lambda place: (doubt(place), *by_distance(place)))[: max(0, most - len(kept))]
    # Those to ring first come last: nobody is sent to stand before a closed door.
    return sorted([*kept, *rest], key=lambda place: (to_ring_first(place), doubt(place), *by_distance(place)))


def doubt(place: Place) -> int:
    """How little is known: 0 help with this need or what is there, 1 only that it stands, 2 not even that."""
    facts = place.properties
    if facts.get("verified") is False:
        return 2
    if known_to_help(place):
        return 0
    return 0 if any(facts.get(name) for name in TELLING) else 1
