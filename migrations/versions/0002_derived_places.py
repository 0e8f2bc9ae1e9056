"""Rules between tables: the extent, known categories, and which areas a feature lies in.

Membership is derived by statement-level triggers whenever a feature's or an area's geometry changes, so it
cannot go stale, and a bulk load costs one set-based statement.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_RULES = """
CREATE FUNCTION register.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE FUNCTION register.require_within_extent() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bounds geometry;
BEGIN
    SELECT ST_Expand(extent, margin_m) INTO bounds FROM register.borough;
    IF bounds IS NULL THEN
        RAISE EXCEPTION 'the borough is not loaded: its extent is not known'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF NEW.geom IS NOT NULL AND NOT ST_CoveredBy(NEW.geom, bounds) THEN
        RAISE EXCEPTION 'geometry lies outside the borough and its margin'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_within_extent',
                  COLUMN = 'geom', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION register.require_known_categories() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stranger text;
BEGIN
    SELECT c INTO stranger FROM unnest(NEW.categories) AS c
    WHERE NOT EXISTS (SELECT FROM register.categories k WHERE k.id = c) LIMIT 1;
    IF stranger IS NOT NULL THEN
        RAISE EXCEPTION 'unknown category %', quote_literal(stranger)
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'assets_known_categories',
                  COLUMN = 'categories', TABLE = 'assets', SCHEMA = 'register';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION register.keep_used_categories() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'DELETE' OR NEW.id <> OLD.id)
       AND EXISTS (SELECT FROM register.assets WHERE categories @> ARRAY[OLD.id]) THEN
        RAISE EXCEPTION 'category % is in use', quote_literal(OLD.id)
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'assets_known_categories';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;

CREATE TRIGGER known_categories BEFORE INSERT OR UPDATE OF categories ON register.assets
    FOR EACH ROW EXECUTE FUNCTION register.require_known_categories();
CREATE TRIGGER used_categories BEFORE DELETE OR UPDATE OF id ON register.categories
    FOR EACH ROW EXECUTE FUNCTION register.keep_used_categories();
