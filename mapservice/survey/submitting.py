"""What people send from a walk: a space that could be one, that one is still open, what has changed.

What is sent twice, because the signal went or somebody pressed twice, is taken once: the id is made where it
is written. A suggestion is a row of the register from then on; the network sees it until it is published.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.layers.editing import free_id
from mapservice.layers.visibility import Viewer
from mapservice.register.models import FITTED_GRID_SRID
from mapservice.saying import Said, english
from mapservice.survey import notices, outlines
from mapservice.survey.fields import FIELDS, Field, read_value
from mapservice.survey.merging import part_of_what
from mapservice.survey.outlines import ON_GRID
from mapservice.survey.spaces import NoSuchSpace, Refused, Unfit

Kind = Literal["space", "confirmation", "change"]

SOURCE = "green-space-survey"
MOST_PHOTOGRAPHS = 6
TOO_MANY_PHOTOGRAPHS = english("Send at most %(count)s photographs", count=MOST_PHOTOGRAPHS)
SENT_AGAIN = timedelta(days=1)
"""So long the same words of the same place are the same suggestion, under whichever id."""
LONGEST_WAITING = timedelta(days=90)
"""So long something may have waited on a telephone; what says it is older is taken as written then."""

SAME_PLACE_M = 0.1
MADE_WITH = """
        SELECT c.row_key, CAST(c.after ->> 'geom' AS geometry) AS geom, c.transaction_id, c.at
        FROM history.changes o
        JOIN history.changes c ON c.at = o.at AND c.transaction_id = o.transaction_id
            AND c.table_name = 'green_spaces' AND c.operation = 'created'
        WHERE o.table_name = 'submissions' AND o.operation = 'created' AND o.row_key = CAST(:id AS text)
            AND o.after ->> 'kind' = 'space'
        ORDER BY c.id LIMIT 1
"""
"""The space that a suggestion made, as it was made: from the history of the transaction that took it in."""

_COLUMNS = (
    "name", "current_use", "owner_kind", "owner_note", "title_number", "access_note", "opportunity",
    "safety_note",
)  # fmt: skip
CHANGED = {
    "closed": "It is closed, or one cannot get in any more",
    "access": "Who can get in, or when, has changed",
    "gone": "It is no longer a green space",
    "boundary": "Its edges or its way in have changed",
    "name": "Its name is wrong",
    "other": "Something else",
}
"""What somebody may report of a space that is on the map."""
SAID = {
    field.name: replace(field, required=False)
    for field in (
        *(FIELDS[name] for name in ("access", "note", *_COLUMNS)),
        Field("place", "line"),
        Field("changed", "choice", tuple(CHANGED)),
    )
}
"""What can be said, by the name of its field."""
# Pages below /green-spaces/ and /review/: no space is given one of these as its id.
RESERVED = frozenset(
    {
        *(
            "suggest",
            "suggestions",
            "check",
            "near",
            "first",
            "access",
            "progress",
            "confirmations",
            "on-the-spot",
            "survey",
            "waiting",
        ),
        *("meetings", "pack", "removed", "submissions"),
    }
)


@dataclass(frozen=True, slots=True)
class KeptPhotograph:
    """A photograph whose file is kept already (`photographs.prepare`, `storage.keep`)."""

    sha256: str
    bytes: int
    width: int
    height: int
    name: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What somebody sent, as they gave it."""

    id: uuid.UUID
    kind: Kind
    fields: Mapping[str, str]
    written_at: datetime | None = None
    geometry: Mapping[str, Any] | None = None
    entrances: Sequence[Sequence[float]] = ()
    green_space_id: str | None = None
    """The space a confirmation or a change is about."""
    postcode: str | None = None
    """Where that is all the geometry goes by."""
    photographs: Sequence[KeptPhotograph] = ()
    certain: bool = True
    """To be taken although it overlaps with known spaces: somebody looked, or nobody is there to be asked."""


@dataclass(frozen=True, slots=True)
class Received:
    """What was made of it, now or when it came in for the first time."""

    submission_id: uuid.UUID
    green_space_id: str
    new: bool


