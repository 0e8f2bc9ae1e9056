"""Rules that hold when areas vanish, keys change, the extent moves, and several people write at once.

Every table of the register takes the writers' turn (0006) before a statement touches a row. In READ COMMITTED
the statements of a trigger see what was committed before they began, hence all that is derived is derived
from what the writer before left behind; and nobody holds a row that the writer whose turn it is waits for.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TURN = """
-- Wait until no other writer of the register is at work; the turn lasts until the transaction ends. For those
-- who lock a row before they write it: they would otherwise hold what the writer at work waits for.
CREATE FUNCTION layers.wait_for_turn() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(5220916)
$$;
CREATE OR REPLACE FUNCTION layers.take_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM layers.wait_for_turn();
    RETURN NULL;
END $$;
"""

AREAS = """
-- By now memberships and overlaps of the deleted areas are gone with them; a point on their edge falls to the
-- neighbour, and so do postcodes.
CREATE FUNCTION register.on_areas_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM old_rows) THEN
        RETURN NULL;
    END IF;
    PERFORM register.derive_postcode_shares();
    PERFORM register.place_assets(ARRAY(
        SELECT DISTINCT f.key FROM register.assets f JOIN old_rows o ON ST_Intersects(o.geom, f.geom)));
    PERFORM register.place_green_spaces(ARRAY(
        SELECT DISTINCT f.key FROM register.green_spaces f JOIN old_rows o ON ST_Intersects(o.geom, f.geom)));
    RETURN NULL;
END $$;
CREATE TRIGGER areas_deleted AFTER DELETE ON register.areas
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION register.on_areas_deleted();

-- A locality is its wards: with the last of them it goes too. Where a place is its hub or is listed under it,
-- the foreign keys refuse, and with it the change of the wards.
CREATE FUNCTION register.remove_empty_localities() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM register.areas l USING old_rows o
    WHERE l.key = o.locality_key
      AND NOT EXISTS (SELECT FROM register.locality_wards lw WHERE lw.locality_key = l.key);
    RETURN NULL;
END $$;
CREATE TRIGGER empty_localities_delete AFTER DELETE ON register.locality_wards
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION register.remove_empty_localities();
CREATE TRIGGER empty_localities_update AFTER UPDATE ON register.locality_wards
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION register.remove_empty_localities();
"""

# As in 0002, but an area without live postcodes has no shares of them.
POSTCODE_SHARES = """
CREATE OR REPLACE FUNCTION register.derive_postcode_shares() RETURNS void LANGUAGE sql AS $$
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
    ),
    shares AS (
        SELECT k.area_key, k.other_key, COALESCE(s.n, 0)::double precision / t.n AS share
        FROM register.area_overlaps k
        LEFT JOIN totals t ON t.area_key = k.area_key
        LEFT JOIN shared s ON s.area_key = k.area_key AND s.other_key = k.other_key
    )
    UPDATE register.area_overlaps o SET share_of_postcodes = s.share
    FROM shares s
    WHERE o.area_key = s.area_key AND o.other_key = s.other_key
      AND o.share_of_postcodes IS DISTINCT FROM s.share;
$$;
"""

# As in 0003, but a row whose key an UPDATE changes is one row gone and another come.
HISTORY = """
CREATE OR REPLACE FUNCTION history.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
            'SELECT $1, row_key,
                    CASE WHEN o.state IS NULL THEN ''created'' WHEN n.state IS NULL THEN ''deleted''
                         ELSE ''updated'' END,
                    $2, $3, o.state, n.state
             FROM (SELECT (%1$s)::text AS row_key, %2$s AS state FROM new_rows r) n
             FULL JOIN (SELECT (%1$s)::text AS row_key, %2$s AS state FROM old_rows r) o USING (row_key)
             WHERE n.state IS DISTINCT FROM o.state', TG_ARGV[0], snapshot)
            USING TG_TABLE_NAME, who, why;
    END IF;
    RETURN NULL;
END $$;

