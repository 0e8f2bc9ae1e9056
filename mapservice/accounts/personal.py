"""All that is known of one person, for that person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

# What a person is told: everything, but no hash, for a hash is no use to them and some to a thief.
_PARTS = {
    "account": "SELECT id, name, email, user_name, public_name, created_at, second_factor_since"
    " FROM accounts.accounts WHERE id = :id",
    "roles": "SELECT role, locality, given_by FROM accounts.grants WHERE account_id = :id"
    " ORDER BY role, locality",
    "sessions": "SELECT device, started_at, last_seen_at, expires_at FROM accounts.sessions"
    " WHERE account_id = :id ORDER BY id",
    "tokens": "SELECT id, label, scope, created_at, last_used_on, expires_at, revoked_at FROM accounts.tokens"
    " WHERE account_id = :id ORDER BY id",
    "directory": "SELECT issuer, subject FROM accounts.identities WHERE account_id = :id",
    "events": "SELECT at, action, detail, actor = account_id AS by_yourself FROM accounts.events"
    " WHERE account_id = :id ORDER BY id",
    "changes": "SELECT at, table_name, row_key, operation, reason, after FROM history.changes"
    " WHERE actor = :id ORDER BY id",
}


def export(session: Session, account_id: str) -> dict[str, Any]:
    """Everything that is kept about a person and everything they changed, fit for JSON."""
    found: dict[str, Any] = {}
    for part, statement in _PARTS.items():
        rows = session.execute(text(statement), {"id": account_id}).mappings()
        found[part] = [{name: _plain(value) for name, value in row.items()} for row in rows]
    found["account"] = found["account"][0] if found["account"] else None
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
