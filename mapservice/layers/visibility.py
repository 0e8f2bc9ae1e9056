"""Who may see what: one place for every surface.

A layer as a whole and each of its rows have a visibility. A viewer is the tuple of visibilities that somebody
may see; it travels with every request for features and ends in the SQL that `mapservice.layers.sql` makes.
"""

from __future__ import annotations

from typing import get_args

from mapservice.layers.layer import Layer, Visibility

Viewer = tuple[str, ...]

LEVELS: tuple[Visibility, ...] = get_args(Visibility)
"""From what everybody may see to what the fewest may."""
ANONYMOUS: Viewer = ("public",)


def up_to(level: Visibility) -> Viewer:
    """The viewer who may see a visibility and all that is less confidential."""
    return LEVELS[: LEVELS.index(level) + 1]


def may_see(layer: Layer, viewer: Viewer) -> bool:
    """Whether there is such a layer at all for the viewer."""
    return layer.visibility in viewer
