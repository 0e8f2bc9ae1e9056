"""The meetings of a locality: when they were, so that each begins with what changed since the last."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.register.opening_hours import LONDON

FIRST_LOOK = timedelta(days=31)
"""How far back a locality looks that has noted no meeting yet."""


def note_meeting(session: Session, locality: str, held_on: date, account_id: str | None) -> bool:
    """Note that a locality met on a day; whether that was not noted yet."""
    noted = session.execute(
        text(
            "INSERT INTO survey.meetings (locality, held_on, account_id) VALUES (:locality, :day, :account)"
            " ON CONFLICT (locality, held_on) DO NOTHING RETURNING id"
        ),
        {"locality": locality, "day": held_on, "account": account_id},
    )
    return noted.first() is not None


def forget_meeting(session: Session, locality: str, held_on: date) -> bool:
    """Take back a meeting that was noted by mistake; whether there was one."""
    gone = session.execute(
        text("DELETE FROM survey.meetings WHERE locality = :locality AND held_on = :day RETURNING id"),
        {"locality": locality, "day": held_on},
    )
    return gone.first() is not None


def meetings_of(session: Session, locality: str) -> list[date]:
    """The days on which a locality met, the latest first."""
    found = session.execute(
        text("SELECT held_on FROM survey.meetings WHERE locality = :locality ORDER BY held_on DESC"),
        {"locality": locality},
    )
    return [*found.scalars()]


def last_meeting(session: Session, locality: str, today: date) -> date | None:
    """When a locality met last before today: a meeting of today is the one that the pack is for."""
    return next((day for day in meetings_of(session, locality) if day < today), None)


def since(meeting: date | None, today: date) -> datetime:
    """From when on a change is new to a meeting: the whole day of the last one counts, lest any be missed."""
    return datetime.combine(meeting or today - FIRST_LOOK, time(), LONDON)
