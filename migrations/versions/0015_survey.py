"""The survey: what people send in from a walk, what they say about a space, its files, who watches it.

A potential space is a row of register.green_spaces from the moment it is suggested: it keeps its id and its
history through every stage. Here is what belongs to people rather than to the land. What somebody wrote stays
when the space or their account goes: the reference empties, the space's id and the words remain.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SPACES = """
ALTER TABLE register.green_spaces
    ADD opportunity text CHECK (opportunity <> ''),
    ADD opened_on date,
    ADD owner_note text CHECK (owner_note <> ''),
    ADD title_number text CHECK (title_number ~ '^[A-Z]{0,4}[0-9]{1,8}$'),
    ADD safety_note text CHECK (safety_note <> ''),
    ADD due_on date,
    ADD CHECK (opened_on IS NULL OR status = 'existing');
ALTER TABLE layers.green_spaces ADD opportunity text, ADD opened_on date;
"""
# Only these two are for everybody; whose it is in words, what is unsafe and what is due are the network's.
PUBLISHED_COLUMNS = "f.geom_3857, f.cost_gbp, f.opportunity, f.opened_on\n"

SURVEY = """
CREATE SCHEMA survey;

CREATE TABLE survey.submissions (
    -- Made where it was written, be it without signal: what is sent twice is taken once.
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('space', 'confirmation', 'change')),
    green_space_key bigint REFERENCES register.green_spaces ON DELETE SET NULL,
    green_space_id  text NOT NULL,
    account_id      text REFERENCES accounts.accounts ON DELETE SET NULL,
    written_at      timestamptz NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT now(),
    -- As it was given, field by field, whatever became of it.
    fields          jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'object'),
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'declined')),
    decided_by      text REFERENCES accounts.accounts ON DELETE SET NULL,
    decided_at      timestamptz,
    reason          text CHECK (reason <> ''),
    CHECK ((state = 'waiting') = (decided_at IS NULL)),
    CHECK (state <> 'declined' OR reason IS NOT NULL)
);
CREATE INDEX submissions_space ON survey.submissions (green_space_key, received_at);
CREATE INDEX submissions_account ON survey.submissions (account_id);
CREATE INDEX submissions_waiting ON survey.submissions (received_at) WHERE state = 'waiting';

CREATE TABLE survey.comments (
    id              uuid PRIMARY KEY,
    green_space_key bigint REFERENCES register.green_spaces ON DELETE SET NULL,
    green_space_id  text NOT NULL,
    account_id      text REFERENCES accounts.accounts ON DELETE SET NULL,
    said_at         timestamptz NOT NULL DEFAULT now(),
    body            text NOT NULL CHECK (body <> '' AND length(body) <= 5000),
    mentions        text[] NOT NULL DEFAULT '{}',
    removed_at      timestamptz
);
CREATE INDEX comments_space ON survey.comments (green_space_key, said_at);
CREATE INDEX comments_account ON survey.comments (account_id);

CREATE TABLE survey.files (
    id              uuid PRIMARY KEY,
    green_space_key bigint REFERENCES register.green_spaces ON DELETE SET NULL,
    green_space_id  text NOT NULL,
    submission_id   uuid REFERENCES survey.submissions ON DELETE SET NULL,
    account_id      text REFERENCES accounts.accounts ON DELETE SET NULL,
    kind            text NOT NULL CHECK (kind IN ('photograph', 'evidence')),
    -- The content is kept beside the database, under its digest.
    sha256          text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    name            text NOT NULL CHECK (name <> '' AND length(name) <= 200),
    caption         text CHECK (caption <> '' AND length(caption) <= 500),
    media_type      text NOT NULL,
    bytes           integer NOT NULL CHECK (bytes > 0),
    width           integer CHECK (width > 0),
    height          integer CHECK (height > 0),
    visibility      text NOT NULL DEFAULT 'network' CHECK (visibility IN ('public', 'network')),
    added_at        timestamptz NOT NULL DEFAULT now(),
    removed_at      timestamptz,
    CHECK (kind = 'evidence' OR (width IS NOT NULL AND height IS NOT NULL))
);
CREATE INDEX files_space ON survey.files (green_space_key, added_at);
CREATE INDEX files_submission ON survey.files (submission_id);
CREATE INDEX files_account ON survey.files (account_id);
CREATE INDEX files_content ON survey.files (sha256);

