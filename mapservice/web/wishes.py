"""What is said of a wish before somebody relies on it: of how many places we know whether they are so.

It is counted from the register and written down nowhere: when the facts arrive the words go by themselves.
"""

from __future__ import annotations

import logging
import threading
import time

import psycopg
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from mapservice.database import Database
from mapservice.finder.known import Known, read_known
from mapservice.finder.search import Wish
from mapservice.web.languages import gettext, lazy_gettext

HOLDS_S = 10.0
NEARLY_ALL = 0.9
"""Where so much is known, nothing is said of the rest: each place says it of itself."""
log = logging.getLogger(__name__)

UNKNOWN: dict[Wish, object] = {
    "open": lazy_gettext("We do not know yet of any place when it is open: ring before you go."),
    "step_free": lazy_gettext(
        "We do not know yet of any place whether it has a way in without steps: ring before you go."
    ),
    "language": lazy_gettext(
        "We do not know yet of any place which languages are spoken there: ring before you go."
    ),
}


class KnownBook:
    """What is known, counted again every few seconds; None until it could be counted once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Known | None = None
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def known(self) -> Known | None:
        if time.monotonic() > self._until and self._lock.acquire(blocking=self._known is None):
            try:
                if time.monotonic() > self._until:
                    self._count()
            finally:
                self._until = time.monotonic() + HOLDS_S
                self._lock.release()
        return self._known

    def _count(self) -> None:
        try:
            with self._database.reading() as cursor:
                self._known = read_known(cursor)
        except (psycopg.Error, SQLAlchemyError) as error:
            log.warning("what is known could not be counted: %s", type(error).__name__)


def init_wishes(app: Flask) -> None:
    """Give the app its book, and templates what is said of a wish."""
    app.extensions["known"] = KnownBook(app.extensions["database"])
    app.jinja_env.globals["wish_note"] = app.jinja_env.filters["wish_note"] = wish_note


def known() -> Known | None:
    """What is known now of the places of this app."""
    book: KnownBook = current_app.extensions["known"]
    return book.known


def wish_note(wish: Wish, *, only_if_none: bool = False) -> str:
    """What to say of a wish, by the name of its field; nothing where nearly all places say of themselves."""
    counted = known()
    if counted is None or not counted.places:
        return ""
    some = counted.of(wish)
    if wish in UNKNOWN and not some:
        return str(UNKNOWN[wish])
    if only_if_none or some >= NEARLY_ALL * counted.places:
        return ""
    return gettext("We know this of %(some)s of %(all)s places.", some=some, all=counted.places)
