"""How often help was asked for, by need and locality, and whether any was found: for the network's meetings.

No postcode, no time but the month, nobody's address. Counted in memory and added to the table every minute,
so that not even the database's own log could tell one search from another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Literal

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mapservice.database import Database

Outcome = Literal["found", "without-filters", "nothing"]
FLUSH_S = 60.0
SMALLEST_TOLD = 10
"""Fewer searches than this are not told apart: they might be somebody's."""

log = logging.getLogger(__name__)

_ADD = text(
    "INSERT INTO counts.searches AS s (month, need, locality, outcome, searches)"
    " VALUES (:month, :need, :locality, :outcome, :searches)"
    " ON CONFLICT (month, need, locality, outcome) DO UPDATE SET searches = s.searches + EXCLUDED.searches"
)
_READ = text(
    "SELECT month, need, locality, outcome, searches FROM counts.searches"
    " WHERE month >= :since ORDER BY month DESC, locality, need, outcome"
)


@dataclass(frozen=True, slots=True)
class Searches:
    """How many searches of one kind there were in a month; None: some, but too few to tell."""

    month: date
    need: str
    locality: str
    outcome: Outcome
    searches: int | None


class Tally:
    """Counts searches of one process and hands them to the database now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: Counter[tuple[date, str, str, Outcome]] = Counter()
        self._lock = threading.Lock()
        self._until = time.monotonic() + FLUSH_S

    def add(self, need: str, locality: str, outcome: Outcome) -> None:
        """Count one search; the database being away never keeps a resident from the answer."""
        with self._lock:
            self._counted[(date.today().replace(day=1), need, locality, outcome)] += 1
            due = time.monotonic() > self._until
            if due:
                self._until = time.monotonic() + FLUSH_S
        if due:
            threading.Thread(target=self.flush, name="searches", daemon=True).start()

    def flush(self) -> None:
        """Add what was counted to the table; what cannot be added is kept for the next time."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            with self._database.session("searches") as session:
                for month, need, locality, outcome in sorted(counted):
                    session.execute(
                        _ADD,
                        {
                            "month": month,
                            "need": need,
                            "locality": locality,
                            "outcome": outcome,
                            "searches": counted[(month, need, locality, outcome)],
                        },
                    )
        except (psycopg.Error, SQLAlchemyError) as error:
            log.warning("searches could not be counted: %s", type(error).__name__)
            with self._lock:
                self._counted.update(counted)


def read_searches(session: Session, since: date) -> list[Searches]:
    """What was asked for since a month, small numbers withheld."""
    return [
        Searches(month, need, locality, outcome, number if number >= SMALLEST_TOLD else None)
        for month, need, locality, outcome, number in session.execute(_READ, {"since": since})
    ]
