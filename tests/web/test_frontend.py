"""The front-end build: pinned, quick when nothing changed, clear when it fails."""

import json
import re
import subprocess
import time

import pytest

from mapservice.web import frontend

LOCK = frontend.SOURCES / "package-lock.json"


@pytest.fixture(scope="module", autouse=True)
def _built():
    frontend.build()


def test_a_second_build_costs_next_to_nothing():
    started = time.perf_counter()
    assert frontend.build() is False
    assert time.perf_counter() - started < 0.1
    assert not frontend.is_stale()


def test_a_changed_source_is_noticed(tmp_path, monkeypatch):
    before = frontend.inputs_hash()
    changed = tmp_path / "frontend"
    for pattern in frontend.INPUTS:
        for path in frontend.SOURCES.glob(pattern):
            copy = changed / path.relative_to(frontend.SOURCES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(frontend, "SOURCES", changed)
    assert frontend.inputs_hash() == before
    with (changed / "scss" / "site.scss").open("a") as file:
        file.write("// one more line\n")
    assert frontend.inputs_hash() != before
    assert frontend.is_stale()


def test_the_lock_file_pins_everything_and_names_no_host():
    lock = json.loads(LOCK.read_text())
    assert "://" not in LOCK.read_text()
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    wanted = json.loads((frontend.SOURCES / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}.values()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def test_nothing_that_belongs_to_gov_uk_is_shipped():
    text = "".join(path.read_text() for path in frontend.DIST.iterdir() if path.suffix in (".css", ".js"))
    assert "GDS Transport" not in text
    assert "@font-face" not in text
    assert "govuk-crest" not in text
    assert "govuk-logotype" not in text


def test_the_styles_stay_small():
    sizes = {name: (frontend.DIST / built).stat().st_size for name, built in frontend.asset_names().items()}
    bundles = {"site.css", "site.js", "map.css", "map.js", "site.rtl.css", "worker.js"}
    assert set(sizes) == {*bundles, "survey.css", "survey.js", "walk.js", "position.js"}
    assert sizes["site.css"] < 100_000
    assert sizes["site.js"] < 20_000
    assert sizes["map.js"] < 300_000
    # With what one draws with; fetched for that form only, and kept on the phone with it.
    assert sizes["survey.js"] < 600_000


def test_no_built_file_asks_another_host():
    for path in frontend.DIST.iterdir():
        if path.suffix == ".css":
            assert not re.search(r"url\([\"']?(?:https?:)?//", path.read_text())


def test_a_failing_command_is_told_with_its_last_words(monkeypatch):
    with pytest.raises(frontend.FrontendError, match=r"installing failed \(exit 3\):\nno such package"):
        frontend._run(["sh", "-c", "echo no such package; exit 3"], "installing", 5)


def test_a_command_that_hangs_is_told(monkeypatch):
    def hang(*_args, **_kwargs):
        raise subprocess.TimeoutExpired("npm", 600)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(frontend.FrontendError, match="installing failed"):
        frontend._run(["npm"], "installing", 5)


def test_built_files_are_sent_compressed(client):
    for name, encoding in (("site.css", "br"), ("site.js", "gzip"), ("map.js", "zstd")):
        path = f"/static/{frontend.asset_path(name)}"
        whole = (frontend.STATIC / frontend.asset_path(name)).stat().st_size
        answer = client.get(path, headers={"Accept-Encoding": encoding})
        assert answer.headers["Content-Encoding"] == encoding
        assert len(answer.data) < whole / 2.5
        assert client.get(path, headers={"Accept-Encoding": "identity"}).content_length == whole


def test_a_file_that_was_never_built_says_what_to_run():
    with pytest.raises(frontend.FrontendError, match="run `mapservice setup`"):
        frontend.asset_path("nothing.css")
