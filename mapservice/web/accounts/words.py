"""Roles and localities in words, and as what forms offer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mapservice.accounts.permissions import LOCAL_ROLES, ROLE_WORDS, Grant, Role
from mapservice.layers.query import FeatureQuery
from mapservice.web import context, reading
from mapservice.web.languages import gettext, lazy_gettext
from mapservice.web.words import in_words

EVENTS = {
    "account made": lazy_gettext("account made"),
    "disabled": lazy_gettext("disabled"),
    "enabled": lazy_gettext("enabled"),
    "erased": lazy_gettext("erased"),
    "grants changed": lazy_gettext("what they may do was changed"),
    "grants changed by the directory": lazy_gettext("what they may do was changed by the directory"),
    "last administrator taken away by the directory": lazy_gettext(
        "last administrator taken away by the directory"
    ),
    "names changed": lazy_gettext("names changed"),
    "password set": lazy_gettext("password set"),
    "recovery code used": lazy_gettext("recovery code used"),
    "recovery codes made": lazy_gettext("recovery codes made"),
    "second factor off": lazy_gettext("second factor off"),
    "second factor on": lazy_gettext("second factor on"),
    "signed in": lazy_gettext("signed in"),
    "token made": lazy_gettext("token made"),
    "token revoked": lazy_gettext("token revoked"),
}


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
        choices.append(
            Choice(
                str(role),
                gettext("%(role)s, everywhere", role=in_words(title)) if local else in_words(title),
                in_words(what),
            )
        )
        if local:
            choices += [
                Choice(str(Grant(role, id)), _for_place(role, name), "") for id, name in places.items()
            ]
    return choices


def grant_words(grants: Iterable[Grant]) -> list[str]:
    """Grants as people read them; a locality that is no more by its id."""
    grants = sorted(grants, key=lambda grant: (list(Role).index(grant.role), grant.locality or ""))
    places = locality_names() if any(grant.locality for grant in grants) else {}
    return [
        _for_place(grant.role, places.get(grant.locality, grant.locality))
        if grant.locality
        else in_words(ROLE_WORDS[grant.role][0])
        for grant in grants
    ]


def _for_place(role: Role, place: str) -> str:
    return gettext("%(role)s for %(place)s", role=in_words(ROLE_WORDS[role][0]), place=place)


def event_words(action: str) -> str:
    """What was done to an account, as its page says it."""
    return str(EVENTS.get(action, action))
