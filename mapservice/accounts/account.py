"""An account as the rest of the service knows it: who is asking, what they may do, what they may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts import permissions
from mapservice.accounts.permissions import Action, Grant, Role
from mapservice.saying import english

A_RESIDENT = english("a resident")
"""How somebody is shown who did not choose otherwise, or has gone."""

Kind = Literal["person", "program"]
Scope = Literal["read", "write"]

COLUMNS = """a.id, a.kind, a.name, a.public_name, a.sees,
    ARRAY(SELECT g.role || COALESCE('@' || g.locality, '') FROM accounts.grants g
          WHERE g.account_id = a.id GROUP BY g.role, g.locality ORDER BY 1)"""
"""What `from_row` makes an account of, selected from accounts.accounts under the name a."""


class UnknownAccount(ValueError):
    """There is no such account; the message names it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody known, a person or a program."""

    id: str
    kind: Kind
    name: str
    """For the account's owner and administrators; others see `shown_as`."""
    public_name: str | None
    sees: tuple[str, ...]
    grants: frozenset[Grant]
    scope: Scope = "write"
    """What the token used for this request may do; signing in in person allows everything."""

    def may(self, action: Action, locality: str | None = None) -> bool:
        """Whether this account may do something; see `permissions.may`."""
        return permissions.may(self.grants, action, locality)

    @property
    def may_edit(self) -> bool:
        """Whether features can be changed through the API with what was shown."""
        return self.scope == "write" and self.may(Action.EDIT_FEATURES)

    @property
    def shown_as(self) -> str:
        """The name others see."""
        return self.public_name or A_RESIDENT if self.kind == "person" else self.name

    @property
    def actor(self) -> str:
        """How the history names this account: a person by id only, so that their name can be erased."""
        return self.id if self.kind == "person" else self.name


def from_row(row: Any, scope: Scope = "write") -> Account:
    """The account of a row that begins with COLUMNS."""
    account_id, kind, name, public_name, seen, written = tuple(row)[:6]
    grants = permissions.parse_grants(written)
    if kind == "person":
        seen = permissions.sees(grants)
    return Account(account_id, kind, name, public_name, tuple(seen), grants, scope)


def find_account(session: Session, account_id: str) -> Account | None:
    """The account with an id, if there is one that is not disabled."""
    row = session.execute(
        text(f"SELECT {COLUMNS} FROM accounts.accounts a WHERE a.id = :id AND a.disabled_at IS NULL"),
        {"id": account_id},
    ).first()
    return from_row(row) if row else None


def accounts_that_may(session: Session, action: Action, locality: str | None = None) -> list[Account]:
    """The people who may do something in a locality: whom to tell that it waits for them."""
    rows = session.execute(
        text(
            f"SELECT {COLUMNS} FROM accounts.accounts a"
            " WHERE a.kind = 'person' AND a.disabled_at IS NULL AND EXISTS ("
            "  SELECT FROM accounts.grants g WHERE g.account_id = a.id AND g.role = ANY(:roles))"
            " ORDER BY a.id"
        ),
        {"roles": sorted(permissions.ALLOWED[action])},
    )
    return [account for row in rows if (account := from_row(row)).may(action, locality)]


def names_shown(session: Session, account_ids: Iterable[str]) -> dict[str, str]:
    """How accounts are shown to others, by id; who has gone is a resident like any other."""
    wanted = sorted(set(account_ids))
    rows = session.execute(
        text(
            "SELECT id, CASE kind WHEN 'person' THEN public_name ELSE name END AS shown"
            " FROM accounts.accounts WHERE id = ANY(:ids)"
        ),
        {"ids": wanted},
    )
    return dict.fromkeys(wanted, A_RESIDENT) | {row.id: row.shown for row in rows if row.shown}


def set_grants(
    session: Session, account_id: str, grants: Iterable[Grant], given_by: str = "administrator"
) -> None:
    """Make these the grants an account has from somebody: an administrator, or a council's directory."""
    session.execute(
        text("DELETE FROM accounts.grants WHERE account_id = :id AND given_by = :given_by"),
        {"id": account_id, "given_by": given_by},
    )
    for grant in sorted(grants, key=str):
        session.execute(
            text(
                "INSERT INTO accounts.grants (account_id, role, locality, given_by)"
                " VALUES (:id, :role, :locality, :given_by)"
            ),
            {
                "id": account_id,
                "role": str(grant.role),
                "locality": grant.locality,
                "given_by": given_by,
            },
        )


def put_program(
    session: Session, account_id: str, name: str, *, may_edit: bool, sees: Iterable[str] = ("public",)
) -> None:
    """Make the account of a program, or change what one may do; raises UnknownAccount for a person's."""
    put = session.execute(
        text(
            "INSERT INTO accounts.accounts AS a (id, name, sees) VALUES (:id, :name, :sees)"
            " ON CONFLICT (id) DO UPDATE SET name = :name, sees = :sees, disabled_at = NULL"
            " WHERE a.kind = 'program' RETURNING id"
        ),
        {"id": account_id, "name": name, "sees": list(sees)},
    ).first()
    if put is None:
        raise UnknownAccount(f"{account_id!r} is the account of a person, who makes tokens on their own page")
    set_grants(session, account_id, {Grant(Role.PLANNER)} if may_edit else ())
