"""The borough's contacts for pages: as the register has them, and from the data folder while it is away.

The telephone of last resort stands on every page, on the one that says that the database is away too.
"""

from __future__ import annotations

import csv
import logging
import threading
import time
from pathlib import Path

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from mapservice.database import Database
from mapservice.finder.contacts import Contact, read_contacts
from mapservice.register.borough import Borough, BoroughFileError

HOLDS_S = 5.0
log = logging.getLogger(__name__)


class ContactBook:
    """The contacts, looked up again every few seconds; the last good copy serves while they cannot be."""

    def __init__(self, database: Database, borough: Borough, shipped: tuple[Contact, ...]) -> None:
        """Raises BoroughFileError where the telephone of last resort is not among the shipped contacts."""
        self._database = database
        self._wanted = borough.last_resort_contact
        self._contacts = shipped
        self._until = 0.0
        self._lock = threading.Lock()
        self._last_resort = _find(shipped, self._wanted)
        if self._last_resort is None:
            raise BoroughFileError(
                f"borough.toml: last_resort_contact is {self._wanted!r}, which contacts.csv does not have"
            )

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Every contact of the borough, the ones to try first in front."""
        if time.monotonic() > self._until and self._lock.acquire(blocking=False):
            try:
                self._look_up()
            finally:
                self._until = time.monotonic() + HOLDS_S
                self._lock.release()
        return self._contacts

    @property
    def last_resort(self) -> Contact | None:
        """Whom to ring when nothing else helps."""
        return _find(self.contacts, self._wanted) or self._last_resort

    def for_need(self, need: str | None) -> tuple[Contact, ...]:
        """Whom to contact about one need, or about any when it is None: by telephone where they have one."""
        meant = [c for c in self.contacts if need is None or need in c.needs]
        ringable = {c.name for c in meant if c.kind == "phone"}
        return tuple(c for c in meant if c.kind == "phone" or c.name not in ringable)

    def _look_up(self) -> None:
        try:
            with self._database.reading() as cursor:
                found = read_contacts(cursor)
        except (psycopg.Error, SQLAlchemyError) as error:
            log.warning("contacts could not be looked up: %s", type(error).__name__)
            return
        if found:
            self._contacts = found


def read_shipped(folder: Path) -> tuple[Contact, ...]:
    """The contacts of a data folder's `contacts.csv`. Raises BoroughFileError."""
    path = folder / "contacts.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [_contact(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BoroughFileError(f"{path}: {error}") from error
    except (KeyError, ValueError) as error:
        raise BoroughFileError(f"{path}: {error} is missing or wrong") from error
    return tuple(sorted(rows, key=lambda contact: contact.rank))


def _find(contacts: tuple[Contact, ...], contact_id: str) -> Contact | None:
    return next((contact for contact in contacts if contact.id == contact_id), None)


def _contact(row: dict[str, str]) -> Contact:
    return Contact(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        value=row["value"],
        purpose=row.get("purpose") or "",
        hours=row.get("hours") or "",
        needs=tuple(word for word in (row.get("needs") or "").split(";") if word),
        as_of=row.get("as_of") or "",
        note=row.get("note") or "",
        rank=int(row.get("rank") or 100),
    )
