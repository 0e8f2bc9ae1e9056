"""How people are named in what the survey shows of the past."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from mapservice.accounts.account import A_RESIDENT, names_shown

PERSON = "person-"
"""How the ids of people's accounts begin, by which the history names them."""
ANYBODY = "survey"
"""By this the history names who sent something without an account."""


def shown_names(session: Session, actors: Iterable[str | None]) -> dict[str | None, str]:
    """How those who did something are shown: people as they chose, imports and programs by their name.

    Who had no account, or has one no longer (None), is a resident like any other.
    """
    named = {actor for actor in actors if actor}
    people = names_shown(session, {actor for actor in named if actor.startswith(PERSON)})
    shown: dict[str | None, str] = {actor: people.get(actor, actor) for actor in named}
    return shown | {ANYBODY: A_RESIDENT, None: A_RESIDENT}
