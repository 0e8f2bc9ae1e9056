"""Photographs in a form: drawn anew and kept as soon as they come, so that a refused form still has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage

from mapservice.saying import english
from mapservice.survey import storage
from mapservice.survey.photographs import NotAPhotograph, prepare
from mapservice.survey.submitting import MOST_PHOTOGRAPHS, KeptPhotograph
from mapservice.web import context
from mapservice.web.languages import gettext
from mapservice.web.words import in_words

MOST_BYTES = 12 * 1024 * 1024
"""Of one photograph, as its camera made it."""
MOST_BODY_BYTES = MOST_PHOTOGRAPHS * MOST_BYTES + 2 * 1024 * 1024
# Shorter than the day after which a file that no row names is removed.
HOLDS_S = 20 * 3600
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """A photograph that is kept: as `submit` wants it, where it was taken, and what the form shows for it."""

    photograph: KeptPhotograph
    taken_at: tuple[float, float] | None
    token: str

    @property
    def name(self) -> str:
        return self.photograph.name

    @property
    def place(self) -> str:
        """Where it was taken as the form's field for the place takes it; "" where that is not known."""
        return f"{self.taken_at[1]:.5f}, {self.taken_at[0]:.5f}" if self.taken_at else ""


@dataclass(frozen=True, slots=True)
class Uploads:
    """The photographs of a form, and what is wrong with those that could not be taken."""

    taken: Sequence[Upload]
    mistakes: Sequence[str]

    @property
    def photographs(self) -> list[KeptPhotograph]:
        return [upload.photograph for upload in self.taken]

    @property
    def places(self) -> list[Upload]:
        """Those of which is known where they were taken."""
        return [upload for upload in self.taken if upload.taken_at]


def folder() -> Path:
    """Where files that people send are kept."""
    return storage.folder_of(context.settings().var_dir)


def take(files: Iterable[FileStorage], tokens: Iterable[str]) -> Uploads:
    """Keep the photographs of a form, beside those that it had before. Raises NoRoom."""
    before = [_read_token(token) for token in tokens]
    taken = {upload.photograph.sha256: upload for upload in before if upload}
    mistakes = []
    if None in before:
        mistakes.append(gettext("A photograph that came earlier is no longer here: choose it again"))
    for file in files:
        if not file.filename:
            continue  # a field that was left empty
        name = plain_name(file.filename)
        if len(taken) >= MOST_PHOTOGRAPHS:
            mistakes.append(gettext("Send at most %(count)s photographs", count=MOST_PHOTOGRAPHS))
            break
        try:
            upload = _keep(file, name)
        except NotAPhotograph as error:
            mistakes.append(f"{name}: {in_words(error)}")
        else:
            taken[upload.photograph.sha256] = upload
    return Uploads([*taken.values()][:MOST_PHOTOGRAPHS], mistakes)


def plain_name(given: str) -> str:
    """The name of a file without folders and without what could be read as anything but a name."""
    return storage.bare_name(given).strip(" .")[-LONGEST_NAME:] or "photograph"


def _keep(file: FileStorage, name: str) -> Upload:
    if file.stream.seek(0, 2) > MOST_BYTES:
        most = MOST_BYTES // 1024**2
        raise NotAPhotograph(english("This is larger than %(most)s MB. Send it at a smaller size", most=most))
    found = prepare(file.stream)
    stored = storage.keep(folder(), found.jpeg)
    photograph = KeptPhotograph(stored.sha256, stored.bytes, found.width, found.height, name)
    return _upload(photograph, found.taken_at)


def _upload(photograph: KeptPhotograph, taken_at: tuple[float, float] | None) -> Upload:
    said = [
        photograph.sha256,
        photograph.bytes,
        photograph.width,
        photograph.height,
        photograph.name,
        taken_at,
    ]
    return Upload(photograph, taken_at, str(_signer().dumps(said)))


def _read_token(token: str) -> Upload | None:
    """The photograph that a form had before; None where the form is too old, or not one of ours."""
    try:
        said: list[Any] = _signer().loads(token, max_age=HOLDS_S)
    except BadData:
        return None
    sha256, size, width, height, name, taken_at = said
    photograph = KeptPhotograph(sha256, size, width, height, name)
    return Upload(photograph, (taken_at[0], taken_at[1]) if taken_at else None, token)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="photograph of a form")
