"""An existing space is still open, somebody says who stood there: taken over at once from who may confirm it.

From anybody else it waits for a reviewer, as a report does. What was taken over can be taken back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.layers.visibility import Viewer
from mapservice.saying import english
from mapservice.survey import notices
from mapservice.survey.reasons import CONFIRMATION_TAKEN_BACK, CONFIRMED, TAKEN_BACK
from mapservice.survey.spaces import NoSuchSpace, Refused, Space, because, hold_space, values_at, write_values
from mapservice.survey.submitting import Received, Sent, is_repeat, submit

STILL_OPEN = ("open-to-all", "restricted-hours")
"""What a space can be confirmed to be still."""
MAY_BE_OPEN = (*STILL_OPEN, "unknown")
"""Of which spaces that is asked."""
MAY_BE_TAKEN_BACK = timedelta(days=1)
MEANWHILE = english("Somebody has changed who can get in since you opened this page. Look again")
CHANGED_SINCE = english("Somebody has changed this space since, so that it cannot be taken back here")
_CHANGED = ("access", "confirmed_on", "verified", "verified_fields")


def confirm(
    session: Session, sent: Sent, account: Account | None, viewer: Viewer, today: date, seen: str = ""
) -> tuple[Received, bool]:
    """Take a confirmation in, once; whether the register follows it already. Raises Refused, NoSuchSpace.

    `today` is the day on which it was written. `seen` is the access that the page showed: where somebody has
    changed it since, nothing is confirmed.
    """
    if sent.fields.get("access") not in STILL_OPEN:
        raise Refused([("access", english("Say that it is still open, or report what has changed"))])
    if is_repeat(session, sent):
        return Received(sent.id, str(sent.green_space_id), new=False), is_followed(session, sent.id)
    space = hold_space(session, str(sent.green_space_id), viewer)
    if space.status != "existing":
        raise Refused([("", english("Only a space that is open already can be confirmed"))])
    if seen and seen != space.values["access"] != sent.fields["access"]:
        raise Refused([("access", MEANWHILE)])
    takes = account is not None and space.open_to(account, Action.CONFIRM)
    # Who wrote it without having seen what is known says nothing against that: then a reviewer decides.
    takes = takes and bool(seen or space.values["access"] in MAY_BE_OPEN)
    received = submit(session, sent, account, viewer, quietly=takes)
    if takes and account and received.new:
        _follow(session, space, sent, account, today)
    return received, is_followed(session, received.submission_id)


def is_followed(session: Session, submission_id: uuid.UUID) -> bool:
    """Whether the register follows a confirmation that was made on the spot, and that is not taken back."""
    found = session.execute(
        text(
            "SELECT FROM survey.submissions WHERE id = :id AND kind = 'confirmation' AND state = 'taken'"
            " AND fields ? 'version'"
        ),
        {"id": submission_id},
    )
    return found.first() is not None


def take_back(session: Session, submission_id: uuid.UUID, account: Account, viewer: Viewer) -> str:
    """Undo one's own confirmation; gives the id of the space. Raises NoSuchSpace, Refused."""
    row = session.execute(
        text(
            "SELECT green_space_id, fields, state FROM survey.submissions WHERE id = :id"
            " AND kind = 'confirmation' AND decided_by = :account AND decided_at > now() - :within"
            " AND fields ? 'version'"
        ),
        {"id": submission_id, "account": account.id, "within": MAY_BE_TAKEN_BACK},
    ).first()
    if row is None:
        raise NoSuchSpace(str(submission_id))
    space = hold_space(session, row.green_space_id, viewer)
    if row.state == "declined":
        return space.id
    before = values_at(session, space, int(row.fields["version"]))
    followed = following(before, row.fields["access"], date.fromisoformat(row.fields["confirmed_on"]))
    if any(space.values[name] != value for name, value in followed.items()):
        raise Refused([("", CHANGED_SINCE)])
    because(session, CONFIRMATION_TAKEN_BACK)
    write_values(session, space, {name: before[name] for name in _CHANGED})
    session.execute(
        text(
            "UPDATE survey.submissions SET state = 'declined', reason = :reason, decided_at = now()"
            " WHERE id = :id"
        ),
        {"id": submission_id, "reason": TAKEN_BACK},
    )
    return space.id


def _follow(session: Session, space: Space, sent: Sent, account: Account, today: date) -> None:
    because(session, CONFIRMED)
    values = following(space.values, sent.fields["access"], today)
    write_values(session, space, values)
    session.execute(
        text(
            "UPDATE survey.submissions SET state = 'taken', decided_by = :account, decided_at = now(),"
            " fields = fields || jsonb_build_object("
            "'version', CAST(:version AS text), 'confirmed_on', CAST(:today AS text)) WHERE id = :id"
        ),
        {"id": sent.id, "account": account.id, "version": str(space.version), "today": today.isoformat()},
    )
    notices.tell(session, "changed", space.id, by=account, what="confirmed")


def following(before: Mapping[str, Any], access: str, day: date) -> dict[str, Any]:
    """The values of a space once a confirmation of a day is followed, from those it had."""
    return {
        "access": access,
        "confirmed_on": max(before["confirmed_on"] or "", day.isoformat()),
        "verified": True,
        # Of a row that nobody had checked, only this is known now.
        "verified_fields": before["verified_fields"] if before["verified"] else "access",
    }
