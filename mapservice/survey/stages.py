"""How far a potential space has come: one table of moves, who may make each, and what each needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.register.vocabulary import GREEN_SPACE_ACCESS, STAGES
from mapservice.saying import english
from mapservice.survey.fields import NOT_A_DAY
from mapservice.survey.notices import tell
from mapservice.survey.reasons import NONE_GIVEN
from mapservice.survey.spaces import (
    NotAllowed,
    Outdated,
    Refused,
    Space,
    Unfit,
    because,
    clean_words,
    hold_space,
    read_space,
    values_at,
    write_values,
)

FORWARD = tuple(stage for stage in STAGES if stage != "declined")
"""The stages in which a space comes further."""
DECLINED = "declined"
LONGEST_REASON = 2000
PUBLIC, NETWORK = "public", "network"


@dataclass(frozen=True, slots=True)
class Move:
    """From one stage to another: what somebody must be allowed, and what they must say."""

    source: str
    target: str
    action: Action
    needs: tuple[str, ...] = ()

    @property
    def backwards(self) -> bool:
        """Whether it was further before."""
        return self._from > FORWARD.index(self.target) if self.target in FORWARD else False

    @property
    def skipped(self) -> tuple[str, ...]:
        """The stages between, which it is taken to have come through; of one taken up again those before."""
        return FORWARD[self._from + 1 : FORWARD.index(self.target)] if self.target in FORWARD else ()

    @property
    def _from(self) -> int:
        return FORWARD.index(self.source) if self.source in FORWARD else 0


class Unsure(Exception):
    """A move goes back, or further than one step, and nobody has said yet that this is meant.

    `been` are the stages between that the history has the space at, and when it came there last.
    """

    def __init__(self, space: Space, move: Move, been: Mapping[str, datetime]) -> None:
        self.space, self.move, self.been = space, move, been
        super().__init__(f"{space.id} from {move.source} to {move.target}")


def _moves() -> dict[tuple[str, str], Move]:
    listed = []
    for at, source in enumerate(FORWARD):
        for target in FORWARD[at + 1 :]:
            action = Action.CONFIRM if target == "checked-on-site" else Action.MOVE_STAGE
            listed.append(Move(source, target, action, ("opened_on", "access") if target == "opened" else ()))
        listed += [Move(source, target, Action.MOVE_STAGE, ("reason",)) for target in FORWARD[:at]]
        if source != "opened":
            listed.append(Move(source, DECLINED, Action.DECLINE, ("reason",)))
            # Taken up again: not opened at once, for that is what the steps between are for.
            listed.append(Move(DECLINED, source, Action.MOVE_STAGE, ("reason",)))
    return {(move.source, move.target): move for move in listed}


MOVES = _moves()


def moves_from(space: Space, account: Account) -> list[Move]:
    """The moves that somebody may make with a space as it is, in the order of the stages."""
    order = (*FORWARD, DECLINED)
    found = [move for (source, _), move in MOVES.items() if source == space.stage]
    return sorted(
        (move for move in found if space.open_to(account, move.action)),
        key=lambda move: order.index(move.target),
    )


def move_stage(
    session: Session,
    space_id: str,
    target: str,
    account: Account,
    version: int,
    *,
    reason: str = "",
    opened_on: str = "",
    access: str = "",
    today: date | None = None,
    sure: bool = True,
) -> Space:
    """Move a space to another stage; it is the space as it is then.

    Opened, it is an existing green space from that day on, under the same id, and everybody sees it.
    Raises NoSuchSpace, NotAllowed, Refused; Outdated where its stage is not that of the version any more;
    from who is not `sure`, Unsure where it goes back or further than one step.
    """
    space = hold_space(session, space_id, account.sees)
    if values_at(session, space, version, account.sees)["stage"] != space.stage:
        raise Outdated(space)
    move = MOVES.get((space.stage or "", target))
    if move is None:
        raise Refused([("stage", english("Choose a stage that it can move to from where it is"))])
    if not space.open_to(account, move.action):
        raise NotAllowed
    said, values = _checked(move, space, reason, opened_on, access, today or date.today())
    if not sure and (move.backwards or move.skipped):
        raise Unsure(space, move, _been(session, space, move.skipped))
    because(session, said)
    write_values(session, space, values)
    settle(session, space, move.target, account, said)
    tell(session, "stage", space.id, by=account, stage=target, was=move.source, reason=said or None)
    return _again(session, space, account)


def publish(session: Session, space_id: str, account: Account, version: int, *, public: bool) -> Space:
    """Show a space to everybody, or to the network only.

    Raises NoSuchSpace, NotAllowed; Outdated where others see it otherwise than at the version.
    """
    space = hold_space(session, space_id, account.sees)
    if not space.open_to(account, Action.PUBLISH):
        raise NotAllowed
    return _write_one(session, space, account, version, "visibility", PUBLIC if public else NETWORK)


def set_due(session: Session, space_id: str, account: Account, version: int, typed: str) -> Space:
    """Say by when to see to a space; "" for no such day.

    Raises NoSuchSpace, NotAllowed, Refused; Outdated where it has another day than at the version.
    """
    space = hold_space(session, space_id, account.sees)
    if not space.open_to(account, Action.MOVE_STAGE):
        raise NotAllowed
    try:
        due = date.fromisoformat(typed.strip()) if typed.strip() else None
    except ValueError:
        raise Refused([("due_on", NOT_A_DAY)]) from None
    return _write_one(session, space, account, version, "due_on", due.isoformat() if due else None)


def _checked(
    move: Move, space: Space, reason: str, opened_on: str, access: str, today: date
) -> tuple[str, dict[str, Any]]:
    """The reason, and the columns that the move writes; raises Refused."""
    mistakes = []
    try:
        said = clean_words(reason, LONGEST_REASON, lines=True)
    except Unfit as error:
        said = ""
        mistakes.append(("reason", error.why))
    else:
        if "reason" in move.needs and not said:
            why = english("Say why, for whoever suggested it and for who comes after you")
            mistakes.append(("reason", why))
    values: dict[str, Any] = {"stage": move.target, "stage_reason": said or None}
    if move.target == "opened":
        try:
            day = date.fromisoformat(opened_on.strip())
            if day > today:
                too_soon = english("It cannot have opened on a day that is still to come")
                mistakes.append(("opened_on", too_soon))
        except ValueError:
            day = today
            mistakes.append(("opened_on", english("Enter the day it opened, as in 2026-05-31")))
        if access not in GREEN_SPACE_ACCESS or access in ("no-access", "unknown"):
            mistakes.append(("access", english("Choose who may go in now")))
        values |= {"status": "existing", "opened_on": day, "access": access, "visibility": PUBLIC}
    elif space.stage == "opened":
        values |= {"status": "potential", "opened_on": None, "access": "unknown"}
    if move.target in (DECLINED, "opened"):
        values["due_on"] = None
    if mistakes:
        raise Refused(mistakes)
    return said, values


def _been(session: Session, space: Space, stages: tuple[str, ...]) -> dict[str, datetime]:
    rows = session.execute(
        text(
            "SELECT after ->> 'stage' AS stage, max(at) AS at FROM history.changes"
            " WHERE table_name = 'green_spaces' AND row_key = :key AND after ->> 'stage' = ANY (:stages)"
            " GROUP BY 1"
        ),
        {"key": str(space.key), "stages": [*stages]},
    )
    return {row.stage: row.at for row in rows}


def settle(session: Session, space: Space, stage: str, account: Account, reason: str) -> None:
    """A suggestion waits no longer once its space has moved on, or was declined; back, it waits again."""
    state = {"suggested": "waiting", DECLINED: "declined"}.get(stage, "taken")
    session.execute(
        text(
            "UPDATE survey.submissions SET state = CAST(:state AS text), reason = :reason,"
            " decided_by = CASE WHEN :state <> 'waiting' THEN :account END,"
            " decided_at = CASE WHEN :state <> 'waiting' THEN now() END"
            " WHERE green_space_key = :key AND kind = 'space' AND state <> :state"
        ),
        {
            "state": state,
            "account": account.id,
            "reason": (reason or NONE_GIVEN) if state == "declined" else None,
            "key": space.key,
        },
    )


def _write_one(
    session: Session, space: Space, account: Account, version: int, name: str, wanted: str | None
) -> Space:
    now = space.values[name]
    if now not in (wanted, values_at(session, space, version, account.sees)[name]):
        raise Outdated(space)
    write_values(session, space, {name: wanted})
    return _again(session, space, account)


def _again(session: Session, space: Space, account: Account) -> Space:
    found = read_space(session, space.id, account.sees)
    return found if found is not None else space
