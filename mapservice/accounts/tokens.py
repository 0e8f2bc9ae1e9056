"""API tokens: issued once in plain text, kept only as a hash, known by their prefix."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

PREFIX = "ms_"
RANDOM_BYTES = 32


class UnknownAccount(ValueError):
    """There is no such account; the message names it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody known: what they may do and which rows they may see."""

    id: str
    name: str
    may_edit: bool
    sees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it may be listed: never the token itself."""

    id: int
    account_id: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def put_account(
    session: Session, account_id: str, name: str, *, may_edit: bool, sees: Sequence[str] = ("public",)
) -> None:
    """Make an account, or change what an existing one may do; needs a session as the owner."""
    session.execute(
        text(
            "INSERT INTO accounts.accounts (id, name, may_edit, sees) VALUES (:id, :name, :may_edit, :sees)"
            " ON CONFLICT (id) DO UPDATE SET name = :name, may_edit = :may_edit, sees = :sees,"
            " disabled_at = NULL"
        ),
        {"id": account_id, "name": name, "may_edit": may_edit, "sees": list(sees)},
    )


def issue_token(session: Session, account_id: str, label: str, days: int | None = None) -> str:
    """A new token of an account, in the one moment it is known; raises UnknownAccount."""
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    issued = session.execute(
        text(
            "INSERT INTO accounts.tokens (account_id, label, sha256, expires_at)"
            " SELECT id, :label, :sha256, now() + make_interval(days => :days)"
            " FROM accounts.accounts WHERE id = :id RETURNING id"
        ),
        {"id": account_id, "label": label, "sha256": _hash(token), "days": days},
    ).first()
    if issued is None:
        raise UnknownAccount(f"there is no account {account_id!r}")
    return token


def revoke_token(session: Session, token_id: int) -> bool:
    """End a token at once; False if there is none with this id that still holds."""
    ended = session.execute(
        text(
            "UPDATE accounts.tokens SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL RETURNING id"
        ),
        {"id": token_id},
    ).first()
    return ended is not None


def list_tokens(session: Session) -> list[TokenRow]:
    """All tokens, newest first."""
    rows = session.execute(
        text(
            "SELECT id, account_id, label, created_at, expires_at, revoked_at"
            " FROM accounts.tokens ORDER BY id DESC"
        )
    )
    return [TokenRow(*row) for row in rows]


def account_of_token(session: Session, token: str) -> Account | None:
    """Whose token this is; None for an unknown, expired or revoked one, or a disabled account."""
    if not token.startswith(PREFIX) or len(token) > 200:
        return None
    row = session.execute(
        text(
            "SELECT a.id, a.name, a.may_edit, a.sees FROM accounts.tokens t"
            " JOIN accounts.accounts a ON a.id = t.account_id"
            " WHERE t.sha256 = :sha256 AND t.revoked_at IS NULL AND a.disabled_at IS NULL"
            " AND (t.expires_at IS NULL OR t.expires_at > now())"
        ),
        {"sha256": _hash(token)},
    ).first()
    return Account(row[0], row[1], row[2], tuple(row[3])) if row else None


def _hash(token: str) -> bytes:
    """Tokens are 256 random bits: a fast hash hides them as well as a slow one would."""
    return hashlib.sha256(token.encode()).digest()
