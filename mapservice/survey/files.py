"""Files of the survey as they are given out: to whom, and which photographs everybody may see."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.layers.visibility import Viewer

_FILE = """
SELECT p.sha256, p.name, p.media_type, p.kind, p.visibility = 'public' AND g.visibility = 'public'
FROM survey.files p
JOIN register.green_spaces g ON g.key = p.green_space_key
WHERE p.id = %(id)s AND p.removed_at IS NULL
  AND (p.visibility = ANY (%(viewer)s) AND g.visibility = ANY (%(viewer)s) OR p.account_id = %(account)s)
"""
_PHOTOGRAPHS = """
SELECT p.id, p.caption, p.width, p.height, p.added_at
FROM survey.files p
JOIN register.green_spaces g ON g.key = p.green_space_key
WHERE g.id = %(space)s AND p.kind = 'photograph' AND p.visibility = 'public' AND p.removed_at IS NULL
ORDER BY p.added_at DESC, p.id
LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class GivenOut:
    """A file for somebody who may have it. `public`: everybody may."""

    sha256: str
    name: str
    media_type: str
    kind: str
    public: bool


@dataclass(frozen=True, slots=True)
class Published:
    """A photograph that everybody may see."""

    id: uuid.UUID
    caption: str | None
    width: int
    height: int
    added_at: Any


def find_file(
    cursor: Cursor[Any], file_id: uuid.UUID, viewer: Viewer, account_id: str | None
) -> GivenOut | None:
    """A file, for who may see it and its space, or brought it; else None, as if there were none."""
    row = cursor.execute(_FILE, {"id": file_id, "viewer": list(viewer), "account": account_id}).fetchone()
    return GivenOut(*row) if row else None


def photographs_of(cursor: Cursor[Any], space_id: str) -> list[Published]:
    """The published photographs of a space, the newest first."""
    return [Published(*row) for row in cursor.execute(_PHOTOGRAPHS, {"space": space_id}).fetchall()]


def named_files(session: Session, digests: Iterable[str]) -> Collection[str]:
    """Of some digests those of files that are in use, or were within a month and may come back."""
    return set(
        session.execute(
            text(
                "SELECT DISTINCT sha256 FROM survey.files WHERE sha256 = ANY (:digests)"
                " AND (removed_at IS NULL OR removed_at > now() - interval '30 days')"
            ),
            {"digests": list(digests)},
        ).scalars()
    )
