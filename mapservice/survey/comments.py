"""What people say to each other about a space, who is named in it, and the files that back it up."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import COLUMNS, Account, from_row
from mapservice.accounts.permissions import Action
from mapservice.saying import Said, english
from mapservice.survey.notices import tell, watch
from mapservice.survey.people import names_at_work, shown_names
from mapservice.survey.spaces import NoSuchSpace, NotAllowed, Refused, Space, Unfit, clean_words

LONGEST_COMMENT = 5000
MOST_MENTIONS = 10
MOST_SHOWN = 100
AT = re.compile(r"(?<![\w@])@")
WORD = re.compile(r"[^\W\d_][\w.'’-]{0,39}")


@dataclass(frozen=True, slots=True)
class Comment:
    """Something said. `mine` is whether whoever looks said it; a removed one has no words."""

    id: uuid.UUID
    by: str
    mine: bool
    said_at: datetime
    body: str
    mentions: tuple[str, ...]
    """Whom else it names, as they are shown."""
    removed: bool


def people_to_mention(session: Session, space: Space) -> dict[str, list[str]]:
    """Who can be named: by the name they chose to be seen by, the accounts of those who may see the space."""
    rows = session.execute(
        text(
            f"SELECT {COLUMNS} FROM accounts.accounts a WHERE a.kind = 'person' AND a.disabled_at IS NULL"
            " AND a.public_name IS NOT NULL ORDER BY a.public_name, a.id"
        )
    )
    found: dict[str, list[str]] = {}
    for account in map(from_row, rows):
        if space.visibility in account.sees and account.may(Action.COMMENT) and account.public_name:
            found.setdefault(account.public_name, []).append(account.id)
    return found


def mentioned_in(body: str, people: Iterable[str]) -> list[str]:
    """The names of `people` that a text names with an @ before them, the longest where several fit."""
    known = [*people]
    return [*dict.fromkeys(name for sign in AT.finditer(body) for name in _named(body[sign.end() :], known))]


def missed_in(session: Session, space: Space, account: Account, body: str) -> list[Said]:
    """What whoever wrote a text should know of its @: which reached nobody, and which more than one.

    Who might have been meant is said to those alone who choose from the same names on the page.
    """
    people = people_to_mention(session, space)
    works = space.open_to(account, Action.SEE_QUEUE)
    missed: dict[str, Said] = {}
    for sign in AT.finditer(body):
        rest = body[sign.end() :]
        named = _named(rest, people)
        if (number := sum(len(people[name]) for name in named)) > 1:
            missed[named[0]] = english(
                "@%(name)s: %(number)s people are called that, and all of them were told",
                name=named[0],
                number=number,
            )
        if named or not (word := WORD.match(rest)):
            continue
        typed = word[0].rstrip(".'’-")
        alike = [name for name in people if typed.casefold() in name.casefold().split()] if works else []
        missed[typed] = (
            english(
                "@%(name)s: nobody was told; write the whole name: %(names)s",
                name=typed,
                names=", ".join(alike),
            )
            if alike
            else english("@%(name)s: nobody of that name may see this space", name=typed)
        )
    return [*missed.values()]


def say(
    session: Session,
    space: Space,
    account: Account,
    typed: str,
    *,
    also_to: Iterable[str] = (),
    comment_id: uuid.UUID | None = None,
) -> bool:
    """Say something; who says it watches the space from then on. False where it was said already.

    Other words under an id that is known, as from a form gone back to, are something else said. Named are
    those after an @ and those of `also_to` (names shown). Raises Refused.
    """
    try:
        body = clean_words(typed, LONGEST_COMMENT, lines=True)
    except Unfit as error:
        raise Refused([("body", error.why)]) from None
    if not body:
        raise Refused([("body", english("Write something first"))])
    people = people_to_mention(session, space)
    named = dict.fromkeys([*mentioned_in(body, people), *(name for name in also_to if name in people)])
    if len(named) > MOST_MENTIONS:
        raise Refused([("body", english("Name at most %(most)s people", most=MOST_MENTIONS))])
    mentions = [account_id for name in named for account_id in people[name]]
    row = {"key": space.key, "space": space.id, "account": account.id, "body": body, "mentions": mentions}
    first = comment_id or uuid.uuid4()
    later = uuid.uuid5(first, "\n".join((space.id, account.id, body)))
    said = first
    if not _add(session, first, row):
        said = later
        if _is(session, first, row) or not _add(session, later, row):
            return False
    watch(session, account.id, space.id)
    told = set(mentions)
    tell(session, "mention", space.id, by=account, to=told, comment=str(said))
    # Only those who may read it are told that it was said.
    tell(session, "comment", space.id, by=account, to=_readers(session, space) - told, comment=str(said))
    return True


def comments_of(session: Session, space: Space, account: Account, page: int = 1) -> list[Comment]:
    """The latest that was said of a space, oldest first, as far as somebody may read it; then the rest.

    Who works on the queue there reads everything; anybody else what they said and what names them.
    """
    everything = space.open_to(account, Action.SEE_QUEUE)
    rows = session.execute(
        text(
            "SELECT id, account_id, said_at, body, mentions, removed_at IS NOT NULL AS removed"
            " FROM survey.comments WHERE green_space_key = :key"
            " AND (:everything OR account_id = :account OR :account = ANY (mentions))"
            " ORDER BY said_at DESC, id DESC LIMIT :most OFFSET :skipped"
        ),
        {
            **{"key": space.key, "everything": everything, "account": account.id},
            **{"most": MOST_SHOWN, "skipped": (page - 1) * MOST_SHOWN},
        },
    ).all()[::-1]
    named = {who for row in rows for who in (row.account_id, *row.mentions)}
    names = (names_at_work if everything else shown_names)(session, named)
    return [
        Comment(
            id=row.id,
            by=names[row.account_id],
            mine=row.account_id == account.id,
            said_at=row.said_at,
            body="" if row.removed else row.body,
            # Nobody is told what they said themselves.
            mentions=()
            if row.removed
            else tuple(names[who] for who in row.mentions if who != row.account_id),
            removed=row.removed,
        )
        for row in rows
    ]


def remove_comment(session: Session, space: Space, comment_id: uuid.UUID, account: Account) -> None:
    """Take back what one said, or as a reviewer what anybody said; the history keeps it.

    Raises NoSuchSpace where there is no such comment on the space, and NotAllowed.
    """
    row = session.execute(
        text("SELECT account_id FROM survey.comments WHERE id = :id AND green_space_key = :key FOR UPDATE"),
        {"id": comment_id, "key": space.key},
    ).first()
    if row is None:
        raise NoSuchSpace(str(comment_id))
    if row.account_id != account.id and not space.open_to(account, Action.DECLINE):
        raise NotAllowed
    session.execute(
        text("UPDATE survey.comments SET removed_at = COALESCE(removed_at, now()) WHERE id = :id"),
        {"id": comment_id},
    )


def _named(rest: str, people: Iterable[str]) -> list[str]:
    """The names that a text begins with: the longest, in every way it is written among people."""
    found: list[str] = []
    for name in sorted(people, key=len, reverse=True):
        ends = not rest[len(name) : len(name) + 1].isalnum()
        if (
            rest[: len(name)].casefold() == name.casefold()
            and ends
            and (not found or name.casefold() == found[0].casefold())
        ):
            found.append(name)
    return found


def _add(session: Session, comment_id: uuid.UUID, row: Mapping[str, Any]) -> bool:
    added = session.execute(
        text(
            "INSERT INTO survey.comments (id, green_space_key, green_space_id, account_id, body, mentions)"
            " VALUES (:id, :key, :space, :account, :body, :mentions) ON CONFLICT (id) DO NOTHING RETURNING id"
        ),
        {"id": comment_id, **row},
    )
    return added.first() is not None


def _is(session: Session, comment_id: uuid.UUID, row: Mapping[str, Any]) -> bool:
    """Whether these words of this person about this space are what is known by an id."""
    same = session.execute(
        text(
            "SELECT FROM survey.comments WHERE id = :id AND green_space_key = :key"
            " AND account_id = :account AND body = :body"
        ),
        {"id": comment_id, **row},
    )
    return same.first() is not None


def _readers(session: Session, space: Space) -> set[str]:
    """Those who watch a space and may read what is said of it."""
    rows = session.execute(
        text(
            f"SELECT {COLUMNS} FROM accounts.accounts a JOIN survey.watches w ON w.account_id = a.id"
            " WHERE w.green_space_key = :key"
        ),
        {"key": space.key},
    )
    return {account.id for account in map(from_row, rows) if space.open_to(account, Action.SEE_QUEUE)}
