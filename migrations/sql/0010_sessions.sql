CREATE FUNCTION register.clock_words(at time) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $1 = '12:00' THEN '12 noon' WHEN $1 = '00:00' THEN 'midnight'
                ELSE to_char($1, CASE WHEN extract(minute FROM $1) = 0 THEN 'FMHH12am'
                                      ELSE 'FMHH12:MIam' END) END
$$;
CREATE FUNCTION register.list_words(words text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN cardinality($1) < 2 THEN $1[1]
                ELSE array_to_string($1[1:cardinality($1) - 1], ', ') || ' and ' || $1[cardinality($1)] END
$$;
-- "Tuesdays and Thursdays, 10am to 1pm, November to March": a schedule in words.
CREATE FUNCTION register.schedule_words(
    freq text, "interval" integer, byday text, bymonthday text, bymonth smallint[], dtstart date,
    valid_from date, valid_to date, opens_at time, closes_at time, description text
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    WITH days AS (
        SELECT n, CASE ltrim(part[1], '+') WHEN '' THEN '' WHEN '1' THEN 'first ' WHEN '2' THEN 'second '
                   WHEN '3' THEN 'third ' WHEN '4' THEN 'fourth ' WHEN '5' THEN 'fifth '
                   WHEN '-1' THEN 'last '
                   ELSE 'last but ' || (abs(part[1]::int) - 1) || ' ' END
               || (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[
                   array_position(ARRAY['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'], part[2])]
               || CASE WHEN $1 = 'WEEKLY' AND $2 = 1 THEN 's' ELSE '' END AS day
        FROM regexp_matches(COALESCE($3, ''), '([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)', 'g')
             WITH ORDINALITY AS m(raw, n), LATERAL (SELECT ARRAY[COALESCE(raw[1], ''), raw[2]]) p(part)
    ), parts AS (
        SELECT 1 AS n, CASE
            WHEN $1 IS NULL THEN to_char($6, 'FMDay FMDD FMMonth YYYY')
            WHEN $1 = 'MONTHLY' THEN COALESCE(
                'The ' || (SELECT register.list_words(array_agg(day ORDER BY n)) FROM days),
                'Day ' || replace($4, ',', ', '), to_char($6, '"Day" FMDD'))
                || CASE WHEN $2 = 1 THEN ' of the month' ELSE ' every ' || $2 || ' months' END
            ELSE CASE WHEN $2 = 1 THEN '' WHEN $2 = 2 THEN 'Every second week on '
                      ELSE 'Every ' || $2 || ' weeks on ' END
                 || COALESCE((SELECT register.list_words(array_agg(day ORDER BY n)) FROM days),
                             to_char($6, 'FMDay') || CASE WHEN $2 = 1 THEN 's' ELSE '' END) END AS words
        UNION ALL SELECT 2, register.clock_words($9) || COALESCE(' to ' || register.clock_words($10), '')
        UNION ALL SELECT 3, (
            SELECT CASE WHEN count(*) > 2 AND bool_and(n = 1 OR m = mod($5[n - 1], 12) + 1)
                        THEN min(name) FILTER (WHERE n = 1) || ' to '
                             || min(name) FILTER (WHERE n = cardinality($5))
                        ELSE register.list_words(array_agg(name ORDER BY n)) END
            FROM (SELECT m, n::int, to_char(make_date(2000, m, 1), 'FMMonth') AS name
                  FROM unnest($5) WITH ORDINALITY AS u(m, n)) months)
        UNION ALL SELECT 4, CASE WHEN $1 IS NOT NULL THEN 'from ' || to_char($7, 'FMDD FMMonth YYYY') END
        UNION ALL SELECT 5, CASE WHEN $1 IS NOT NULL THEN 'until ' || to_char($8, 'FMDD FMMonth YYYY') END
    )
    SELECT COALESCE(NULLIF(concat_ws('. ', string_agg(words, ', ' ORDER BY n), NULLIF($11, '')), ''), '')
    FROM parts
$$;

-- The plain weekly rules of opening hours in OpenStreetMap's syntax; what is not plain is left to its words.
-- STRICT keeps it a function: spelt out in a query it looks like millions of rows to the planner.
CREATE FUNCTION register.weekly_hours(opening_hours text)
RETURNS TABLE (n bigint, byday text, opens_at time, closes_at time)
LANGUAGE sql IMMUTABLE STRICT COST 100 ROWS 7 AS $$
    WITH rules AS (
        SELECT n, regexp_match(trim(rule), '^((Mo|Tu|We|Th|Fr|Sa|Su)([-,](Mo|Tu|We|Th|Fr|Sa|Su))*) '
                               '([0-2]?[0-9]:[0-5][0-9])-([0-2]?[0-9]:[0-5][0-9])$') AS m
        FROM string_to_table($1, ';') WITH ORDINALITY AS r(rule, n)
    ), spans AS (
        SELECT n, m[1] AS days, lpad(m[5], 5, '0') AS opens, lpad(m[6], 5, '0') AS closes,
               position(left(span, 2) IN 'MoTuWeThFrSaSu') / 2 AS first,
               position(right(span, 2) IN 'MoTuWeThFrSaSu') / 2 AS last
        FROM rules, string_to_table(m[1], ',') AS span WHERE m IS NOT NULL
    )
    SELECT n, string_agg(substr('MOTUWETHFRSASU', day * 2 + 1, 2), ',' ORDER BY day),
           opens::time, closes::time
    FROM spans, generate_series(first, last) AS day
    WHERE opens < '24' AND closes < '24' AND opens < closes
    GROUP BY n, days, opens, closes
$$;

-- All sessions: those of schedules, and a place's hours where a service is given whenever it is open.
CREATE VIEW register.sessions AS
SELECT s.id, s.uuid, s.service_id, s.service_at_location_id, s.dtstart, s.valid_from, s.valid_to, s.freq,
       s.interval, s.byday, s.bymonthday, s.bymonth, s.except_on, s.opens_at, s.closes_at, s.description,
       s.schedule_link, s.attending_type, false AS implied, s.updated_at
FROM register.schedules s
UNION ALL
SELECT l.id || '-' || h.n, register.uuid_of('sessions', l.id || '/' || h.n), l.service_id, l.id, NULL, NULL,
       NULL, 'WEEKLY', 1, h.byday, NULL, NULL, '{}', h.opens_at, h.closes_at, NULL, NULL, NULL, true,
       f.updated_at
FROM register.service_at_locations l
JOIN register.assets f ON f.key = l.asset_key
CROSS JOIN LATERAL register.weekly_hours(f.opening_hours) h
WHERE l.whenever_open;
-- Where each service is given, whatever kind of place it is.
CREATE VIEW register.service_places AS
SELECT l.id, l.service_id,
       COALESCE(a.name, g.name, l.place_name, 'Unnamed green space') AS name,
       CASE WHEN a.id IS NOT NULL THEN 'assets' WHEN g.id IS NOT NULL THEN 'green-spaces' ELSE 'pop-up' END
           AS kind,
       COALESCE(a.id, g.id, l.id) AS place_id,
       register.uuid_of(CASE WHEN a.id IS NOT NULL THEN 'assets' WHEN g.id IS NOT NULL THEN 'green-spaces'
                             ELSE 'pop-up' END, COALESCE(a.id, g.id, l.id)) AS uuid,
       a.key AS asset_key, g.key AS green_space_key,
       COALESCE(a.address, g.address, l.address) AS address,
       COALESCE(a.postcode, g.postcode, l.postcode) AS postcode,
       a.description, a.step_free, a.uprn,
       COALESCE(a.geom, ST_PointOnSurface(g.geom), l.geom) AS geom,
       COALESCE(a.geom_4326, ST_PointOnSurface(g.geom_4326), l.geom_4326) AS geom_4326,
       COALESCE(a.visibility, g.visibility, 'public') AS visibility,
       COALESCE(a.demonstration, g.demonstration, false) AS demonstration
FROM register.service_at_locations l
LEFT JOIN register.assets a ON a.key = l.asset_key
LEFT JOIN register.green_spaces g ON g.key = l.green_space_key;

-- Telephone numbers and e-mail addresses of services, whether their own or a contact of the register.
CREATE VIEW register.service_lines AS
SELECT s.id, s.service_id, COALESCE(c.name, s.name) AS name, s.title,
       CASE WHEN c.id IS NULL THEN s.phone WHEN c.kind = 'phone' THEN c.value END AS phone,
       COALESCE(c.hours, s.phone_description) AS phone_description,
       CASE WHEN c.id IS NULL THEN s.email WHEN c.kind = 'email' THEN c.value END AS email,
       COALESCE(c.rank, 100) AS rank
FROM register.service_contacts s
LEFT JOIN register.contact_points c ON c.id = s.contact_id;
