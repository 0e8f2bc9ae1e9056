"""What an import did: counts, and everything it refused with line, field and reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

SHOWN_REJECTIONS = 200
"""Longest list of refusals printed; all of them stay in the report."""


def printable(text: str) -> str:
    """Text fit for a terminal: what steers one, or cannot be encoded, is shown as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason why a file is refused: where, which value, and what to do about it.

    `line` counts the file's lines from 1, the heading included; None where the whole file is meant.
    """

    line: int | None
    field: str
    value: str
    reason: str

    def render(self) -> str:
        """One readable line, such as: line 12: postcode "N1 9JX9": is not a postcode."""
        where = f"line {self.line}: " if self.line is not None else ""
        value = self.value if len(self.value) <= 80 else self.value[:77] + "..."
        quoted = f' "{value}"' if value else ""
        return printable(f"{where}{self.field}{quoted}: {self.reason}")


@dataclass(slots=True)
class Report:
    """The outcome of one import, or of several (`parts`). Nothing was written if anything was rejected."""

    source: str
    file: str = ""
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    parts: list[Report] = field(default_factory=list)

    def reject(self, line: int | None, column: str, value: object, reason: str) -> None:
        """Refuse the file for this reason; reading goes on so that every mistake is named at once."""
        self.rejected.append(Rejection(line, column, "" if value is None else str(value), reason))

    def everything(self) -> Iterator[Report]:
        """This report and all its parts, in order."""
        yield self
        for part in self.parts:
            yield from part.everything()

    @property
    def ok(self) -> bool:
        """Whether the import was applied."""
        return not any(report.rejected for report in self.everything())

    @property
    def changes(self) -> int:
        """Rows created, updated or removed, parts included; 0 if the same file was imported before."""
        return sum(r.created + r.updated + r.removed for r in self.everything()) if self.ok else 0

    def render(self) -> str:
        """The report as text for a terminal or a log."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        title = f"{self.source} ({self.file})" if self.file else self.source
        if not self.ok:
            refused = sum(len(report.rejected) for report in self.everything())
            yield f"{title}: refused, nothing was changed. {refused} to put right:"
        else:
            yield f"{title}: {self._counts()}"
        for part in self.parts:
            if part.rejected or (self.ok and (part.changes or part.unchanged or part.warnings)):
                yield from ("  " + line for line in part._lines())
        for rejection in self.rejected[:SHOWN_REJECTIONS]:
            yield "  " + rejection.render()
        if len(self.rejected) > SHOWN_REJECTIONS:
            yield f"  and {len(self.rejected) - SHOWN_REJECTIONS} more"
        for warning in self.warnings:
            yield f"  note: {warning}"

    def _counts(self) -> str:
        own = self.created + self.updated + self.removed + self.unchanged
        reports = [self] if own else list(self.everything())
        counts = {
            "created": sum(r.created for r in reports),
            "updated": sum(r.updated for r in reports),
            "removed": sum(r.removed for r in reports),
            "unchanged": sum(r.unchanged for r in reports),
        }
        shown = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
        return shown if self.changes else f"0 changes{f' ({shown})' if shown else ''}"
