"""Published rows as tables, kept in line with the register by the database itself.

`layers.areas`, `layers.assets` and `layers.green_spaces` become tables. What a row should be is said by the
views `register.published_*`; triggers on the register work out which rows a statement may have changed and
write those that differ, so that reading costs no joins and a change that changes nothing counts as none.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# published table: the key of a row, over the columns of its view
PUBLISHED = {
    "areas": "boundary_set_id || '/' || id",
    "assets": "id",
    "green_spaces": "id",
}

TABLE = """
ALTER VIEW layers.{table} RENAME TO published_{table};
ALTER VIEW layers.published_{table} SET SCHEMA register;
CREATE TABLE layers.{table} (row_key text PRIMARY KEY, LIKE register.published_{table});
CREATE INDEX {table}_geom ON layers.{table} USING gist (geom);
CREATE INDEX {table}_geom_4326 ON layers.{table} USING gist (geom_4326);
CREATE INDEX {table}_geom_3857 ON layers.{table} USING gist (geom_3857);
CREATE INDEX {table}_name ON layers.{table} USING gin (name gin_trgm_ops);
"""

INDEXES = """
ALTER TABLE layers.areas ALTER id SET NOT NULL, ALTER boundary_set_id SET NOT NULL;
ALTER TABLE layers.assets ALTER id SET NOT NULL;
ALTER TABLE layers.green_spaces ALTER id SET NOT NULL;
CREATE INDEX areas_set ON layers.areas (boundary_set_id, id);
CREATE UNIQUE INDEX assets_id ON layers.assets (id);
CREATE INDEX assets_categories ON layers.assets USING gin (categories);
CREATE UNIQUE INDEX green_spaces_id ON layers.green_spaces (id);
CREATE INDEX green_spaces_status ON layers.green_spaces (status, id);
"""

# As in 0002, but writing only what differs: a place that stays in its ward has not changed.
DERIVED = """
CREATE OR REPLACE FUNCTION register.derive_overlaps(changed bigint[]) RETURNS void LANGUAGE sql AS $$
    WITH pairs AS MATERIALIZED (
        SELECT * FROM (
            SELECT a.key AS area_key, b.key AS other_key,
                   ST_Area(ST_Intersection(a.geom, b.geom)) / ST_Area(a.geom) AS share
            FROM register.areas a
            JOIN register.areas b
              ON b.boundary_set_id <> a.boundary_set_id AND ST_Intersects(a.geom, b.geom)
            WHERE a.key = ANY (changed) OR b.key = ANY (changed)
        ) touching
        WHERE share >= 0.005
    ), gone AS (
        DELETE FROM register.area_overlaps o
        WHERE (o.area_key = ANY (changed) OR o.other_key = ANY (changed)) AND NOT EXISTS (
            SELECT FROM pairs p WHERE p.area_key = o.area_key AND p.other_key = o.other_key)
    )
    INSERT INTO register.area_overlaps AS o (area_key, other_key, share_of_area)
    SELECT area_key, other_key, share FROM pairs
    ON CONFLICT (area_key, other_key) DO UPDATE SET share_of_area = EXCLUDED.share_of_area
    WHERE o.share_of_area <> EXCLUDED.share_of_area;
$$;

CREATE OR REPLACE FUNCTION register.place_assets(changed bigint[]) RETURNS void LANGUAGE sql AS $$
    WITH placed AS MATERIALIZED (
        SELECT DISTINCT ON (f.key, a.boundary_set_id) f.key AS asset_key, a.key AS area_key
        FROM register.assets f
        JOIN register.areas a ON ST_Covers(a.geom, f.geom)
        WHERE f.key = ANY (changed)
        ORDER BY f.key, a.boundary_set_id, a.id
    ), gone AS (
        DELETE FROM register.asset_areas m WHERE m.asset_key = ANY (changed) AND NOT EXISTS (
            SELECT FROM placed p WHERE p.asset_key = m.asset_key AND p.area_key = m.area_key)
    )
    INSERT INTO register.asset_areas (asset_key, area_key, share)
    SELECT asset_key, area_key, 1 FROM placed
    ON CONFLICT (asset_key, area_key) DO NOTHING;
$$;

