"""The walking network and the distances along it.

A network replaces the one before it; `network.loads` keeps who loaded which, and when. What has to be
measured anew is known by a counter: whatever moves a place, or a postcode near it, raises the place's
`generation`, and a place is measured when `measured` has caught up. Distances that are no longer true go at
once; those of a place near which a postcode came or went stay until they are measured again.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NETWORK = """
CREATE SCHEMA network;

-- One row for each import; the digest names what is in nodes and edges.
CREATE TABLE network.loads (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('osm', 'open-roads')),
    title       text NOT NULL,
    licence     text NOT NULL,
    licence_url text NOT NULL,
    attribution text NOT NULL,
    file        text NOT NULL,
    -- What the data says about its own age, else the date of the file.
    data_date   date,
    digest      text NOT NULL,
    nodes       integer NOT NULL CHECK (nodes > 0),
    edges       integer NOT NULL CHECK (edges > 0),
    metres      double precision NOT NULL CHECK (metres > 0),
    current     boolean NOT NULL,
    loaded_at   timestamptz NOT NULL DEFAULT now(),
    loaded_by   text NOT NULL
                DEFAULT COALESCE(NULLIF(current_setting('mapservice.actor', true), ''), session_user),
    reason      text DEFAULT NULLIF(current_setting('mapservice.reason', true), '')
);
CREATE UNIQUE INDEX loads_current ON network.loads (current) WHERE current;

-- Keys count from 0 without a gap: they are places in the arrays of the graph.
CREATE TABLE network.nodes (
    key  integer PRIMARY KEY,
    geom geometry(Point, 27700) NOT NULL
);
CREATE TABLE network.edges (
    key       integer PRIMARY KEY,
    from_node integer NOT NULL,
    to_node   integer NOT NULL,
    metres    real NOT NULL CHECK (metres > 0),
    kind      text NOT NULL CHECK (kind IN ('street', 'path', 'steps')),
    step_free boolean NOT NULL,
    -- Not on a bridge or in a tunnel: one can step on to it from beside it.
    at_grade  boolean NOT NULL,
    -- The source's own id of the way it is a piece of.
    reference text NOT NULL,
    geom      geometry(LineString, 27700) NOT NULL
);
CREATE INDEX edges_geom ON network.edges USING gist (geom) WHERE at_grade;
"""

WALKS = """
CREATE TABLE network.places (
    key             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asset_key       bigint UNIQUE REFERENCES register.assets ON DELETE CASCADE,
    green_space_key bigint UNIQUE REFERENCES register.green_spaces ON DELETE CASCADE,
    generation      integer NOT NULL DEFAULT 1,
    measured        integer,
    -- The batch whose walks to this place hold; null where none do.
    batch           integer,
    CHECK (num_nonnulls(asset_key, green_space_key) = 1)
);
CREATE INDEX places_to_measure ON network.places (key) WHERE measured IS DISTINCT FROM generation;

-- Where a place is entered from the network: a point of an edge, and how far the place is from there.
CREATE TABLE network.access (
    place    integer NOT NULL REFERENCES network.places ON DELETE CASCADE,
    edge     integer NOT NULL,
    fraction double precision NOT NULL CHECK (fraction BETWEEN 0 AND 1),
    metres   real NOT NULL CHECK (metres >= 0),
    method   text NOT NULL CHECK (method IN ('entrance', 'point', 'gate', 'alongside')),
    geom     geometry(Point, 27700) NOT NULL
);
CREATE INDEX access_place ON network.access (place);
CREATE INDEX access_geom ON network.access USING gist (geom);

-- How far a postcode is from the places of one batch. A row for each pair would be millions of them, most of
-- each its own header. A place that has moved has left its batch, so that nothing need be rewritten.
CREATE SEQUENCE network.batches AS integer;
CREATE TABLE network.walks (
    batch    integer NOT NULL,
    postcode text NOT NULL,
    places   integer[] NOT NULL,
    metres   smallint[] NOT NULL CHECK (cardinality(metres) = cardinality(places)),
    PRIMARY KEY (postcode, batch)
);
"""

# 3,000 m as in mapservice.network: how far off a postcode's distance to a place is measured.
TRIGGERS = """
CREATE FUNCTION network.on_places_moved(moved integer[]) RETURNS void LANGUAGE sql AS $$
    UPDATE network.places SET generation = generation + 1, batch = NULL WHERE key = ANY (moved);
$$;

-- TG_ARGV: the column of network.places that refers to the table.
CREATE FUNCTION network.on_subjects_inserted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('INSERT INTO network.places (%I) SELECT key FROM new_rows', TG_ARGV[0]);
    RETURN NULL;
