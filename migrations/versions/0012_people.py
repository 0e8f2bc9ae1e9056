"""People who sign in: roles, invitations, sessions, second factors, tokens.

Whatever lets somebody in (session, link, token, recovery code) is kept as a hash; a password as Argon2 makes
it. What only one person may read back, the secret of their second factor, is encrypted by the application.
Rows say nothing of a person that they or their inviter did not enter, and go with the account. What happened
to accounts (`accounts.events`) names accounts by their id only, so that it can stay when a person goes.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PEOPLE = """
ALTER TABLE accounts.accounts
    ADD kind text NOT NULL DEFAULT 'program' CHECK (kind IN ('program', 'person')),
    ADD email text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND length(email) <= 254),
    ADD user_name text CHECK (user_name ~ '^[a-z0-9]([a-z0-9._-]{0,38}[a-z0-9])?$'),
    -- How others see them; none: as "a resident".
    ADD public_name text CHECK (public_name <> '' AND length(public_name) <= 80),
    ADD password_hash text,
    ADD second_factor bytea,
    ADD second_factor_since timestamptz,
    ADD second_factor_step bigint,
    ADD CHECK (kind = 'person' OR (email IS NULL AND user_name IS NULL AND password_hash IS NULL)),
    ADD CHECK (second_factor IS NOT NULL OR second_factor_since IS NULL);
CREATE UNIQUE INDEX accounts_email ON accounts.accounts (lower(email));
CREATE UNIQUE INDEX accounts_user_name ON accounts.accounts (user_name);

-- A role everywhere, or in one locality. It is named, not referred to: boundaries are replaced as a whole,
-- and a role in a locality that is no more simply lets nobody do anything.
CREATE TABLE accounts.grants (
    account_id text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    role       text NOT NULL
               CHECK (role IN ('contributor', 'surveyor', 'reviewer', 'planner', 'administrator')),
    locality   text CHECK (locality <> ''),
    given_by   text NOT NULL DEFAULT 'administrator' CHECK (given_by IN ('administrator', 'directory')),
    CHECK (locality IS NULL OR role IN ('surveyor', 'reviewer'))
);
CREATE UNIQUE INDEX grants_once ON accounts.grants (account_id, role, COALESCE(locality, ''), given_by);
INSERT INTO accounts.grants (account_id, role) SELECT id, 'planner' FROM accounts.accounts WHERE may_edit;
ALTER TABLE accounts.accounts DROP may_edit;

ALTER TABLE accounts.tokens
    ADD scope text NOT NULL DEFAULT 'write' CHECK (scope IN ('read', 'write')),
    ADD last_used_on date;

CREATE TABLE accounts.sessions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    sha256       bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    device       text NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    -- False between the password and the second factor: such a session lets nobody in.
    complete     boolean NOT NULL
);
CREATE INDEX sessions_account ON accounts.sessions (account_id);

CREATE TABLE accounts.links (
    sha256     bytea PRIMARY KEY CHECK (length(sha256) = 32),
    account_id text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('invitation', 'new-password')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX links_account ON accounts.links (account_id);

CREATE TABLE accounts.recovery_codes (
    account_id text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    sha256     bytea NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (account_id, sha256)
);

-- Who somebody is in a directory of others (OpenID Connect).
CREATE TABLE accounts.identities (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    account_id text NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_account ON accounts.identities (account_id);

-- How often something was tried, under a keyed hash of what it was tried on and from where.
CREATE TABLE accounts.attempts (
    key           bytea PRIMARY KEY CHECK (length(key) = 32),
    made          integer NOT NULL DEFAULT 1,
    last_at       timestamptz NOT NULL DEFAULT now(),
    blocked_until timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attempts_last ON accounts.attempts (last_at);

CREATE TABLE accounts.events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL
               DEFAULT COALESCE(NULLIF(current_setting('mapservice.actor', true), ''), session_user),
    account_id text NOT NULL,
    action     text NOT NULL,
    detail     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX events_account ON accounts.events (account_id, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON accounts.accounts, accounts.grants, accounts.tokens,
    accounts.sessions, accounts.links, accounts.recovery_codes, accounts.identities, accounts.attempts
    TO mapservice_editor;
-- What happened is added to and never changed.
GRANT SELECT, INSERT ON accounts.events TO mapservice_editor;
"""

PROGRAMS_ONLY = """
ALTER TABLE accounts.accounts ADD may_edit boolean NOT NULL DEFAULT false;
UPDATE accounts.accounts a SET may_edit = true
    FROM accounts.grants g WHERE g.account_id = a.id AND g.role = 'planner';
DROP TABLE accounts.events, accounts.attempts, accounts.identities, accounts.recovery_codes, accounts.links,
    accounts.sessions, accounts.grants;
DELETE FROM accounts.accounts WHERE kind = 'person';
-- Nothing would be left to say that they may only read.
DELETE FROM accounts.tokens WHERE scope = 'read';
ALTER TABLE accounts.tokens DROP scope, DROP last_used_on;
ALTER TABLE accounts.accounts
    DROP kind, DROP email, DROP user_name, DROP public_name, DROP password_hash, DROP second_factor,
    DROP second_factor_since, DROP second_factor_step;
REVOKE INSERT, UPDATE, DELETE ON accounts.accounts, accounts.tokens FROM mapservice_editor;
"""


def upgrade() -> None:
    op.execute(PEOPLE)


def downgrade() -> None:
    op.execute(PROGRAMS_ONLY)
