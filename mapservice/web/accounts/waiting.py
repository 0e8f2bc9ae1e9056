"""How long to wait, in words."""

from __future__ import annotations

from mapservice.accounts.attempts import TooMany
from mapservice.web.languages import gettext


def wait_words(late: TooMany) -> str:
    """What who tried too often is told."""
    if late.seconds < 90:
        return gettext(
            "There were too many attempts. Wait %(count)s seconds, then try again.", count=late.seconds
        )
    minutes = -(-late.seconds // 60)
    return gettext("There were too many attempts. Wait %(count)s minutes, then try again.", count=minutes)