END $$;
CREATE FUNCTION network.on_subjects_updated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    moved integer[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(p.key) FROM network.places p JOIN new_rows n ON n.key = p.%I
         JOIN old_rows o ON o.key = n.key WHERE n.geom IS DISTINCT FROM o.geom', TG_ARGV[0]) INTO moved;
    IF moved IS NOT NULL THEN
        PERFORM network.on_places_moved(moved);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION network.on_entrances_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    changed constant text := CASE TG_OP
        WHEN 'INSERT' THEN 'SELECT * FROM new_rows'
        WHEN 'DELETE' THEN 'SELECT * FROM old_rows'
        ELSE 'SELECT * FROM new_rows UNION ALL SELECT * FROM old_rows' END;
    moved integer[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(DISTINCT p.key) FROM network.places p JOIN (%s) c
         ON c.asset_key = p.asset_key OR c.green_space_key = p.green_space_key', changed) INTO moved;
    IF moved IS NOT NULL THEN
        PERFORM network.on_places_moved(moved);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION network.on_postcodes_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    changed constant text := CASE TG_OP
        WHEN 'INSERT' THEN 'SELECT postcode, geom FROM new_rows'
        WHEN 'DELETE' THEN 'SELECT postcode, geom FROM old_rows'
        ELSE '(SELECT postcode, geom FROM new_rows EXCEPT ALL SELECT postcode, geom FROM old_rows)
              UNION ALL (SELECT postcode, geom FROM old_rows EXCEPT ALL SELECT postcode, geom FROM new_rows)'
        END;
BEGIN
    IF NOT EXISTS (SELECT FROM network.loads WHERE current) THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'WITH changed AS MATERIALIZED (%s), placed AS (
             SELECT p.key, COALESCE(a.geom, g.geom) AS geom FROM network.places p
             LEFT JOIN register.assets a ON a.key = p.asset_key
             LEFT JOIN register.green_spaces g ON g.key = p.green_space_key
         )
         UPDATE network.places p SET generation = generation + 1 FROM placed
         WHERE placed.key = p.key
           AND EXISTS (SELECT FROM changed c WHERE ST_DWithin(c.geom, placed.geom, 3000))', changed);
    -- After the update, which waits for a batch that is being written.
    EXECUTE format('DELETE FROM network.walks w USING (%s) c WHERE w.postcode = c.postcode', changed);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION network.on_places_moved(integer[]) FROM PUBLIC;
"""

NEW = "REFERENCING NEW TABLE AS new_rows"
OLD = "REFERENCING OLD TABLE AS old_rows"
BOTH = "REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows"
# (table of the register, event, transition tables, function)
WATCHED = (
    ("assets", "INSERT", NEW, "on_subjects_inserted('asset_key')"),
    ("assets", "UPDATE", BOTH, "on_subjects_updated('asset_key')"),
    ("green_spaces", "INSERT", NEW, "on_subjects_inserted('green_space_key')"),
    ("green_spaces", "UPDATE", BOTH, "on_subjects_updated('green_space_key')"),
    ("entrances", "INSERT", NEW, "on_entrances_changed()"),
    ("entrances", "UPDATE", BOTH, "on_entrances_changed()"),
    ("entrances", "DELETE", OLD, "on_entrances_changed()"),
    ("postcodes", "INSERT", NEW, "on_postcodes_changed()"),
    ("postcodes", "UPDATE", BOTH, "on_postcodes_changed()"),
    ("postcodes", "DELETE", OLD, "on_postcodes_changed()"),
)

GRANTS = """
GRANT USAGE ON SCHEMA network TO mapservice_reader, mapservice_editor;
GRANT SELECT ON ALL TABLES IN SCHEMA network TO mapservice_reader, mapservice_editor;
"""


def upgrade() -> None:
    for ddl in (NETWORK, WALKS, TRIGGERS):
        op.execute(ddl)
    for table, event, transition, function in WATCHED:
        op.execute(
            f"CREATE TRIGGER walks_{event.lower()} AFTER {event} ON register.{table} {transition} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION network.{function}"
        )
    op.execute("INSERT INTO network.places (asset_key) SELECT key FROM register.assets")
    op.execute("INSERT INTO network.places (green_space_key) SELECT key FROM register.green_spaces")
    op.execute(GRANTS)


def downgrade() -> None:
    for table, event, _, _ in WATCHED:
        op.execute(f"DROP TRIGGER walks_{event.lower()} ON register.{table}")
    op.execute("DROP SCHEMA network CASCADE")
