"""Once a day: who is told by e-mail what they have not read yet, and of days that have come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
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

    @property
    def key(self) -> str:
        """Of the same notices for the same person always the same, however often they are sent."""
        told = "\n".join((self.account.id, *map(str, self.taken)))
        return hashlib.sha256(told.encode()).hexdigest()[:32]


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


def send_digest(session: Session, account_id: str, send: Callable[[Digest], bool]) -> bool | None:
    """Send somebody what is new for them, and note that it went; whether it did, None for nothing to send.

    Noted only when `send` says that it was taken: what is cut off in between goes again the next time, twice
    rather than never, and with the same key. Of two who send at once the second leaves it to the first, and
    nobody else waits for a server for mail: no row is held until the letter is on its way.
    """
    # A server may take its time to answer; the lock goes with the connection.
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '10min'"))
    alone = session.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"survey digest {account_id}"},
    ).scalar_one()
    digest = _waiting(session, account_id) if alone else None
    if digest is None or (digest.notices and not send(digest)):
        return None if digest is None else False
    session.execute(
        text("UPDATE survey.notices SET mailed_at = now() WHERE id = ANY (:ids)"), {"ids": [*digest.taken]}
    )
    return True if digest.notices else None


def _waiting(session: Session, account_id: str) -> Digest | None:
    """What is new for somebody who wants it by e-mail; None for nothing."""
    rows = session.execute(
        text(
            "SELECT n.id, a.email FROM survey.notices n JOIN accounts.accounts a ON a.id = n.account_id"
            " WHERE a.id = :id AND a.daily_digest AND a.email IS NOT NULL"
            " AND n.mailed_at IS NULL AND n.read_at IS NULL ORDER BY n.id"
        ),
        {"id": account_id},
    ).all()
    account = find_account(session, account_id) if rows else None
    if account is None:
        return None
    ids = [row.id for row in rows]
    return Digest(account, rows[0].email, notices_of(session, account, only=ids), ids)


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
