"""Of how many places a fact is known: a wish that no fact can answer is said to be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.finder.search import Wish
from mapservice.layers.visibility import ANONYMOUS
from mapservice.services.offers import REAL

_KNOWN = f"""
SELECT count(*),
       count(*) FILTER (WHERE f.opening_hours IS NOT NULL),
       count(*) FILTER (WHERE f.step_free IN ('yes', 'no')),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM layers.services s
           WHERE s.place_kind = 'assets' AND s.place_id = f.id AND s.languages <> '{{}}' AND {REAL}))
FROM layers.assets f
WHERE f.visibility = ANY (%(viewer)s) AND f.geom IS NOT NULL AND NOT f.demonstration
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class Known:
    """How many places there are; of how many hours are known, the way in, the languages."""

    places: int
    hours: int
    step_free: int
    languages: int

    def of(self, wish: Wish) -> int:
        """Of how many it is known whether they are as wished. What is for children follows from the kind."""
        return {"open": self.hours, "step_free": self.step_free, "language": self.languages}.get(
            wish, self.places
        )


def read_known(cursor: Cursor[Any]) -> Known:
    """Count them."""
    row = cursor.execute(_KNOWN.encode(), {"viewer": list(ANONYMOUS)}).fetchone()
    places, hours, step_free, languages = row or (0, 0, 0, 0)
    return Known(places, hours, step_free, languages)
