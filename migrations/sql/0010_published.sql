-- What the layer of services publishes: one row for each place where a service is given.
CREATE VIEW register.published_services AS
SELECT p.id, v.id AS service, v.name, v.kind, v.description, org.name AS organisation,
       p.name AS place, p.kind AS place_kind, p.place_id, p.address, p.postcode, v.status, v.alert,
       COALESCE(terms.needs, '{}') AS needs, COALESCE(terms.names, '{}') AS terms,
       COALESCE(sessions.words, '{}') AS sessions, cost.words AS cost,
       v.minimum_age, v.maximum_age, v.eligibility, v.how_to_get_it,
       COALESCE(spoken.names, '{}') AS languages,
       line.phone, COALESCE(line.email, v.email) AS email, v.url AS website, p.step_free,
       COALESCE(within.areas, '{}') AS areas,
       CASE WHEN 'council' IN (v.visibility, p.visibility) THEN 'council'
            WHEN 'network' IN (v.visibility, p.visibility) THEN 'network' ELSE 'public' END AS visibility,
       src.title AS source, src.licence, v.as_of, v.confirmed_on, v.verified,
       v.demonstration OR p.demonstration AS demonstration, v.note, v.created_at, v.updated_at,
       p.geom::geometry(Point, 27700) AS geom, p.geom_4326::geometry(Point, 4326) AS geom_4326,
       ST_Transform(ST_SetSRID(p.geom, 998277), 3857)::geometry(Point, 3857) AS geom_3857
FROM register.service_places p
JOIN register.services v ON v.id = p.service_id
JOIN register.organisations org ON org.id = v.organisation_id
JOIN register.sources src ON src.id = v.source_id
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT t.support) FILTER (WHERE t.support IS NOT NULL) AS needs,
           array_agg(t.name ORDER BY t.name) AS names
    FROM register.service_terms m JOIN register.taxonomy_terms t ON t.id = m.term_id
    WHERE m.service_id = v.id
) terms ON true
LEFT JOIN LATERAL (
    SELECT array_agg(register.schedule_words(s.freq, s.interval, s.byday, s.bymonthday, s.bymonth, s.dtstart,
                     s.valid_from, s.valid_to, s.opens_at, s.closes_at, s.description) ORDER BY s.id) AS words
    FROM register.sessions s
    WHERE s.service_id = v.id AND COALESCE(s.service_at_location_id, p.id) = p.id
) sessions ON true
LEFT JOIN LATERAL (
    SELECT string_agg(concat_ws(' ', c.option || ':', CASE WHEN c.amount = 0 THEN 'free'
                                WHEN c.amount IS NOT NULL THEN '£' || to_char(c.amount, 'FM999999990.00') END,
                                c.amount_description), '; ' ORDER BY c.id) AS words
    FROM register.cost_options c WHERE c.service_id = v.id
) listed ON true
CROSS JOIN LATERAL (SELECT COALESCE(listed.words, v.fees) AS words) cost
LEFT JOIN LATERAL (
    SELECT array_agg(g.name ORDER BY g.name) AS names
    FROM register.service_languages g WHERE g.service_id = v.id
) spoken ON true
LEFT JOIN LATERAL (
    SELECT (array_agg(n.phone ORDER BY n.rank, n.id) FILTER (WHERE n.phone IS NOT NULL))[1] AS phone,
           (array_agg(n.email ORDER BY n.rank, n.id) FILTER (WHERE n.email IS NOT NULL))[1] AS email
    FROM register.service_lines n WHERE n.service_id = v.id
) line ON true
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(set_id, members) AS areas
    FROM (
        SELECT a.boundary_set_id AS set_id,
               jsonb_agg(jsonb_build_object(
                   'id', a.id, 'code', a.code, 'name', a.name, 'share', round(m.share::numeric, 4))
                   ORDER BY m.share DESC, a.id) AS members
        FROM (
            SELECT area_key, share FROM register.asset_areas WHERE asset_key = p.asset_key
            UNION ALL
            SELECT area_key, share FROM register.green_space_areas WHERE green_space_key = p.green_space_key
            UNION ALL
            (SELECT DISTINCT ON (c.boundary_set_id) c.key, 1 FROM register.areas c
             WHERE p.kind = 'pop-up' AND ST_Covers(c.geom, p.geom) ORDER BY c.boundary_set_id, c.id)
        ) m JOIN register.areas a ON a.key = m.area_key
        GROUP BY a.boundary_set_id
    ) sets
) within ON true;

CREATE TABLE layers.services (row_key text PRIMARY KEY, LIKE register.published_services);
ALTER TABLE layers.services ALTER id SET NOT NULL;
CREATE UNIQUE INDEX services_id ON layers.services (id);
CREATE INDEX services_geom ON layers.services USING gist (geom);
CREATE INDEX services_geom_4326 ON layers.services USING gist (geom_4326);
CREATE INDEX services_geom_3857 ON layers.services USING gist (geom_3857);
CREATE INDEX services_name ON layers.services USING gin (name gin_trgm_ops);
CREATE INDEX services_place ON layers.services (place_kind, place_id);
CREATE INDEX services_needs ON layers.services USING gin (needs);
