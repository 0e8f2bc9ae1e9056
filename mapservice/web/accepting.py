"""Which of the representations there are an `Accept` header asks for: what an answer is made and kept by."""

from __future__ import annotations

from functools import lru_cache

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from mapservice.layers.formats import FORMATS

JSON = "application/json"
ATOM = "application/atom+xml"
DOCUMENTS = (JSON, "application/geo+json", "text/html")
CHANGES = (JSON, ATOM)
FEATURES = {JSON: "json", **{each.media_type: each.id for each in FORMATS}, "text/html": "html"}


def chosen(accept: str, offered: tuple[str, ...]) -> str:
    """The media type of those offered that the header prefers; JSON where it names none of them."""
    return parse_accept_header(accept, MIMEAccept).best_match(offered, JSON)


@lru_cache(maxsize=256)
def choices(accept: str) -> tuple[str, ...]:
    """All that the API makes of a header: two of the same choices get the same answers."""
    return tuple(chosen(accept, offered) for offered in (DOCUMENTS, CHANGES, tuple(FEATURES)))
