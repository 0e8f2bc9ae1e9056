"""What waits for the network, locality by locality: suggestions, reports, confirmations, due dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action, localities_for
from mapservice.survey.spaces import LOCALITIES, UNNAMED

PAGE_SIZE = 50
WAITING, DUE = "waiting", "due"
"""What the queue can be narrowed to beside a stage."""
OUTSIDE = "-"
"""In place of a locality: what lies in none."""

_LISTED = f"""
    SELECT f.key, f.id, COALESCE(f.name, :unnamed) AS name, f.status, f.stage, f.visibility, f.due_on,
           f.demonstration, f.created_at, {LOCALITIES} AS localities,
           COALESCE(w.space, 0) AS suggestions, COALESCE(w.change, 0) AS reports,
           COALESCE(w.confirmation, 0) AS confirmations, w.since
    FROM register.green_spaces f
    LEFT JOIN (
        SELECT green_space_key, min(received_at) AS since,
               count(*) FILTER (WHERE kind = 'space') AS space,
               count(*) FILTER (WHERE kind = 'change') AS change,
               count(*) FILTER (WHERE kind = 'confirmation') AS confirmation
        FROM survey.submissions WHERE state = 'waiting' GROUP BY green_space_key
    ) w ON w.green_space_key = f.key
    WHERE f.visibility = ANY (:viewer)
      -- An existing space is here for what waits at it alone.
      AND (f.status = 'potential' OR w.since IS NOT NULL OR f.due_on IS NOT NULL)
"""
_MINE = """
    (CAST(:allowed AS text[]) IS NULL OR localities && CAST(:allowed AS text[]))
    AND CASE CAST(:locality AS text) WHEN '' THEN true WHEN '-' THEN localities = '{}'
             ELSE :locality = ANY (localities) END"""
_CHOSEN = """
    CASE CAST(:only AS text)
               WHEN '' THEN stage IS DISTINCT FROM 'declined' OR num_nonnulls(since, due_on) > 0
               WHEN 'waiting' THEN since IS NOT NULL
               WHEN 'due' THEN COALESCE(due_on <= :today, false)
               ELSE stage = :only AND status = 'potential' END"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One space in the queue, and how much of each kind waits at it since when."""

    key: int
    id: str
    name: str
    status: str
    stage: str | None
    visibility: str
    due_on: date | None
    demonstration: bool
    created_at: datetime
    localities: tuple[str, ...]
    suggestions: int
    reports: int
    confirmations: int
    since: datetime | None

    def late(self, today: date) -> bool:
        """Whether its day has come or gone."""
        return self.due_on is not None and self.due_on <= today


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of the queue, and how many there are of each stage, that wait, that are due, and in all."""

    rows: tuple[Waiting, ...]
    counts: Mapping[str, int]
    matched: int


def localities_seen(account: Account) -> frozenset[str] | None:
    """The localities whose queue somebody sees; None for all."""
    return localities_for(account.grants, Action.SEE_QUEUE)


def read_queue(
    session: Session, account: Account, locality: str = "", only: str = "", page: int = 1, *, today: date
) -> Queue:
    """The queue of a locality (its id, OUTSIDE for none), or of all that somebody sees, most pressing first.

    `only` is a stage, WAITING or DUE.
    """
    allowed = localities_seen(account)
    given = {
        "viewer": list(account.sees),
        "unnamed": UNNAMED,
        "allowed": None if allowed is None else sorted(allowed),
        "locality": locality,
        "only": only,
        "today": today,
    }
    counted = session.execute(
        text(
            f"SELECT stage, status, since IS NOT NULL AS waits, COALESCE(due_on <= :today, false) AS due,"
            f" {_CHOSEN} AS chosen, count(*) AS number FROM ({_LISTED}) f WHERE {_MINE}"
            " GROUP BY 1, 2, 3, 4, 5"
        ),
        given,
    ).all()
    counts = {WAITING: 0, DUE: 0, "": 0}
    for row in counted:
        counts[WAITING] += row.number * row.waits
        counts[DUE] += row.number * row.due
        counts[""] += row.number
        if row.status == "potential":
            counts[row.stage] = counts.get(row.stage, 0) + row.number
    rows = session.execute(
        text(
            f"SELECT * FROM ({_LISTED}) f WHERE {_MINE} AND {_CHOSEN}"
            " ORDER BY COALESCE(due_on <= :today, false) DESC,"
            " CASE WHEN due_on <= :today THEN due_on END, since IS NULL, since, due_on NULLS LAST,"
            " created_at DESC, id LIMIT :most OFFSET :skipped"
        ),
        {**given, "most": PAGE_SIZE, "skipped": (page - 1) * PAGE_SIZE},
    )
    found = tuple(Waiting(**{**row, "localities": tuple(row["localities"])}) for row in rows.mappings())
    return Queue(found, counts, sum(row.number for row in counted if row.chosen))
