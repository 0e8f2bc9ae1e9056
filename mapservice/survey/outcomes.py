"""What became of what people sent: for who has its address, and all of it for who sent it with an account."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from mapservice.register.models import FITTED_GRID_SRID
from mapservice.survey.confirming import MAY_BE_TAKEN_BACK
from mapservice.survey.reasons import known_again
from mapservice.survey.submitting import MADE_WITH, SAID, Kind

PAGE_SIZE = 50

_OUTCOMES = """
    SELECT s.id, s.kind, s.state, s.reason, s.received_at, s.fields,
           COALESCE(CASE WHEN told THEN f.name END, s.fields ->> 'name', '') AS name,
           ARRAY(SELECT jsonb_build_array(p.id, p.name, p.width, p.height) FROM survey.files p
                 WHERE p.submission_id = s.id AND p.removed_at IS NULL
                 ORDER BY p.added_at, p.id) AS photographs,
           COALESCE(f.id, s.green_space_id) AS space_id, f.id IS NOT NULL AS there,
           CASE WHEN told AND s.kind = 'space' THEN f.stage END AS stage,
           CASE WHEN told AND s.kind = 'space' THEN f.stage_reason END AS stage_reason,
           COALESCE(f.visibility = 'public', false) AS public,
           s.kind = 'confirmation' AND s.state = 'taken' AND s.fields ? 'version'
               AND s.decided_by = CAST(:account AS text) AND s.decided_at > now() - CAST(:within AS interval)
               AS may_be_taken_back
    FROM survey.submissions s
    LEFT JOIN LATERAL (
        SELECT g.* FROM register.green_spaces g WHERE g.key = s.green_space_key
            OR g.id = (SELECT m.into_id FROM survey.merges m WHERE m.merged_id = s.green_space_id)
        LIMIT 1) f ON true,
    -- Of a space that is not everybody's they are told only what became of the one they suggested: it
    -- was made with what they sent, in one transaction. After a merge it is another.
    LATERAL (SELECT f.visibility = 'public'
                    OR s.kind = 'space' AND f.created_at = s.received_at AS told) known
"""
# What they drew is what the history says was made in the transaction that took it in: whatever became of the
# space since, be it drawn anew, merged or removed.
_DRAWN = f"""
    WITH made AS ({MADE_WITH})
    SELECT ST_AsGeoJSON(ST_Transform(ST_SetSRID(geom, {FITTED_GRID_SRID}), 4326), 7) AS geometry,
           ARRAY(SELECT ST_AsGeoJSON(ST_Transform(
                     ST_SetSRID(CAST(e.after ->> 'geom' AS geometry), {FITTED_GRID_SRID}), 4326), 7)
                 FROM history.changes e
                 WHERE e.at = made.at AND e.transaction_id = made.transaction_id
                   AND e.table_name = 'entrances' AND e.operation = 'created'
                   AND e.after ->> 'green_space_key' = made.row_key
                 ORDER BY e.id) AS entrances
    FROM made
