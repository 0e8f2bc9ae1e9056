"""Once a day: who is told by e-mail what they have not read yet, and of days that have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account, find_account
from mapservice.accounts.permissions import Action
from mapservice.survey.notices import Notice, notices_of, tell, watchers, who_may
from mapservice.survey.spaces import LOCALITIES


@dataclass(frozen=True, slots=True)
class Digest:
    """What one person is to be told, newest first."""

    account: Account
    email: str
    notices: Sequence[Notice]
    taken: Sequence[int]
    """The ids of these, and of those that they may no longer see."""


def remind(session: Session, today: date) -> int:
    """Leave a notice, once, for every space whose day has come: for who watches it or moves it on there."""
    due = session.execute(
        text(
            f"SELECT f.id, f.due_on, {LOCALITIES} AS localities FROM register.green_spaces f"
            " WHERE f.due_on <= :today AND NOT EXISTS ("
            "  SELECT FROM survey.notices n WHERE n.green_space_id = f.id AND n.kind = 'due'"
            "  AND n.detail ->> 'due_on' = f.due_on::text)"
            " ORDER BY f.due_on, f.id"
        ),
        {"today": today},
    ).all()
    return sum(
        tell(
            session,
            "due",
            row.id,
            by=None,
            to=watchers(session, row.id) | who_may(session, Action.MOVE_STAGE, row.localities),
            due_on=row.due_on.isoformat(),
        )
        for row in due
    )


def to_mail(session: Session) -> list[str]:
    """The accounts that something new waits for and that want it by e-mail."""
    return [
        *session.execute(
            text(
                "SELECT a.id FROM accounts.accounts a WHERE a.daily_digest AND a.email IS NOT NULL"
                " AND a.kind = 'person' AND a.disabled_at IS NULL AND EXISTS ("
                "  SELECT FROM survey.notices n"
                "  WHERE n.account_id = a.id AND n.mailed_at IS NULL AND n.read_at IS NULL)"
                " ORDER BY a.id"
            )
        ).scalars()
    ]


def take_digest(session: Session, account_id: str) -> Digest | None:
    """What is new for somebody, taken as mailed from the end of the transaction on; None for nothing.

    To be sent after that, so that nobody waits for a server for mail; `give_back` what could not be sent. Of
    two who take at once the second leaves to the first what that holds.
    """
    taken = session.execute(
        text(
            "UPDATE survey.notices SET mailed_at = now() WHERE id IN ("
            " SELECT n.id FROM survey.notices n JOIN accounts.accounts a ON a.id = n.account_id"
            " WHERE a.id = :id AND a.daily_digest AND a.email IS NOT NULL"
            "  AND n.mailed_at IS NULL AND n.read_at IS NULL"
            " FOR NO KEY UPDATE OF n SKIP LOCKED) RETURNING id"
        ),
        {"id": account_id},
    ).scalars()
    ids = sorted(taken)
    account = find_account(session, account_id) if ids else None
    found = notices_of(session, account, only=ids) if account else ()
    if account is None or not found:
        return None
    email = session.execute(
        text("SELECT email FROM accounts.accounts WHERE id = :id"), {"id": account_id}
    ).scalar_one()
    return Digest(account, email, found, ids)


def give_back(session: Session, digest: Digest) -> None:
    """Leave what could not be sent for the next time."""
    session.execute(
        text("UPDATE survey.notices SET mailed_at = NULL WHERE id = ANY (:ids)"), {"ids": [*digest.taken]}
    )


def wants_digest(session: Session, account_id: str) -> bool:
    """Whether somebody gets their notices by e-mail once a day."""
    return bool(
        session.execute(
            text("SELECT daily_digest FROM accounts.accounts WHERE id = :id"), {"id": account_id}
        ).scalar()
    )


def set_digest(session: Session, account_id: str, *, wanted: bool) -> None:
    """Have them sent, or not."""
    session.execute(
        text("UPDATE accounts.accounts SET daily_digest = :wanted WHERE id = :id"),
        {"id": account_id, "wanted": wanted},
    )
