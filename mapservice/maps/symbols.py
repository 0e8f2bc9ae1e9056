"""The symbols of map, legend and lists: our own SVG, told apart by shape and letter as well as colour."""

from __future__ import annotations

from html import escape

from mapservice.layers.layer import Style

_POINTS = {
    "circle": '<circle cx="17" cy="17" r="14.5"/>',
    "square": '<rect x="3" y="3" width="28" height="28" rx="3"/>',
    "diamond": '<path d="M17 1 33 17 17 33 1 17Z"/>',
    "hexagon": '<path d="M9 2.5h16L33 17l-8 14.5H9L1 17Z"/>',
    "triangle": '<path d="M17 1.5 33 31H1Z"/>',
}
_LETTER_Y = {"triangle": 26.5}


def symbol_svg(style: Style) -> str:
    """The symbol of a layer as an inline ``<svg>`` of 34 units, hidden from assistive technology.

    Only attributes are used, never a ``style``, so that a strict content security policy lets it show.
    """
    colour = escape(style.colour, quote=True)
    if style.symbol == "outline":
        inner = _boundary(colour, style.dashed)
    elif style.symbol == "area":
        inner = _area(colour, style.dashed)
    else:
        inner = _point(style, colour)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 34 34" width="34" height="34" '
        f'aria-hidden="true" focusable="false">{inner}</svg>'
    )


def _point(style: Style, colour: str) -> str:
    y = _LETTER_Y.get(style.symbol, 22.5)
    size = 11 if len(style.letter) > 1 else 15
    letter = (
        f'<text x="17" y="{y - (1 if len(style.letter) > 1 else 0)}" font-family="system-ui, sans-serif" '
        f'font-size="{size}" font-weight="700" text-anchor="middle" '
        f'fill="{readable_on(style.colour)}">{escape(style.letter)}</text>'
        if style.letter
        else ""
    )
    dash = ' stroke-dasharray="4 3"' if style.dashed else ""
    return f'<g fill="{colour}" stroke="#fff" stroke-width="2"{dash}>{_POINTS[style.symbol]}</g>{letter}'


def _area(colour: str, dashed: bool) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    opacity = "0.15" if dashed else "0.35"
    shape = 'd="M4 9 14 3l16 5-2 18-13 5L4 24Z"'
    return (
        f'<path {shape} fill="#fff"/>'
        f'<path {shape} fill="{colour}" fill-opacity="{opacity}" stroke="{colour}" stroke-width="2.5"{dash}/>'
    )


def _boundary(colour: str, dashed: bool) -> str:
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<path d="M3 6h12v11h16v12H3Z" fill="none" stroke="{colour}" stroke-width="3"{dash}/>'


def readable_on(colour: str) -> str:
    """Black or white, whichever stands out more on ``#rrggbb`` (relative luminance of WCAG 2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#fff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#0b0c0c"
