"""API tokens: issued once in plain text, kept only as a hash, known by their prefix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts import secrets
from mapservice.accounts.account import COLUMNS, Account, Scope, UnknownAccount, from_row
from mapservice.accounts.events import record

PREFIX = "ms_"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it may be listed: never the token itself."""

    id: int
    account_id: str
    label: str
    scope: Scope
    created_at: datetime
    last_used_on: date | None
    expires_at: datetime | None
    revoked_at: datetime | None


def issue_token(
    session: Session, account_id: str, label: str, days: int | None = None, scope: Scope = "write"
) -> str:
    """A new token of an account, in the one moment it is known; raises UnknownAccount."""
    token = secrets.new_secret(PREFIX)
    issued = session.execute(
        text(
            "INSERT INTO accounts.tokens (account_id, label, scope, sha256, expires_at)"
            " SELECT id, :label, :scope, :sha256, now() + make_interval(days => :days)"
            " FROM accounts.accounts WHERE id = :id RETURNING id"
        ),
        {"id": account_id, "label": label, "scope": scope, "sha256": secrets.hashed(token), "days": days},
    ).scalar()
    if issued is None:
        raise UnknownAccount(f"there is no account {account_id!r}")
    record(session, account_id, "token made", token=issued, scope=scope)
    return token


def revoke_token(session: Session, token_id: int, account_id: str | None = None) -> bool:
    """End a token at once; False if there is none with this id (of this account) that still holds."""
    owner = session.execute(
        text(
            "UPDATE accounts.tokens SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL"
            " AND account_id = COALESCE(:account_id, account_id) RETURNING account_id"
        ),
        {"id": token_id, "account_id": account_id},
    ).scalar()
    if owner is not None:
        record(session, owner, "token revoked", token=token_id)
    return owner is not None


def revoke_tokens(session: Session, account_id: str) -> None:
    """End all tokens of an account at once."""
    for row in list_tokens(session, account_id):
        if row.revoked_at is None:
            revoke_token(session, row.id)


def list_tokens(session: Session, account_id: str | None = None) -> list[TokenRow]:
    """All tokens (of one account), newest first."""
    rows = session.execute(
        text(
            "SELECT id, account_id, label, scope, created_at, last_used_on, expires_at, revoked_at"
            " FROM accounts.tokens WHERE account_id = COALESCE(:account_id, account_id) ORDER BY id DESC"
        ),
        {"account_id": account_id},
    )
    return [TokenRow(*row) for row in rows]


def account_of_token(session: Session, token: str) -> Account | None:
    """Whose token this is; None for an unknown, expired or revoked one, or a disabled account."""
    if not token.startswith(PREFIX) or len(token) > secrets.LONGEST:
        return None
    row = session.execute(
        text(
            f"SELECT {COLUMNS}, t.scope, t.id, t.last_used_on IS DISTINCT FROM current_date"
            " FROM accounts.tokens t JOIN accounts.accounts a ON a.id = t.account_id"
            " WHERE t.sha256 = :sha256 AND t.revoked_at IS NULL AND a.disabled_at IS NULL"
            " AND (t.expires_at IS NULL OR t.expires_at > now())"
        ),
        {"sha256": secrets.hashed(token)},
    ).first()
    if row is None:
        return None
    scope, token_id, first_today = tuple(row)[-3:]
    if first_today:
        # The day is enough to find tokens nobody uses any more, and costs one write a day.
        session.execute(
            text("UPDATE accounts.tokens SET last_used_on = current_date WHERE id = :id"), {"id": token_id}
        )
    return from_row(row, scope)
