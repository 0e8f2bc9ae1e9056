"""Whom to ring: the borough's own telephone numbers and addresses, as the register has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

_BOROUGH_WIDE = """
    SELECT id, name, kind, value, COALESCE(purpose, ''), COALESCE(hours, ''), support, COALESCE(as_of, ''),
           COALESCE(note, ''), rank
    FROM register.contact_points
    WHERE asset_key IS NULL
    ORDER BY rank, id
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to ring, with what for, when, and how old that knowledge is."""

    id: str
    name: str
    kind: str
    value: str
    purpose: str
    hours: str
    needs: tuple[str, ...]
    as_of: str
    note: str
    rank: int


def read_contacts(cursor: Cursor[Any]) -> tuple[Contact, ...]:
    """The borough's contacts, the ones to try first in front."""
    rows = cursor.execute(_BOROUGH_WIDE).fetchall()
    return tuple(Contact(*row[:6], tuple(row[6]), *row[7:]) for row in rows)
