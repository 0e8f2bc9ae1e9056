"""History: every change of a register table, written by the database itself.

Who and why come from the transaction's settings `mapservice.actor` and `mapservice.reason`; without them
the database role is named. Geometry is kept as hexadecimal EWKB so that a row can be restored exactly.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = """
CREATE SCHEMA history;
CREATE TABLE history.changes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    table_name text NOT NULL,
    row_key    text NOT NULL,
    operation  text NOT NULL CHECK (operation IN ('created', 'updated', 'deleted')),
    actor      text NOT NULL,
    reason     text,
    before     jsonb,
    after      jsonb,
    CHECK ((before IS NULL) = (operation = 'created')),
    CHECK ((after IS NULL) = (operation = 'deleted'))
);
CREATE INDEX changes_row ON history.changes (table_name, row_key, id);
CREATE INDEX changes_at ON history.changes (at);

-- TG_ARGV[0]: the key expression of a row, over the alias r. Generated columns follow from the others and are
-- left out; so is updated_at, which changes whenever anything does.
CREATE FUNCTION history.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    who text := COALESCE(NULLIF(current_setting('mapservice.actor', true), ''), session_user);
    why text := NULLIF(current_setting('mapservice.reason', true), '');
    insertion constant text :=
        'INSERT INTO history.changes (table_name, row_key, operation, actor, reason, before, after) ';
    snapshot text;
BEGIN
    SELECT 'jsonb_build_object(' || string_agg(
               format('%L, r.%I', attname, attname)
               || CASE WHEN atttypid = 'geometry'::regtype THEN '::text' ELSE '' END, ', ') || ')'
    INTO snapshot
    FROM pg_attribute
    WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      AND attname <> 'updated_at';
    IF TG_OP = 'INSERT' THEN
        EXECUTE insertion || format(
            'SELECT $1, (%s)::text, ''created'', $2, $3, NULL, %s FROM new_rows r', TG_ARGV[0], snapshot)
            USING TG_TABLE_NAME, who, why;
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE insertion || format(
            'SELECT $1, (%s)::text, ''deleted'', $2, $3, %s, NULL FROM old_rows r', TG_ARGV[0], snapshot)
            USING TG_TABLE_NAME, who, why;
    ELSE
        EXECUTE insertion || format(
            'SELECT $1, n.row_key, ''updated'', $2, $3, o.state, n.state
             FROM (SELECT (%1$s)::text AS row_key, %2$s AS state FROM new_rows r) n
             JOIN (SELECT (%1$s)::text AS row_key, %2$s AS state FROM old_rows r) o USING (row_key)
             WHERE n.state IS DISTINCT FROM o.state', TG_ARGV[0], snapshot)
            USING TG_TABLE_NAME, who, why;
    END IF;
    RETURN NULL;
END $$;
"""

# table: the key of a row
RECORDED = {
    "borough": "r.singleton",
    "sources": "r.id",
    "boundary_sets": "r.id",
    "areas": "r.key",
    "locality_wards": "r.ward_key",
    "organisations": "r.id",
    "categories": "r.id",
    "assets": "r.key",
    "contact_points": "r.id",
    "green_spaces": "r.key",
    "entrances": "r.id",
    "evidence": "r.key",
    "postcodes": "r.postcode",
}
TRANSITIONS = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "NEW TABLE AS new_rows OLD TABLE AS old_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def upgrade() -> None:
    op.execute(SCHEMA)
    for table, key in RECORDED.items():
        for event, transition in TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER history_{event.lower()} AFTER {event} ON register.{table} "
                f"REFERENCING {transition} FOR EACH STATEMENT "
                f"EXECUTE FUNCTION history.record('{key}')"
            )


def downgrade() -> None:
    for table in RECORDED:
        for event in TRANSITIONS:
            op.execute(f"DROP TRIGGER history_{event.lower()} ON register.{table}")
    op.execute("DROP FUNCTION history.record()")
    op.execute("DROP TABLE history.changes")
    op.execute("DROP SCHEMA history")
