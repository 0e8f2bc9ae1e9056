"""Parts of pages that are rendered once and kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from jinja2 import DictLoader, Environment

from mapservice.web import keeping
from mapservice.web.keeping import KeptParts, Store

PART = '{% keep "part", key, shown or none %}{{ said() }} {{ key }}{{ shown }}{% endkeep %}'


@pytest.fixture
def rendered() -> Callable[..., str]:
    """A template with a part to keep, in which `said` counts how often it was rendered."""
    env = Environment(autoescape=True, loader=DictLoader({"page": PART}), extensions=[KeptParts])
    times = iter(range(100))
    app = Flask(__name__)

    def render(key: str, shown: str = "", root: str = "") -> str:
        with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": root}):
            return env.get_template("page").render(key=key, shown=shown, said=lambda: next(times))

    return render


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    class English:
        tag = "en"

    monkeypatch.setattr(keeping, "current_language", English)


def test_what_is_shown_again_is_not_rendered_again(rendered: Callable[..., str]) -> None:
    assert rendered("a") == rendered("a") == "0 a"


def test_another_value_address_or_language_is_another_part(
    rendered: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [rendered("a"), rendered("b"), rendered("a", "x"), rendered("a", root="/map")] == [
        "0 a",
        "1 b",
        "2 ax",
        "3 a",
    ]
    monkeypatch.setattr(keeping.current_language, "tag", "ar")
    assert rendered("a") == "4 a"


def test_what_has_no_key_is_not_kept(rendered: Callable[..., str]) -> None:
    assert [rendered(""), rendered("")] == ["0 ", "1 "]


def test_a_kept_part_is_escaped_once(rendered: Callable[..., str]) -> None:
    assert rendered("<b>") == rendered("<b>") == "0 &lt;b&gt;"


def test_it_does_not_grow_for_ever() -> None:
    store = Store(2)
    for key in "abc":
        store.put((key,), key)
    assert [store.get((key,)) for key in "abc"] == [None, None, "c"]


def test_with_room_for_nothing_it_keeps_nothing() -> None:
    store = Store(0)
    store.put(("a",), "a")
    assert store.get(("a",)) is None
