"""All that is known of one person, for that person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# What a person is told: everything, but no hash, for a hash is no use to them and some to a thief.
_PARTS = {
    "account": "SELECT id, name, email, user_name, public_name, created_at, second_factor_since, daily_digest"
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
    "submissions": "SELECT id, kind, green_space_id, written_at, received_at, fields, state, decided_at,"
    " reason FROM survey.submissions WHERE account_id = :id ORDER BY received_at, id",
    "decisions": "SELECT id, kind, green_space_id, state, decided_at, reason FROM survey.submissions"
    " WHERE decided_by = :id ORDER BY decided_at, id",
    "comments": "SELECT id, green_space_id, said_at, body, removed_at FROM survey.comments"
    " WHERE account_id = :id ORDER BY said_at, id",
    "mentioned_in": "SELECT id, green_space_id, said_at FROM survey.comments"
    " WHERE :id = ANY (mentions) ORDER BY said_at, id",
    "files": "SELECT id, green_space_id, kind, name, caption, media_type, bytes, visibility, added_at,"
    " removed_at FROM survey.files WHERE account_id = :id ORDER BY added_at, id",
    "watches": "SELECT g.id AS green_space_id, w.since FROM survey.watches w"
    " JOIN register.green_spaces g ON g.key = w.green_space_key WHERE w.account_id = :id ORDER BY g.id",
    # What became part of a space may have been a draft of others.
    "notices": "SELECT green_space_id, kind, detail - ARRAY['name', 'merged', 'parts'] AS detail, made_at,"
    " read_at, mailed_at FROM survey.notices"
    " WHERE account_id = :id ORDER BY id",
    "merges": "SELECT merged_id, into_id, reason, merged_at FROM survey.merges"
    " WHERE account_id = :id ORDER BY merged_at, merged_id",
    "meetings": "SELECT locality, held_on, noted_at FROM survey.meetings WHERE account_id = :id"
    " ORDER BY held_on, locality",
    # Rows of the survey hold words and ids of others; one's own are in the parts above.
    "changes": "SELECT at, table_name, row_key, operation, reason, CASE WHEN table_name NOT IN"
    " ('submissions', 'comments', 'files', 'merges', 'meetings') THEN after END AS after"
    " FROM history.changes WHERE actor = :id ORDER BY id",
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
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
