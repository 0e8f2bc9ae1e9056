"""How an outline was and how it is, as one small static SVG: before dashed, after solid."""

from __future__ import annotations

from html import escape

SIDE = 400
"""Units of the drawing on each side."""


def draw_difference(before: str | None, after: str | None, label: str) -> str:
    """The drawing, from path data in its own units (`SIDE` by `SIDE`, y downwards), as markup."""
    drawn = "".join(
        f'<path d="{escape(path, quote=True)}" class="app-difference__{which}"/>'
        for which, path in (("before", before), ("after", after))
        if path
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="app-difference" viewBox="0 0 {SIDE} {SIDE}" '
        f'role="img" aria-label="{escape(label, quote=True)}">{drawn}</svg>'
    )
