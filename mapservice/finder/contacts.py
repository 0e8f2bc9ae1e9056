"""Whom to ring: the borough's own telephone numbers and addresses, as the register has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

_WIDE = """
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
    return tuple(
        Contact(key, name, kind, value, purpose, hours, tuple(support), as_of, note, rank)
        for key, name, kind, value, purpose, hours, support, as_of, note, rank in cursor.execute(_WIDE)
    )
