"""Roles and localities in words, and as what forms offer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mapservice.accounts.permissions import LOCAL_ROLES, ROLE_WORDS, Grant, Role
from mapservice.layers.query import FeatureQuery
from mapservice.web import context, reading


@dataclass(frozen=True, slots=True)
class Choice:
    """A grant as a form offers it."""

    value: str
    text: str
    hint: str


def locality_names() -> dict[str, str]:
    """The localities there are: names by id, in order."""
    layer = context.catalogue().get("localities")
    if layer is None:
        return {}
    with context.database().reading() as cursor:
        found = reading.feature_page(cursor, layer, FeatureQuery(limit=100)).features
    return {feature.id: str(feature.properties["name"]) for feature in found}


def grant_choices() -> list[Choice]:
    """Every role that can be given: those for a locality also for each one."""
    choices, places = [], locality_names()
    for role in Role:
        title, what = ROLE_WORDS[role]
        local = role in LOCAL_ROLES
        choices.append(Choice(str(role), f"{title}, everywhere" if local else title, what))
        if local:
            choices += [
                Choice(str(Grant(role, id)), f"{title} for {name}", "") for id, name in places.items()
            ]
    return choices


def grant_words(grants: Iterable[Grant]) -> list[str]:
    """Grants as people read them; a locality that is no more by its id."""
    grants = sorted(grants, key=lambda grant: (list(Role).index(grant.role), grant.locality or ""))
    places = locality_names() if any(grant.locality for grant in grants) else {}
    return [
        ROLE_WORDS[grant.role][0]
        + (f" for {places.get(grant.locality, grant.locality)}" if grant.locality else "")
        for grant in grants
    ]
