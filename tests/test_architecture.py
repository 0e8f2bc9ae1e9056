"""Imports point one way, down the list of rooms."""

import ast
from pathlib import Path

import pytest

from tests.support import LOADING_ROOMS

PACKAGE = Path(__file__).parents[1] / "mapservice"
# Lower rooms first; a room imports only from rooms before it.
ROOMS = [
    "saying", "settings", "mail", "database", "accounts", "register", "layers", "network", "sources",
    "services", "finder", "analysis", "maps", "survey", "web",
]  # fmt: skip


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("mapservice."):
            yield node.module.split(".")[1], node.lineno
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("mapservice."):
                    yield name.name.split(".")[1], node.lineno


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_below(room):
    files = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").exists() else (PACKAGE / room).rglob("*.py")
    allowed = {*ROOMS[: ROOMS.index(room) + 1]}
    for path in files:
        for other, line in imported(path):
            assert other in allowed, f"{path.relative_to(PACKAGE)}:{line} imports {other}"


@pytest.mark.parametrize("room", LOADING_ROOMS)
def test_what_a_run_s_database_is_made_by_is_all_its_rooms_know(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert {other for other, _ in imported(path)} <= {*LOADING_ROOMS, "settings"}, path


@pytest.mark.parametrize(
    "room", ["finder", "maps", "layers", "register", "network", "sources", "survey", "database"]
)
def test_only_the_web_room_knows_about_requests(room):
    for path in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "flask":
                assert "request" not in {name.name for name in node.names}, path


def test_no_place_is_named_in_the_code():
    for path in PACKAGE.rglob("*.py"):
        assert "islington" not in path.read_text().lower(), path
