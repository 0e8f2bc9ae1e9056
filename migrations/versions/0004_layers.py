"""The published relations that layers read, and who may read or write what.

Each view gives one row per feature: a readable `id`, the geometry in EPSG:27700, 4326 and 3857, flat
attributes, and `areas`: {boundary set: [{id, code, name, share}, largest share first]}.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

AREAS = """
CREATE VIEW layers.areas AS
SELECT a.id, a.boundary_set_id, s.kind, s.vintage, a.code, a.name, s.valid_from, s.valid_to,
       round((ST_Area(a.geom) / 10000)::numeric, 2)::double precision AS area_ha,
       s.accuracy, COALESCE(overlap.areas, '{}') AS areas,
       'public'::text AS visibility, src.title AS source, src.licence, a.updated_at,
       a.geom, a.geom_4326, a.geom_3857
FROM register.areas a
JOIN register.boundary_sets s ON s.id = a.boundary_set_id
JOIN register.sources src ON src.id = s.source_id
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(set_id, members) AS areas
    FROM (
        SELECT b.boundary_set_id AS set_id,
               jsonb_agg(jsonb_build_object(
                   'id', b.id, 'code', b.code, 'name', b.name, 'share', round(o.share_of_area::numeric, 4),
                   'share_of_postcodes', round(o.share_of_postcodes::numeric, 4))
                   ORDER BY o.share_of_area DESC, b.id) AS members
        FROM register.area_overlaps o JOIN register.areas b ON b.key = o.other_key
        WHERE o.area_key = a.key
        GROUP BY b.boundary_set_id
    ) sets
) overlap ON true
"""

WITHIN = """
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(set_id, members) AS areas
    FROM (
        SELECT a.boundary_set_id AS set_id,
               jsonb_agg(jsonb_build_object(
                   'id', a.id, 'code', a.code, 'name', a.name, 'share', round(m.share::numeric, 4))
                   ORDER BY m.share DESC, a.id) AS members
        FROM register.{table} m JOIN register.areas a ON a.key = m.area_key
        WHERE m.{key} = f.key
        GROUP BY a.boundary_set_id
    ) sets
) within ON true
"""

ASSETS = f"""
CREATE VIEW layers.assets AS
SELECT f.id, f.name, f.description, kind.name AS kind, f.categories, f.support, kind.usual_support,
       org.name AS organisation, f.address, f.postcode, contact.phone, contact.email, contact.website,
       f.opening_hours, f.opening_note, f.step_free, f.position, f.ods_code,
       hub.id AS hub_for, hub.name AS hub_for_name, listed.id AS listed_under,
       COALESCE(within.areas, '{{}}') AS areas,
       f.visibility, src.title AS source, src.licence, f.as_of, f.confirmed_on, f.verified, f.demonstration,
       f.note, f.created_at, f.updated_at, f.geom, f.geom_4326, f.geom_3857
FROM register.assets f
JOIN register.sources src ON src.id = f.source_id
LEFT JOIN register.organisations org ON org.id = f.organisation_id
LEFT JOIN register.areas hub ON hub.key = f.hub_for_key
LEFT JOIN register.areas listed ON listed.key = f.listed_area_key
LEFT JOIN LATERAL (
    SELECT min(c.value) FILTER (WHERE c.kind = 'phone') AS phone,
           min(c.value) FILTER (WHERE c.kind = 'email') AS email,
           min(c.value) FILTER (WHERE c.kind = 'web') AS website
    FROM register.contact_points c WHERE c.asset_key = f.key
) contact ON true
LEFT JOIN LATERAL (
    SELECT (array_agg(k.name ORDER BY k.rank))[1] AS name,
           ARRAY(SELECT DISTINCT s FROM register.categories u, unnest(u.usual_support) s
                 WHERE u.id = ANY (f.categories) ORDER BY s) AS usual_support
    FROM register.categories k WHERE k.id = ANY (f.categories)
) kind ON true
{WITHIN.format(table="asset_areas", key="asset_key")}
"""

GREEN_SPACES = f"""
CREATE VIEW layers.green_spaces AS
SELECT f.id, COALESCE(f.name, 'Unnamed green space') AS name, f.status, f.type, f.access, f.access_note,
       f.address, f.postcode, f.current_use, f.owner_kind, f.stage, f.stage_reason, f.position,
       CASE WHEN f.position = 'outline'
            THEN round((ST_Area(f.geom) / 10000)::numeric, 3)::double precision END AS area_ha,
       f.area_stated_ha, within.areas IS NOT NULL AS in_borough, COALESCE(within.areas, '{{}}') AS areas,
       f.visibility, src.title AS source, src.licence, f.as_of, f.confirmed_on, f.verified,
       f.verified_fields, f.demonstration, f.note, f.created_at, f.updated_at,
       f.geom, f.geom_4326, f.geom_3857
FROM register.green_spaces f
JOIN register.sources src ON src.id = f.source_id
{WITHIN.format(table="green_space_areas", key="green_space_key")}
"""

GRANTS = """
GRANT USAGE ON SCHEMA register, layers TO mapservice_reader, mapservice_editor;
GRANT SELECT ON ALL TABLES IN SCHEMA register, layers TO mapservice_reader, mapservice_editor;
ALTER DEFAULT PRIVILEGES IN SCHEMA register GRANT SELECT ON TABLES TO mapservice_reader, mapservice_editor;
ALTER DEFAULT PRIVILEGES IN SCHEMA layers GRANT SELECT ON TABLES TO mapservice_reader, mapservice_editor;
GRANT INSERT, UPDATE, DELETE ON register.assets, register.asset_areas, register.contact_points,
    register.organisations, register.green_spaces, register.green_space_areas, register.entrances,
    register.evidence TO mapservice_editor;
GRANT USAGE ON SCHEMA history TO mapservice_editor;
GRANT SELECT ON history.changes TO mapservice_editor;
"""

REVOKES = """
ALTER DEFAULT PRIVILEGES IN SCHEMA layers REVOKE SELECT ON TABLES FROM mapservice_reader, mapservice_editor;
ALTER DEFAULT PRIVILEGES IN SCHEMA register REVOKE SELECT ON TABLES FROM mapservice_reader, mapservice_editor;
REVOKE ALL ON history.changes FROM mapservice_editor;
REVOKE ALL ON SCHEMA history FROM mapservice_editor;
REVOKE ALL ON ALL TABLES IN SCHEMA register FROM mapservice_reader, mapservice_editor;
REVOKE ALL ON SCHEMA register FROM mapservice_reader, mapservice_editor;
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA layers")
    for ddl in (AREAS, ASSETS, GREEN_SPACES, GRANTS):
        op.execute(ddl)


def downgrade() -> None:
    op.execute(REVOKES)
    for view in ("green_spaces", "assets", "areas"):
        op.execute(f"DROP VIEW layers.{view}")
    op.execute("DROP SCHEMA layers")
