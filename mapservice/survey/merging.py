"""Making one space of two that are the same: nothing that was said, sent or done of either is lost.

The duplicate's row goes; its id leads to what it became part of, and its history stays under its own key, so
that the merge can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.layers.visibility import Viewer
from mapservice.saying import english
from mapservice.survey.notices import suggesters, tell
from mapservice.survey.reasons import BECAME_PART, MERGED, OF_A_DRAFT
from mapservice.survey.spaces import (
    NotAllowed,
    Outdated,
    Refused,
    Space,
    Unfit,
    because,
    clean_words,
    hold_space,
    read_space,
)

LONGEST_REASON = 500
COUNCIL = "council"
EXISTS = english("This one exists already: merge the potential one into it")
HIDDEN = english("Others would see what only the council may: merge that one into this one")
# What belongs to a space, by the column that names it, and by that with its public id where it keeps both.
OF_KEY = ("register.entrances", "register.service_at_locations")
SUBMISSIONS = "survey.submissions"
OF_BOTH = (SUBMISSIONS, "survey.comments", "survey.files")
# A suggestion of the duplicate waits no longer: there is no space of its own to decide on.
SETTLED = """, state = CASE WHEN waits THEN 'taken' ELSE state END,
    decided_by = CASE WHEN waits THEN CAST(:account AS text) ELSE decided_by END,
    decided_at = CASE WHEN waits THEN now() ELSE decided_at END,
    reason = CASE WHEN waits THEN CAST(:became AS text) ELSE reason END""".replace(
    "waits", "kind = 'space' AND state = 'waiting'"
)


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
        raise Refused([("into", english("Choose another space than this one"))])
    duplicate = hold_space(session, duplicate_id, account.sees)
    into = hold_space(session, into_id, account.sees)
    for space, version in zip((duplicate, into), versions, strict=True):
        if not space.open_to(account, Action.MERGE):
            raise NotAllowed
        if space.version != version:
            raise Outdated(space)
    if duplicate.status == "existing" and into.status == "potential":
        raise Refused([("into", EXISTS)])
    if duplicate.visibility == COUNCIL and into.visibility != COUNCIL:
        raise Refused([("into", HIDDEN)])
    try:
        said = clean_words(reason, LONGEST_REASON)
    except Unfit as error:
        raise Refused([("reason", error.why)]) from None
    because(session, said or MERGED.text % {"id": into.id})
    ids = {
        **{"old": duplicate.key, "new": into.key, "old_id": duplicate.id, "new_id": into.id},
        "account": account.id,
        "became": _became(into),
    }
    # Once it is another's, they are told no more than what became of theirs.
    theirs = suggesters(session, duplicate.id)
    for table in OF_KEY:
        session.execute(text(f"UPDATE {table} SET green_space_key = :new WHERE green_space_key = :old"), ids)
    for table in OF_BOTH:
        more = SETTLED if table == SUBMISSIONS else ""
        session.execute(
            text(
                f"UPDATE {table} SET green_space_key = :new, green_space_id = :new_id{more}"
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
        text(
            "UPDATE survey.notices SET green_space_id = :new_id, detail = detail || jsonb_build_object("
            " 'parts', COALESCE(detail -> 'parts', '[]') || jsonb_build_array("
            "  jsonb_build_object('id', CAST(:old_id AS text), 'name', CAST(:old_name AS text))))"
            " WHERE green_space_id = :old_id"
        ),
        {**ids, "old_name": duplicate.name},
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
        {**ids, "reason": said or None},
    )
    session.execute(text("DELETE FROM register.green_spaces WHERE key = :old"), ids)
    tell(session, "merged", into.id, by=account, also=theirs, merged=duplicate.id, name=duplicate.name)
    return read_space(session, into.id, account.sees) or into


def part_of_what(session: Session, space_id: str, viewer: Viewer) -> str | None:
    """The space that a merged one became part of, however often that was merged on; None for none to see."""
    return parts_of_what(session, [space_id], viewer).get(space_id)


def parts_of_what(session: Session, space_ids: Iterable[str], viewer: Viewer) -> dict[str, str]:
    """The same for several: of those that lead somewhere, the space that the viewer may see."""
    found = session.execute(
        text(
            "WITH RECURSIVE led AS ("
            "  SELECT merged_id, into_id, 1 AS step FROM survey.merges WHERE merged_id = ANY (:ids)"
            "  UNION ALL SELECT l.merged_id, m.into_id, step + 1"
            "  FROM survey.merges m JOIN led l ON m.merged_id = l.into_id WHERE step < 50"
            "), last AS ("
            "  SELECT DISTINCT ON (merged_id) merged_id, into_id FROM led ORDER BY merged_id, step DESC"
            ") SELECT l.merged_id, f.id FROM last l JOIN register.green_spaces f ON f.id = l.into_id"
            " WHERE f.visibility = ANY (:viewer)"
        ),
        # No text of the database can hold a NUL.
        {"ids": [each for each in space_ids if "\x00" not in each], "viewer": list(viewer)},
    )
    return {row.merged_id: row.id for row in found}


def removal_of(session: Session, space_id: str) -> int | None:
    """The change of the history that removed a space last, by being merged or otherwise."""
    found: int | None = session.execute(
        text(
            "SELECT max(id) FROM history.changes WHERE table_name = 'green_spaces'"
            " AND operation = 'deleted' AND before ->> 'id' = :id"
        ),
        {"id": space_id},
    ).scalar()
    return found


def parts_of(session: Session, space: Space) -> list[str]:
    """The ids of what became part of a space, directly."""
    return [
        *session.execute(
            text("SELECT merged_id FROM survey.merges WHERE into_id = :id ORDER BY merged_at"),
            {"id": space.id},
        ).scalars()
    ]


def _became(into: Space) -> str:
    """The reason that whoever suggested the duplicate reads; of a draft of others they learn no name."""
    if into.visibility == "public":
        return BECAME_PART.text % {"name": into.name}
    return OF_A_DRAFT
