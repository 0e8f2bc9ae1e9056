"""What happened to accounts: who, when, what; by ids only, so that nobody who has gone is named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to an account."""

    at: datetime
    actor: str
    account_id: str
    action: str
    detail: dict[str, Any]


def record(session: Session, account_id: str, action: str, **detail: object) -> None:
    """Note what is done to an account, in the transaction that does it; the actor is the session's."""
    session.execute(
        text(
            "INSERT INTO accounts.events (account_id, action, detail)"
            " VALUES (:id, :action, CAST(:detail AS jsonb))"
        ),
        {"id": account_id, "action": action, "detail": json.dumps(detail)},
    )


def events_of(session: Session, account_id: str, most: int = 1000) -> list[Event]:
    """What happened to an account, the latest first."""
    rows = session.execute(
        text(
            "SELECT at, actor, account_id, action, detail FROM accounts.events"
            " WHERE account_id = :id ORDER BY id DESC LIMIT :most"
        ),
        {"id": account_id, "most": most},
    )
    return [Event(*row) for row in rows]
