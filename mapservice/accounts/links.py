"""Links that let somebody choose a password, once: an invitation, or in place of a forgotten one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts import secrets
from mapservice.accounts.events import record

Purpose = Literal["invitation", "new-password"]

HOLDS: dict[Purpose, timedelta] = {"invitation": timedelta(days=7), "new-password": timedelta(hours=24)}
MAILED = timedelta(hours=1)
"""A link that anybody could ask for is not left lying about."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for, and for whom."""

    account_id: str
    purpose: Purpose
    name: str
    email: str | None


def make_link(session: Session, account_id: str, purpose: Purpose, holds: timedelta | None = None) -> str:
    """The secret of a new link; the links of the account before it no longer work."""
    drop_links(session, account_id)
    secret = secrets.new_secret()
    session.execute(
        text(
            "INSERT INTO accounts.links (sha256, account_id, purpose, expires_at)"
            " VALUES (:sha256, :id, :purpose, now() + :holds)"
        ),
        {
            "sha256": secrets.hashed(secret),
            "id": account_id,
            "purpose": purpose,
            "holds": holds or HOLDS[purpose],
        },
    )
    record(session, account_id, f"link made: {purpose}")
    return secret


def find_link(session: Session, secret: str, *, use: bool = False) -> Link | None:
    """What a link is for; None if it is unknown, used or too old. Of all who use it one gets it."""
    if len(secret) > secrets.LONGEST:
        return None
    row = session.execute(
        text(
            (
                "WITH found AS (DELETE FROM accounts.links WHERE sha256 = :sha256 RETURNING *)"
                if use
                else "WITH found AS (SELECT * FROM accounts.links WHERE sha256 = :sha256)"
            )
            + " SELECT l.account_id, l.purpose, a.name, a.email FROM found l"
            " JOIN accounts.accounts a ON a.id = l.account_id AND a.disabled_at IS NULL"
            " WHERE l.expires_at > now()"
        ),
        {"sha256": secrets.hashed(secret)},
    ).first()
    return Link(*row) if row else None


def link_address(site: str, secret: str) -> str:
    """The address of a link. The secret stands where no log of the service writes it: after the `?`."""
    return f"{site}/set-password?key={secret}"


def drop_links(session: Session, account_id: str) -> None:
    """End the links of an account."""
    session.execute(text("DELETE FROM accounts.links WHERE account_id = :id"), {"id": account_id})
