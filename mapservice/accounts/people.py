"""People with an account: invite them, say what they may do, let them change what is known of them."""

from __future__ import annotations

import re
import secrets as random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mapservice.accounts import account as accounts
from mapservice.accounts.events import record
from mapservice.accounts.links import drop_links, make_link
from mapservice.accounts.passwords import check_password, hash_password
from mapservice.accounts.permissions import Grant, Role, parse_grants
from mapservice.accounts.sessions import end_sessions
from mapservice.accounts.tokens import revoke_tokens
from mapservice.saying import english

EMAIL = re.compile(r"[^@\s,;<>\"\x00-\x1f]+@[^@\s,;<>\"\x00-\x1f]+\.[^@\s,;<>\"\x00-\x1f.]+")
USER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?", re.ASCII)
LONGEST_NAME = 80
LONGEST_EMAIL = 254
# One at a time where the last administrator might go: two could each leave it to the other.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('accounts: administrators'))"


class CannotBe(ValueError):
    """What was asked for cannot be done; `field` says where, the message how to put it right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Person:
    """A person as administrators and they themselves see them."""

    id: str
    name: str
    email: str | None
    user_name: str | None
    public_name: str | None
    created_at: datetime
    disabled_at: datetime | None
    has_password: bool
    second_factor: bool
    grants: frozenset[Grant]
    from_directory: frozenset[Grant]
    """Those of the grants that a council's directory gave, and takes back."""

    @property
    def sign_in_name(self) -> str:
        """What they sign in with, to be told from others of the same name."""
        return self.email or self.user_name or ""

    @property
    def roles(self) -> frozenset[Role]:
        """What they are, wherever."""
        return frozenset(grant.role for grant in self.grants)


_PERSON = """SELECT a.id, a.name, a.email, a.user_name, a.public_name, a.created_at, a.disabled_at,
    a.password_hash IS NOT NULL, a.second_factor_since IS NOT NULL,
    ARRAY(SELECT DISTINCT g.role || COALESCE('@' || g.locality, '') FROM accounts.grants g
          WHERE g.account_id = a.id),
    ARRAY(SELECT g.role || COALESCE('@' || g.locality, '') FROM accounts.grants g
          WHERE g.account_id = a.id AND g.given_by = 'directory')
    FROM accounts.accounts a WHERE a.kind = 'person'"""


def list_people(session: Session) -> list[Person]:
    """Everybody who can sign in, could or will be able to, by name."""
    return [_person(row) for row in session.execute(text(f"{_PERSON} ORDER BY lower(a.name), a.id"))]


def find_person(session: Session, account_id: str) -> Person | None:
    """The person with an id."""
    row = session.execute(text(f"{_PERSON} AND a.id = :id"), {"id": account_id}).first()
    return _person(row) if row else None


def find_by_sign_in_name(session: Session, typed: str) -> Person | None:
    """The person who signs in with an e-mail address or user name, however they capitalise it."""
    row = session.execute(
        text(f"{_PERSON} AND (lower(a.email) = :typed OR a.user_name = :typed)"), {"typed": _folded(typed)}
    ).first()
    return _person(row) if row else None


def add_person(
    session: Session,
    name: str,
    grants: Iterable[Grant],
    *,
    email: str = "",
    user_name: str = "",
    given_by: str = "administrator",
) -> str:
    """Make an account nobody can sign in to yet; gives its id, which says nothing of whose it is.

    Raises CannotBe for a name or address that is missing, wrong or taken.
    """
    name, email, user_name = _clean_name(name), _folded(email), _folded(user_name)
    if given_by == "administrator":
        if not email and not user_name:
            raise CannotBe("email", english("Enter an e-mail address or a user name"))
        _check_names(email, user_name)
    account_id = f"person-{random.token_hex(6)}"
    try:
        with session.begin_nested():
            session.execute(
                text(
                    "INSERT INTO accounts.accounts (id, kind, name, email, user_name)"
                    " VALUES (:id, 'person', :name, NULLIF(:email, ''), NULLIF(:user_name, ''))"
                ),
                {"id": account_id, "name": name, "email": email, "user_name": user_name},
            )
    except IntegrityError as error:
        taken = "user_name" if "accounts_user_name" in str(error.orig) else "email"
        raise CannotBe(taken, english("Somebody with this has an account already")) from None
    accounts.set_grants(session, account_id, grants, given_by)
    record(session, account_id, "account made", grants=_written(grants))
    return account_id


def invite(
    session: Session, name: str, grants: Iterable[Grant], *, email: str = "", user_name: str = ""
) -> tuple[str, str]:
    """Make an account and the secret of a link to choose its password; raises CannotBe."""
    account_id = add_person(session, name, grants, email=email, user_name=user_name)
    return account_id, make_link(session, account_id, "invitation")


