"""Who is told what: the people who watch a space, and those for whom something waits.

A notice says what happened to which space and who did it. What the space is is read when the notice is shown,
by what that person may see then: who loses a role learns nothing more from notices they had.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account, accounts_that_may, names_shown
from mapservice.accounts.permissions import Action
from mapservice.survey.spaces import UNNAMED, localities_of

Kind = Literal["suggested", "reported", "stage", "changed", "comment", "mention", "merged", "due"]
MOST_SHOWN = 200
LAST = 2**63 - 1

SHOWN = """FROM survey.notices n
    LEFT JOIN register.green_spaces f ON f.id = n.green_space_id
    LEFT JOIN LATERAL (
        SELECT s.id FROM survey.submissions s
        WHERE s.green_space_id = n.green_space_id AND s.account_id = n.account_id AND s.kind = 'space'
        ORDER BY s.received_at DESC LIMIT 1
    ) own ON true
    WHERE n.account_id = :account
      -- What somebody sent themselves stays theirs to follow, whoever else may see it.
      AND (f.visibility = ANY (:viewer) OR own.id IS NOT NULL OR f.id IS NULL
           OR n.detail ->> 'submission' IS NOT NULL)"""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, for one person. `own_submission` is where they follow their suggestion."""

    id: int
    kind: Kind
    green_space_id: str
    name: str
    there: bool
    """Whether the space is there and they may see it."""
    own_submission: str | None
    by: str | None
    detail: dict[str, Any]
    made_at: datetime
    read: bool


def watch(session: Session, account_id: str, green_space_id: str) -> None:
    """Tell somebody what happens to a space from now on."""
    session.execute(
        text(
            "INSERT INTO survey.watches (account_id, green_space_key)"
            " SELECT :account, key FROM register.green_spaces WHERE id = :space ON CONFLICT DO NOTHING"
        ),
        {"account": account_id, "space": green_space_id},
    )


def unwatch(session: Session, account_id: str, green_space_id: str) -> None:
    """And no longer."""
    session.execute(
        text(
            "DELETE FROM survey.watches w USING register.green_spaces f"
            " WHERE w.green_space_key = f.key AND w.account_id = :account AND f.id = :space"
        ),
        {"account": account_id, "space": green_space_id},
    )


def watches(session: Session, account_id: str, green_space_id: str) -> bool:
    """Whether somebody watches a space."""
    return account_id in watchers(session, green_space_id)


def watchers(session: Session, green_space_id: str) -> set[str]:
    """The accounts that watch a space."""
    return set(
        session.execute(
            text(
                "SELECT w.account_id FROM survey.watches w"
                " JOIN register.green_spaces f ON f.key = w.green_space_key WHERE f.id = :space"
            ),
            {"space": green_space_id},
        ).scalars()
    )


def suggesters(session: Session, green_space_id: str) -> set[str]:
    """The accounts that suggested a space: they are told what became of it, watching or not."""
    return set(
        session.execute(
            text(
                "SELECT account_id FROM survey.submissions"
                " WHERE green_space_id = :space AND kind = 'space' AND account_id IS NOT NULL"
            ),
            {"space": green_space_id},
        ).scalars()
    )


def tell(
    session: Session,
    kind: Kind,
    green_space_id: str,
    *,
    by: Account | None,
    to: Iterable[str] | None = None,
    **detail: Any,
) -> int:
    """Leave a notice for some people, never for whoever did it; how many it was.

    With `to` None: those who watch the space, those who suggested it where its stage moved or it was merged,
    and those who may see the queue where something new waits in it.
    """
    if to is None:
        people = watchers(session, green_space_id)
        if kind in ("stage", "merged"):
            people |= suggesters(session, green_space_id)
        if kind in ("suggested", "reported"):
            people |= who_may(session, Action.SEE_QUEUE, localities_of(session, green_space_id))
    else:
        people = set(to)
    people.discard(by.id if by else "")
    for account_id in sorted(people):
        session.execute(
            text(
                "INSERT INTO survey.notices (account_id, green_space_id, kind, by_account_id, detail)"
                " SELECT id, :space, :kind, :by, CAST(:detail AS jsonb) FROM accounts.accounts"
                " WHERE id = :account AND disabled_at IS NULL AND kind = 'person'"
            ),
            {
                "account": account_id,
                "space": green_space_id,
                "kind": kind,
                "by": by.id if by else None,
                "detail": orjson.dumps(detail).decode(),
            },
        )
    return len(people)


def who_may(session: Session, action: Action, localities: Iterable[str]) -> set[str]:
    """The accounts that may do something in one of these localities; with none named, everywhere."""
    return {
        account.id
        for locality in tuple(localities) or ("",)
        for account in accounts_that_may(session, action, locality)
    }


def notices_of(session: Session, account: Account, *, unmailed_only: bool = False) -> list[Notice]:
    """What somebody was told, newest first: as far as they may see it now."""
    more = " AND n.read_at IS NULL AND n.mailed_at IS NULL" if unmailed_only else ""
    rows = session.execute(
        text(
            "SELECT n.id, n.kind, n.green_space_id, COALESCE(f.name, :unnamed) AS name,"
            " COALESCE(f.visibility = ANY (:viewer), false) AS there, own.id AS own, n.by_account_id AS by,"
            f" n.detail, n.made_at, n.read_at IS NOT NULL AS read {SHOWN}{more}"
            " ORDER BY n.id DESC LIMIT :most"
        ),
        {"account": account.id, "viewer": list(account.sees), "most": MOST_SHOWN, "unnamed": UNNAMED},
    ).all()
    names = names_shown(session, {row.by for row in rows if row.by})
    return [
        Notice(
            id=row.id,
            kind=row.kind,
            green_space_id=row.green_space_id,
            name=row.name if row.there or row.own else row.detail.get("name") or row.green_space_id,
            there=row.there,
            own_submission=str(row.own) if row.own else None,
            by=names.get(row.by) if row.by else None,
            detail=row.detail,
            made_at=row.made_at,
            read=row.read,
        )
        for row in rows
    ]


def count_unread(session: Session, account: Account) -> int:
    """How many notices somebody has not read yet."""
    return int(
        session.execute(
            text(f"SELECT count(*) {SHOWN} AND n.read_at IS NULL"),
            {"account": account.id, "viewer": list(account.sees)},
        ).scalar_one()
    )


def mark_read(
    session: Session, account_id: str, notice_id: int | None = None, *, up_to: int = 2**63 - 1
) -> None:
    """Take one notice, or all up to one, as read."""
    session.execute(
        text(
            "UPDATE survey.notices SET read_at = now() WHERE account_id = :account AND read_at IS NULL"
            " AND id <= :up_to AND (CAST(:id AS bigint) IS NULL OR id = :id)"
        ),
        {"account": account_id, "id": notice_id, "up_to": up_to},
    )