"""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph that came with something sent."""

    id: uuid.UUID
    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of something sent."""

    id: uuid.UUID
    kind: Kind
    state: Literal["waiting", "taken", "declined"]
    reason: str | None
    received_at: datetime
    fields: Mapping[str, str]
    """The words that were sent, as they were sent."""
    name: str
    photographs: Sequence[Photograph]
    """Those that came with it and were not taken back since."""
    green_space_id: str
    """The space as it is known now, also where it became part of another."""
    there: bool
    stage: str | None
    stage_reason: str | None
    """Of a space that was suggested, and that is still the one they suggested or everybody's."""
    public: bool
    may_be_taken_back: bool
    """Whether it is a confirmation on the spot that whoever asks may still undo."""

    @property
    def declined(self) -> bool:
        """Whether nothing comes of it. A stage is told of a suggestion only."""
        return self.state == "declined" or self.stage == "declined"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where a suggested space was drawn, as GeoJSON, and its entrances as longitude and latitude."""

    geometry: Mapping[str, Any]
    entrances: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Added:
    """A file that somebody added to a space beside what they sent."""

    id: uuid.UUID
    name: str
    caption: str | None
    green_space_id: str
    added_at: datetime


def read_outcome(session: Session, submission_id: uuid.UUID, account_id: str | None = None) -> Outcome | None:
    """What became of something sent, for who has its address and may be signed in; None for no such thing."""
    row = session.execute(
        text(f"{_OUTCOMES} WHERE s.id = :id"),
        {"id": submission_id, "account": account_id, "within": MAY_BE_TAKEN_BACK},
    ).first()
    return None if row is None else _outcome(row)


def outcomes_of(session: Session, account_id: str, page: int = 1) -> tuple[list[Outcome], int]:
    """One page of all that somebody sent with their account, the latest first, and how many there are."""
    number = session.execute(
        text("SELECT count(*) FROM survey.submissions WHERE account_id = :account"), {"account": account_id}
    ).scalar_one()
    rows = session.execute(
        text(
            f"{_OUTCOMES} WHERE s.account_id = :account"
            " ORDER BY s.received_at DESC, s.id LIMIT :most OFFSET :skipped"
        ),
        {
            "account": account_id,
            "within": MAY_BE_TAKEN_BACK,
            "most": PAGE_SIZE,
            "skipped": (page - 1) * PAGE_SIZE,
        },
    )
    return [_outcome(row) for row in rows], number


def files_added(session: Session, account_id: str) -> list[Added]:
    """The latest files that somebody added to spaces that they work on, and that were not removed since."""
    rows = session.execute(
        text(
            "SELECT id, name, caption, green_space_id, added_at FROM survey.files WHERE account_id = :account"
            " AND submission_id IS NULL AND removed_at IS NULL ORDER BY added_at DESC, id LIMIT :most"
        ),
        {"account": account_id, "most": PAGE_SIZE},
    )
    return [Added(**row) for row in rows.mappings()]


def read_drawn(session: Session, submission_id: uuid.UUID) -> Drawn | None:
    """The place of a suggestion just as it was sent; None for what was sent about a space that was there."""
    row = session.execute(text(_DRAWN), {"id": str(submission_id)}).first()
    if row is None:
        return None
    entrances = [orjson.loads(each)["coordinates"] for each in row.entrances]
    return Drawn(orjson.loads(row.geometry), [(east, north) for east, north in entrances])


def find_photograph(session: Session, submission_id: uuid.UUID, file_id: uuid.UUID) -> str | None:
    """The digest of a photograph that came with something sent, for who has the address of that."""
    found: str | None = session.execute(
        text(
            "SELECT sha256 FROM survey.files WHERE id = :id AND submission_id = :submission"
            " AND kind = 'photograph' AND removed_at IS NULL"
        ),
        {"id": file_id, "submission": submission_id},
    ).scalar()
    return found


def withdraw_photograph(session: Session, submission_id: uuid.UUID, file_id: uuid.UUID) -> bool:
    """Take a photograph back that came with something sent; whether there was one."""
    gone = session.execute(
        text(
            "UPDATE survey.files SET removed_at = now()"
            " WHERE id = :id AND submission_id = :submission AND removed_at IS NULL RETURNING id"
        ),
        {"id": file_id, "submission": submission_id},
    )
    return gone.first() is not None


def _outcome(row: Row[Any]) -> Outcome:
    return Outcome(
        id=row.id,
        kind=row.kind,
        state=row.state,
        reason=known_again(row.reason),
        received_at=row.received_at,
        fields={name: row.fields[name] for name in SAID if name in row.fields},
        name=row.name,
        photographs=[Photograph(uuid.UUID(each[0]), *each[1:]) for each in row.photographs],
        green_space_id=row.space_id,
        there=row.there,
        stage=row.stage,
        stage_reason=row.stage_reason,
        public=row.public,
        may_be_taken_back=bool(row.may_be_taken_back),
    )
