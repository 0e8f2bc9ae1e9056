"""Sessions of people who signed in: rows, so that they can be listed and ended; ids are kept as hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts import secrets
from mapservice.accounts.account import COLUMNS, Account, from_row

HALF_WAY = timedelta(minutes=10)
"""How long the second factor may be waited for."""
GLANCE = timedelta(minutes=1)
"""When a session was last used is known to the minute, which saves a write for most requests."""

_BROWSERS = ("Edg", "OPR", "SamsungBrowser", "Firefox", "FxiOS", "CriOS", "Chrome", "Safari")
_NAMES = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose session it is, and since when."""

    session_id: int
    account: Account
    complete: bool
    fresh: bool
    """Whether it began minutes ago: enough to change what else asks for the password."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its owner sees it."""

    id: int
    device: str
    started_at: datetime
    last_seen_at: datetime


def start_session(
    session: Session, account_id: str, device: str, lasting: timedelta, *, complete: bool = True
) -> str:
    """Begin a session; its secret is what the browser is to show from now on."""
    secret = secrets.new_secret()
    session.execute(
        text(
            "INSERT INTO accounts.sessions (account_id, sha256, device, expires_at, complete)"
            " VALUES (:id, :sha256, :device, now() + :lasting, :complete)"
        ),
        {
            "id": account_id,
            "sha256": secrets.hashed(secret),
            "device": device,
            "lasting": lasting if complete else HALF_WAY,
            "complete": complete,
        },
    )
    return secret


def find_session(session: Session, secret: str, idle: timedelta) -> SignedIn | None:
    """Whose session a secret opens; None where it is unknown or over, or the account is disabled."""
    if len(secret) > secrets.LONGEST:
        return None
    row = session.execute(
        text(
            f"SELECT {COLUMNS}, s.id, s.complete, s.started_at > now() - interval '15 minutes',"
            " s.last_seen_at < now() - :glance"
            " FROM accounts.sessions s JOIN accounts.accounts a ON a.id = s.account_id"
            " WHERE s.sha256 = :sha256 AND s.expires_at > now() AND s.last_seen_at > now() - :idle"
            " AND a.disabled_at IS NULL"
        ),
        {"sha256": secrets.hashed(secret), "idle": idle, "glance": GLANCE},
    ).first()
    if row is None:
        return None
    session_id, complete, fresh, unseen = tuple(row)[-4:]
    if unseen:
        session.execute(
            text("UPDATE accounts.sessions SET last_seen_at = now() WHERE id = :id"), {"id": session_id}
        )
    return SignedIn(session_id, from_row(row), complete, fresh)


def sessions_of(session: Session, account_id: str, idle: timedelta) -> list[SessionRow]:
    """The sessions an account has now, the one used last first."""
    rows = session.execute(
        text(
            "SELECT id, device, started_at, last_seen_at FROM accounts.sessions WHERE account_id = :id"
            " AND complete AND expires_at > now() AND last_seen_at > now() - :idle"
            " ORDER BY last_seen_at DESC, id"
        ),
        {"id": account_id, "idle": idle},
    )
    return [SessionRow(*row) for row in rows]


def end_session(session: Session, secret: str) -> None:
    """End the session of a secret."""
    session.execute(
        text("DELETE FROM accounts.sessions WHERE sha256 = :sha256"), {"sha256": secrets.hashed(secret)}
    )


def end_sessions(
    session: Session, account_id: str, *, only: int | None = None, but: int | None = None
) -> None:
    """End the sessions of an account: all, one of them, or all but one."""
    session.execute(
        text(
            "DELETE FROM accounts.sessions WHERE account_id = :id"
            " AND id = COALESCE(:only, id) AND id IS DISTINCT FROM CAST(:but AS bigint)"
        ),
        {"id": account_id, "only": only, "but": but},
    )


def forget_ended(session: Session) -> None:
    """Remove sessions and links that are over."""
    session.execute(text("DELETE FROM accounts.sessions WHERE expires_at < now()"))
    session.execute(text("DELETE FROM accounts.links WHERE expires_at < now()"))


def device_words(user_agent: str) -> str:
    """What a browser says of itself in two words, by which its owner knows it again; the rest is not kept."""
    browser = next((name for name in _BROWSERS if f"{name}/" in user_agent), None)
    system = next((name for sign, name in _SYSTEMS.items() if re.search(sign, user_agent)), None)
    named = _NAMES.get(browser, browser) if browser else "A browser"
    return f"{named} on {system}" if system else str(named)
