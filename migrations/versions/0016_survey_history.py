"""Who watches a space is recorded, so that taking back a removal or a merge gives them back.

There are two ways into the history with it: from a space to the entrances it ever had, and from the id of one
that is gone to what it was. Every entrance that a space ever had came to it once, by being made or by being
moved: what a row was after its change is enough to find it.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEXES = """
CREATE INDEX changes_entrances ON history.changes ((after ->> 'green_space_key'))
    WHERE table_name = 'entrances';
CREATE INDEX changes_gone ON history.changes ((before ->> 'id'))
    WHERE table_name = 'green_spaces' AND operation = 'deleted';
"""
EVENTS = ("INSERT", "DELETE")


def upgrade() -> None:
    op.execute(INDEXES)
    for event in EVENTS:
        transition = op.get_context().script.get_revision("0003").module.TRANSITIONS[event]
        op.execute(
            f"CREATE TRIGGER history_{event.lower()} AFTER {event} ON survey.watches "
            f"REFERENCING {transition} FOR EACH STATEMENT "
            "EXECUTE FUNCTION history.record('r.account_id || '' '' || r.green_space_key')"
        )


def downgrade() -> None:
    for event in EVENTS:
        op.execute(f"DROP TRIGGER history_{event.lower()} ON survey.watches")
    op.execute("DROP INDEX history.changes_entrances, history.changes_gone")
