"""A postcode that is not in the register, from those of its sector ("N19 4") or else its district ("N19").

Postcodes are made faster than any list of them: nobody is sent away for living in a new house.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from mapservice.register.postcodes import possible_postcodes

PART = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)\s*([0-9])?[A-Z]?", re.ASCII)
# The middle is that of most, not the mean: one postcode across the railway does not move it.
_MIDDLE = """
WITH known AS (
    SELECT postcode, geom FROM register.postcodes WHERE postcode LIKE %(begins)s AND status = 'live'
), middle AS (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ST_X(geom)) AS x,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY ST_Y(geom)) AS y
    FROM known
)
SELECT postcode FROM known, middle
ORDER BY geom <-> ST_SetSRID(ST_MakePoint(x, y), ST_SRID(geom)), postcode LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Approximate:
    """The part that is known, such as "N19 4", and a real postcode in the middle of it."""

    part: str
    postcode: str


def approximate(cursor: Cursor[Any], typed: str) -> Approximate | None:
    """What stands in for a postcode or the beginning of one; None where nothing near it is known."""
    for part in _parts(typed):
        # A sector is followed by two letters, a district by a space: N1 is not N19.
        begins = f"{part}%" if " " in part else f"{part} %"
        row = cursor.execute(_MIDDLE, {"begins": begins}).fetchone()
        if row:
            return Approximate(part, row[0])
    return None


def _parts(typed: str) -> list[str]:
    """The sectors that the text may lie in, then the districts, the most literal first."""
    whole = [tuple(postcode.split()) for postcode in possible_postcodes(typed)]
    if not whole:
        found = PART.fullmatch(typed.strip().upper())
        whole = [(found[1], found[2] or "")] if found else []
    sectors = [f"{outward} {inward[0]}" for outward, inward in whole if inward]
    return list(dict.fromkeys([*sectors, *(outward for outward, _ in whole)]))
