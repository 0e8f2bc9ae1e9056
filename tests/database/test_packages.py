"""Finding PostgreSQL, and what is said and done where it is missing."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from mapservice.database import packages
from mapservice.database.packages import PackagesMissing


def make_postgres(folder: Path, major: int, postgis: str | None = "3.4.2") -> Path:
    """Programs that answer as PostgreSQL's do, with or without PostGIS beside them."""
    bin_dir, share = folder / str(major) / "bin", folder / str(major) / "share"
    bin_dir.mkdir(parents=True)
    (share / "extension").mkdir(parents=True)
    if postgis:
        (share / "extension" / "postgis.control").write_text(f"default_version = '{postgis}'\n")
    for name, answer in (
        ("postgres", f"postgres (PostgreSQL) {major}.4 (Debian {major}.4-1)"),
        ("initdb", ""),
        ("pg_config", str(share)),
    ):
        program = bin_dir / name
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
    return bin_dir


def test_the_newest_with_postgis_is_chosen(tmp_path: Path) -> None:
    folders = [
        make_postgres(tmp_path, 15),
        make_postgres(tmp_path, 17),
        make_postgres(tmp_path, 18, postgis=None),
    ]
    found = packages.find_postgres(bin_dirs=folders)
    assert found == packages.PostgresBinaries(17, folders[1], "3.4.2")


def test_the_version_that_made_the_data_is_chosen(tmp_path: Path) -> None:
    folders = [make_postgres(tmp_path, 15), make_postgres(tmp_path, 17)]
    found = packages.find_postgres(15, folders)
    assert found is not None
    assert found.program("initdb") == str(folders[0] / "initdb")
    assert packages.find_postgres(16, folders) is None


def test_half_an_installation_is_none(tmp_path: Path) -> None:
    bin_dir = make_postgres(tmp_path, 16)
    (bin_dir / "initdb").unlink()
    assert packages.find_postgres(bin_dirs=[bin_dir, tmp_path / "nothing"]) is None


def test_postgres_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_dir = make_postgres(tmp_path, 16)
    link = tmp_path / "path"
    link.mkdir()
    (link / "postgres").symlink_to(bin_dir / "postgres")
    monkeypatch.setenv("PATH", f"{link}:/usr/bin:/bin")
    assert bin_dir in packages.candidate_bin_dirs()


def test_this_machines_own_is_found(postgres: packages.PostgresBinaries) -> None:
    assert postgres.major >= 14
    assert Path(postgres.program("initdb")).exists()
    assert postgres.postgis[0].isdigit()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """apt is there and we may use it, but nothing is really run: the commands are collected."""
    collected: list[list[str]] = []

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        collected.append([*command])
        return subprocess.CompletedProcess(command, 0, stdout="")

    monkeypatch.setattr(packages, "_run", run)
    monkeypatch.setattr(
        packages.shutil, "which", lambda name: None if name.startswith("no-such") else f"/usr/bin/{name}"
    )
    monkeypatch.setattr(packages, "privilege_prefix", list)
    offered = "postgresql-15-postgis-3 - Geographic objects\npostgresql-17-postgis-3 - Geographic objects"
    monkeypatch.setattr(packages, "_output", lambda command: offered if command[0] == "apt-cache" else "")
    return collected


def test_missing_packages_are_installed_without_a_cluster_of_debians(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers = iter([None, packages.PostgresBinaries(17, tmp_path, "3.4")])
    monkeypatch.setattr(packages, "find_postgres", lambda major=None: next(answers))
    said: list[str] = []
    assert packages.ensure_postgres(said.append).major == 17
    update, install = commands
    assert update[-1] == "update"
    assert install[-2:] == ["postgresql-17", "postgresql-17-postgis-3"]
    assert "create_main_cluster = false" in " ".join(install)
    assert "once" in said[0]


@pytest.mark.usefixtures("commands")
def test_an_older_version_is_installed_where_the_data_needs_it() -> None:
    assert packages.postgres_packages(15) == ["postgresql-15", "postgresql-15-postgis-3"]


@pytest.mark.usefixtures("commands")
def test_without_the_right_to_install_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "privilege_prefix", lambda: None)
    monkeypatch.setattr(packages, "find_postgres", lambda major=None: None)
    with pytest.raises(PackagesMissing) as caught:
        packages.ensure_postgres(lambda text: None)
    assert "sudo apt-get install --yes postgresql-17 postgresql-17-postgis-3" in str(caught.value)


@pytest.mark.usefixtures("commands")
def test_without_apt_it_names_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    monkeypatch.setattr(packages, "find_postgres", lambda major=None: None)
    with pytest.raises(PackagesMissing, match="DATABASE_URL"):
        packages.ensure_postgres(lambda text: None)


@pytest.mark.usefixtures("commands")
def test_what_apt_complains_of_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packages,
        "_run",
        lambda command: subprocess.CompletedProcess(command, 100, stdout="E: No space left\n"),
    )
    with pytest.raises(PackagesMissing, match="No space left"):
        packages.ensure_extras([packages.Extra("a test", ("no-such-program-here",), ("a-package",))], print)


def test_sudo_counts_only_if_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sudo = tmp_path / "sudo"
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert packages.privilege_prefix() is None
    sudo.write_text("#!/bin/sh\nexit 1\n")
    sudo.chmod(0o755)
    monkeypatch.setattr(packages.sys.stdin, "isatty", lambda: False, raising=False)
    assert packages.privilege_prefix() is None
    sudo.write_text("#!/bin/sh\nexit 0\n")
    assert packages.privilege_prefix() == [str(sudo), "-n"]


def test_libraries_are_found_by_loading_all_of_them() -> None:
    assert packages.Extra("a test", (), (), ("libc.so.6",)).find() == "libc.so.6"
    assert packages.Extra("a test", (), (), ("libc.so.6", "libno-such-thing.so.1")).find() is None


@pytest.mark.usefixtures("commands")
def test_what_the_service_can_do_without_is_offered_and_never_insisted_on(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = packages.Extra("packs", (), ("a-package",), ("libno-such-thing.so.1",))
    said: list[str] = []
    packages.offer(extra, said.append)
    assert commands[-1][-1] == "a-package"
    monkeypatch.setattr(packages, "privilege_prefix", lambda: None)
    packages.offer(extra, said.append)
    assert said[-1] == "There will be no packs until somebody installs a-package. All else works."


@pytest.mark.usefixtures("commands")
def test_what_could_not_be_installed_is_not_asked_for_at_every_start(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    extra = packages.Extra("packs", (), ("a-package",), ("libno-such-thing.so.1",))
    other = packages.Extra("maps", (), ("another",), ("libno-such-thing.so.1",))
    said: list[str] = []
    tried = tmp_path / "var" / "not-installed"
    with monkeypatch.context() as without:
        without.setattr(packages, "privilege_prefix", lambda: None)
        packages.offer(extra, said.append, tried)
    for _ in range(3):
        packages.offer(extra, said.append, tried)
    assert [command[-1] for command in commands].count("a-package") == 1
    lacking = "There will be no packs until somebody installs a-package. All else works."
    assert said.count(lacking) == 4
    packages.offer(other, said.append, tried)
    assert commands[-1][-1] == "another"
