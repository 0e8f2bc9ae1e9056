"""Changing the fields of a space, when somebody else may have changed it meanwhile.

Three versions meet: what the form was made from, what was typed, what is there now. A field that one side
alone changed is as that side has it. One that both changed otherwise is for the person to settle who came
second: nothing is written, they are shown both, and what they typed stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.survey.fields import FIELDS, fields_for, read_value
from mapservice.survey.notices import tell
from mapservice.survey.people import names_at_work
from mapservice.survey.spaces import (
    NotAllowed,
    Refused,
    Space,
    Unfit,
    because,
    clean_words,
    hold_space,
    read_space,
    values_at,
    write_values,
)

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """A field that somebody else changed after the form was made: what it is now, by whom, since when."""

    name: str
    was: Any
    now: Any
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Edited:
    """A space after a change, which fields it changed, and what others had changed in the meantime."""

    space: Space
    changed: tuple[str, ...]
    meanwhile: tuple[Meanwhile, ...] = ()


@dataclass(slots=True)
class Conflict(Exception):
    """Fields that both sides changed. Nothing was written; `mine` is what this side wanted, as typed."""

    space: Space
    conflicts: tuple[Meanwhile, ...]
    meanwhile: tuple[Meanwhile, ...]
    mine: Mapping[str, str]


def edit(
    session: Session,
    space_id: str,
    account: Account,
    version: int,
    typed: Mapping[str, str],
    *,
    keep_theirs: Collection[str] = (),
    reason: str = "",
) -> Edited:
    """Change what was typed otherwise than it was at `version`, the version the form was made from.

    `keep_theirs` are fields where the person has seen both and chose what was there. Raises NoSuchSpace,
    NotAllowed, Refused with every mistake, and Conflict.
    """
    space = hold_space(session, space_id, account.sees)
    if not space.open_to(account, Action.MOVE_STAGE):
        raise NotAllowed
    base = values_at(session, space, version, account.sees)
    mine = _typed(space, base, typed)
    try:
        said = clean_words(reason, LONGEST_REASON)
    except Unfit as error:
        raise Refused([("reason", error.why)]) from None
    moved = _meanwhile(session, space, base, version)
    mine = {name: value for name, value in mine.items() if name not in keep_theirs}
    wanted = {name: value for name, value in mine.items() if value != base[name]}
    both = tuple(each for name, each in moved.items() if name in wanted and wanted[name] != each.now)
    others = tuple(each for name, each in moved.items() if name not in wanted)
    if both:
        raise Conflict(space, both, others, typed)
    changes = {name: value for name, value in wanted.items() if value != space.values[name]}
    because(session, said)
    write_values(session, space, changes)
    if changes:
        tell(session, "changed", space.id, by=account, fields=sorted(changes))
    return Edited(read_space(session, space.id, account.sees) or space, tuple(changes), others)


def _typed(space: Space, base: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    mistakes, found = [], {}
    for each in fields_for(space.values):
        if each.name in typed:
            try:
                found[each.name] = read_value(
                    each, typed[each.name], (base[each.name], space.values[each.name])
                )
            except Unfit as error:
                mistakes.append((each.name, error.why))
    if mistakes:
        raise Refused(mistakes)
    return found


def _meanwhile(session: Session, space: Space, base: Mapping[str, Any], version: int) -> dict[str, Meanwhile]:
    """What others made of the fields since a version: the last of them for each."""
    differing = [name for name in FIELDS if space.values[name] != base[name]]
    if not differing:
        return {}
    rows = session.execute(
        text(
            "SELECT actor, at, before, after FROM history.changes WHERE table_name = 'green_spaces'"
            " AND row_key = :key AND id > :version AND operation = 'updated' ORDER BY id"
        ),
        {"key": str(space.key), "version": version},
    ).all()
    names = names_at_work(session, {row.actor for row in rows})
    found = {}
    for row in rows:
        for name in differing:
            if row.before.get(name) != row.after.get(name):
                found[name] = Meanwhile(name, base[name], space.values[name], names[row.actor], row.at)
    return found
