"""What places offer: the services given at each, with their sessions in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from psycopg import Cursor
from psycopg.rows import class_row

from mapservice.layers.visibility import ANONYMOUS, Viewer

PlaceKind = Literal["assets", "green-spaces", "pop-up"]

_COLUMNS = (
    "id, service, name, kind, description, organisation, place, place_kind, place_id, address, postcode,"
    " status, alert, needs, terms, sessions, cost, minimum_age, maximum_age, eligibility, how_to_get_it,"
    " languages,"
    " phone, email, website, areas #>> '{localities,0,name}' AS locality, demonstration, verified, source,"
    " as_of, confirmed_on"
)
_SHOWN = "s.visibility = ANY (%(viewer)s)"
REAL = f"NOT s.demonstration AND s.status IN ('active', 'temporarily closed') AND {_SHOWN}"
"""What counts of layers.services s wherever somebody looks for help, or help is counted, for `%(viewer)s`.

Made-up examples are no help to anybody, and what has ended is none either.
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """One service at one place. `needs` are dimensions of support; empty lists and None mean not known."""

    id: str
    service: str
    name: str
    kind: str
    description: str | None
    organisation: str
    place: str
    place_kind: PlaceKind
    place_id: str
    address: str | None
    postcode: str | None
    status: str
    alert: str | None
    needs: list[str]
    terms: list[str]
    sessions: list[str]
    cost: str | None
    minimum_age: float | None
    maximum_age: float | None
    eligibility: str | None
    how_to_get_it: str | None
    languages: list[str]
    phone: str | None
    email: str | None
    website: str | None
    locality: str | None
    demonstration: bool
    verified: bool
    source: str
    as_of: str | None
    confirmed_on: date | None


def wanted(examples: bool) -> str:
    """What is asked of layers.services s by `%(need)s`, `%(locality)s` and `%(viewer)s`: null asks nothing.

    The made-up examples and nothing else, or none of them.
    """
    return f"""{f"s.demonstration AND {_SHOWN}" if examples else REAL}
        AND (%(need)s::text IS NULL OR s.needs @> ARRAY[%(need)s::text])
        AND (%(locality)s::text IS NULL OR s.areas #>> '{{localities,0,name}}' = %(locality)s)"""


def offers_at(
    cursor: Cursor[Any], place_ids: Iterable[str], kind: PlaceKind = "assets", viewer: Viewer = ANONYMOUS
) -> dict[str, list[Offer]]:
    """The real services given at each of some places, by the place's public id; one statement for all."""
    found: dict[str, list[Offer]] = {}
    for offer in _read(
        cursor,
        f"SELECT {_COLUMNS} FROM layers.services s"
        f" WHERE place_kind = %(kind)s AND place_id = ANY (%(places)s) AND {REAL} ORDER BY name, id",
        {"kind": kind, "places": list(place_ids), "viewer": list(viewer)},
    ):
        found.setdefault(offer.place_id, []).append(offer)
    return found


def offers_of(cursor: Cursor[Any], ids: Iterable[str]) -> dict[str, Offer]:
    """Offers by their ids, whoever may see them."""
    statement = f"SELECT {_COLUMNS} FROM layers.services s WHERE id = ANY (%(ids)s)"
    return {offer.id: offer for offer in _read(cursor, statement, {"ids": sorted(ids)})}


def offers(
    cursor: Cursor[Any],
    *,
    kinds: Iterable[str] = (),
    need: str | None = None,
    locality: str | None = None,
    examples: bool = False,
    viewer: Viewer = ANONYMOUS,
    limit: int = 500,
) -> list[Offer]:
    """Services by kind (none: all), dimension of support and name of locality; or the made-up examples."""
    return _read(
        cursor,
        f"SELECT {_COLUMNS} FROM layers.services s WHERE {wanted(examples)}"
        " AND (%(kinds)s::text[] = '{}' OR kind = ANY (%(kinds)s))"
        " ORDER BY name, place, id LIMIT %(limit)s",
        {
            "kinds": list(kinds),
            "need": need,
            "locality": locality,
            "viewer": list(viewer),
            "limit": limit,
        },
    )


def _read(cursor: Cursor[Any], statement: str, parameters: dict[str, Any]) -> list[Offer]:
    with cursor.connection.cursor(row_factory=class_row(Offer)) as reading:
        return reading.execute(statement.encode(), parameters, prepare=True).fetchall()