def submit(
    session: Session,
    sent: Sent,
    account: Account | None,
    viewer: Viewer = ("public",),
    *,
    quietly: bool = False,
) -> Received:
    """Take something in, once; with nobody told that it waits if `quietly`. Raises Refused, NoSuchSpace.

    Where other words or another outline come under an id that is known, somebody went back and changed them:
    they are kept as a report on the same space. The same suggestion under another id is somebody who went
    back and sent again.
    """
    fields = read_fields(sent)
    if sent.kind == "space" and _known(session, sent.id) is None:
        # Before the turn is taken: nobody else waits while an outline is looked at.
        asked_about = () if sent.certain else viewer
        found = outlines.check(session, dict(sent.geometry or {}), asked_about, sent.entrances)
        if found.problems:
            raise Refused(("place", problem) for problem in found.problems)
        if found.overlaps and _same_again(session, sent, fields, account) is None:
            raise Refused([("different", outlines.OVERLAPS)])
    # One at a time: the second of two at once finds what the first has written.
    session.execute(text("SELECT layers.wait_for_turn()"))
    known = _known(session, sent.id)
    if known is None and sent.kind == "space":
        again = _same_again(session, sent, fields, account)
        if again is not None:
            _keep_photographs(session, sent, again.submission_id, again.green_space_id, account)
            return again
    if known is None:
        space_id = _space(session, sent, fields) if sent.kind == "space" else _existing(session, sent, viewer)
        return _take(session, sent, sent.id, sent.kind, space_id, fields, account, quietly)
    space_id, before = known
    if sent.kind == "space" and (drawn := _drawn_anew(session, sent)):
        note = "\n".join(filter(None, [fields.get("note"), f"Sent again, drawn so: {drawn}"]))
        fields |= {"changed": "boundary", "note": note}
    if not fields.items() <= before.items():
        later = uuid.uuid5(sent.id, orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode())
        if _known(session, later) is None:
            return _take(session, sent, later, "change", space_id, fields, account)
    _keep_photographs(session, sent, sent.id, space_id, account)
    return Received(sent.id, space_id, new=False)


def is_repeat(session: Session, sent: Sent) -> bool:
    """Whether these very words, and this outline where one is given, have come in under this id already."""
    try:
        fields = read_fields(replace(sent, geometry={}))  # where it is, is no word
    except Refused:
        return False
    known = _known(session, sent.id)
    if known is None or not fields.items() <= known[1].items():
        return False
    return sent.kind != "space" or not sent.geometry or _drawn_anew(session, sent) is None


def read_fields(sent: Sent) -> dict[str, str]:
    """The words that were given, trimmed; raises Refused naming every field that is wrong."""
    mistakes: list[tuple[str, Said]] = []
    fields: dict[str, str] = {}
    for name, field in SAID.items():
        try:
            words = read_value(field, sent.fields.get(name, ""))
        except Unfit as error:
            mistakes.append((name, error.why))
        else:
            fields |= {name: words} if words else {}
    mistakes += _mistakes(sent, fields)
    if len(sent.photographs) > MOST_PHOTOGRAPHS:
        mistakes.append(("photographs", TOO_MANY_PHOTOGRAPHS))
    if mistakes:
        raise Refused(mistakes)
    return fields


def _mistakes(sent: Sent, fields: Mapping[str, str]) -> Iterable[tuple[str, Said]]:
    if sent.kind == "space" and not sent.fields.get("name", "").strip():
        yield "name", english("Say what people call it, or what is next to it")
    if sent.kind == "space" and sent.geometry is None:
        yield "place", english("Say where it is")
    if sent.kind == "change" and not fields.get("changed") and not fields.get("note"):
        yield "changed", english("Say what has changed")


def _known(session: Session, submission_id: uuid.UUID) -> tuple[str, dict[str, str]] | None:
    row = session.execute(
        text("SELECT green_space_id, fields FROM survey.submissions WHERE id = :id"), {"id": submission_id}
    ).first()
    return (row[0], row[1]) if row else None


def _drawn_anew(session: Session, sent: Sent) -> str | None:
    """What is drawn (WKT, longitude and latitude) where it is not what came under this id before."""
    found: str | None = session.execute(
        text(
            f"SELECT ST_AsText(ST_GeomFromGeoJSON(:geojson), 7) FROM ({MADE_WITH}) made"
            f" WHERE ST_HausdorffDistance(ST_SetSRID(made.geom, {FITTED_GRID_SRID}),"
            f" ST_SetSRID({ON_GRID}, {FITTED_GRID_SRID})) >= {SAME_PLACE_M}"
        ),
        {"id": sent.id, "geojson": orjson.dumps(sent.geometry).decode()},
    ).scalar()
    return found


def _same_again(
    session: Session, sent: Sent, fields: Mapping[str, str], account: Account | None
) -> Received | None:
    """The suggestion of the last day that says just this of just this place, if there is one."""
    row = session.execute(
        text(
            "SELECT s.id, s.green_space_id FROM survey.submissions s"
            " JOIN register.green_spaces f ON f.key = s.green_space_key"
            " WHERE s.kind = 'space' AND s.fields = CAST(:fields AS jsonb)"
            " AND s.account_id IS NOT DISTINCT FROM CAST(:account AS text)"
            " AND s.received_at > now() - CAST(:within AS interval)"
            f" AND ST_HausdorffDistance(f.geom, {ON_GRID}) < {SAME_PLACE_M} ORDER BY s.received_at LIMIT 1"
        ),
        {
            "fields": orjson.dumps(dict(fields)).decode(),
            "account": account.id if account else None,
            "within": SENT_AGAIN,
            "geojson": orjson.dumps(sent.geometry).decode(),
        },
    ).first()
    return Received(row.id, row.green_space_id, new=False) if row else None


