"""A counter of versions for any table, and every row as it ever was.

`layers.track` makes a table count its versions and, where wanted, keep its history. One transaction is one
version at one instant: nobody else ever sees what lies between its statements.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

VERSIONS = """
CREATE TABLE layers.relations (
    relation      text PRIMARY KEY,
    version       bigint NOT NULL,
    changed_at    timestamptz NOT NULL,
    changed_by    xid8 NOT NULL,
    tracked_since timestamptz NOT NULL,
    history       boolean NOT NULL
);

-- Each row of a tracked relation from one version to the next; 'infinity' is still so.
CREATE TABLE history.versions (
    relation     text NOT NULL,
    row_key      text NOT NULL,
    id           text NOT NULL,
    version_from bigint NOT NULL,
    version_to   bigint,
    valid_from   timestamptz NOT NULL,
    valid_to     timestamptz NOT NULL DEFAULT 'infinity',
    operation    text NOT NULL CHECK (operation IN ('created', 'updated')),
    state        jsonb NOT NULL,
    PRIMARY KEY (relation, row_key, version_from),
    CHECK (version_to > version_from AND valid_to > valid_from),
    CHECK ((version_to IS NULL) = (valid_to = 'infinity'))
);
CREATE UNIQUE INDEX versions_open ON history.versions (relation, row_key) WHERE version_to IS NULL;
CREATE INDEX versions_from ON history.versions (relation, valid_from);
CREATE INDEX versions_to ON history.versions (relation, valid_to);
CREATE INDEX versions_closed ON history.versions (relation, version_to) WHERE version_to IS NOT NULL;

-- `schema.table`, whatever the search path.
CREATE FUNCTION layers.name_of(relation regclass) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1
$$;

-- A row as jsonb, over the alias r: geometry as hexadecimal EWKB, so that it comes back exactly.
CREATE FUNCTION layers.state_of(relation regclass) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '(SELECT to_jsonb(s) FROM (SELECT ' || string_agg(
               format(CASE WHEN t.typname IN ('geometry', 'geography') THEN 'r.%1$I::text AS %1$I'
                      ELSE 'r.%1$I' END, a.attname), ', ' ORDER BY a.attnum) || ') s)'
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
$$;

