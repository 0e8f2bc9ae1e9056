"""The promise as figures: from every postcode, for every need, a door within a walk, a number, and an hour.

A door is a place open to the public: of a kind into which anybody may walk, or on the partnership's list. It
is a door for a need where a source, its kind or a service there says so, or where it is on that list, whose
promise is that whoever comes is shown on whatever it is about. What is not known is never taken for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Cursor

from mapservice.finder.mending import ToFindOut, to_find_out
from mapservice.finder.reach import POSTCODES, REACH, STACKED, Door, Reached, read_doors, read_reached
from mapservice.register.vocabulary import SUPPORT

WALK_M = 1200
"""Fifteen minutes at 80 metres a minute."""
SHORTER_WALK_M = 1000
"""What others take for fifteen minutes; the published figure for libraries lies between the two."""
WORST = 20

_Facts = tuple[list[int], bool, bool, bool, bool]
"""Which of the doors are for a need; whether one is said to be, can be rung, opens, or both of these."""

# The published figure is of libraries, whatever their hours.
_LIBRARIES = f"""
WITH {POSTCODES},
doors AS MATERIALIZED (
    SELECT f.id, f.geom FROM layers.assets f
    WHERE f.categories @> '{{library}}' AND f.geom IS NOT NULL AND f.visibility = 'public'
      AND NOT f.demonstration
),
{REACH}
SELECT p.locality, within.metres, count(*) FILTER (WHERE NOT p.stacked),
       count(*) FILTER (WHERE NOT p.stacked AND near.metres <= within.metres),
       sum(p.residents), sum(p.residents) FILTER (WHERE near.metres <= within.metres)
FROM postcodes p
LEFT JOIN (SELECT postcode, min(metres) AS metres FROM reach GROUP BY postcode) near USING (postcode)
CROSS JOIN unnest(%(within)s::integer[]) AS within(metres)
GROUP BY within.metres, p.locality ORDER BY p.locality
"""  # noqa: S608 - constants of this package


@dataclass(frozen=True, slots=True)
class Served:
    """How one postcode is served for one need; `metres` is None where no door is within a walk."""

    postcode: str
    locality: str
    residents: float
    stacked: bool
    need: str
    metres: float | None
    said: bool
    phone: bool
    opens: bool
    both_at_one: bool

    @property
    def kept(self) -> bool:
        """Whether the promise holds: a door, a number, an hour known to come."""
        return self.metres is not None and self.phone and self.opens

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is lacking, worst first."""
        if self.metres is None:
            return ("door",)
        return tuple(name for name, there in (("phone", self.phone), ("hours", self.opens)) if not there)


@dataclass(frozen=True, slots=True)
class ByNeed:
    """One need over all postcodes: how many have a door, a number, an hour, all three, and one door with all.

    `said` counts those with a door that is known to help with it, without the partnership's promise.
    """

    need: str
    postcodes: int
    doors: int
    said: int
    phones: int
    hours: int
    kept: int
    both_at_one: int
    residents: float
    residents_kept: float


@dataclass(frozen=True, slots=True)
class ByLocality:
    """One locality over all needs: postcodes from which the promise holds for each, and what others lack.

    A postcode that lacks a door is not counted for lacking its number and hours as well.
    """

    locality: str
    postcodes: int
    kept: int
    no_door: int
    no_phone: int
    no_hours: int
    residents: float
    residents_kept: float