def _space(session: Session, sent: Sent, fields: Mapping[str, str]) -> str:
    """Make the potential space that is suggested; its id."""
    geometry = dict(sent.geometry or {})
    space_id = free_id(session, "register.green_spaces", fields["name"], RESERVED)
    point = geometry["type"] == "Point"
    values = {name: fields.get(name) for name in _COLUMNS}
    key = session.execute(
        text(
            "INSERT INTO register.green_spaces (id, status, stage, type, access, visibility, verified,"
            f" position, source_id, postcode, geom, {', '.join(_COLUMNS)})"
            " VALUES (:id, 'potential', 'suggested', 'unknown', :access, 'network', false,"
            f" :position, :source, :postcode, {ON_GRID if point else f'ST_Multi({ON_GRID})'},"
            f" {', '.join(f':{name}' for name in _COLUMNS)}) RETURNING key"
        ),
        {
            "id": space_id,
            "access": fields.get("access", "unknown"),
            "position": "approximate" if point else "outline",
            "source": SOURCE,
            "postcode": sent.postcode,
            "geojson": orjson.dumps(geometry).decode(),
            **values,
        },
    ).scalar_one()
    for number, (longitude, latitude) in enumerate(sent.entrances, 1):
        session.execute(
            text(
                "INSERT INTO register.entrances (id, green_space_key, geom, source_id)"
                f" VALUES (:id, :key, {ON_GRID}, :source)"
            ),
            {
                "id": f"{space_id}-entrance-{number}",
                "key": key,
                "geojson": orjson.dumps({"type": "Point", "coordinates": [longitude, latitude]}).decode(),
                "source": SOURCE,
            },
        )
    return space_id


def _existing(session: Session, sent: Sent, viewer: Viewer) -> str:
    if "\x00" in (sent.green_space_id or ""):  # no text of the database can hold one
        raise NoSuchSpace(sent.green_space_id)
    found = session.execute(
        text("SELECT id FROM register.green_spaces WHERE id = :id AND visibility = ANY (:viewer)"),
        {"id": sent.green_space_id, "viewer": list(viewer)},
    ).scalar()
    if found is None:
        # While it waited on a telephone, the space may have become part of another.
        found = part_of_what(session, str(sent.green_space_id), viewer)
    if found is None:
        raise NoSuchSpace(sent.green_space_id)
    return str(found)


def _take(
    session: Session,
    sent: Sent,
    submission_id: uuid.UUID,
    kind: Kind,
    space_id: str,
    fields: Mapping[str, str],
    account: Account | None,
    quietly: bool = False,
) -> Received:
    session.execute(
        text(
            "INSERT INTO survey.submissions"
            " (id, kind, green_space_key, green_space_id, account_id, written_at, fields)"
            " VALUES (:id, :kind, (SELECT key FROM register.green_spaces WHERE id = :space), :space,"
            " :account, :written_at, CAST(:fields AS jsonb))"
        ),
        {
            "id": submission_id,
            "kind": kind,
            "space": space_id,
            "account": account.id if account else None,
            "written_at": written_at(sent),
            "fields": orjson.dumps(dict(fields)).decode(),
        },
    )
    _keep_photographs(session, sent, submission_id, space_id, account)
    if account and kind == "space":
        notices.watch(session, account.id, space_id)
    if not quietly:
        happened: notices.Kind = "suggested" if kind == "space" else "reported"
        notices.tell(session, happened, space_id, by=account, sent=str(submission_id))
    return Received(submission_id, space_id, new=True)


def _keep_photographs(
    session: Session, sent: Sent, submission_id: uuid.UUID, space_id: str, account: Account | None
) -> None:
    """Name the files of the photographs, the same picture of the same sending once. Raises Refused."""
    named = {uuid.uuid5(sent.id, photograph.sha256): photograph for photograph in sent.photographs}
    others = session.execute(
        text("SELECT count(*) FROM survey.files WHERE submission_id = :id AND id <> ALL (:named)"),
        {"id": submission_id, "named": [*named]},
    ).scalar_one()
    if others + len(named) > MOST_PHOTOGRAPHS:
        raise Refused([("photographs", TOO_MANY_PHOTOGRAPHS)])
    for file_id, photograph in named.items():
        session.execute(
            text(
                "INSERT INTO survey.files (id, green_space_key, green_space_id, submission_id, account_id,"
                " kind, sha256, name, media_type, bytes, width, height)"
                " VALUES (:id, (SELECT key FROM register.green_spaces WHERE id = :space), :space,"
                " :submission, :account, 'photograph', :sha256, :name, 'image/jpeg', :bytes,"
                " :width, :height)"
                " ON CONFLICT (id) DO NOTHING"
            ),
            {
                "id": file_id,
                "space": space_id,
                "submission": submission_id,
                "account": account.id if account else None,
                "sha256": photograph.sha256,
                "name": photograph.name,
                "bytes": photograph.bytes,
                "width": photograph.width,
                "height": photograph.height,
            },
        )


def written_at(sent: Sent) -> datetime:
    """When it was written, as far as that can be believed."""
    now = datetime.now(UTC)
    written = sent.written_at
    return now if written is None else min(max(written, now - LONGEST_WAITING), now)
