"""What of a feed the register holds already: the same place or organisation, maybe under another spelling.

Sure is what was decided before, has the same identifier, or agrees in name and position. What only resembles
something is a question for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

NEW = "new"
"""The decision that something is not in the register yet."""
# Trigram similarities of names (0 to 1) and metres, from the spellings of the borough's own lists.
SAME_NAME = 0.7
LIKE_NAME = 0.35
AT_THE_DOOR = 120
IN_THE_STREET = 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something of the register that may be meant; `distance_m` where both positions are known."""

    id: str
    name: str
    likeness: float
    distance_m: float | None = None
    same_postcode: bool = False

    @property
    def distance_words(self) -> str:
        """How far away it is, where that is known."""
        return "" if self.distance_m is None else f", {self.distance_m:.0f} m away"


@dataclass(frozen=True, slots=True)
class Question:
    """Whether something of a feed is one of the candidates, best first, or new."""

    kind: str
    external_id: str
    theirs: str
    candidates: tuple[Candidate, ...]


Decide = Callable[[Question], str | None]
"""Answers a question with a candidate's id or `NEW`; None where it is left open."""


class Matcher:
    """Matches one feed; collects what nobody has decided in `open_questions`."""

    def __init__(self, cursor: Cursor[Any], feed: str, decide: Decide) -> None:
        self._cursor = cursor
        self._decide = decide
        self.open_questions: list[Question] = []
        self.links: dict[tuple[str, str], str] = {}
        """(kind, the feed's id): the register's id, or `NEW`."""
        known = cursor.execute(
            "SELECT kind, external_id, id FROM register.external_ids WHERE feed = %s", (feed,)
        )
        self._known = {(kind, external_id): found for kind, external_id, found in known.fetchall()}

    def organisation(self, external_id: str, name: str, website: str | None) -> str | None:
        """The id of the organisation that is meant; None if it is new.

        A website alone is not enough: many small groups have theirs on a council's or an umbrella's page.
        """
        rows = self._cursor.execute(
            "SELECT id, name, similarity(lower(name), lower(%(name)s)), uuid::text = %(id)s"
            " OR lower(name) = lower(%(name)s) OR (rtrim(website, '/') = rtrim(%(website)s, '/')"
            " AND similarity(lower(name), lower(%(name)s)) >= %(same)s)"
            " FROM register.organisations WHERE uuid::text = %(id)s OR rtrim(website, '/') ="
            " rtrim(%(website)s, '/') OR similarity(lower(name), lower(%(name)s)) >= %(like)s"
            " ORDER BY 4 DESC NULLS LAST, 3 DESC, 1 LIMIT 5",
            {"id": external_id, "name": name, "website": website, "same": SAME_NAME, "like": 0.6},
        ).fetchall()
        sure = next((row[0] for row in rows if row[3]), None)
        found = tuple(Candidate(row[0], row[1], row[2]) for row in rows)
        return self._match("organisation", external_id, name, sure, found)

    def service(self, external_id: str, name: str, organisation: str | None) -> str | None:
        """The id of the service that is meant; None if it is new."""
        rows = self._cursor.execute(
            "SELECT id, name, similarity(lower(name), lower(%(name)s)),"
            " uuid::text = %(id)s OR lower(name) = lower(%(name)s) FROM register.services"
            " WHERE uuid::text = %(id)s OR (organisation_id = %(organisation)s"
            " AND similarity(lower(name), lower(%(name)s)) >= 0.6) ORDER BY 4 DESC, 3 DESC, 1 LIMIT 5",
            {"id": external_id, "name": name, "organisation": organisation},
        ).fetchall()
        sure = next((row[0] for row in rows if row[3]), None)
        found = tuple(Candidate(row[0], row[1], row[2]) for row in rows)
        return self._match("service", external_id, name, sure, found)

    def location(
        self, external_id: str, name: str, postcode: str | None, point: tuple[float, float] | None
    ) -> str | None:
        """The id of the place that is meant; None if it is new."""
        rows = self._cursor.execute(
            """
            SELECT id, name, likeness, metres, same_postcode, register.uuid_of('assets', id)::text = %(id)s
            FROM (
                SELECT f.id, f.name, f.postcode = %(postcode)s AS same_postcode,
                       similarity(lower(f.name), lower(%(name)s)) AS likeness,
                       ST_Distance(f.geom, here.geom) AS metres
                FROM register.assets f,
                     (SELECT ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 27700) AS geom) here
                WHERE NOT f.demonstration
            ) near
            WHERE register.uuid_of('assets', id)::text = %(id)s
               OR ((same_postcode OR metres < %(street)s) AND likeness >= %(like)s)
               OR (metres IS NULL AND likeness >= %(same)s)
            ORDER BY 6 DESC, likeness DESC, metres, id LIMIT 5
            """,
            {
                "id": external_id,
                "name": name,
                "postcode": postcode,
                "x": point[0] if point else None,
                "y": point[1] if point else None,
                "street": IN_THE_STREET,
                "like": LIKE_NAME,
                "same": SAME_NAME,
            },
        ).fetchall()
        found = tuple(Candidate(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows)
        sure = next((row[0] for row in rows if row[5]), None)
        if sure is None:
            certain = [each for each in found if _certain(each)]
            sure = certain[0].id if len(certain) == 1 else None
        theirs = ", ".join(part for part in (name, postcode) if part)
        return self._match("location", external_id, theirs, sure, found)

    def _match(
        self, kind: str, external_id: str, theirs: str, sure: str | None, found: tuple[Candidate, ...]
    ) -> str | None:
        key = (kind, external_id)
        if key not in self.links:
            # What was decided before stands, whatever resembles what by now.
            decided = self._known.get(key) or sure or (None if found else NEW)
            if decided is None:
                question = Question(kind, external_id, theirs, found)
                decided = self._decide(question)
                if decided is None:
                    self.open_questions.append(question)
                    return None
            self.links[key] = decided
        return None if self.links[key] == NEW else self.links[key]


def _certain(candidate: Candidate) -> bool:
    close = candidate.distance_m is not None and candidate.distance_m <= AT_THE_DOOR
    return candidate.likeness >= SAME_NAME and (candidate.same_postcode or close)
