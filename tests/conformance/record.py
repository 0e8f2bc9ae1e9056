"""The table of docs/conformance.md: what each suite found when it was last run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
BEGIN, END = "<!-- results: written by make conformance -->", "<!-- end of results -->"


@dataclass(frozen=True, slots=True)
class Result:
    """What one suite found in one group of its tests."""

    suite: str
    version: str
    group: str
    passed: int
    failed: int
    skipped: int
    note: str = ""

    def row(self, day: str) -> str:
        """The result as a row of the table."""
        counts = f"{self.passed} | {self.failed} | {self.skipped}"
        return f"| {self.suite} {self.version} | {self.group} | {counts} | {day} | {self.note} |"


_results: list[Result] = []


def keep(*results: Result) -> None:
    """Keep results until the run ends."""
    _results.extend(results)


def write(document: Path = DOCUMENT) -> None:
    """Put the kept results in the place of older ones of the same suites; the others stay."""
    if not _results:
        return
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    again = {result.suite for result in _results}
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    kept = [line for line in rows if line.split("|")[1].split()[0] not in again]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    rows = sorted(
        [*kept, *(result.row(day) for result in _results)], key=lambda line: re.sub(r"\d+", "", line)
    )
    head = "| suite | tests | passed | failed | skipped | on | |\n|---|---|--:|--:|--:|---|---|"
    document.write_text(f"{before}{BEGIN}\n{head}\n" + "\n".join(rows) + f"\n{END}{after}", encoding="utf-8")
    _results.clear()