def change_grants(session: Session, account_id: str, grants: Iterable[Grant]) -> None:
    """Say what somebody may do; raises CannotBe where no administrator would be left."""
    wanted = frozenset(grants)
    before = find_person(session, account_id)
    if before is None:
        raise CannotBe("account", english("There is no such account"))
    if Grant(Role.ADMINISTRATOR) not in wanted:
        _keep_an_administrator(session, account_id)
    accounts.set_grants(session, account_id, wanted)
    record(session, account_id, "grants changed", before=_written(before.grants), now=_written(wanted))


def disable(session: Session, account_id: str) -> None:
    """Let somebody in no more, from this moment: their sessions end, their tokens and links do not hold."""
    _keep_an_administrator(session, account_id)
    session.execute(
        text("UPDATE accounts.accounts SET disabled_at = now() WHERE id = :id AND disabled_at IS NULL"),
        {"id": account_id},
    )
    end_sessions(session, account_id)
    drop_links(session, account_id)
    record(session, account_id, "disabled")


def enable(session: Session, account_id: str) -> None:
    """Let somebody in again."""
    session.execute(
        text("UPDATE accounts.accounts SET disabled_at = NULL WHERE id = :id"), {"id": account_id}
    )
    record(session, account_id, "enabled")


def set_password(session: Session, account_id: str, password: str, service: str = "") -> None:
    """Give an account a password; ends all its sessions, links and tokens. Raises WeakPassword."""
    person = find_person(session, account_id)
    if person is None:
        raise CannotBe("account", english("There is no such account"))
    check_password(password, [person.name, person.email or "", person.user_name or "", service])
    session.execute(
        text("UPDATE accounts.accounts SET password_hash = :hash WHERE id = :id"),
        {"id": account_id, "hash": hash_password(password)},
    )
    end_sessions(session, account_id)
    drop_links(session, account_id)
    revoke_tokens(session, account_id)
    record(session, account_id, "password set")


def change_names(session: Session, account_id: str, name: str, public_name: str) -> None:
    """Change what somebody is called, and as what others see them ("": as a resident). Raises CannotBe."""
    public = " ".join(public_name.split())
    if len(public) > LONGEST_NAME:
        raise CannotBe("public_name", english("Use at most %(most)s characters", most=LONGEST_NAME))
    if "\x00" in public:
        raise CannotBe("public_name", english("This has a character that is not text"))
    session.execute(
        text("UPDATE accounts.accounts SET name = :name, public_name = NULLIF(:public, '') WHERE id = :id"),
        {"id": account_id, "name": _clean_name(name), "public": public},
    )
    record(session, account_id, "names changed")


def erase(session: Session, account_id: str) -> None:
    """Remove an account and all that is known of the person; what they gave stays, as from a resident.

    Raises CannotBe where no administrator would be left.
    """
    _keep_an_administrator(session, account_id)
    session.execute(
        text("DELETE FROM accounts.accounts WHERE id = :id AND kind = 'person'"), {"id": account_id}
    )
    record(session, account_id, "erased")


def _keep_an_administrator(session: Session, account_id: str) -> None:
    """Before an account loses its powers: raises CannotBe where it is the last administrator."""
    if is_last_administrator(session, account_id):
        raise CannotBe("account", english("This is the last administrator. Make somebody else one first"))


def is_last_administrator(session: Session, account_id: str) -> bool:
    """Whether an account is the only administrator who can sign in; so it stays until the transaction ends.

    Who was invited and has no password yet cannot, and whoever a directory vouches for can.
    """
    session.execute(text(_ONE_AT_A_TIME))
    others, is_one = session.execute(
        text(
            "SELECT count(*) FILTER (WHERE a.id <> :id), COALESCE(bool_or(a.id = :id), false)"
            " FROM accounts.accounts a JOIN accounts.grants g ON g.account_id = a.id"
            " WHERE g.role = 'administrator' AND a.disabled_at IS NULL AND a.kind = 'person'"
            " AND (a.password_hash IS NOT NULL"
            "  OR EXISTS (SELECT FROM accounts.identities i WHERE i.account_id = a.id))"
        ),
        {"id": account_id},
    ).one()
    return bool(is_one and not others)


def _check_names(email: str, user_name: str) -> None:
    if email and (len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email)):
        raise CannotBe("email", english("Enter an e-mail address, as in name@example.org"))
    if user_name and not USER_NAME.fullmatch(user_name):
        raise CannotBe("user_name", english("Use letters from a to z, digits, dots and hyphens, at most 40"))


def _clean_name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise CannotBe("name", english("Enter a name"))
    if len(clean) > LONGEST_NAME or "\x00" in clean:
        raise CannotBe("name", english("Use at most %(most)s characters", most=LONGEST_NAME))
    return clean


def _folded(typed: str) -> str:
    return typed.strip().lower().replace("\x00", "")


def _written(grants: Iterable[Grant]) -> list[str]:
    return sorted(str(grant) for grant in grants)


def _person(row: Row[Any]) -> Person:
    facts: list[Any] = [*row]
    facts[-2:] = [parse_grants(facts[-2]), parse_grants(facts[-1])]
    return Person(*facts)
