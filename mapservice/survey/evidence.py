"""Files that back up what is said of a space: documents, plans, letters; for the network."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.saying import english
from mapservice.survey.people import names_at_work
from mapservice.survey.photographs import NotAPhotograph, prepare
from mapservice.survey.spaces import NoSuchSpace, NotAllowed, Refused, Space, Unfit, clean_words
from mapservice.survey.storage import bare_name, keep

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 100
MOST_SHOWN = 300
"""With the photographs that people sent."""
LONGEST_NAME, LONGEST_CAPTION = 200, 500
ACCEPTED = ".pdf,.txt,.csv,.jpg,.jpeg,.png,.webp"
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
NOT_TAKEN = english("Choose a PDF, a plain text, or a JPEG, PNG or WebP picture")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as the working page lists it."""

    id: uuid.UUID
    kind: Literal["photograph", "evidence"]
    name: str
    caption: str | None
    media_type: str
    bytes: int
    visibility: str
    by: str
    by_id: str | None
    added_at: datetime


def add_evidence(
    session: Session,
    space: Space,
    account: Account,
    folder: Path,
    name: str,
    stream: BinaryIO,
    caption: str = "",
    file_id: uuid.UUID | None = None,
) -> bool:
    """Keep a file with a space; False where it was kept already. Raises Refused, and NoRoom of `storage`.

    What it is is found out from what is in it, whatever it is called. A picture is drawn anew. Another file
    or caption under an id that is known, as from a form gone back to, is something else added.
    """
    content = stream.read(MOST_BYTES + 1)
    if not content:
        raise Refused([("file", english("Choose a file that has something in it"))])
    if len(content) > MOST_BYTES:
        raise Refused([("file", english("Choose a file of at most %(most)s MB", most=MOST_BYTES // 2**20))])
    content, media_type, ending, size = _recognised(content)
    try:
        said = clean_words(caption, LONGEST_CAPTION)
    except Unfit as error:
        raise Refused([("caption", error.why)]) from None
    there = session.execute(
        text("SELECT count(*) FROM survey.files WHERE green_space_key = :key AND removed_at IS NULL"),
        {"key": space.key},
    ).scalar_one()
    if there >= MOST_FILES:
        full = english("There are %(most)s files already: remove one first", most=MOST_FILES)
        raise Refused([("file", full)])
    stored = keep(folder, content)
    row = {
        "key": space.key,
        "space": space.id,
        "account": account.id,
        "sha256": stored.sha256,
        "name": plain_name(name, ending),
        "caption": said or None,
        "media_type": media_type,
        "bytes": stored.bytes,
        "width": size[0] if size else None,
        "height": size[1] if size else None,
    }
    first = file_id or uuid.uuid4()
    later = uuid.uuid5(first, "\n".join((space.id, account.id, stored.sha256, said)))
    return _add(session, first, row) or (not _is(session, first, row) and _add(session, later, row))


def files_of(session: Session, space: Space) -> list[Kept]:
    """The files of a space that were not removed, photographs first."""
    rows = session.execute(
        text(
            "SELECT id, kind, name, caption, media_type, bytes, visibility, account_id, added_at"
            " FROM survey.files WHERE green_space_key = :key AND removed_at IS NULL"
            " ORDER BY kind DESC, added_at, id LIMIT :most"
        ),
        {"key": space.key, "most": MOST_SHOWN},
    ).all()
    names = names_at_work(session, {row.account_id for row in rows})
    return [
        Kept(
            id=row.id,
            kind=row.kind,
            name=row.name,
            caption=row.caption,
            media_type=row.media_type,
            bytes=row.bytes,
            visibility=row.visibility,
            by=names[row.account_id],
            by_id=row.account_id,
            added_at=row.added_at,
        )
        for row in rows
    ]


def change_file(
    session: Session,
    space: Space,
    file_id: uuid.UUID,
    account: Account,
    what: Literal["remove", "show", "hide"],
) -> None:
    """Remove a file, one's own or as a reviewer; or show a photograph to everybody, or to them no more.

    Raises NoSuchSpace where the space has no such file, and NotAllowed.
    """
    row = session.execute(
        text(
            "SELECT account_id, kind FROM survey.files"
            " WHERE id = :id AND green_space_key = :key AND removed_at IS NULL FOR UPDATE"
        ),
        {"id": file_id, "key": space.key},
    ).first()
    if row is None or (what == "show" and row.kind != "photograph"):
        raise NoSuchSpace(str(file_id))
    own = what == "remove" and row.account_id == account.id
    if not own and not space.open_to(account, Action.PUBLISH):
        raise NotAllowed
    session.execute(
        text(
            "UPDATE survey.files SET removed_at = now() WHERE id = :id"
            if what == "remove"
            else "UPDATE survey.files SET visibility = :visibility WHERE id = :id"
        ),
        {"id": file_id, "visibility": "public" if what == "show" else "network"},
    )


def plain_name(name: str, ending: str) -> str:
    """A name for a file that is a name and nothing else, with the ending of what it is."""
    stem = "".join(letter for letter in bare_name(name) if letter not in '<>:"|?*;')
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", stem).strip(". ") or "file"
    return f"{stem[: LONGEST_NAME - len(ending)]}{ending}"


def _add(session: Session, file_id: uuid.UUID, row: Mapping[str, Any]) -> bool:
    added = session.execute(
        text(
            "INSERT INTO survey.files (id, green_space_key, green_space_id, account_id, kind, sha256,"
            " name, caption, media_type, bytes, width, height)"
            " VALUES (:id, :key, :space, :account, 'evidence',"
            " :sha256, :name, :caption, :media_type, :bytes, :width, :height)"
            " ON CONFLICT (id) DO NOTHING RETURNING id"
        ),
        {"id": file_id, **row},
    )
    return added.first() is not None


def _is(session: Session, file_id: uuid.UUID, row: Mapping[str, Any]) -> bool:
    """Whether this file of this person about this space is what is known by an id."""
    same = session.execute(
        text(
            "SELECT FROM survey.files WHERE id = :id AND green_space_key = :key AND account_id = :account"
            " AND sha256 = :sha256 AND caption IS NOT DISTINCT FROM :caption AND removed_at IS NULL"
        ),
        {"id": file_id, **row},
    )
    return same.first() is not None


def _recognised(content: bytes) -> tuple[bytes, str, str, tuple[int, int] | None]:
    """What is to be kept, what it is, its usual ending, and of a picture its size; raises Refused."""
    if content.startswith(b"%PDF-"):
        return content, "application/pdf", ".pdf", None
    if content.startswith(PICTURES):
        try:
            picture = prepare(BytesIO(content))
        except NotAPhotograph as error:
            raise Refused([("file", error.why)]) from None
        return picture.jpeg, "image/jpeg", ".jpg", (picture.width, picture.height)
    try:
        words = content.decode()
    except UnicodeDecodeError:
        raise Refused([("file", NOT_TAKEN)]) from None
    if any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in words):
        raise Refused([("file", NOT_TAKEN)])
    return content, "text/plain", ".txt", None