"""

OVERLAPS = """
-- Generalised outlines of different vintages never coincide exactly: slivers below half a percent are noise.
CREATE FUNCTION register.derive_overlaps(changed bigint[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM register.area_overlaps WHERE area_key = ANY (changed) OR other_key = ANY (changed);
    INSERT INTO register.area_overlaps (area_key, other_key, share_of_area)
    SELECT area_key, other_key, share
    FROM (
        SELECT a.key AS area_key, b.key AS other_key,
               ST_Area(ST_Intersection(a.geom, b.geom)) / ST_Area(a.geom) AS share
        FROM register.areas a
        JOIN register.areas b
          ON b.boundary_set_id <> a.boundary_set_id AND ST_Intersects(a.geom, b.geom)
        WHERE a.key = ANY (changed) OR b.key = ANY (changed)
    ) pairs
    WHERE share >= 0.005;
$$;

CREATE FUNCTION register.derive_postcode_shares() RETURNS void LANGUAGE sql AS $$
    WITH located AS MATERIALIZED (
        SELECT DISTINCT ON (p.postcode, a.boundary_set_id) p.postcode, a.key AS area_key
        FROM register.postcodes p
        JOIN register.areas a ON ST_Covers(a.geom, p.geom)
        WHERE p.status = 'live'
        ORDER BY p.postcode, a.boundary_set_id, a.id
    ),
    totals AS (SELECT area_key, count(*) AS n FROM located GROUP BY area_key),
    shared AS (
        SELECT a.area_key, b.area_key AS other_key, count(*) AS n
        FROM located a JOIN located b USING (postcode)
        WHERE a.area_key <> b.area_key
        GROUP BY 1, 2
    )
    UPDATE register.area_overlaps o
    SET share_of_postcodes = COALESCE(s.n, 0)::double precision / t.n
    FROM register.area_overlaps k
    JOIN totals t ON t.area_key = k.area_key
    LEFT JOIN shared s ON s.area_key = k.area_key AND s.other_key = k.other_key
    WHERE o.area_key = k.area_key AND o.other_key = k.other_key
      AND o.share_of_postcodes IS DISTINCT FROM COALESCE(s.n, 0)::double precision / t.n;
$$;
"""

PLACES = """
-- A point on a shared boundary belongs to one area of each set: the first by id.
CREATE FUNCTION register.place_assets(changed bigint[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM register.asset_areas WHERE asset_key = ANY (changed);
    INSERT INTO register.asset_areas (asset_key, area_key, share)
    SELECT DISTINCT ON (f.key, a.boundary_set_id) f.key, a.key, 1
    FROM register.assets f
    JOIN register.areas a ON ST_Covers(a.geom, f.geom)
    WHERE f.key = ANY (changed)
    ORDER BY f.key, a.boundary_set_id, a.id;
$$;

CREATE FUNCTION register.place_green_spaces(changed bigint[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM register.green_space_areas WHERE green_space_key = ANY (changed);
    INSERT INTO register.green_space_areas (green_space_key, area_key, share)
    SELECT green_space_key, area_key, share
    FROM (
        SELECT f.key AS green_space_key, a.key AS area_key,
               ST_Area(ST_Intersection(a.geom, f.geom)) / ST_Area(f.geom) AS share
        FROM register.green_spaces f
        JOIN register.areas a ON ST_Intersects(a.geom, f.geom)
        WHERE f.key = ANY (changed) AND ST_Dimension(f.geom) = 2
    ) parts
    WHERE share >= 0.005;
    INSERT INTO register.green_space_areas (green_space_key, area_key, share)
    SELECT DISTINCT ON (f.key, a.boundary_set_id) f.key, a.key, 1
    FROM register.green_spaces f
    JOIN register.areas a ON ST_Covers(a.geom, f.geom)
    WHERE f.key = ANY (changed) AND ST_Dimension(f.geom) = 0
    ORDER BY f.key, a.boundary_set_id, a.id;
$$;

CREATE FUNCTION register.derive_for_areas(changed bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(changed) IS NULL OR cardinality(changed) = 0 THEN
        RETURN;
    END IF;
    PERFORM register.derive_overlaps(changed);
    PERFORM register.derive_postcode_shares();
    PERFORM register.place_assets(ARRAY(
        SELECT f.key FROM register.assets f JOIN register.areas a ON ST_Intersects(a.geom, f.geom)
        WHERE a.key = ANY (changed)
        UNION SELECT asset_key FROM register.asset_areas WHERE area_key = ANY (changed)));
    PERFORM register.place_green_spaces(ARRAY(
        SELECT f.key FROM register.green_spaces f JOIN register.areas a ON ST_Intersects(a.geom, f.geom)
        WHERE a.key = ANY (changed)
        UNION SELECT green_space_key FROM register.green_space_areas WHERE area_key = ANY (changed)));
    -- A locality is the union of its wards: updating it comes back here for the locality itself.
    UPDATE register.areas l
    SET geom = u.geom
    FROM (
        SELECT lw.locality_key, ST_Multi(ST_Union(w.geom)) AS geom
        FROM register.locality_wards lw JOIN register.areas w ON w.key = lw.ward_key
        WHERE lw.locality_key IN (
            SELECT locality_key FROM register.locality_wards WHERE ward_key = ANY (changed))
        GROUP BY lw.locality_key
    ) u
    WHERE l.key = u.locality_key AND NOT ST_Equals(l.geom, u.geom);
END $$;
"""

TRIGGERS = """
CREATE FUNCTION register.on_areas_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM register.derive_for_areas(ARRAY(SELECT key FROM new_rows));
    RETURN NULL;
END $$;
CREATE FUNCTION register.on_areas_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM register.derive_for_areas(ARRAY(
        SELECT n.key FROM new_rows n JOIN old_rows o USING (key)
        WHERE n.geom IS DISTINCT FROM o.geom OR n.boundary_set_id <> o.boundary_set_id));
    RETURN NULL;
END $$;
CREATE TRIGGER areas_inserted AFTER INSERT ON register.areas
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION register.on_areas_inserted();
CREATE TRIGGER areas_updated AFTER UPDATE ON register.areas
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register.on_areas_updated();

CREATE FUNCTION register.on_locality_wards_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE register.areas l
    SET geom = u.geom
    FROM (
        SELECT lw.locality_key, ST_Multi(ST_Union(w.geom)) AS geom
        FROM register.locality_wards lw JOIN register.areas w ON w.key = lw.ward_key
        GROUP BY lw.locality_key
    ) u
    WHERE l.key = u.locality_key AND NOT ST_Equals(l.geom, u.geom);
    RETURN NULL;
END $$;
CREATE TRIGGER locality_wards_changed AFTER INSERT OR UPDATE OR DELETE ON register.locality_wards
    FOR EACH STATEMENT EXECUTE FUNCTION register.on_locality_wards_changed();

CREATE FUNCTION register.on_postcodes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM register.derive_postcode_shares();
    RETURN NULL;
END $$;
CREATE TRIGGER postcodes_changed AFTER INSERT OR UPDATE OR DELETE ON register.postcodes
    FOR EACH STATEMENT EXECUTE FUNCTION register.on_postcodes_changed();
"""

FEATURE_TRIGGERS = """
CREATE FUNCTION register.on_{table}_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM register.place_{table}(ARRAY(SELECT key FROM new_rows));
    RETURN NULL;
END $$;
CREATE FUNCTION register.on_{table}_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM register.place_{table}(ARRAY(
        SELECT n.key FROM new_rows n JOIN old_rows o USING (key) WHERE n.geom IS DISTINCT FROM o.geom));
    RETURN NULL;
END $$;
CREATE TRIGGER {table}_inserted AFTER INSERT ON register.{table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION register.on_{table}_inserted();
CREATE TRIGGER {table}_updated AFTER UPDATE ON register.{table}
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register.on_{table}_updated();
"""

FEATURES = ("assets", "green_spaces")
WITHIN_EXTENT = ("areas", "assets", "green_spaces", "entrances", "postcodes")
TOUCHED = ("areas", "organisations", "assets", "contact_points", "green_spaces", "entrances")
FUNCTIONS = (
    "on_postcodes_changed()",
    "on_locality_wards_changed()",
    "on_areas_updated()",
    "on_areas_inserted()",
    "derive_for_areas(bigint[])",
    "place_green_spaces(bigint[])",
    "place_assets(bigint[])",
    "derive_postcode_shares()",
    "derive_overlaps(bigint[])",
    "keep_used_categories()",
    "require_known_categories()",
    "require_within_extent()",
    "touch()",
)


def upgrade() -> None:
    for ddl in (ROW_RULES, OVERLAPS, PLACES, TRIGGERS):
        op.execute(ddl)
    for table in FEATURES:
        op.execute(FEATURE_TRIGGERS.format(table=table))
    for table in WITHIN_EXTENT:
        op.execute(
            f"CREATE TRIGGER within_extent BEFORE INSERT OR UPDATE OF geom ON register.{table} "
            "FOR EACH ROW EXECUTE FUNCTION register.require_within_extent()"
        )
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER touch BEFORE UPDATE ON register.{table} "
            "FOR EACH ROW EXECUTE FUNCTION register.touch()"
        )


def downgrade() -> None:
    for table in TOUCHED:
        op.execute(f"DROP TRIGGER touch ON register.{table}")
    for table in WITHIN_EXTENT:
        op.execute(f"DROP TRIGGER within_extent ON register.{table}")
    for table in FEATURES:
        for event in ("inserted", "updated"):
            op.execute(f"DROP TRIGGER {table}_{event} ON register.{table}")
            op.execute(f"DROP FUNCTION register.on_{table}_{event}()")
    op.execute("DROP TRIGGER postcodes_changed ON register.postcodes")
    op.execute("DROP TRIGGER locality_wards_changed ON register.locality_wards")
    op.execute("DROP TRIGGER areas_updated ON register.areas")
    op.execute("DROP TRIGGER areas_inserted ON register.areas")
    op.execute("DROP TRIGGER used_categories ON register.categories")
    op.execute("DROP TRIGGER known_categories ON register.assets")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION register.{function}")
