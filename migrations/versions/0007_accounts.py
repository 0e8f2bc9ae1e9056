"""Accounts and the tokens with which programs act for them.

Neither the reading role nor any layer can see them; a token is kept only as its SHA-256, which is enough for
a secret of 256 random bits.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACCOUNTS = """
CREATE SCHEMA accounts;
CREATE TABLE accounts.accounts (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name        text NOT NULL CHECK (name <> ''),
    may_edit    boolean NOT NULL DEFAULT false,
    sees        text[] NOT NULL DEFAULT '{public}'
                CHECK (sees @> '{public}' AND sees <@ ARRAY['public', 'network', 'council']),
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);
CREATE TABLE accounts.tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    label        text NOT NULL,
    sha256       bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX tokens_account ON accounts.tokens (account_id);
GRANT USAGE ON SCHEMA accounts TO mapservice_editor;
GRANT SELECT ON accounts.accounts, accounts.tokens TO mapservice_editor;

INSERT INTO register.sources (id, title, publisher, licence, licence_url, method)
VALUES ('direct-entry', 'Entered directly', 'The editors of this service', 'Open Government Licence v3.0',
        'https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/',
        'Entered through the API by an account that may edit; the history says by whom')
ON CONFLICT (id) DO NOTHING;
"""


def upgrade() -> None:
    op.execute(ACCOUNTS)


def downgrade() -> None:
    op.execute("DROP TABLE accounts.tokens")
    op.execute("DROP TABLE accounts.accounts")
    op.execute("DROP SCHEMA accounts")