-- A duplicate's row is deleted; its history stays, and its id leads to what it became part of.
CREATE TABLE survey.merges (
    merged_id  text PRIMARY KEY,
    into_id    text NOT NULL CHECK (into_id <> merged_id),
    account_id text REFERENCES accounts.accounts ON DELETE SET NULL,
    reason     text,
    merged_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX merges_into ON survey.merges (into_id);
CREATE INDEX merges_account ON survey.merges (account_id);

-- Named, not referred to, as in accounts.grants: boundaries are replaced as a whole.
CREATE TABLE survey.meetings (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    locality   text NOT NULL CHECK (locality <> ''),
    held_on    date NOT NULL,
    account_id text REFERENCES accounts.accounts ON DELETE SET NULL,
    noted_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (locality, held_on)
);

CREATE TABLE survey.watches (
    account_id      text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    green_space_key bigint NOT NULL REFERENCES register.green_spaces ON DELETE CASCADE,
    since           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, green_space_key)
);
CREATE INDEX watches_space ON survey.watches (green_space_key);

CREATE TABLE survey.notices (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    green_space_id text NOT NULL,
    kind           text NOT NULL CHECK (kind IN (
                       'suggested', 'reported', 'stage', 'changed', 'comment', 'mention', 'merged', 'due')),
    by_account_id  text REFERENCES accounts.accounts ON DELETE SET NULL,
    detail         jsonb NOT NULL DEFAULT '{}',
    made_at        timestamptz NOT NULL DEFAULT now(),
    read_at        timestamptz,
    mailed_at      timestamptz
);
CREATE INDEX notices_account ON survey.notices (account_id, id);
CREATE INDEX notices_unmailed ON survey.notices (account_id) WHERE mailed_at IS NULL AND read_at IS NULL;
CREATE INDEX notices_by ON survey.notices (by_account_id);

ALTER TABLE accounts.accounts ADD daily_digest boolean NOT NULL DEFAULT true;

GRANT USAGE ON SCHEMA survey TO mapservice_editor, mapservice_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA survey TO mapservice_editor, mapservice_reader;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA survey TO mapservice_editor;
"""

# table: the key of a row in the history
RECORDED = {
    "submissions": "r.id",
    "comments": "r.id",
    "files": "r.id",
    "merges": "r.merged_id",
    "meetings": "r.id",
}

BACK = """
ALTER TABLE accounts.accounts DROP daily_digest;
DROP TABLE survey.notices, survey.watches, survey.meetings, survey.merges, survey.files, survey.comments,
    survey.submissions;
DROP SCHEMA survey;
DROP VIEW register.published_green_spaces;
ALTER TABLE layers.green_spaces DROP opportunity, DROP opened_on;
ALTER TABLE register.green_spaces
    DROP opportunity, DROP opened_on, DROP owner_note, DROP title_number, DROP safety_note, DROP due_on;
"""


def upgrade() -> None:
    op.execute(SPACES)
    op.execute(_before("0008").GREEN_SPACES.replace("f.geom_3857\n", PUBLISHED_COLUMNS, 1))
    op.execute(SURVEY)
    for table, key in RECORDED.items():
        op.execute(
            f"CREATE TRIGGER history_truncate BEFORE TRUNCATE ON survey.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION history.refuse_truncate()"
        )
        for event, transition in _before("0003").TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER history_{event.lower()} AFTER {event} ON survey.{table} "
                f"REFERENCING {transition} FOR EACH STATEMENT EXECUTE FUNCTION history.record('{key}')"
            )


def downgrade() -> None:
    op.execute(BACK)
    op.execute(_before("0008").GREEN_SPACES.replace("f.geom_3857\n", "f.geom_3857, f.cost_gbp\n", 1))


def _before(step: str):
    return op.get_context().script.get_revision(step).module
