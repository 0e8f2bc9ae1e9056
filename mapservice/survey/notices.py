"""Who is told what: the people who watch a space, and those for whom something waits.

A notice says what happened to which space and who did it. What the space is, and what was said of it, is read
when the notice is shown, by what that person may see then: who loses a role learns nothing more from notices
they had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account, accounts_that_may
from mapservice.accounts.permissions import Action
from mapservice.survey.people import names_at_work, shown_names
from mapservice.survey.spaces import LOCALITIES, UNNAMED, localities_of, may_in

Kind = Literal["suggested", "reported", "stage", "changed", "comment", "mention", "merged", "due"]
MOST_SHOWN = 200
LONGEST_WORDS = 160
OF_A_DRAFT = ("name", "merged", "parts")

TOLD = """(
    SELECT jsonb_build_object('body', left(q.body, 1000), 'named', n.account_id = ANY (q.mentions))
    FROM survey.comments q
    WHERE q.id = CAST(n.detail ->> 'comment' AS uuid) AND q.removed_at IS NULL) AS said, (
    SELECT jsonb_build_object('kind', r.kind, 'fields', r.fields)
    FROM survey.submissions r WHERE r.id = CAST(n.detail ->> 'sent' AS uuid)) AS sent"""
"""What a notice n is about: read when it is shown, so that what was taken back since is not."""

SHOWN = """FROM survey.notices n
    LEFT JOIN register.green_spaces f ON f.id = n.green_space_id
    LEFT JOIN LATERAL (
        SELECT s.id, s.fields ->> 'name' AS name FROM survey.submissions s
        WHERE s.green_space_id = n.green_space_id AND s.account_id = n.account_id AND s.kind = 'space'
          -- What became part of another is theirs where the notice is about that, and not about the other.
          AND (f.id IS NULL OR f.created_at = s.received_at OR n.kind = 'merged' OR n.detail ? 'parts')
        ORDER BY (f.created_at = s.received_at) = (n.detail ? 'parts'), s.received_at DESC LIMIT 1
    ) own ON true
    WHERE n.account_id = :account
      -- What somebody sent themselves stays theirs to follow, whoever else may see it.
      AND (f.visibility = ANY (:viewer) OR own.id IS NOT NULL OR n.detail ->> 'submission' IS NOT NULL
           -- What is gone was seen by whom it was for.
           OR f.id IS NULL AND (
               SELECT c.before ->> 'visibility' FROM history.changes c
               WHERE c.table_name = 'green_spaces' AND c.operation = 'deleted'
                 AND c.before ->> 'id' = n.green_space_id ORDER BY c.id DESC LIMIT 1) = ANY (:viewer))"""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, for one person. `own_submission` is where they follow their suggestion."""

    id: int
    kind: Kind
    green_space_id: str
    name: str
    """Of the space; to who suggested what became part of it, what they called that."""
    there: bool
    """Whether the space is there and they may see it."""
    works: bool
    """Whether they work on it, where it lies."""
    own_submission: str | None
    by: str | None
    """Who did it, as they are shown to whom the notice is for; None where nobody did."""
    words: str
    """The first words of what was said, or sent; "" for none, and where they are not for them to read."""
    report: Mapping[str, str] | None
    """What was sent, for who works on the space: `kind`, and of a report what has `changed`."""
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
    """The accounts that suggested a space: they are told what became of it, watching or not.

    Whose suggestion became part of it is told only where everybody may see it (as in `outcomes`).
    """
    return set(
        session.execute(
            text(
                "SELECT s.account_id FROM survey.submissions s"
                " JOIN register.green_spaces f ON f.key = s.green_space_key"
                " WHERE f.id = :space AND s.kind = 'space' AND s.account_id IS NOT NULL"
                " AND (f.visibility = 'public' OR f.created_at = s.received_at)"
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
    also: Iterable[str] = (),
    **detail: Any,
) -> int:
    """Leave a notice for some people, never for whoever did it; how many were to be told.

    With `to` None: those who watch the space, those who suggested it where its stage moved or it was merged,
    and those who may see the queue there where something new waits in it; and those of `also`. Who has gone
    is told nothing.
    """
    if to is None:
        people = watchers(session, green_space_id)
        if kind in ("stage", "merged"):
            people |= suggesters(session, green_space_id)
        if kind in ("suggested", "reported"):
            people |= who_may(session, Action.SEE_QUEUE, localities_of(session, green_space_id))
    else:
        people = set(to)
    people |= set(also)
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


def notices_of(session: Session, account: Account, only: Sequence[int] | None = None) -> list[Notice]:
    """What somebody was told, newest first, or of that `only` some: as far as they may see it now."""
    more = "" if only is None else " AND n.id = ANY (:only)"
    rows = session.execute(
        text(
            "SELECT n.id, n.kind, n.green_space_id, COALESCE(f.name, :unnamed) AS name, own.name AS own_name,"
            " COALESCE(f.visibility = ANY (:viewer), false) AS there, own.id AS own, n.by_account_id AS by,"
            f" {LOCALITIES} AS localities, {TOLD},"
            f" n.detail, n.made_at, n.read_at IS NOT NULL AS read {SHOWN}{more}"
            " ORDER BY n.id DESC LIMIT :most"
        ),
        {
            **{"account": account.id, "viewer": list(account.sees), "only": only},
            **{"most": MOST_SHOWN, "unnamed": UNNAMED},
        },
    ).all()
    doers = {row.by for row in rows}
    names = {True: names_at_work(session, doers), False: shown_names(session, doers)}
    return [_notice(row, account, names) for row in rows]


def _notice(row: Row[Any], account: Account, names: Mapping[bool, Mapping[str | None, str]]) -> Notice:
    works = row.there and may_in(account, Action.SEE_QUEUE, row.localities)
    said, sent = row.said or {}, row.sent if works else None
    # What is said is read by who works there, and by whom it names.
    words = said.get("body") if works or (row.there and said.get("named")) else None
    if sent:
        words = sent["fields"].get("note") or sent["fields"].get("opportunity")
    theirs = "parts" in row.detail and not works
    # What became part of it may have been a draft, whose name only the network knows.
    detail = row.detail if works else {key: row.detail[key] for key in row.detail if key not in OF_A_DRAFT}
    return Notice(
        id=row.id,
        kind=row.kind,
        green_space_id=row.green_space_id,
        name=row.name if row.there and not (theirs and row.own_name) else row.own_name or row.green_space_id,
        there=row.there,
        works=works,
        own_submission=str(row.own) if row.own else None,
        by=None if row.kind == "due" else names[works][row.by],
        words=_first(words or ""),
        report={"kind": sent["kind"], "changed": sent["fields"].get("changed", "")} if sent else None,
        detail=detail,
        made_at=row.made_at,
        read=row.read,
    )


def _first(words: str) -> str:
    """The first words of what somebody wrote, on one line."""
    line = " ".join(words.split())
    if len(line) <= LONGEST_WORDS:
        return line
    cut = line[:LONGEST_WORDS]
    return f"{cut.rpartition(' ')[0] or cut} …"


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