CREATE OR REPLACE FUNCTION register.place_green_spaces(changed bigint[]) RETURNS void LANGUAGE sql AS $$
    WITH placed AS MATERIALIZED (
        SELECT * FROM (
            SELECT f.key AS green_space_key, a.key AS area_key,
                   ST_Area(ST_Intersection(a.geom, f.geom)) / ST_Area(f.geom) AS share
            FROM register.green_spaces f
            JOIN register.areas a ON ST_Intersects(a.geom, f.geom)
            WHERE f.key = ANY (changed) AND ST_Dimension(f.geom) = 2
        ) parts
        WHERE share >= 0.005
        UNION ALL
        SELECT * FROM (
            SELECT DISTINCT ON (f.key, a.boundary_set_id) f.key, a.key, 1::double precision
            FROM register.green_spaces f
            JOIN register.areas a ON ST_Covers(a.geom, f.geom)
            WHERE f.key = ANY (changed) AND ST_Dimension(f.geom) = 0
            ORDER BY f.key, a.boundary_set_id, a.id
        ) points
    ), gone AS (
        DELETE FROM register.green_space_areas m WHERE m.green_space_key = ANY (changed) AND NOT EXISTS (
            SELECT FROM placed p WHERE p.green_space_key = m.green_space_key AND p.area_key = m.area_key)
    )
    INSERT INTO register.green_space_areas AS m (green_space_key, area_key, share)
    SELECT green_space_key, area_key, share FROM placed
    ON CONFLICT (green_space_key, area_key) DO UPDATE SET share = EXCLUDED.share
    WHERE m.share <> EXCLUDED.share;
$$;
"""

PUBLISH = """
-- Bring published rows in line with the register: those with these keys, or all (null).
CREATE FUNCTION layers.refresh(name text, keys text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    row_key constant text := layers.row_key_of(name);
    columns text;
    fresh text;
    kept text;
    assigned text;
BEGIN
    SELECT string_agg(format('%I', attname), ', '),
           string_agg(format('f.%I', attname), ', ') FILTER (WHERE attname <> 'updated_at'),
           string_agg(format('t.%I', attname), ', ') FILTER (WHERE attname <> 'updated_at'),
           string_agg(format('%1$I = EXCLUDED.%1$I', attname), ', ') FILTER (WHERE attname <> 'updated_at')
    INTO columns, fresh, kept, assigned
    FROM pg_attribute
    WHERE attrelid = format('layers.%I', name)::regclass AND attnum > 0 AND NOT attisdropped
      AND attname <> 'row_key';
    -- `updated_at` is when what is published last changed, be it through a neighbour of the row.
    EXECUTE format(
        'WITH fresh AS MATERIALIZED (
             SELECT (%2$s) AS row_key, v.* FROM register.%3$I v WHERE $1 IS NULL OR (%2$s) = ANY ($1)
         ), gone AS (
             DELETE FROM layers.%1$I t WHERE ($1 IS NULL OR t.row_key = ANY ($1))
             AND NOT EXISTS (SELECT FROM fresh f WHERE f.row_key = t.row_key)
         )
         INSERT INTO layers.%1$I (row_key, %4$s)
         SELECT f.row_key, %5$s FROM fresh f LEFT JOIN layers.%1$I t ON t.row_key = f.row_key
         WHERE t.row_key IS NULL OR (%6$s) IS DISTINCT FROM (%7$s)
         ON CONFLICT (row_key) DO UPDATE SET %8$s, updated_at = greatest(EXCLUDED.updated_at, now())',
        name, row_key, 'published_' || name, columns, 'f.' || replace(columns, ', ', ', f.'),
        fresh, kept, assigned) USING keys;
END $$;

-- Writers of the register take turns. Otherwise two of them, neither seeing the other's change, would each
-- publish a row as if the other's had not happened.
CREATE FUNCTION layers.take_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5220916);
    RETURN NULL;
END $$;

-- TG_ARGV: published table, query for the keys of its rows that depend on the rows in `changed`; and so on.
CREATE FUNCTION layers.publish() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    changed constant text := CASE TG_OP
        WHEN 'INSERT' THEN 'SELECT * FROM new_rows'
        WHEN 'DELETE' THEN 'SELECT * FROM old_rows'
        ELSE 'SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows' END;
    keys text[];
BEGIN
    FOR n IN 0 .. TG_NARGS / 2 - 1 LOOP
        IF TG_OP = 'TRUNCATE' THEN
            PERFORM layers.refresh(TG_ARGV[2 * n], NULL);
        ELSE
            EXECUTE format('WITH changed AS (%s) SELECT array_agg(DISTINCT row_key) FROM (%s) q(row_key)',
                           changed, TG_ARGV[2 * n + 1]) INTO keys;
            IF keys IS NOT NULL THEN
                PERFORM layers.refresh(TG_ARGV[2 * n], keys);
            END IF;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
