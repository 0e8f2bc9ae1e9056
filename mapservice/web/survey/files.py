"""Giving out what people sent: photographs to look at, other files to save; never anything that could run."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, send_file
from werkzeug.wrappers import Response

from mapservice.accounts.permissions import Action
from mapservice.survey import storage
from mapservice.survey.files import find_file
from mapservice.web import context, identity
from mapservice.web.survey import uploads

blueprint = Blueprint("files", __name__)

INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""What stands in a file can do nothing, even if a browser took it for a page."""


@blueprint.get("/files/<uuid:file_id>")
@identity.needs(Action.SUGGEST)
def file(file_id: uuid.UUID) -> Response:
    """One file, for who may see it."""
    account = identity.current_account()
    with context.database().reading() as cursor:
        found = find_file(cursor, file_id, context.viewer(), account.id if account else None)
    if found is None:
        abort(404)
    name = None if found.kind == "photograph" else found.name
    return give_out(found.sha256, found.media_type, name, public=found.public)


def give_out(digest: str, media_type: str, name: str | None = None, *, public: bool = False) -> Response:
    """A kept file by its digest, to look at; to save under a name, if one is given."""
    path = storage.path_of(uploads.folder(), digest)
    if not path.is_file():
        abort(404)
    response = send_file(
        path, mimetype=media_type, as_attachment=name is not None, download_name=name, etag=digest
    )
    response.headers["Content-Security-Policy"] = INERT
    response.headers["Cache-Control"] = "public, max-age=300" if public else identity.NEVER_KEPT
    return response
