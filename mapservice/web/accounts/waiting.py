"""How long to wait, in words."""

from __future__ import annotations

from mapservice.accounts.attempts import TooMany


def wait_words(late: TooMany) -> str:
    """What who tried too often is told."""
    if late.seconds < 90:
        return f"There were too many attempts. Wait {late.seconds} seconds, then try again."
    return f"There were too many attempts. Wait {-(-late.seconds // 60)} minutes, then try again."
