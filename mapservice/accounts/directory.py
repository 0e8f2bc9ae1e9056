"""Who comes from a council's own directory: their account here, and the roles their groups give."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import set_grants
from mapservice.accounts.events import record
from mapservice.accounts.people import LONGEST_NAME, CannotBe, add_person, find_person, is_last_administrator
from mapservice.accounts.permissions import Grant, Role, UnknownRole

log = logging.getLogger(__name__)
ADMINISTRATOR = Grant(Role.ADMINISTRATOR)
RoleMap = Mapping[str, frozenset[Grant]]


@dataclass(frozen=True, slots=True)
class Claims:
    """What the directory says of somebody, as far as it is kept or used here."""

    issuer: str
    subject: str
    name: str
    groups: frozenset[str]


def parse_role_map(written: str) -> RoleMap:
    """``gis-team=planner, parks=reviewer@south`` as a mapping; raises UnknownRole."""
    found: dict[str, frozenset[Grant]] = {}
    for pair in filter(None, (part.strip() for part in written.split(","))):
        group, sign, role = pair.rpartition("=")
        if not sign or not group.strip():
            raise UnknownRole(f"{pair!r} should read group=role")
        found[group.strip()] = found.get(group.strip(), frozenset()) | {Grant.parse(role)}
    return found


def read_claims(claims: Mapping[str, Any], group_claim: str) -> Claims:
    """The claims of a checked identity token; groups may be one text or a list of them."""
    groups = claims.get(group_claim)
    listed: list[Any] = groups if isinstance(groups, list) else [groups] if isinstance(groups, str) else []
    name = " ".join(str(claims.get("name") or claims.get("preferred_username") or "").split())
    return Claims(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        name=name[:LONGEST_NAME].replace("\x00", "") or "From the directory",
        groups=frozenset(str(group) for group in listed),
    )


def account_of_claims(session: Session, claims: Claims, roles: RoleMap) -> str | None:
    """The account of somebody the directory vouches for, made at their first visit; None for who has no role.

    What the directory gave before and no longer gives is taken back; what an administrator gave stays. Nobody
    gets an account that was there before merely because an e-mail address is the same.
    """
    grants = frozenset[Grant]().union(*(roles[group] for group in claims.groups if group in roles))
    known = (
        "SELECT a.id FROM accounts.identities i JOIN accounts.accounts a ON a.id = i.account_id"
        " WHERE i.issuer = :issuer AND i.subject = :subject"
    )
    who = {"issuer": claims.issuer, "subject": claims.subject}
    found = session.execute(text(known), who).scalar()
    if found is None:
        return _first_visit(session, claims, grants) if grants else None
    # Before the account's own lock, as everybody takes them who may take an administrator away.
    last = ADMINISTRATOR not in grants and is_last_administrator(session, found)
    session.execute(text(f"{known} FOR UPDATE OF a"), who)
    person = find_person(session, found)
    if person is None:
        return None
    if person.from_directory != grants:
        set_grants(session, found, grants, "directory")
        record(session, found, "grants changed by the directory", now=sorted(map(str, grants)))
    left = find_person(session, found)
    if last and left and ADMINISTRATOR not in left.grants:
        # The directory decides who of its people may what; that nobody is left has to be known, though.
        record(session, found, "last administrator taken away by the directory")
        log.warning("the directory has taken the last administrator away: mapservice users invite makes one")
    return found if left and left.grants and left.disabled_at is None else None


def _first_visit(session: Session, claims: Claims, grants: frozenset[Grant]) -> str | None:
    try:
        account_id = add_person(session, claims.name, grants, given_by="directory")
    except CannotBe:
        return None
    session.execute(
        text("INSERT INTO accounts.identities (issuer, subject, account_id) VALUES (:issuer, :subject, :id)"),
        {"issuer": claims.issuer, "subject": claims.subject, "id": account_id},
    )
    return account_id
