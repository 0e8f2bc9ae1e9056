"""Settings: what is accepted, what is refused and how it is said, and what is never shown."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from mapservice.settings import (
    REPOSITORY,
    Settings,
    SettingsError,
    describe,
    load_settings,
    mask_password,
    session_secret,
    variable_name,
)


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_defaults_serve_this_machine_only() -> None:
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database_url is None
    assert settings.basemap == "none"
    assert settings.var_dir == REPOSITORY / "var"


def test_the_environment_is_read_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAPSERVICE_PORT", "9000")
    monkeypatch.setenv("MAPSERVICE_WORKERS", "3")
    settings = load_settings(port=9001)
    assert (settings.port, settings.workers) == (9001, 3)


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAPSERVICE_PORT", "")
    monkeypatch.setenv("DATABASE_URL", "")
    settings = load_settings()
    assert (settings.port, settings.database_url) == (8000, None)


def test_a_relative_folder_is_taken_from_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAPSERVICE_VAR_DIR", "here")
    assert load_settings().var_dir == tmp_path / "here"


def test_every_mistake_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(
        monkeypatch, MAPSERVICE_PORT="many", MAPSERVICE_THREADS="0", DATABASE_URL="mysql://a:geheim@b/c"
    )
    assert "MAPSERVICE_PORT: input should be a valid integer" in message
    assert "(it is 'many')" in message
    assert "MAPSERVICE_THREADS" in message
    assert "DATABASE_URL: must start with postgresql://" in message
    assert "geheim" not in message


def test_a_misspelt_setting_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did you mean MAPSERVICE_WORKERS?" in refused(monkeypatch, MAPSERVICE_WORKER="2")


@pytest.mark.parametrize(
    "variables, reason",
    [
        ({"DATABASE_URL": "postgresql://host"}, "must name a database"),
        ({"DATABASE_READ_URL": "postgresql://host/maps"}, "a replica needs its primary"),
        ({"SECRET_KEY": "short"}, "at least 32 characters"),
        ({"MAPSERVICE_PORT": "65536"}, "less than or equal to 65535"),
        ({"MAPSERVICE_PUBLIC_URL": "maps.example.org"}, "scheme and host"),
        ({"MAPSERVICE_BASEMAP": "google"}, "should be 'none', 'osm' or 'custom'"),
        ({"MAPSERVICE_BASEMAP": "custom"}, "needs MAPSERVICE_BASEMAP_URL"),
        (
            {"MAPSERVICE_BASEMAP_URL": "https://example.org/{z}/{x}/{y}"},
            "set MAPSERVICE_BASEMAP=custom",
        ),
        (
            {
                "MAPSERVICE_BASEMAP": "custom",
                "MAPSERVICE_BASEMAP_URL": "https://tiles.example.org/{z}",
                "MAPSERVICE_BASEMAP_ATTRIBUTION": "me",
            },
            "lacks {x} and {y}",
        ),
    ],
)
def test_values_that_cannot_work_are_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], reason: str
) -> None:
    assert reason in refused(monkeypatch, **variables)


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_edges_of_a_range_are_accepted(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("MAPSERVICE_PORT", port)
    assert load_settings().port == int(port)


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc]


def test_every_setting_is_described() -> None:
    rows = describe(load_settings())
    assert [row.variable for row in rows] == [variable_name(name) for name in Settings.model_fields]
    assert all(len(row.description) > 20 and row.description.endswith(".") for row in rows)


def test_secrets_are_never_shown() -> None:
    settings = load_settings(
        secret_key="s" * 40,
        database_url="postgresql://ada:geheim@host/maps?password=geheim",
        database_read_url="postgresql://ada:geheim@other/maps",
    )
    shown = repr(settings) + " ".join(row.value for row in describe(settings))
    assert "geheim" not in shown
    assert "s" * 40 not in shown
    assert "postgresql://ada:***@host/maps" in shown
    assert "(set)" in shown


def test_masking_leaves_what_helps() -> None:
    assert mask_password("postgresql://ada:p%40ss@db.example.org:5433/maps") == (
        "postgresql://ada:***@db.example.org:5433/maps"
    )
    assert mask_password("postgresql:///maps") == "postgresql:///maps"


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = load_settings(var_dir=tmp_path / "var")
    secret = session_secret(settings)
    assert len(secret) >= 32
    assert session_secret(settings) == secret
    assert stat.S_IMODE(settings.secret_key_file.stat().st_mode) == 0o600
    assert list(settings.var_dir.iterdir()) == [settings.secret_key_file]


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    settings = load_settings(var_dir=tmp_path)
    together = threading.Barrier(8)
    found: list[str] = []

    def start() -> None:
        together.wait()
        found.append(session_secret(settings))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_given_secret_leaves_no_file(tmp_path: Path) -> None:
    settings = load_settings(var_dir=tmp_path, secret_key="g" * 32)
    assert session_secret(settings) == "g" * 32
    assert not settings.secret_key_file.exists()


def test_an_empty_secret_file_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("")
    with pytest.raises(SettingsError, match="delete it"):
        session_secret(load_settings(var_dir=tmp_path))
