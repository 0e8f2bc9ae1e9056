"""Signing in with a password: the same answer and the same time whether or not there is such an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts import attempts, sessions
from mapservice.accounts.events import record
from mapservice.accounts.passwords import hash_password, is_outdated, verify_password
from mapservice.accounts.second_factor import check, is_on
from mapservice.accounts.secrets import Box
from mapservice.database import Database

ACTOR = "signing in"
LONGEST_NAME = 254


@dataclass(frozen=True, slots=True)
class From:
    """Where somebody signs in from: for counting attempts, and for the list of their sessions."""

    address: str
    device: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A session that was begun; an incomplete one waits for the second factor."""

    secret: str
    account_id: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Door:
    """What signing in goes by: the database, the service's secret, and how long a session lasts."""

    database: Database
    key: str
    lasting: timedelta
    idle: timedelta

    @property
    def box(self) -> Box:
        """Where what must be read back is locked."""
        return Box(self.key)


def sign_in(door: Door, typed: str, password: str, where: From) -> Entry | None:
    """Begin a session for who shows the right password; None where name or password is wrong, whichever.

    Raises TooMany.
    """
    name = typed.strip().lower().replace("\x00", "")[:LONGEST_NAME]
    with door.database.session(ACTOR) as session:
        counted = attempts.attempt(session, door.key, attempts.PASSWORD, name, where.address)
        whole = attempts.attempt(session, door.key, attempts.ADDRESS, where.address)
        row = session.execute(
            text(
                "SELECT id, password_hash FROM accounts.accounts"
                " WHERE kind = 'person' AND disabled_at IS NULL"
                " AND (lower(email) = :name OR user_name = :name)"
            ),
            {"name": name},
        ).first()
    # Outside of a transaction: this takes its time, and nobody else should wait for it.
    if not verify_password(row[1] if row else None, password) or row is None:
        return None
    with door.database.session(row[0]) as session:
        attempts.succeeded(session, counted, wholly=True)
        attempts.succeeded(session, whole)
        if is_outdated(row[1]):
            session.execute(
                text(
                    "UPDATE accounts.accounts SET password_hash = :now"
                    " WHERE id = :id AND password_hash = :old"
                ),
                {"id": row[0], "now": hash_password(password), "old": row[1]},
            )
        complete = not is_on(session, row[0])
        return _enter(session, door, row[0], where, complete=complete)


def show_code(door: Door, entry_secret: str, account_id: str, code: str, where: From) -> Entry | None:
    """Go on with the second factor: a complete session in place of the one that waited. Raises TooMany."""
    with door.database.session(account_id) as session:
        counted = attempts.attempt(session, door.key, attempts.CODE, account_id)
    with door.database.session(account_id) as session:
        if not check(session, door.box, account_id, code):
            return None
        attempts.succeeded(session, counted, wholly=True)
        sessions.end_session(session, entry_secret)
        return _enter(session, door, account_id, where, complete=True)


def enter(session: Session, door: Door, account_id: str, where: From, *, again: bool = False) -> Entry:
    """Begin a session for who has proved who they are in another way: a link, a directory.

    `again`: in place of a session that was complete, and needs no second factor anew.
    """
    return _enter(session, door, account_id, where, complete=again or not is_on(session, account_id))


def confirm_password(door: Door, account_id: str, password: str, where: From) -> bool:
    """Whether the person at the keyboard knows the account's password. Raises TooMany."""
    with door.database.session(account_id) as session:
        counted = attempts.attempt(session, door.key, attempts.PASSWORD, account_id, where.address)
        kept = session.execute(
            text("SELECT password_hash FROM accounts.accounts WHERE id = :id"), {"id": account_id}
        ).scalar()
    if not verify_password(kept, password):
        return False
    with door.database.session(account_id) as session:
        attempts.succeeded(session, counted, wholly=True)
    return True


def _enter(session: Session, door: Door, account_id: str, where: From, *, complete: bool) -> Entry:
    sessions.forget_ended(session)
    attempts.forget_old(session)
    secret = sessions.start_session(session, account_id, where.device, door.lasting, complete=complete)
    if complete:
        record(session, account_id, "signed in")
    return Entry(secret, account_id, complete)
