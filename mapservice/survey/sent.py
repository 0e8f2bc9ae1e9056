"""What people sent about a space, for who decides on it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.register.opening_hours import LONDON
from mapservice.saying import english
from mapservice.survey.confirming import following
from mapservice.survey.editing import Edited, edit
from mapservice.survey.fields import FIELDS
from mapservice.survey.notices import tell
from mapservice.survey.people import names_at_work
from mapservice.survey.reasons import CONFIRMED, known_again
from mapservice.survey.spaces import (
    NoSuchSpace,
    NotAllowed,
    Refused,
    Space,
    Unfit,
    because,
    clean_words,
    hold_space,
    write_values,
)
from mapservice.survey.stages import LONGEST_REASON

_COLUMNS = """id, kind, green_space_id, account_id, written_at, received_at, fields, state, decided_by,
    decided_at, reason"""


@dataclass(frozen=True, slots=True)
class Submission:
    """Something sent: who by, as others see them, and what became of it."""

    id: uuid.UUID
    kind: Literal["space", "confirmation", "change"]
    green_space_id: str
    by: str
    by_id: str | None
    written_at: datetime
    received_at: datetime
    fields: Mapping[str, Any]
    state: Literal["waiting", "taken", "declined"]
    decided_by: str
    decided_at: datetime | None
    reason: str | None

    @property
    def proposed(self) -> dict[str, str]:
        """The values it gives for fields of the space. A note is what they say, not the space's note."""
        return {
            name: str(words)
            for name, words in self.fields.items()
            if self.kind == "change" and name in FIELDS and name != "note"
        }


def sent_for(session: Session, space: Space) -> list[Submission]:
    """What was sent about a space: what waits first, then the latest."""
    rows = session.execute(
        text(
            f"SELECT {_COLUMNS} FROM survey.submissions WHERE green_space_key = :key"
            " ORDER BY state <> 'waiting', received_at DESC, id LIMIT 100"
        ),
        {"key": space.key},
    ).all()
    return _submissions(session, rows)


def read_submission(session: Session, submission_id: uuid.UUID) -> Submission | None:
    """One thing sent."""
    rows = session.execute(
        text(f"SELECT {_COLUMNS} FROM survey.submissions WHERE id = :id"), {"id": submission_id}
    ).all()
    return next(iter(_submissions(session, rows)), None)


def take(
    session: Session,
    submission_id: uuid.UUID,
    account: Account,
    version: int,
    typed: Mapping[str, str],
    reason: str = "",
) -> Edited:
    """Take a report or a confirmation: change the fields of the space as typed, and settle it.

    Raises NoSuchSpace, NotAllowed, Refused and, as an edit does, Conflict.
    """
    sent = _hold(session, submission_id)
    edited = edit(session, sent.green_space_id, account, version, typed, reason=reason)
    if sent.kind == "confirmation":
        because(session, CONFIRMED)
        day = sent.written_at.astimezone(LONDON).date()
        access = sent.fields.get("access") or edited.space.values["access"]
        write_values(session, edited.space, following(edited.space.values, access, day))
    _settle(session, sent, account, "taken", None)
    return edited


def decline(session: Session, submission_id: uuid.UUID, account: Account, reason: str) -> Submission:
    """Decline a report or a confirmation with a reason; raises NoSuchSpace, NotAllowed, Refused."""
    sent = _hold(session, submission_id)
    space = hold_space(session, sent.green_space_id, account.sees)
    if not space.open_to(account, Action.DECLINE):
        raise NotAllowed
    try:
        said = clean_words(reason, LONGEST_REASON, lines=True)
    except Unfit as error:
        raise Refused([("decline_reason", error.why)]) from None
    if not said:
        raise Refused([("decline_reason", english("Say why, for whoever sent it"))])
    _settle(session, sent, account, "declined", said)
    return sent


def _hold(session: Session, submission_id: uuid.UUID) -> Submission:
    session.execute(text("SELECT layers.wait_for_turn()"))
    session.execute(text("SELECT FROM survey.submissions WHERE id = :id FOR UPDATE"), {"id": submission_id})
    sent = read_submission(session, submission_id)
    if sent is None or sent.kind == "space":
        raise NoSuchSpace(str(submission_id))
    if sent.state != "waiting":
        who = sent.decided_by
        raise Refused(
            [
                ("decide", english("This was taken already, by %(who)s", who=who))
                if sent.state == "taken"
                else ("decide", english("This was declined already, by %(who)s", who=who))
            ]
        )
    return sent


def _settle(
    session: Session,
    sent: Submission,
    account: Account,
    state: Literal["taken", "declined"],
    reason: str | None,
) -> None:
    session.execute(
        text(
            "UPDATE survey.submissions SET state = :state, decided_by = :account, decided_at = now(),"
            " reason = :reason WHERE id = :id"
        ),
        {"id": sent.id, "state": state, "account": account.id, "reason": reason},
    )
    if sent.by_id:
        tell(
            session,
            "reported",
            sent.green_space_id,
            by=account,
            to=[sent.by_id],
            state=state,
            reason=reason,
            submission=str(sent.id),
        )


def _submissions(session: Session, rows: Any) -> list[Submission]:
    names = names_at_work(session, {who for row in rows for who in (row.account_id, row.decided_by)})
    return [_submission(row, names) for row in rows]


def _submission(row: Row[Any], names: Mapping[str | None, str]) -> Submission:
    return Submission(
        id=row.id,
        kind=row.kind,
        green_space_id=row.green_space_id,
        by=names[row.account_id],
        by_id=row.account_id,
        written_at=row.written_at,
        received_at=row.received_at,
        fields=row.fields,
        state=row.state,
        decided_by=names[row.decided_by],
        decided_at=row.decided_at,
        reason=known_again(row.reason),
    )