-- TRUNCATE shows its triggers no rows, so that the history could not say what went.
CREATE FUNCTION history.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% has a history and cannot be truncated', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported', HINT = 'Use DELETE, which is recorded.';
END $$;
"""

EVIDENCE = """
-- TG_ARGV[0]: the subject. Evidence is about a public id, which no foreign key can hold on to.
CREATE FUNCTION register.keep_evidence_with_its_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM register.evidence e USING old_rows o
        WHERE e.subject = TG_ARGV[0] AND e.subject_id = o.id;
    ELSE
        UPDATE register.evidence e SET subject_id = n.id
        FROM old_rows o JOIN new_rows n USING (key)
        WHERE e.subject = TG_ARGV[0] AND e.subject_id = o.id AND n.id <> o.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER evidence_delete AFTER DELETE ON register.assets
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register.keep_evidence_with_its_subject('assets');
CREATE TRIGGER evidence_update AFTER UPDATE ON register.assets
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register.keep_evidence_with_its_subject('assets');
CREATE TRIGGER evidence_delete AFTER DELETE ON register.green_spaces
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register.keep_evidence_with_its_subject('green-spaces');
CREATE TRIGGER evidence_update AFTER UPDATE ON register.green_spaces
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register.keep_evidence_with_its_subject('green-spaces');
"""

EXTENT = """
-- TG_ARGV: the tables whose geometry must lie within the extent and its margin.
CREATE FUNCTION register.require_all_within_extent() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bounds constant geometry := ST_Expand(NEW.extent, NEW.margin_m);
    name text;
    outside bigint;
BEGIN
    FOREACH name IN ARRAY TG_ARGV LOOP
        EXECUTE format('SELECT count(*) FROM register.%I WHERE NOT ST_CoveredBy(geom, $1)', name)
            INTO outside USING bounds;
        IF outside > 0 THEN
            RAISE EXCEPTION 'of %, % would lie outside the borough and its margin', name, outside
                USING ERRCODE = 'check_violation', CONSTRAINT = name || '_within_extent',
                      COLUMN = 'geom', TABLE = name, SCHEMA = TG_TABLE_SCHEMA;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER all_within_extent AFTER INSERT OR UPDATE OF extent, margin_m ON register.borough
    FOR EACH ROW EXECUTE FUNCTION register.require_all_within_extent(
        'areas', 'assets', 'green_spaces', 'entrances', 'postcodes');
"""

# As in 0004, but the contact of first rank is published rather than the first by alphabet.
ASSETS = """
CREATE OR REPLACE VIEW register.published_assets AS
SELECT f.id, f.name, f.description, kind.name AS kind, f.categories, f.support, kind.usual_support,
       org.name AS organisation, f.address, f.postcode, contact.phone, contact.email, contact.website,
       f.opening_hours, f.opening_note, f.step_free, f.position, f.ods_code,
       hub.id AS hub_for, hub.name AS hub_for_name, listed.id AS listed_under,
       COALESCE(within.areas, '{}') AS areas,
       f.visibility, src.title AS source, src.licence, f.as_of, f.confirmed_on, f.verified, f.demonstration,
       f.note, f.created_at, f.updated_at, f.geom, f.geom_4326, f.geom_3857
