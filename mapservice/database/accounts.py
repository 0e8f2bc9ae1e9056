"""The operating system's side of the private cluster: which account runs it, and what it can reach."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mapservice.settings import OperatorError

PR_SET_PDEATHSIG = 1
SYSTEM_ACCOUNTS = ("postgres", "mapservice")


@dataclass(frozen=True)
class Account:
    """An account of the operating system that programs can be run as."""

    name: str
    uid: int
    gid: int

    def run(self, command: Sequence[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as this account, from `/`, with none of our environment; its output is kept."""
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=clean_environment(),
            umask=0o077,
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
        )

    def spawn(self, command: Sequence[str], death_signal: signal.Signals) -> subprocess.Popen[bytes]:
        """Start a long-running child as this account; it gets `death_signal` when we die, even by kill -9.

        Call it from the main thread: the kernel ties the signal to the thread that started the child.
        """
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=clean_environment(),
            umask=0o077,
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
            # Away from the terminal's Ctrl-C: we decide when it stops, after those that use it.
            start_new_session=True,
            # Runs after the change of account, which would clear the death signal.
            preexec_fn=tie_to_parent(death_signal),
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may go into a folder, through every folder above it."""
        return self.run(["sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0

    @property
    def _dropping(self) -> bool:
        return os.geteuid() == 0

    @property
    def _user(self) -> int | None:
        return self.uid if self._dropping else None

    @property
    def _group(self) -> int | None:
        return self.gid if self._dropping else None

    @property
    def _groups(self) -> list[int] | None:
        return [] if self._dropping else None


def clean_environment() -> dict[str, str]:
    """An environment in which nobody's PG* variables, locale or home folder change anything."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/"}


def tie_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """For a new child to call before it becomes its program: when its parent dies, it gets the signal."""
    # Looked up before the fork: between fork and exec as little as possible should happen.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:
            # The parent died before the kernel knew of our wish.
            os._exit(1)

    return arrange


def current_account() -> Account:
    """The account we run as; raises `OperatorError` where its number has no name (PostgreSQL insists)."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise OperatorError(
            f"The user number {uid} has no name on this system, and PostgreSQL will not run without one. "
            "Start as a named user, or set DATABASE_URL."
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid)


def account_of(uid: int) -> Account:
    """The account with a user number."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise OperatorError(
            f"The database's files belong to user number {uid}, which this system lacks."
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid)


def system_account() -> Account:
    """The ordinary account root runs PostgreSQL as: `postgres`, or a system user `mapservice` made for it."""
    for name in SYSTEM_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    name = SYSTEM_ACCOUNTS[-1]
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if useradd:
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            capture_output=True,
            check=False,
        )
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise OperatorError(
            "PostgreSQL does not run as root, and no ordinary user could be made for it. "
            f"Make one (useradd --system {name}) or start as an ordinary user."
        ) from None
    return Account(name, entry.pw_uid, entry.pw_gid)