@dataclass(frozen=True, slots=True)
class Within:
    """How many of a locality's postcodes and residents live within a walk of a library."""

    locality: str
    postcodes: int
    postcodes_within: int
    residents: float
    residents_within: float


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The promise, checked: for each need, the postcodes worst served, and the doors behind it."""

    checked_at: datetime
    walk_m: int
    doors: int
    doors_with_hours: int
    doors_with_phone: int
    postcodes: int
    on_foot: bool
    needs: tuple[ByNeed, ...]
    localities: tuple[ByLocality, ...]
    to_find_out: tuple[ToFindOut, ...]
    worst: tuple[Served, ...]
    libraries: tuple[Within, ...]
    libraries_shorter: tuple[Within, ...]

    @property
    def kept(self) -> bool:
        """Whether it holds from every postcode for every need."""
        return all(need.kept == need.postcodes for need in self.needs) and self.postcodes > 0

    @property
    def postcodes_kept(self) -> int:
        """From how many it holds for every need."""
        return sum(one.kept for one in self.localities)

    @property
    def mendable(self) -> int:
        """From how many more it would, if what is missing of the doors were found out."""
        return sum(one.beyond for one in self.to_find_out)


def check_doors(cursor: Cursor[Any], walk_m: int = WALK_M, now: datetime | None = None) -> Guarantee:
    """Check the promise for every live postcode and every need."""
    moment = now or datetime.now(UTC)
    doors = read_doors(cursor, moment)
    reached = read_reached(cursor, doors, walk_m)
    served = list(_served(doors, reached))
    libraries = _libraries(cursor, (walk_m, SHORTER_WALK_M))
    return Guarantee(
        checked_at=moment,
        walk_m=walk_m,
        doors=len(doors),
        doors_with_hours=sum(door.hours_known for door in doors.values()),
        doors_with_phone=sum(door.phone is not None for door in doors.values()),
        postcodes=len(reached),
        on_foot=any(one.on_foot for one in reached),
        needs=tuple(_by_need(need, [one for one in served if one.need == need]) for need in SUPPORT),
        localities=tuple(_by_locality(served)),
        to_find_out=tuple(to_find_out(doors, reached)),
        worst=tuple(_worst(served)),
        libraries=libraries[walk_m],
        libraries_shorter=libraries[SHORTER_WALK_M],
    )


def _served(doors: Mapping[str, Door], reached: Iterable[Reached]) -> Iterator[Served]:
    """How each postcode is served for each need; what holds for the same doors is worked out once."""
    alike: dict[tuple[str, ...], list[_Facts]] = {}
    for one in reached:
        if one.doors not in alike:
            alike[one.doors] = [_facts([doors[key] for key in one.doors], need) for need in SUPPORT]
        for need, (at, *facts) in zip(SUPPORT, alike[one.doors], strict=True):
            metres = min((one.metres[number] for number in at), default=None)
            yield Served(one.postcode, one.locality, one.residents, one.stacked, need, metres, *facts)


def _facts(near: Sequence[Door], need: str) -> _Facts:
    at = [number for number, door in enumerate(near) if door.is_for(need)]
    there = [near[number] for number in at]
    return (
        at,
        any(need in door.needs for door in there),
        any(door.phone for door in there),
        any(door.opens for door in there),
        any(door.phone and door.opens for door in there),
    )


def _libraries(cursor: Cursor[Any], lengths: Sequence[int]) -> dict[int, tuple[Within, ...]]:
    """By the length of a walk, how many in each locality have a library within it."""
    wanted = {"stacked": STACKED, "walk": max(lengths), "within": sorted({*lengths})}
    found: dict[int, list[Within]] = {metres: [] for metres in lengths}
    for name, metres, postcodes, near, people, people_near in cursor.execute(_LIBRARIES.encode(), wanted):
        found[metres].append(Within(name, postcodes, near, people or 0.0, people_near or 0.0))
    return {metres: tuple(rows) for metres, rows in found.items()}


def _by_locality(served: list[Served]) -> Iterator[ByLocality]:
    """What each locality's postcodes lack, for whichever need."""
    postcodes: dict[str, dict[str, list[Served]]] = {}
    for one in served:
        postcodes.setdefault(one.locality, {}).setdefault(one.postcode, []).append(one)
    for locality, of in sorted(postcodes.items()):
        lacks = {postcode: {name for one in ones for name in one.lacks} for postcode, ones in of.items()}
        doors = [names for names in lacks.values() if "door" not in names]
        residents = {postcode: ones[0].residents for postcode, ones in of.items()}
        yield ByLocality(
            locality=locality,
            postcodes=len(of),
            kept=sum(not names for names in lacks.values()),
            no_door=len(of) - len(doors),
            no_phone=sum("phone" in names for names in doors),
            no_hours=sum("hours" in names for names in doors),
            residents=sum(residents.values()),
            residents_kept=sum(number for postcode, number in residents.items() if not lacks[postcode]),
        )


def _by_need(need: str, served: list[Served]) -> ByNeed:
    return ByNeed(
        need=need,
        postcodes=len(served),
        doors=sum(one.metres is not None for one in served),
        said=sum(one.said for one in served),
        phones=sum(one.phone for one in served),
        hours=sum(one.opens for one in served),
        kept=sum(one.kept for one in served),
        both_at_one=sum(one.both_at_one for one in served),
        residents=sum(one.residents for one in served),
        residents_kept=sum(one.residents for one in served if one.kept),
    )


def _worst(served: list[Served]) -> list[Served]:
    """One line for each postcode: those without a door first, then by how far the nearest is."""
    worst: dict[str, Served] = {}
    for one in served:
        if not one.stacked and (one.postcode not in worst or _badness(one) > _badness(worst[one.postcode])):
            worst[one.postcode] = one
    ranked = sorted(
        worst.values(), key=lambda one: (_badness(one), one.residents, one.postcode), reverse=True
    )
    return ranked[:WORST]


def _badness(one: Served) -> tuple[bool, int, float]:
    return (one.metres is None, len(one.lacks), one.metres or 0.0)