"""

_ASSETS = "SELECT a.id FROM changed c JOIN register.assets a ON "
_GREEN_SPACES = "SELECT g.id FROM changed c JOIN register.green_spaces g ON "
_AREAS = "SELECT a.boundary_set_id || '/' || a.id FROM changed c JOIN register.areas a ON "
_IN_AREA = "JOIN register.{0}_areas m ON m.area_key = c.key JOIN register.{0}s f ON f.key = m.{0}_key"

# table of the register: {published table: keys of the rows that the rows in `changed` have a part in}
AFFECTED = {
    "assets": {"assets": "SELECT c.id FROM changed c"},
    "asset_areas": {"assets": f"{_ASSETS} a.key = c.asset_key"},
    "contact_points": {"assets": f"{_ASSETS} a.key = c.asset_key"},
    "organisations": {"assets": f"{_ASSETS} a.organisation_id = c.id"},
    "categories": {"assets": f"{_ASSETS} a.categories @> ARRAY[c.id]"},
    "green_spaces": {"green_spaces": "SELECT c.id FROM changed c"},
    "green_space_areas": {"green_spaces": f"{_GREEN_SPACES} g.key = c.green_space_key"},
    "areas": {
        "areas": "SELECT c.boundary_set_id || '/' || c.id FROM changed c UNION ALL "
        "SELECT a.boundary_set_id || '/' || a.id FROM changed c "
        "JOIN register.area_overlaps o ON o.other_key = c.key JOIN register.areas a ON a.key = o.area_key",
        "assets": f"SELECT f.id FROM changed c {_IN_AREA.format('asset')} UNION ALL "
        f"{_ASSETS} c.key IN (a.hub_for_key, a.listed_area_key)",
        "green_spaces": f"SELECT f.id FROM changed c {_IN_AREA.format('green_space')}",
    },
    "area_overlaps": {"areas": f"{_AREAS} a.key = c.area_key"},
    "boundary_sets": {"areas": f"{_AREAS} a.boundary_set_id = c.id"},
    "sources": {
        "areas": f"{_AREAS} a.boundary_set_id IN "
        "(SELECT id FROM register.boundary_sets WHERE source_id = c.id)",
        "assets": f"{_ASSETS} a.source_id = c.id",
        "green_spaces": f"{_GREEN_SPACES} g.source_id = c.id",
    },
}  # fmt: skip
TRANSITIONS = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
    "TRUNCATE": "",
}

FUNCTIONS = (
    "layers.publish()",
    "layers.take_turn()",
    "layers.refresh(text, text[])",
    "layers.row_key_of(text)",
)


def upgrade() -> None:
    for table in PUBLISHED:
        op.execute(TABLE.format(table=table))
    op.execute(INDEXES)
    keys = " ".join(f"WHEN {_literal(table)} THEN {_literal(key)}" for table, key in PUBLISHED.items())
    op.execute(
        "CREATE FUNCTION layers.row_key_of(name text) RETURNS text LANGUAGE sql IMMUTABLE AS "
        f"$$ SELECT CASE name {keys} END $$"
    )
    op.execute(DERIVED)
    op.execute(PUBLISH)
    op.execute("REVOKE ALL ON FUNCTION layers.refresh(text, text[]) FROM PUBLIC")
    for table in PUBLISHED:
        op.execute(f"SELECT layers.refresh('{table}', NULL)")
        op.execute(f"SELECT layers.track('layers.{table}', 'row_key', 'id', true)")
    for table, affected in AFFECTED.items():
        arguments = ", ".join(f"{_literal(name)}, {_literal(query)}" for name, query in affected.items())
        op.execute(
            "CREATE TRIGGER published_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
            f"ON register.{table} FOR EACH STATEMENT EXECUTE FUNCTION layers.take_turn()"
        )
        for event, transition in TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER published_{event.lower()} AFTER {event} ON register.{table} {transition} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION layers.publish({arguments})"
            )


def downgrade() -> None:
    for table in AFFECTED:
        for event in ("turn", *TRANSITIONS):
            op.execute(f"DROP TRIGGER published_{event.lower()} ON register.{table}")
    for table in PUBLISHED:
        op.execute(f"SELECT layers.untrack('layers.{table}')")
        op.execute(f"DROP TABLE layers.{table}")
        op.execute(f"ALTER VIEW register.published_{table} SET SCHEMA layers")
        op.execute(f"ALTER VIEW layers.published_{table} RENAME TO {table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    before = op.get_context().script.get_revision("0002").module
    for ddl in (before.OVERLAPS, before.PLACES):
        op.execute(ddl.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
