"""What a person decided about green spaces that another source has too, so that nobody is asked twice."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# The digest is of what the source says, not of its id: those of OS Open Greenspace change with each release.
MATCHES = """
CREATE TABLE register.green_space_matches (
    source_id       text NOT NULL REFERENCES register.sources,
    digest          text NOT NULL,
    reference       text NOT NULL,
    decision        text NOT NULL CHECK (decision IN ('add', 'take', 'keep', 'ignore')),
    green_space_key bigint REFERENCES register.green_spaces ON DELETE CASCADE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, digest),
    CHECK ((green_space_key IS NULL) = (decision = 'ignore'))
);
CREATE INDEX green_space_matches_key ON register.green_space_matches (green_space_key);
CREATE TRIGGER touch BEFORE UPDATE ON register.green_space_matches
    FOR EACH ROW EXECUTE FUNCTION register.touch();
CREATE TRIGGER published_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON register.green_space_matches
    FOR EACH STATEMENT EXECUTE FUNCTION layers.take_turn();
CREATE TRIGGER history_truncate BEFORE TRUNCATE ON register.green_space_matches
    FOR EACH STATEMENT EXECUTE FUNCTION history.refuse_truncate();
"""
KEY = "r.source_id || ''/'' || r.digest"


def upgrade() -> None:
    op.execute(MATCHES)
    for event, transition in op.get_context().script.get_revision("0003").module.TRANSITIONS.items():
        op.execute(
            f"CREATE TRIGGER history_{event.lower()} AFTER {event} ON register.green_space_matches "
            f"REFERENCING {transition} FOR EACH STATEMENT EXECUTE FUNCTION history.record('{KEY}')"
        )


def downgrade() -> None:
    op.execute("DROP TABLE register.green_space_matches")
