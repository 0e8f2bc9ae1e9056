"""Who lives where: small areas with their residents, and the residents placed on postcodes.

A small area's residents are spread over its postcodes by the households of the output areas they are
nearest to. That is derived here whenever areas, households or postcodes change, so that it can't go stale;
and a green space may say what it would cost to open.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE register.small_areas (
    code           text PRIMARY KEY CHECK (code <> ''),
    name           text NOT NULL CHECK (name <> ''),
    residents      integer NOT NULL CHECK (residents >= 0),
    aged_0_14      integer CHECK (aged_0_14 BETWEEN 0 AND residents),
    aged_65_plus   integer CHECK (aged_65_plus BETWEEN 0 AND residents),
    households     integer CHECK (households >= 0),
    -- Index of Multiple Deprivation: rank 1 and decile 1 are the most deprived of the country.
    imd_rank       integer CHECK (imd_rank > 0),
    imd_decile     smallint CHECK (imd_decile BETWEEN 1 AND 10),
    imd_score      double precision CHECK (imd_score >= 0),
    source_id      text NOT NULL REFERENCES register.sources,
    deprivation_source_id text REFERENCES register.sources,
    as_of          text,
    geom           geometry(MultiPolygon, 27700) NOT NULL
                   CHECK (ST_IsValid(geom) AND NOT ST_IsEmpty(geom)),
    geom_4326      geometry(MultiPolygon, 4326) NOT NULL
                   GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 4326)) STORED,
    geom_3857      geometry(MultiPolygon, 3857) NOT NULL
                   GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 3857)) STORED,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((imd_rank IS NULL) = (deprivation_source_id IS NULL))
);
CREATE INDEX small_areas_geom ON register.small_areas USING gist (geom);
CREATE INDEX small_areas_geom_4326 ON register.small_areas USING gist (geom_4326);
CREATE INDEX small_areas_geom_3857 ON register.small_areas USING gist (geom_3857);

-- Households of the smallest areas that are counted, each at one point; null where the count is not known.
CREATE TABLE register.household_points (
    code       text PRIMARY KEY CHECK (code <> ''),
    households integer CHECK (households >= 0),
    source_id  text NOT NULL REFERENCES register.sources,
    geom       geometry(Point, 27700) NOT NULL CHECK (NOT ST_IsEmpty(geom))
);
CREATE INDEX household_points_geom ON register.household_points USING gist (geom);

-- Residents of a small area at one of its postcodes; derived, never edited.
CREATE TABLE register.homes (
    postcode   text NOT NULL REFERENCES register.postcodes ON DELETE CASCADE,
    small_area text NOT NULL REFERENCES register.small_areas ON DELETE CASCADE,
    residents  double precision NOT NULL CHECK (residents >= 0),
    geom       geometry(Point, 27700) NOT NULL,
    PRIMARY KEY (postcode, small_area)
);
CREATE INDEX homes_small_area ON register.homes (small_area);
CREATE INDEX homes_geom ON register.homes USING gist (geom);

ALTER TABLE register.green_spaces ADD COLUMN cost_gbp integer CHECK (cost_gbp >= 0);
"""

