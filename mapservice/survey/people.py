"""How people are named in what the survey shows: by the name they chose, else as a resident.

Who works on the survey tells those apart who chose no name: by what they do, and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import A_RESIDENT, COLUMNS, Account, from_row, names_shown
from mapservice.accounts.permissions import Role
from mapservice.saying import Said, english

PERSON = "person-"
"""How the ids of people's accounts begin, by which the history names them."""
ANYBODY = "survey"
"""By this the history names who sent something without an account."""

ROLES: dict[Role, Said] = {
    Role.ADMINISTRATOR: english("an administrator"),
    Role.REVIEWER: english("a reviewer"),
    Role.SURVEYOR: english("a surveyor"),
    Role.PLANNER: english("a planner"),
}
"""As what somebody is known, the first of these that they are."""


def shown_names(session: Session, actors: Iterable[str | None]) -> dict[str | None, str]:
    """How those who did something are shown to anybody: people as they chose, imports and programs by name.

    Who had no account, or has one no longer (None), is a resident like any other.
    """
    named = {actor for actor in actors if actor}
    people = names_shown(session, {actor for actor in named if actor.startswith(PERSON)})
    shown: dict[str | None, str] = {actor: people.get(actor, actor) for actor in named}
    return shown | {ANYBODY: A_RESIDENT, None: A_RESIDENT}


def names_at_work(session: Session, actors: Iterable[str | None]) -> dict[str | None, str]:
    """How the same are shown to those who work on the survey, and on no page that others may see.

    Who works on it too and chose no name is "a reviewer for South", the second of these "… (2)": always the
    same one, whatever page it is.
    """
    names = shown_names(session, actors)
    if not any(actor and name is A_RESIDENT for actor, name in names.items() if actor != ANYBODY):
        return names
    known = _known_by_role(session)
    return {
        actor: known.get(actor or "", name) if name is A_RESIDENT else name for actor, name in names.items()
    }


def _known_by_role(session: Session) -> dict[str, Said]:
    """Of everybody who works on the survey without a name to be seen by, what they are, told apart."""
    rows = session.execute(
        text(
            f"SELECT {COLUMNS} FROM accounts.accounts a WHERE a.kind = 'person' AND a.public_name IS NULL"
            " ORDER BY a.created_at, a.id"
        )
    ).all()
    places = {
        row.id: row.name
        for row in session.execute(
            text(
                "SELECT a.id, a.name FROM register.areas a"
                " JOIN register.boundary_sets s ON s.id = a.boundary_set_id WHERE s.kind = 'locality'"
            )
        )
    }
    found: dict[str, Said] = {}
    count: dict[str, int] = {}
    for account in map(from_row, rows):
        if (who := _by_role(account, places)) is None:
            continue
        number = count[who] = count.get(who, 0) + 1
        alike = english("%(who)s (%(number)s)", who=who, number=number)
        found[account.id] = who if number == 1 else alike
    return found


def _by_role(account: Account, places: Mapping[str, str]) -> Said | None:
    """What somebody is, and where; None for who does not work on the survey."""
    for role, who in ROLES.items():
        held = {grant.locality for grant in account.grants if grant.role == role}
        if None in held:
            return who
        if held:
            where = ", ".join(sorted(places.get(each, each) for each in held if each))
            return english("%(who)s for %(places)s", who=who, places=where)
    return None
