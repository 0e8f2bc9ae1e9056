"""How far the survey has come, for everybody: counts and hectares by area and by month, and no names.

What is made up is left out, and so is what only the council may see; of a draft nothing is told but that it
is there. A space counts in the one area of each kind that has the most of it: the parts make up the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from psycopg import Cursor
from psycopg.rows import class_row

from mapservice.register.vocabulary import STAGES
from mapservice.survey.stages import FORWARD

WHOLE = "borough"
MONTHS = 12
COUNTED = "NOT g.demonstration AND g.visibility IN ('public', 'network')"


@dataclass(frozen=True, slots=True)
class AreaProgress:
    """One area: existing green spaces, those confirmed, and how many of the others stand at each stage."""

    boundary_set: str
    id: str
    name: str
    existing: int
    existing_ha: float
    confirmed: int
    confirmed_ha: float
    suggested: int
    checked_on_site: int
    owner_contacted: int
    plan: int
    opened: int
    declined: int

    @property
    def now(self) -> tuple[int, ...]:
        """How many stand at each stage of the funnel."""
        return self.suggested, self.checked_on_site, self.owner_contacted, self.plan, self.opened

    @property
    def reached(self) -> tuple[int, ...]:
        """How many stand at each stage of the funnel or beyond it."""
        return tuple(sum(self.now[at:]) for at in range(len(self.now)))

    @property
    def told_of(self) -> int:
        """All that was ever suggested here and is still known."""
        return sum(self.now) + self.declined


@dataclass(frozen=True, slots=True)
class MonthProgress:
    """What happened in one month, of which this is the first day."""

    month: date
    suggested: int
    confirmed: int
    further: int
    opened: int
    declined: int

    @property
    def any(self) -> bool:
        return bool(self.suggested or self.confirmed or self.further or self.opened or self.declined)


_STAGES = ", ".join(
    f"""count(s.key) FILTER (WHERE s.stage = '{stage}') AS {stage.replace("-", "_")}""" for stage in STAGES
)
_AREAS = f"""
    WITH spaces AS (
        SELECT g.key, g.status, g.stage, g.confirmed_on IS NOT NULL AS confirmed,
               CASE WHEN g.position = 'outline' THEN ST_Area(g.geom) / 10000
                    ELSE COALESCE(g.area_stated_ha, 0) END AS hectares
        FROM register.green_spaces g WHERE {COUNTED}
    ), placed AS (
        SELECT DISTINCT ON (s.key, a.boundary_set_id) s.*, a.key AS area
        FROM spaces s
        JOIN register.green_space_areas m ON m.green_space_key = s.key
        JOIN register.areas a ON a.key = m.area_key
        ORDER BY s.key, a.boundary_set_id, m.share DESC, a.id
    ), counted AS (
        SELECT a.boundary_set_id AS boundary_set, a.id, a.name, s.*
        FROM register.areas a LEFT JOIN placed s ON s.area = a.key
        UNION ALL
        SELECT '{WHOLE}', b.code, b.name, s.*
        FROM register.borough b LEFT JOIN (SELECT DISTINCT ON (key) * FROM placed ORDER BY key) s ON true
    )
    SELECT boundary_set, s.id, name, count(key) FILTER (WHERE status = 'existing') AS existing,
           COALESCE(sum(hectares) FILTER (WHERE status = 'existing'), 0) AS existing_ha,
           count(key) FILTER (WHERE status = 'existing' AND confirmed) AS confirmed,
           COALESCE(sum(hectares) FILTER (WHERE status = 'existing' AND confirmed), 0) AS confirmed_ha,
           {_STAGES}
    FROM counted s GROUP BY boundary_set, s.id, name ORDER BY boundary_set, name, s.id
"""
_STEPS = f"""
    SELECT v.valid_from AS at, v.state ->> 'stage' AS stage,
           array_position(%(funnel)s, v.state ->> 'stage') AS step,
           lag(v.state ->> 'stage') OVER (PARTITION BY v.row_key ORDER BY v.version_from) AS was,
           min(array_position(%(funnel)s, v.state ->> 'stage')) OVER (
               PARTITION BY v.row_key ORDER BY v.version_from
               ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS lowest_since
    FROM register.green_spaces g
    JOIN history.versions v ON v.relation = 'layers.green_spaces' AND v.row_key = g.id
    -- What was never suggested has no stage, and may have the longest history of all. What was over before
    -- the first month tells nothing: something else held when that began.
    WHERE g.stage IS NOT NULL AND {COUNTED}
      AND v.valid_to > date_trunc('month', %(today)s::date) - make_interval(months => {MONTHS})
"""
_MONTHS = f"""
    WITH months AS (
        SELECT generate_series(date_trunc('month', %(today)s::date) - make_interval(months => {MONTHS - 1}),
                               date_trunc('month', %(today)s::date), '1 month')::date AS month
    ), happened AS (
        SELECT CASE s.kind WHEN 'space' THEN 'suggested' ELSE 'confirmed' END AS what, s.received_at AS at
        FROM survey.submissions s LEFT JOIN register.green_spaces g ON g.key = s.green_space_key
        WHERE s.kind IN ('space', 'confirmation') AND (g.key IS NULL OR {COUNTED})
          AND (s.kind = 'space' OR s.state = 'taken')
        UNION ALL
        SELECT CASE WHEN stage IN ('opened', 'declined') THEN stage ELSE 'further' END, at
        -- A step counts while it stands: what went back since has not come so far, nor been declined.
        FROM ({_STEPS}) steps WHERE stage <> was
          AND CASE stage WHEN 'declined' THEN lowest_since IS NULL
              ELSE step <= COALESCE(lowest_since, step)
                   AND (stage = 'opened' OR step > array_position(%(funnel)s, was)) END
    )
    SELECT m.month, {", ".join(f"count(h.what) FILTER (WHERE h.what = '{f.name}')" + f" AS {f.name}"
                               for f in fields(MonthProgress) if f.name != "month")}
    FROM months m LEFT JOIN happened h
      ON date_trunc('month', h.at AT TIME ZONE 'Europe/London')::date = m.month
    GROUP BY m.month ORDER BY m.month DESC
"""  # fmt: skip


def read_progress(cursor: Cursor[Any]) -> list[AreaProgress]:
    """The whole borough, its localities and its wards of each vintage."""
    with cursor.connection.cursor(row_factory=class_row(AreaProgress)) as rows:
        return rows.execute(_AREAS.encode()).fetchall()


def read_months(cursor: Cursor[Any], today: date) -> list[MonthProgress]:
    """The last twelve months, the current one in front."""
    with cursor.connection.cursor(row_factory=class_row(MonthProgress)) as rows:
        return rows.execute(_MONTHS.encode(), {"today": today, "funnel": list(FORWARD)}).fetchall()


def count_examples(cursor: Cursor[Any]) -> int:
    """How many made-up potential spaces there are, which are left out."""
    row = cursor.execute(
        "SELECT count(*) FROM register.green_spaces WHERE demonstration AND stage IS NOT NULL"
    ).fetchone()
    return int(row[0]) if row else 0


def progress_rows(areas: Iterable[AreaProgress]) -> list[dict[str, Any]]:
    """A row for each area, for a file."""
    names = [field.name for field in fields(AreaProgress)]
    return [
        {
            **{name: getattr(area, name) for name in names},
            "existing_ha": round(area.existing_ha, 3),
            "confirmed_ha": round(area.confirmed_ha, 3),
        }
        for area in areas
    ]
