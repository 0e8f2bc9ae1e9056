"""Trying again and again takes longer and longer: counted in the database, hence for all workers together.

Nobody can lock somebody else out: what waits is an account *as tried from one address*, and an address. An
attempt is counted before it is looked at, so that a hundred at the same time are a hundred and not one; one
that succeeds is taken back. Keys are hashes: neither addresses nor names are kept.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.secrets import keyed


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts are free; each further one doubles the wait. After `forget_s` of peace all is new."""

    kind: str
    free: int
    first_wait_s: float
    longest_wait_s: float = 900
    forget_s: int = 24 * 3600


PASSWORD = Limit("password", free=5, first_wait_s=5)
"""One account from one address."""
ADDRESS = Limit("address", free=100, first_wait_s=5, forget_s=3600)
"""All accounts from one address, which a whole library or office may share."""
CODE = Limit("code", free=5, first_wait_s=15, forget_s=3600)
"""The second factor of one account, for who knows its password."""
MAIL = Limit("mail", free=3, first_wait_s=300, longest_wait_s=3600)
"""Links sent to one e-mail address."""
FORM = Limit("form", free=20, first_wait_s=15, forget_s=3600)
"""What anybody may send without an account, from one address."""
SUGGESTION = Limit("suggestion", free=100, first_wait_s=10, forget_s=3600)
"""What is sent of green spaces without an account: a walk's whole party may share the address of one hall."""


class TooMany(Exception):
    """Tried too often; to be tried again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"tried too often; wait {seconds} seconds")
        self.seconds = seconds


def network_of(address: str | None) -> str:
    """What counts as one address: of IPv6 the 64 bits that one household has, of IPv4 always the whole.

    Where one socket takes both, addresses of IPv4 come as those of IPv6 in one and the same network.
    """
    try:
        known = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if known.version == 6 and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else str(known)


def attempt(session: Session, key: str, limit: Limit, *on: str) -> bytes:
    """Count an attempt on something; gives what `succeeded` takes back.

    Raises TooMany, and counts nothing, while the wait after the attempts before is not over. `key` is the
    service's secret. Commit before the attempt is looked at.
    """
    hashed = keyed(key, limit.kind, *on)
    counted = session.execute(
        text(
            "INSERT INTO accounts.attempts AS a (key) VALUES (:key) ON CONFLICT (key) DO UPDATE SET"
            " made = CASE WHEN a.last_at < now() - make_interval(secs => :forget) THEN 1 ELSE a.made + 1 END,"
            " last_at = now(),"
            " blocked_until = now() + make_interval(secs => CASE"
            "  WHEN a.last_at < now() - make_interval(secs => :forget) OR a.made + 1 < :free THEN 0"
            "  ELSE LEAST(:longest, :first * 2 ^ LEAST(a.made + 1 - :free, 30)) END)"
            # Not now(): others that began later may have been counted while this one waited for the row.
            " WHERE a.blocked_until <= clock_timestamp() RETURNING made"
        ),
        {
            "key": hashed,
            "forget": limit.forget_s,
            "free": limit.free,
            "first": limit.first_wait_s,
            "longest": limit.longest_wait_s,
        },
    ).scalar()
    if counted is None:
        left = session.execute(
            text(
                "SELECT ceil(extract(epoch FROM blocked_until - now())) FROM accounts.attempts"
                " WHERE key = :key"
            ),
            {"key": hashed},
        ).scalar()
        raise TooMany(max(1, int(left or 1)))
    return hashed


def succeeded(session: Session, *counted: bytes, wholly: bool = False) -> None:
    """Take attempts back: each by one, or wholly, with those that failed before."""
    session.execute(
        text("DELETE FROM accounts.attempts WHERE key = ANY(:keys) AND (:wholly OR made <= 1)"),
        {"keys": list(counted), "wholly": wholly},
    )
    session.execute(
        text("UPDATE accounts.attempts SET made = made - 1, blocked_until = now() WHERE key = ANY(:keys)"),
        {"keys": list(counted)},
    )


def forget_old(session: Session) -> None:
    """Remove what was tried so long ago that it no longer counts."""
    session.execute(text("DELETE FROM accounts.attempts WHERE last_at < now() - interval '2 days'"))
