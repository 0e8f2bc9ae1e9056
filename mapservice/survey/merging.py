"""Making one space of two that are the same: nothing that was said, sent or done of either is lost.

The duplicate's row goes; its id leads to what it became part of, and its history stays under its own key, so
that the merge can be taken back.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.survey.notices import tell
from mapservice.survey.spaces import (
    NotAllowed,
    Outdated,
    Refused,
    Space,
    because,
    clean_words,
    hold_space,
    read_space,
)

LONGEST_REASON = 500
# What belongs to a space, by the column that names it, and by that with its public id where it keeps both.
OF_KEY = ("register.entrances", "register.service_at_locations")
OF_BOTH = ("survey.submissions", "survey.comments", "survey.files")


def merge(
    session: Session,
    duplicate_id: str,
    into_id: str,
    account: Account,
    versions: tuple[int, int],
    reason: str = "",
) -> Space:
    """Make `duplicate_id` part of `into_id`; what is known of the latter stands.

    `versions` are of both, as the person saw them. Raises NoSuchSpace, NotAllowed, Refused, Outdated.
    """
    if duplicate_id == into_id:
        raise Refused([("into", "Choose another space than this one")])
    duplicate = hold_space(session, duplicate_id, account.sees)
    into = hold_space(session, into_id, account.sees)
    for space, version in zip((duplicate, into), versions, strict=True):
        if not space.open_to(account, Action.MERGE):
            raise NotAllowed
        if space.version != version:
            raise Outdated(space)
    if duplicate.status == "existing" and into.status == "potential":
        raise Refused([("into", "This one exists already: merge the potential one into it")])
    try:
        said = clean_words(reason, LONGEST_REASON)
    except ValueError as error:
        raise Refused([("reason", str(error))]) from None
    because(session, said or f"merged into {into.id}")
    ids = {"old": duplicate.key, "new": into.key, "old_id": duplicate.id, "new_id": into.id}
    for table in OF_KEY:
        session.execute(text(f"UPDATE {table} SET green_space_key = :new WHERE green_space_key = :old"), ids)
    for table in OF_BOTH:
        session.execute(
            text(
                f"UPDATE {table} SET green_space_key = :new, green_space_id = :new_id"
                " WHERE green_space_key = :old"
            ),
            ids,
        )
    session.execute(
        text(
            "INSERT INTO survey.watches (account_id, green_space_key, since)"
            " SELECT account_id, :new, since FROM survey.watches WHERE green_space_key = :old"
            " ON CONFLICT DO NOTHING"
        ),
        ids,
    )
    session.execute(
        text("UPDATE survey.notices SET green_space_id = :new_id WHERE green_space_id = :old_id"), ids
    )
    session.execute(
        text(
            "UPDATE register.evidence e SET subject_id = :new_id"
            " WHERE subject = 'green-spaces' AND subject_id = :old_id AND NOT EXISTS ("
            "  SELECT FROM register.evidence o WHERE o.subject = e.subject AND o.subject_id = :new_id"
            "  AND o.source_id = e.source_id AND o.says = e.says)"
        ),
        ids,
    )
    session.execute(
        text(
            "INSERT INTO survey.merges (merged_id, into_id, account_id, reason)"
            " VALUES (:old_id, :new_id, :account, :reason)"
        ),
        {**ids, "account": account.id, "reason": said or None},
    )
    session.execute(text("DELETE FROM register.green_spaces WHERE key = :old"), ids)
    tell(session, "merged", into.id, by=account, merged=duplicate.id, name=duplicate.name)
    return read_space(session, into.id, account.sees) or into


def part_of_what(session: Session, space_id: str) -> str | None:
    """The space that a merged one became part of, however often that was merged on; None for none."""
    if "\x00" in space_id:
        return None
    found = session.execute(
        text(
            "WITH RECURSIVE led AS ("
            "  SELECT into_id, 1 AS step FROM survey.merges WHERE merged_id = :id"
            "  UNION ALL SELECT m.into_id, step + 1"
            "  FROM survey.merges m JOIN led l ON m.merged_id = l.into_id WHERE step < 50"
            ") SELECT into_id FROM led ORDER BY step DESC LIMIT 1"
        ),
        {"id": space_id},
    ).scalar()
    return None if found is None else str(found)


def parts_of(session: Session, space: Space) -> list[str]:
    """The ids of what became part of a space, directly."""
    return [
        *session.execute(
            text("SELECT merged_id FROM survey.merges WHERE into_id = :id ORDER BY merged_at"),
            {"id": space.id},
        ).scalars()
    ]