FROM register.assets f
JOIN register.sources src ON src.id = f.source_id
LEFT JOIN register.organisations org ON org.id = f.organisation_id
LEFT JOIN register.areas hub ON hub.key = f.hub_for_key
LEFT JOIN register.areas listed ON listed.key = f.listed_area_key
LEFT JOIN LATERAL (
    SELECT (array_agg(c.value ORDER BY c.rank, c.id) FILTER (WHERE c.kind = 'phone'))[1] AS phone,
           (array_agg(c.value ORDER BY c.rank, c.id) FILTER (WHERE c.kind = 'email'))[1] AS email,
           (array_agg(c.value ORDER BY c.rank, c.id) FILTER (WHERE c.kind = 'web'))[1] AS website
    FROM register.contact_points c WHERE c.asset_key = f.key
) contact ON true
LEFT JOIN LATERAL (
    SELECT (array_agg(k.name ORDER BY k.rank))[1] AS name,
           ARRAY(SELECT DISTINCT s FROM register.categories u, unnest(u.usual_support) s
                 WHERE u.id = ANY (f.categories) ORDER BY s) AS usual_support
    FROM register.categories k WHERE k.id = ANY (f.categories)
) kind ON true
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(set_id, members) AS areas
    FROM (
        SELECT a.boundary_set_id AS set_id,
               jsonb_agg(jsonb_build_object(
                   'id', a.id, 'code', a.code, 'name', a.name, 'share', round(m.share::numeric, 4))
                   ORDER BY m.share DESC, a.id) AS members
        FROM register.asset_areas m JOIN register.areas a ON a.key = m.area_key
        WHERE m.asset_key = f.key
        GROUP BY a.boundary_set_id
    ) sets
) within ON true
"""

# As in 0004, but `in_borough` is so if any of it lies in an area, however small the share.
GREEN_SPACES = """
CREATE OR REPLACE VIEW register.published_green_spaces AS
SELECT f.id, COALESCE(f.name, 'Unnamed green space') AS name, f.status, f.type, f.access, f.access_note,
       f.address, f.postcode, f.current_use, f.owner_kind, f.stage, f.stage_reason, f.position,
       CASE WHEN f.position = 'outline'
            THEN round((ST_Area(f.geom) / 10000)::numeric, 3)::double precision END AS area_ha,
       f.area_stated_ha,
       -- A point on the borough's edge only touches it, and yet has its areas.
       within.areas IS NOT NULL OR EXISTS (
           SELECT FROM register.areas a
           WHERE ST_Intersects(a.geom, f.geom) AND NOT ST_Touches(a.geom, f.geom)) AS in_borough,
       COALESCE(within.areas, '{}') AS areas,
       f.visibility, src.title AS source, src.licence, f.as_of, f.confirmed_on, f.verified,
       f.verified_fields, f.demonstration, f.note, f.created_at, f.updated_at,
       f.geom, f.geom_4326, f.geom_3857
