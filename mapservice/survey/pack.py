"""What a locality's meeting has before it: photographs of the spaces it speaks of, and spaces as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from psycopg import Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.layers.features import read_count
from mapservice.layers.formats import Format, Job, snapshot
from mapservice.layers.layer import Layer, Property
from mapservice.layers.query import CRS84, STORAGE_CRS, FeatureQuery
from mapservice.layers.visibility import LEVELS, Viewer

MOST_PHOTOGRAPHS = 12
SHARED = Property(
    "visibility",
    "string",
    "Visibility",
    "Who may see it: what is not public is a draft, not to be passed on.",
    values=LEVELS,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One photograph of a space, as it is shown: its content lies under the digest."""

    id: UUID
    space_id: str
    space_name: str
    caption: str | None
    sha256: str
    media_type: str
    width: int
    height: int
    added_at: datetime


def newest_photographs(
    session: Session, space_ids: Sequence[str], viewer: Viewer, most: int = MOST_PHOTOGRAPHS
) -> list[Shown]:
    """The newest photograph of each of some spaces, in the order of the spaces."""
    rows = session.execute(
        text(
            "SELECT DISTINCT ON (f.green_space_id) f.id, g.id AS space_id, g.name AS space_name, f.caption,"
            " f.sha256, f.media_type, f.width, f.height, f.added_at"
            " FROM survey.files f JOIN register.green_spaces g ON g.key = f.green_space_key"
            " WHERE g.id = ANY (:ids) AND f.kind = 'photograph' AND f.removed_at IS NULL"
            " AND f.visibility = ANY (:viewer) AND g.visibility = ANY (:viewer)"
            " ORDER BY f.green_space_id, f.added_at DESC, f.id"
        ),
        {"ids": list(space_ids), "viewer": list(viewer)},
    )
    found = [Shown(*row) for row in rows]
    order = {space_id: place for place, space_id in enumerate(space_ids)}
    return sorted(found, key=lambda shown: order[shown.space_id])[:most]


def read_drafts(session: Session, space_ids: Sequence[str]) -> frozenset[str]:
    """Which of some spaces are not for everybody to see."""
    found = session.execute(
        text("SELECT id FROM register.green_spaces WHERE id = ANY (:ids) AND visibility <> 'public'"),
        {"ids": list(space_ids)},
    )
    return frozenset(found.scalars())


def read_licences(
    cursor: Cursor[tuple[Any, ...]], locality_name: str, viewer: Viewer, examples: bool
) -> list[tuple[str, str]]:
    """The sources of a locality's green spaces, each with its licence; of `examples` if they are shown."""
    rows = cursor.execute(
        "SELECT DISTINCT source, licence FROM layers.green_spaces"
        " WHERE areas #>> '{localities,0,name}' = %s AND visibility = ANY (%s) AND (%s OR NOT demonstration)"
        " ORDER BY 1, 2",
        (locality_name, list(viewer), examples),
    )
    return [(source, licence) for source, licence in rows]


@lru_cache(maxsize=64)
def without_examples(layer: Layer) -> Layer:
    """A layer of green spaces without what was made up for demonstration: one object for each, as texts of
    statements are kept by layer."""
    kept = "NOT f.demonstration"
    return replace(layer, where=f"({layer.where}) AND {kept}" if layer.where else kept)


def spaces_job(layer: Layer, locality_name: str, viewer: Viewer, crs: str, site: str) -> Job:
    """A locality's features of a layer of green spaces, drafts among them as far as the viewer sees them."""
    main = layer.find_property("locality")
    if main is None:
        raise ValueError(f"{layer.id} does not say in which locality its features are")
    told = replace(layer, properties=(*layer.properties, SHARED))
    return Job(told, FeatureQuery(crs=crs, equals=((main, locality_name),)), site, viewer)


def spaces_file(
    cursor: Cursor[tuple[Any, ...]],
    layer: Layer,
    locality_name: str,
    viewer: Viewer,
    wanted: Format,
    site: str,
) -> bytes:
    """The same as a file, by the writer that makes the layer's downloads.

    What was made up for demonstration is left out, as from the pack, unless there is nothing else.
    """
    crs = CRS84 if wanted.degrees_only else STORAGE_CRS
    real = spaces_job(without_examples(layer), locality_name, viewer, crs, site)
    any_real = read_count(cursor, real.layer, real.query, viewer) > 0
    job = real if any_real else spaces_job(layer, locality_name, viewer, crs, site)
    with TemporaryDirectory(prefix="mapservice-pack-") as folder, snapshot(cursor.connection):
        path = Path(folder) / f"{layer.id}{wanted.ending}"
        wanted.save(cursor.connection, job, path)
        return path.read_bytes()