# More than 20 postcodes on one point are PO boxes and large users, not homes.
HOMES = """
CREATE FUNCTION register.derive_homes() RETURNS void LANGUAGE sql AS $$
    WITH inside AS MATERIALIZED (
        SELECT DISTINCT ON (p.postcode) p.postcode, p.geom, a.code
        FROM register.small_areas a JOIN register.postcodes p ON ST_Covers(a.geom, p.geom)
        WHERE p.status = 'live'
        ORDER BY p.postcode, a.code
    ), ordinary AS MATERIALIZED (
        SELECT postcode, geom, code
        FROM (SELECT i.*, count(*) OVER (PARTITION BY geom) AS stacked FROM inside i) counted
        WHERE stacked <= 20
    ), candidates AS MATERIALIZED (
        SELECT * FROM ordinary
        UNION ALL
        -- Nobody is lost: without an ordinary postcode an area's residents are at the nearest of any kind.
        SELECT p.postcode, p.geom, a.code
        FROM register.small_areas a
        CROSS JOIN LATERAL (SELECT postcode, geom FROM register.postcodes o WHERE o.status = 'live'
                            ORDER BY o.geom <-> a.geom, o.postcode LIMIT 1) p
        WHERE NOT EXISTS (SELECT FROM ordinary i WHERE i.code = a.code)
    ), located AS MATERIALIZED (
        SELECT DISTINCT ON (h.code) h.code AS point, h.households, h.geom, a.code,
               a.households AS of_area
        FROM register.small_areas a JOIN register.household_points h ON ST_Covers(a.geom, h.geom)
        ORDER BY h.code, a.code
    ), counted AS MATERIALIZED (
        -- Where a count is not known: an equal part of what the area has beyond those that are.
        SELECT point, geom, code, COALESCE(households, GREATEST(
            of_area - COALESCE(sum(households) OVER area, 0), 0)::double precision
            / GREATEST(count(*) FILTER (WHERE households IS NULL) OVER area, 1), 0) AS households
        FROM located WINDOW area AS (PARTITION BY code)
    ), nearest AS (
        SELECT DISTINCT ON (c.code, c.postcode)
               c.postcode, c.geom, c.code, n.point, COALESCE(n.households, 1) AS households
        FROM candidates c LEFT JOIN counted n ON n.code = c.code
        ORDER BY c.code, c.postcode, ST_Distance(n.geom, c.geom), n.point
    ), weighed AS (
        SELECT postcode, geom, code, households / count(*) OVER (PARTITION BY code, point) AS weight
        FROM nearest
    ), shared AS (
        SELECT postcode, geom, code, weight, sum(weight) OVER area AS total, count(*) OVER area AS n
        FROM weighed WINDOW area AS (PARTITION BY code)
    ), fresh AS MATERIALIZED (
        SELECT s.postcode, a.code AS small_area, s.geom,
               round((a.residents * CASE WHEN s.total > 0 THEN s.weight / s.total
                                         ELSE 1.0 / s.n END)::numeric, 6)::double precision AS residents
        FROM shared s JOIN register.small_areas a ON a.code = s.code
    ), gone AS (
        DELETE FROM register.homes t WHERE NOT EXISTS (
            SELECT FROM fresh f WHERE f.postcode = t.postcode AND f.small_area = t.small_area)
    )
    INSERT INTO register.homes AS t (postcode, small_area, residents, geom)
    SELECT f.postcode, f.small_area, f.residents, f.geom
    FROM fresh f LEFT JOIN register.homes h USING (postcode, small_area)
    WHERE (h.residents, h.geom) IS DISTINCT FROM (f.residents, f.geom)
    ON CONFLICT (postcode, small_area) DO UPDATE SET residents = EXCLUDED.residents, geom = EXCLUDED.geom;
$$;
CREATE FUNCTION register.on_population_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    changed boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := EXISTS (SELECT FROM old_rows);
    ELSE
        changed := EXISTS (SELECT FROM new_rows);
    END IF;
    IF changed AND EXISTS (SELECT FROM register.small_areas) THEN
        PERFORM register.derive_homes();
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION register.derive_homes() FROM PUBLIC;
"""

# table: the key of a row
RECORDED = {"small_areas": "r.code", "household_points": "r.code"}
WATCHED = (*RECORDED, "postcodes")
TRACKED = {"small_areas": ("code", True), "homes": ("postcode", False), "entrances": ("id", False)}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(HOMES)
    op.execute(
        "CREATE TRIGGER touch BEFORE UPDATE ON register.small_areas "
        "FOR EACH ROW EXECUTE FUNCTION register.touch()"
    )
    for table in (*RECORDED, "homes"):
        op.execute(
            "CREATE TRIGGER published_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
            f"ON register.{table} FOR EACH STATEMENT EXECUTE FUNCTION layers.take_turn()"
        )
    for table, key in RECORDED.items():
        op.execute(
            f"CREATE TRIGGER within_extent BEFORE INSERT OR UPDATE OF geom ON register.{table} "
            "FOR EACH ROW EXECUTE FUNCTION register.require_within_extent()"
        )
        op.execute(
            f"CREATE TRIGGER history_truncate BEFORE TRUNCATE ON register.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION history.refuse_truncate()"
        )
        for event, transition in _before("0003").TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER history_{event.lower()} AFTER {event} ON register.{table} "
                f"REFERENCING {transition} FOR EACH STATEMENT EXECUTE FUNCTION history.record('{key}')"
            )
    for table in WATCHED:
        for event, transition in _before("0003").TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER homes_{event.lower()} AFTER {event} ON register.{table} "
                f"REFERENCING {transition} FOR EACH STATEMENT "
                "EXECUTE FUNCTION register.on_population_changed()"
            )
    for table, (key, history) in TRACKED.items():
        op.execute(f"SELECT layers.track('register.{table}', '{key}', '{key}', {history})")
    # The green spaces of 0008, and what each would cost.
    op.execute("ALTER TABLE layers.green_spaces ADD COLUMN cost_gbp integer")
    op.execute(_before("0008").GREEN_SPACES.replace("f.geom_3857\n", "f.geom_3857, f.cost_gbp\n", 1))


def downgrade() -> None:
    op.execute("DROP VIEW register.published_green_spaces")
    op.execute("ALTER TABLE layers.green_spaces DROP COLUMN cost_gbp")
    op.execute("ALTER TABLE register.green_spaces DROP COLUMN cost_gbp")
    op.execute(_before("0008").GREEN_SPACES)
    for table in TRACKED:
        op.execute(f"SELECT layers.untrack('register.{table}')")
    for table in WATCHED:
        for event in _before("0003").TRANSITIONS:
            op.execute(f"DROP TRIGGER homes_{event.lower()} ON register.{table}")
    op.execute("DROP FUNCTION register.on_population_changed()")
    op.execute("DROP FUNCTION register.derive_homes()")
    for table in ("homes", "household_points", "small_areas"):
        op.execute(f"DROP TABLE register.{table}")


def _before(step: str):
    return op.get_context().script.get_revision(step).module