FROM register.green_spaces f
JOIN register.sources src ON src.id = f.source_id
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(set_id, members) AS areas
    FROM (
        SELECT a.boundary_set_id AS set_id,
               jsonb_agg(jsonb_build_object(
                   'id', a.id, 'code', a.code, 'name', a.name, 'share', round(m.share::numeric, 4))
                   ORDER BY m.share DESC, a.id) AS members
        FROM register.green_space_areas m JOIN register.areas a ON a.key = m.area_key
        WHERE m.green_space_key = f.key
        GROUP BY a.boundary_set_id
    ) sets
) within ON true
"""

# Hence the published green spaces that an area has a part in include those it merely overlaps.
OVERLAPPING = (
    " UNION ALL SELECT f.id FROM changed c JOIN register.green_spaces f ON ST_Intersects(f.geom, c.geom)"
)

# What is derived is written by the triggers alone, with the owner's rights; what they call nobody else may.
TRIGGER_FUNCTIONS = (
    "on_areas_inserted",
    "on_areas_updated",
    "on_areas_deleted",
    "on_assets_inserted",
    "on_assets_updated",
    "on_green_spaces_inserted",
    "on_green_spaces_updated",
    "on_locality_wards_changed",
    "on_postcodes_changed",
    "remove_empty_localities",
    "keep_evidence_with_its_subject",
)
DERIVING = """
    register.derive_for_areas(bigint[]), register.derive_overlaps(bigint[]),
    register.derive_postcode_shares(),
    register.place_assets(bigint[]), register.place_green_spaces(bigint[])"""
DERIVED_TABLES = "register.asset_areas, register.green_space_areas"

# Tables of the register that take no turn yet; `loaded_files` is the importers' own, who take turns anyway.
NEW_TURNS = ("borough", "locality_wards", "entrances", "evidence", "postcodes")


def upgrade() -> None:
    for ddl in (TURN, AREAS, POSTCODE_SHARES, HISTORY, EVIDENCE, EXTENT, ASSETS, GREEN_SPACES):
        op.execute(ddl)
    for table in NEW_TURNS:
        op.execute(
            "CREATE TRIGGER published_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
            f"ON register.{table} FOR EACH STATEMENT EXECUTE FUNCTION layers.take_turn()"
        )
    for table in _before("0003").RECORDED:
        op.execute(
            f"CREATE TRIGGER history_truncate BEFORE TRUNCATE ON register.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION history.refuse_truncate()"
        )
    for function in TRIGGER_FUNCTIONS:
        op.execute(f"ALTER FUNCTION register.{function}() SECURITY DEFINER SET search_path = public, pg_temp")
    op.execute(f"REVOKE ALL ON FUNCTION {DERIVING} FROM PUBLIC")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON {DERIVED_TABLES} FROM mapservice_editor")
    _publish_areas(OVERLAPPING)
    # What is stored so far may be what these rules would not have let happen.
    op.execute("SELECT register.derive_for_areas(ARRAY(SELECT key FROM register.areas))")
    op.execute(
        "DELETE FROM register.evidence e WHERE NOT EXISTS (SELECT FROM register.assets f"
        " WHERE e.subject = 'assets' AND f.id = e.subject_id) AND NOT EXISTS (SELECT FROM"
        " register.green_spaces f WHERE e.subject = 'green-spaces' AND f.id = e.subject_id)"
    )
    _refresh()


def downgrade() -> None:
    _publish_areas("")
    op.execute(f"GRANT INSERT, UPDATE, DELETE ON {DERIVED_TABLES} TO mapservice_editor")
    op.execute(f"GRANT EXECUTE ON FUNCTION {DERIVING} TO PUBLIC")
    for function in TRIGGER_FUNCTIONS:
        op.execute(f"ALTER FUNCTION register.{function}() SECURITY INVOKER RESET search_path")
    for table in _before("0003").RECORDED:
        op.execute(f"DROP TRIGGER history_truncate ON register.{table}")
    op.execute("DROP FUNCTION history.refuse_truncate()")
    for table in NEW_TURNS:
        op.execute(f"DROP TRIGGER published_turn ON register.{table}")
    op.execute("DROP TRIGGER all_within_extent ON register.borough")
    op.execute("DROP FUNCTION register.require_all_within_extent()")
    for table in ("assets", "green_spaces"):
        op.execute(f"DROP TRIGGER evidence_delete ON register.{table}")
        op.execute(f"DROP TRIGGER evidence_update ON register.{table}")
    op.execute("DROP FUNCTION register.keep_evidence_with_its_subject()")
    op.execute("DROP TRIGGER empty_localities_delete ON register.locality_wards")
    op.execute("DROP TRIGGER empty_localities_update ON register.locality_wards")
    op.execute("DROP FUNCTION register.remove_empty_localities()")
    op.execute("DROP TRIGGER areas_deleted ON register.areas")
    op.execute("DROP FUNCTION register.on_areas_deleted()")
    # The functions and views as they were, in the words of the steps that made them.
    _restore(_before("0006").PUBLISH, "FUNCTION layers.take_turn")
    op.execute("DROP FUNCTION layers.wait_for_turn()")
    _restore(_before("0003").SCHEMA, "FUNCTION history.record")
    _restore(_before("0002").OVERLAPS, "FUNCTION register.derive_postcode_shares")
    for table, ddl in (("assets", _before("0004").ASSETS), ("green_spaces", _before("0004").GREEN_SPACES)):
        op.execute(
            ddl.replace(f"CREATE VIEW layers.{table}", f"CREATE OR REPLACE VIEW register.published_{table}")
        )
    _refresh()


def _before(step: str):
    return op.get_context().script.get_revision(step).module


def _restore(ddl: str, function: str) -> None:
    """Make a function anew as an earlier step wrote it."""
    begin = ddl.index(f"CREATE {function}")
    body = ddl.index("$$", begin) + 2
    end = ddl.index("$$", body) + 2
    op.execute(ddl[begin:end].replace("CREATE", "CREATE OR REPLACE", 1))


def _publish_areas(more: str) -> None:
    """The triggers of 0006 on areas, with more to the query for the green spaces they have a part in."""
    before = _before("0006")
    affected = dict(before.AFFECTED["areas"])
    affected["green_spaces"] += more
    arguments = ", ".join("'" + word.replace("'", "''") + "'" for pair in affected.items() for word in pair)
    for event, transition in before.TRANSITIONS.items():
        op.execute(f"DROP TRIGGER published_{event.lower()} ON register.areas")
        op.execute(
            f"CREATE TRIGGER published_{event.lower()} AFTER {event} ON register.areas {transition} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION layers.publish({arguments})"
        )


def _refresh() -> None:
    for table in ("assets", "green_spaces"):
        op.execute(f"SELECT layers.refresh('{table}', NULL)")
