"""How people are named in what the survey shows of the past."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from mapservice.accounts.account import names_shown

PERSON = "person-"
"""How the ids of people's accounts begin, by which the history names them."""


def shown_names(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """How the actors of the history are shown: people as they chose, imports and programs by their name."""
    actors = set(actors)
    return dict(zip(actors, actors, strict=True)) | names_shown(
        session, {actor for actor in actors if actor.startswith(PERSON)}
    )
