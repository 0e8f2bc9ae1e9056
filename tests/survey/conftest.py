"""People of every kind, and potential spaces as the survey makes them."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import text

from mapservice.accounts import people
from mapservice.accounts.account import find_account
from mapservice.accounts.permissions import parse_grants

SOUTH = (531_500, 182_600)
"""A point (EPSG:27700) well within the locality of that name, and two within the others."""
NORTH = (530_000, 187_000)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def who(database):
    """A function that gives the account of somebody new with some roles."""

    def make(*grants, public_name=None):
        number = next(_numbers)
        with database.session("tests") as session:
            account_id = people.add_person(
                session, f"Ada {number}", parse_grants(grants), email=f"ada{number}@example.org"
            )
            people.change_names(session, account_id, f"Ada {number}", public_name or "")
            return find_account(session, account_id)

    return make


@pytest.fixture(scope="module")
def suggest(database):
    """A function that makes a potential space, a square of some metres around a point, and gives its id."""

    def make(at=SOUTH, size=30, by=None, **values):
        number = next(_numbers)
        space_id = f"tried-space-{number}"
        columns = {
            "name": f"Tried space {number}",
            "type": "unknown",
            "status": "potential",
            "access": "unknown",
            "stage": "suggested",
            "visibility": "network",
            **values,
        }
        with database.session(by.actor if by else "tests") as session:
            key = session.execute(
                text(
                    "INSERT INTO register.green_spaces"
                    f" (id, position, source_id, verified, geom, {', '.join(columns)})"
                    " VALUES (:id, 'outline', 'green-space-survey', false, ST_Multi(ST_MakeEnvelope("
                    f":x, :y, :x + :size, :y + :size, 27700)), {', '.join(f':{name}' for name in columns)})"
                    " RETURNING key"
                ),
                {"id": space_id, "x": at[0] + number % 7 * 50, "y": at[1], "size": size, **columns},
            ).scalar_one()
            session.execute(
                text(
                    "INSERT INTO survey.submissions"
                    " (id, kind, green_space_key, green_space_id, account_id, written_at, fields)"
                    " VALUES (gen_random_uuid(), 'space', :key, :id, :by, now(), '{}')"
                ),
                {"key": key, "id": space_id, "by": by.id if by else None},
            )
        return space_id

    return make
