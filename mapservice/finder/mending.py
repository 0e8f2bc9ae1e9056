"""What to find out: the doors whose missing telephone number or hours would mend most postcodes.

The promise mostly fails for want of facts, not of doors. So the same figures, turned round, are a list of
what to ask, in the order in which asking does most: each place mends more than any below it of the postcodes
that those above it leave. Hours to be found are taken to open the door within the days that count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mapservice.finder.reach import Door, Reached
from mapservice.register.vocabulary import SUPPORT


@dataclass(frozen=True, slots=True)
class ToFindOut:
    """A door of which something is not known, and what knowing it would do.

    `mends`: postcodes from which the promise fails today and would hold then for every need. `beyond`: those
    of them that no place before it in the list mends. `whole`: postcodes to which it would be the first door
    within a walk that has a number and known hours.
    """

    door: Door
    mends: int
    beyond: int
    whole: int


def to_find_out(doors: Mapping[str, Door], reached: Iterable[Reached]) -> list[ToFindOut]:
    """Every door of which a number or hours are missing, the ones to ask first in front."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in reached:
        alike.setdefault(one.doors, []).append(one.postcode)
    mends: dict[str, set[str]] = {door.id: set() for door in doors.values() if door.lacks}
    whole: Counter[str] = Counter()
    for ids, postcodes in alike.items():
        near = [doors[door_id] for door_id in ids]
        for door in near:
            if door.lacks and _mends(door, near):
                mends[door.id].update(postcodes)
            if door.lacks and _is_first_whole(door, near):
                whole[door.id] += len(postcodes)
    return list(_in_order([(doors[door_id], mended, whole[door_id]) for door_id, mended in mends.items()]))


def _mends(door: Door, near: Sequence[Door]) -> bool:
    """Whether what is missing of a door is all that is missing there, whatever the need."""
    broken = False
    for need in SUPPORT:
        there = [other for other in near if other.is_for(need)]
        phone, opens = any(other.phone for other in there), any(other.opens for other in there)
        if phone and opens:
            continue
        broken = True
        would = door.is_for(need) and (phone or not door.phone) and (opens or not door.hours_known)
        if not would:
            return False
    return broken


def _is_first_whole(door: Door, near: Sequence[Door]) -> bool:
    """Whether it would be the first door for some need with a number that is known to open."""
    return (door.opens or not door.hours_known) and any(
        door.is_for(need) and not any(o.phone and o.opens and o.is_for(need) for o in near)
        for need in SUPPORT
    )


def _in_order(rest: list[tuple[Door, set[str], int]]) -> Iterator[ToFindOut]:
    told: set[str] = set()
    while rest:
        best = max(rest, key=lambda one: (len(one[1] - told), one[2], len(one[1])))
        rest.remove(best)
        door, mended, whole = best
        yield ToFindOut(door, len(mended), len(mended - told), whole)
        told |= mended
