"""The documents say what is so."""

import os
import re
from pathlib import Path

import pytest

from mapservice.settings import describe, load_settings

ROOT = Path(__file__).parents[2]
MARKS = re.compile(r"(<!-- settings:.*?-->\n).*?(<!-- /settings -->)", re.DOTALL)


def settings_table():
    rows = ["| variable | default | what it does |", "|---|---|---|"]
    for row in describe(load_settings()):
        rows.append(f"| `{row.variable}` | {row.default} | {row.description} |")
    return "\n".join(rows) + "\n"


def test_the_readme_lists_every_setting():
    """Run with UPDATE_DOCS=1 to write the table anew."""
    path = ROOT / "README.md"
    text = path.read_text()
    wanted = MARKS.sub(lambda m: m[1] + settings_table() + m[2], text)
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(wanted)
    assert path.read_text() == wanted


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "geodata/README.md"], ids=str
)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
