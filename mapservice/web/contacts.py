"""The borough's telephone of last resort, read from its data folder.

It stands on every page, on the error page shown when the database is away too, so it is read from the
file that ships and not from the database.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from mapservice.register.borough import Borough, BoroughFileError


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to ring, with what for, when, and how old that knowledge is."""

    id: str
    name: str
    kind: str
    value: str
    purpose: str
    hours: str
    needs: tuple[str, ...]
    as_of: str
    note: str
    rank: int


def read_contacts(folder: Path) -> tuple[Contact, ...]:
    """All contacts of ``contacts.csv``, the ones to try first in front. Raises BoroughFileError."""
    path = folder / "contacts.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [_contact(row) for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise BoroughFileError(f"{path}: there is no such file") from error
    except (KeyError, ValueError) as error:
        raise BoroughFileError(f"{path}: {error}") from error
    return tuple(sorted(rows, key=lambda contact: contact.rank))


def last_resort(borough: Borough, contacts: tuple[Contact, ...]) -> Contact:
    """The contact that ``borough.toml`` names for when nothing else helps. Raises BoroughFileError."""
    for contact in contacts:
        if contact.id == borough.last_resort_contact:
            return contact
    raise BoroughFileError(
        f"borough.toml: last_resort_contact is {borough.last_resort_contact!r}, "
        "which contacts.csv does not have"
    )


def for_need(contacts: tuple[Contact, ...], need: str | None) -> tuple[Contact, ...]:
    """The telephone lines for one need, or for any need when it is None."""
    return tuple(
        contact for contact in contacts if contact.kind == "phone" and (need is None or need in contact.needs)
    )


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