-- The version this transaction makes of a relation, and its instant. The counter's row stays locked until the
-- end, hence versions and instants are in the order of commits.
CREATE FUNCTION layers.bump(relation text, OUT version bigint, OUT moment timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    SELECT r.version, r.changed_at INTO version, moment FROM layers.relations r
    WHERE r.relation = bump.relation AND r.changed_by = pg_current_xact_id() AND r.changed_at >= now();
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM layers.relations r WHERE r.relation = bump.relation FOR UPDATE;
    UPDATE layers.relations r
    SET version = r.version + 1, changed_by = pg_current_xact_id(),
        changed_at = greatest(clock_timestamp(), r.changed_at + interval '1 microsecond')
    WHERE r.relation = bump.relation
    RETURNING r.version, r.changed_at INTO version, moment;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'relation % is not tracked', bump.relation;
    END IF;
END $$;

-- TG_ARGV: the columns of the row's key and of its public id, and whether to keep history.
CREATE FUNCTION layers.on_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    name constant text := layers.name_of(TG_RELID);
    gone text := 'SELECT NULL::text WHERE false';
    come text := 'SELECT NULL::text, NULL::text, NULL::jsonb WHERE false';
    empty boolean := false;
    v bigint;
    t timestamptz;
BEGIN
    -- One expression would ask for transition tables that this operation does not have.
    IF TG_OP = 'DELETE' THEN
        empty := NOT EXISTS (SELECT FROM old_rows);
    ELSIF TG_OP <> 'TRUNCATE' THEN
        empty := NOT EXISTS (SELECT FROM new_rows);
    END IF;
    IF empty THEN
        RETURN NULL;
    END IF;
    SELECT version, moment INTO v, t FROM layers.bump(name);
    IF NOT TG_ARGV[2]::boolean THEN
        RETURN NULL;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        gone := format('SELECT r.%I::text FROM old_rows r', TG_ARGV[0]);
    ELSIF TG_OP = 'TRUNCATE' THEN
        gone := 'SELECT row_key FROM history.versions WHERE relation = $1 AND version_to IS NULL';
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        come := format('SELECT r.%I::text, r.%I::text, %s FROM new_rows r',
                       TG_ARGV[0], TG_ARGV[1], layers.state_of(TG_RELID));
    END IF;
    -- What this transaction opened before was never seen.
    EXECUTE format(
        'DELETE FROM history.versions v
         USING (%s UNION SELECT row_key FROM (%s) c(row_key, id, state)) k(row_key)
         WHERE v.relation = $1 AND v.row_key = k.row_key AND v.version_to IS NULL AND v.version_from = $2',
        gone, come) USING name, v;
    EXECUTE format(
        'WITH come(row_key, id, state) AS (%s)
         UPDATE history.versions v SET version_to = $2, valid_to = $3
         FROM (%s UNION SELECT row_key FROM come) k(row_key)
         WHERE v.relation = $1 AND v.row_key = k.row_key AND v.version_to IS NULL AND NOT EXISTS (
             SELECT FROM come c WHERE c.row_key = v.row_key AND c.id = v.id AND c.state = v.state)',
        come, gone) USING name, v, t;
    -- A row that is again what it was when the transaction began has not changed.
    EXECUTE format(
        'UPDATE history.versions v SET version_to = NULL, valid_to = ''infinity''
         FROM (%s) c(row_key, id, state)
         WHERE v.relation = $1 AND v.row_key = c.row_key AND v.version_to = $2
           AND c.id = v.id AND c.state = v.state', come) USING name, v;
    EXECUTE format(
        'INSERT INTO history.versions (relation, row_key, id, version_from, valid_from, operation, state)
         SELECT $1, c.row_key, c.id, $2, $3,
                CASE WHEN EXISTS (SELECT FROM history.versions v WHERE v.relation = $1
                                  AND v.row_key = c.row_key AND v.version_to = $2)
                     THEN ''updated'' ELSE ''created'' END,
                c.state
         FROM (%s) c(row_key, id, state)
         WHERE NOT EXISTS (SELECT FROM history.versions v
                           WHERE v.relation = $1 AND v.row_key = c.row_key AND v.version_to IS NULL)',
        come) USING name, v, t;
    RETURN NULL;
END $$;

CREATE FUNCTION layers.untrack(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event text;
BEGIN
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS tracked_%s ON %s', event, $1);
    END LOOP;
    DELETE FROM history.versions v WHERE v.relation = layers.name_of($1);
    DELETE FROM layers.relations r WHERE r.relation = layers.name_of($1);
END $$;

-- Count a table's versions from now on and, with `history`, keep every state of its rows. Asked again it
-- starts anew. `key_column` tells the table's rows apart, `id_column` is what a row is called in public.
CREATE FUNCTION layers.track(
    relation regclass, key_column text, id_column text, history boolean DEFAULT true
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event text;
    v bigint;
    began timestamptz;
BEGIN
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', $1);
    SELECT r.version + 1, greatest(clock_timestamp(), r.changed_at + interval '1 microsecond') INTO v, began
    FROM layers.relations r WHERE r.relation = layers.name_of($1);
    v := COALESCE(v, 1);
    began := COALESCE(began, clock_timestamp());
    PERFORM layers.untrack($1);
    INSERT INTO layers.relations (relation, version, changed_at, changed_by, tracked_since, history)
    VALUES (layers.name_of($1), v, began, pg_current_xact_id(), began, $4);
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
        EXECUTE format(
            'CREATE TRIGGER tracked_%1$s AFTER %1$s ON %2$s %3$s FOR EACH STATEMENT
             EXECUTE FUNCTION layers.on_change(%4$L, %5$L, %6$L)', event, $1,
            CASE event WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows'
                       WHEN 'update' THEN 'REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows'
                       WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows' ELSE '' END,
            key_column, id_column, $4);
    END LOOP;
    IF $4 THEN
        EXECUTE format(
            'INSERT INTO history.versions (relation, row_key, id, version_from, valid_from, operation, state)
             SELECT $1, r.%I::text, r.%I::text, $2, $3, ''created'', %s FROM %s r',
            key_column, id_column, layers.state_of($1), $1) USING layers.name_of($1), v, began;
    END IF;
END $$;
"""

AS_OF = """
-- The rows of a relation as they were at an instant: history.as_of(NULL::layers.assets, '2026-05-01').
-- With `visibility_column` and `viewer`, without those whose last known state the viewer may not see: what
-- was hidden later stays hidden in its past. With `id`, that row alone.
CREATE FUNCTION history.as_of(
    relation anyelement, instant timestamptz,
    visibility_column text DEFAULT NULL, viewer text[] DEFAULT NULL, id text DEFAULT NULL
) RETURNS SETOF anyelement LANGUAGE sql STABLE AS $$
    SELECT jsonb_populate_record($1, v.state)
    FROM history.versions v
    WHERE v.relation = (
              SELECT layers.name_of(t.typrelid) FROM pg_type t WHERE t.oid = pg_typeof($1)::oid)
      AND v.valid_from <= $2 AND v.valid_to > $2
      AND ($5 IS NULL OR v.id = $5)
      AND ($3 IS NULL OR v.version_to IS NULL OR (
              SELECT last.state ->> $3 FROM history.versions last
              WHERE last.relation = v.relation AND last.row_key = v.row_key
              ORDER BY last.version_from DESC LIMIT 1) = ANY ($4))
$$;
"""

GRANTS = """
REVOKE ALL ON FUNCTION layers.bump(text), layers.track(regclass, text, text, boolean),
    layers.untrack(regclass) FROM PUBLIC;
GRANT USAGE ON SCHEMA history TO mapservice_reader;
GRANT SELECT ON history.versions TO mapservice_reader, mapservice_editor;
"""

FUNCTIONS = (
    "history.as_of(anyelement, timestamptz, text, text[], text)",
    "layers.track(regclass, text, text, boolean)",
    "layers.untrack(regclass)",
    "layers.on_change()",
    "layers.bump(text)",
    "layers.state_of(regclass)",
    "layers.name_of(regclass)",
)


def upgrade() -> None:
    for ddl in (VERSIONS, AS_OF, GRANTS):
        op.execute(ddl)


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TABLE history.versions")
    op.execute("DROP TABLE layers.relations")
    op.execute("REVOKE USAGE ON SCHEMA history FROM mapservice_reader")
