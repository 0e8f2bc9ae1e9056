"""What has happened to a locality's green spaces since a moment, told from the register's history.

It is for a meeting: which spaces are new, which came further, which were declined or opened, what else was
corrected. Who did it is named as others see them. A space belongs to the locality that has the most of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from mapservice.layers.visibility import Viewer
from mapservice.survey.changes import SEEN
from mapservice.survey.people import shown_names
from mapservice.survey.reasons import known_again
from mapservice.survey.spaces import LOCALITIES, UNNAMED

Kind = Literal[
    "suggested", "restored", "stage", "declined", "opened", "confirmed", "published", "merged", "changed"
]

# What goes with a stage: who may go in once it is open, that nothing is due any more.
_WITH_STAGE = {"access", "due_on"}
# What is told by itself, or says nothing to a meeting.
_TOLD_OTHERWISE = {
    *("status", "stage", "stage_reason", "opened_on", "visibility", "confirmed_on", "created_at"),
    *("key", "verified", "verified_fields", "source_id", "as_of"),
}

HERE = f"({LOCALITIES})[1] = :locality"
"""Whether f lies in the locality, or with the most of itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `detail`: was and stage, reason, the fields changed, or the id merged."""

    kind: Kind
    at: datetime
    by: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """A green space and what happened to it, in order."""

    id: str
    name: str
    demonstration: bool
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """The spaces something happened to, by name; `added`: existing spaces that came into the register."""

    stories: tuple[Story, ...]
    added: int

    def of_real_places(self) -> Happened:
        """The same without what was made up for demonstration, unless there is nothing else."""
        real = tuple(story for story in self.stories if not story.demonstration)
        return Happened(real or self.stories, self.added)

    def count(self, kind: Kind) -> int:
        """How many spaces something of a kind happened to."""
        return sum(any(event.kind == kind for event in story.events) for story in self.stories)


_CHANGES = f"""
    SELECT f.id, COALESCE(f.name, :unnamed) AS name, f.demonstration, c.at, c.actor, c.reason, c.operation,
           c.before, c.after,
           EXISTS (SELECT FROM history.changes o WHERE o.table_name = c.table_name AND o.row_key = c.row_key
                   AND o.id < c.id) AS again
    FROM register.green_spaces f
    JOIN history.changes c ON c.table_name = 'green_spaces' AND c.row_key = f.key::text
    WHERE c.at >= :since AND c.operation <> 'deleted' AND f.visibility = ANY (:viewer) AND {SEEN}
      AND {HERE}
    ORDER BY c.id
"""
_MERGES = f"""
    SELECT f.id, COALESCE(f.name, :unnamed) AS name, f.demonstration, m.merged_at AS at,
           m.account_id AS actor, m.reason, m.merged_id
    FROM survey.merges m JOIN register.green_spaces f ON f.id = m.into_id
    WHERE m.merged_at >= :since AND f.visibility = ANY (:viewer) AND {HERE}
    ORDER BY m.merged_at
"""


def read_happened(session: Session, locality: str, since: datetime, viewer: Viewer) -> Happened:
    """What happened in a locality (its id) since a moment, to spaces that the viewer may see."""
    given = {"locality": locality, "since": since, "viewer": list(viewer), "unnamed": UNNAMED}
    changes = session.execute(text(_CHANGES), given).all()
    merges = session.execute(text(_MERGES), given).all()
    names = shown_names(session, {row.actor for row in (*changes, *merges)})
    told: dict[str, list[Event]] = {}
    spaces: dict[str, Row[Any]] = {}
    added = 0
    for row in changes:
        found = [*_events(row, names[row.actor])]
        added += row.operation == "created" and not found
        if found:
            spaces[row.id] = row
            told.setdefault(row.id, []).extend(found)
    for row in merges:
        spaces[row.id] = row
        detail = {"merged": row.merged_id, "reason": known_again(row.reason)}
        told.setdefault(row.id, []).append(Event("merged", row.at, names[row.actor], detail))
    stories = [
        Story(space_id, row.name, row.demonstration, events)
        for space_id, row in spaces.items()
        if (events := _without_undone(sorted(told[space_id], key=lambda one: one.at)))
    ]
    return Happened(tuple(sorted(stories, key=lambda story: (story.name, story.id))), added)


def _without_undone(events: Iterable[Event]) -> tuple[Event, ...]:
    """What happened without the moves that were taken back, and without the taking back.

    Who moves a space back and says why has not taken anything back: that is told.
    """
    kept: list[Event] = []
    for event in events:
        last = next((one for one in reversed(kept) if "stage" in one.detail), None)
        if (
            last
            and "stage" in event.detail
            and _before(last) == _after(event)
            and _after(last) == _before(event)
        ):
            kept.remove(last)
        else:
            kept.append(event)
    return tuple(kept)


def _before(event: Event) -> tuple[str | None, str | None]:
    return event.detail["was"], event.detail["reason_before"]


def _after(event: Event) -> tuple[str | None, str | None]:
    return event.detail["stage"], event.detail["reason"]


def _events(row: Row[Any], by: str) -> Iterable[Event]:
    """What one line of the history tells; nothing for what a meeting need not hear of."""
    after: dict[str, Any] = row.after
    if row.operation == "created":
        if row.again:
            yield Event("restored", row.at, by, {"reason": known_again(row.reason)})
        elif after.get("status") == "potential":
            yield Event("suggested", row.at, by, {"reason": after.get("opportunity")})
        return
    before: dict[str, Any] = row.before
    changed = {name for name in after if before.get(name) != after[name]}
    if "stage" in changed:
        stage = after["stage"]
        kind: Kind = stage if stage in ("declined", "opened") else "stage"
        detail = {
            "was": before.get("stage"),
            "stage": stage,
            "reason": after.get("stage_reason"),
            "opened_on": after.get("opened_on"),
            "reason_before": before.get("stage_reason"),
        }
        yield Event(kind, row.at, by, detail)
    if "confirmed_on" in changed and after["confirmed_on"]:
        yield Event("confirmed", row.at, by, {"on": after["confirmed_on"]})
    if "visibility" in changed and after["visibility"] == "public" and "stage" not in changed:
        yield Event("published", row.at, by, {})
    if fields := sorted(changed - _TOLD_OTHERWISE - (_WITH_STAGE if "stage" in changed else set())):
        yield Event("changed", row.at, by, {"fields": fields, "reason": known_again(row.reason)})
