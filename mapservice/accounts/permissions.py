"""Who may do what: one table of actions and roles, for pages, the API, templates and commands alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from mapservice.saying import english


class Role(StrEnum):
    """What somebody is here; a person can have several."""

    CONTRIBUTOR = "contributor"
    SURVEYOR = "surveyor"
    REVIEWER = "reviewer"
    PLANNER = "planner"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What can be done that not everybody may do, or that leaves something behind."""

    SUGGEST = "suggest"
    COMMENT = "comment"
    PHOTOGRAPH = "photograph"
    WATCH = "watch"
    CONFIRM = "confirm"
    MOVE_STAGE = "move-stage"
    MERGE = "merge"
    DECLINE = "decline"
    REVERT = "revert"
    PUBLISH = "publish"
    SEE_QUEUE = "see-queue"
    EXPORT_DRAFTS = "export-drafts"
    EDIT_FEATURES = "edit-features"
    OWN_ACCOUNT = "own-account"
    MANAGE_PEOPLE = "manage-people"


LOCAL_ROLES = frozenset({Role.SURVEYOR, Role.REVIEWER})
"""Roles that can be held for one locality only."""

EVERY_ROLE = frozenset(Role)
_SURVEYING = frozenset({Role.SURVEYOR, Role.REVIEWER, Role.ADMINISTRATOR})
_REVIEWING = frozenset({Role.REVIEWER, Role.ADMINISTRATOR})
_PLANNING = frozenset({Role.PLANNER, Role.ADMINISTRATOR})

WITHOUT_ACCOUNT = frozenset({Action.SUGGEST, Action.PHOTOGRAPH})
"""What nobody needs an account for; it lands in review. Photographs come with what is sent."""

ALLOWED: dict[Action, frozenset[Role]] = {
    Action.SUGGEST: EVERY_ROLE,
    Action.COMMENT: EVERY_ROLE,
    Action.PHOTOGRAPH: EVERY_ROLE,
    Action.WATCH: EVERY_ROLE,
    Action.CONFIRM: _SURVEYING,
    Action.MOVE_STAGE: _REVIEWING,
    Action.MERGE: _REVIEWING,
    Action.DECLINE: _REVIEWING,
    Action.REVERT: _REVIEWING,
    Action.PUBLISH: _REVIEWING,
    Action.SEE_QUEUE: _SURVEYING | _PLANNING,
    Action.EXPORT_DRAFTS: _PLANNING | _REVIEWING,
    Action.EDIT_FEATURES: _PLANNING,
    Action.OWN_ACCOUNT: EVERY_ROLE,
    Action.MANAGE_PEOPLE: frozenset({Role.ADMINISTRATOR}),
}

SEES: dict[Role, tuple[str, ...]] = {
    Role.CONTRIBUTOR: ("public",),
    Role.SURVEYOR: ("public", "network"),
    Role.REVIEWER: ("public", "network"),
    Role.PLANNER: ("public", "network", "council"),
    Role.ADMINISTRATOR: ("public", "network", "council"),
}

ROLE_WORDS: dict[Role, tuple[str, str]] = {
    Role.CONTRIBUTOR: (english("Contributor"), english("suggests spaces, comments, adds photographs")),
    Role.SURVEYOR: (english("Surveyor"), english("confirms on site")),
    Role.REVIEWER: (english("Reviewer"), english("moves stages, merges, declines, publishes")),
    Role.PLANNER: (english("Planner"), english("exports drafts, changes features through the API")),
    Role.ADMINISTRATOR: (
        english("Administrator"),
        english("invites people and says what they may do; may do everything"),
    ),
}

_GRANT = re.compile(r"([a-z]+)(?:@([a-z0-9]+(?:-[a-z0-9]+)*))?", re.ASCII)


class UnknownRole(ValueError):
    """Not a role, or not one that can be held so; the message says which there are."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role somebody holds: everywhere, or in one locality (its id). Written as ``reviewer@south``."""

    role: Role
    locality: str | None = None

    @classmethod
    def parse(cls, written: str) -> Self:
        """The grant that ``reviewer`` or ``reviewer@south`` means; raises UnknownRole."""
        match = _GRANT.fullmatch(written.strip())
        if match is None or match[1] not in set(Role):
            raise UnknownRole(f"{written!r} is not a role; there are: {', '.join(Role)}")
        role = Role(match[1])
        if match[2] is not None and role not in LOCAL_ROLES:
            raise UnknownRole(f"{role} is not held for one locality: write {str(role)!r}")
        return cls(role, match[2])

    def __str__(self) -> str:
        return f"{self.role}@{self.locality}" if self.locality else str(self.role)


def parse_grants(written: Iterable[str]) -> frozenset[Grant]:
    """Several grants; raises UnknownRole."""
    return frozenset(Grant.parse(each) for each in written)


def may(grants: Iterable[Grant], action: Action, locality: str | None = None) -> bool:
    """Whether somebody with these grants may do something in a locality, or with none named, anywhere.

    What needs no account needs no grant. A role for one locality counts there and nowhere else; where the
    locality of a thing is unknown, ask with ``locality=""``, which only a role held everywhere satisfies.
    """
    if action in WITHOUT_ACCOUNT:
        return True
    return any(
        grant.role in ALLOWED[action] and (locality is None or grant.locality in (None, locality))
        for grant in grants
    )


def localities_for(grants: Iterable[Grant], action: Action) -> frozenset[str] | None:
    """In which localities somebody may do something; None means in all, and outside of any."""
    holding = [grant for grant in grants if grant.role in ALLOWED[action]]
    if any(grant.locality is None for grant in holding):
        return None
    return frozenset(grant.locality for grant in holding if grant.locality)


def sees(grants: Iterable[Grant]) -> tuple[str, ...]:
    """The visibilities people with these grants may see: those of the role that sees most."""
    return max((SEES[grant.role] for grant in grants), key=len, default=("public",))
