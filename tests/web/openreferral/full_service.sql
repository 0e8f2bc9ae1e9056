-- One service with all that a service can have; made up.
INSERT INTO register.services (id, organisation_id, name, description, url, email, fees, minimum_age,
    maximum_age, alert, assurer_email, eligibility, how_to_get_it, confirmed_on, source_id, verified)
VALUES ('full', 'islington-council', 'Łódź & <b>friends</b>', 'All there is', 'https://example.org/',
    'a@example.org', 'Free', 16, 99.5, 'Moved', 'b@example.org', 'Adults', 'Walk in', '2026-01-02',
    'direct-entry', true);
INSERT INTO register.service_at_locations (id, service_id, asset_key, source_id)
SELECT 'full-at', 'full', key, 'direct-entry'
FROM register.assets WHERE id = 'finsbury-library';
UPDATE register.assets SET step_free = 'yes', uprn = '10092008082' WHERE id = 'finsbury-library';
INSERT INTO register.schedules (id, service_id, service_at_location_id, freq, interval, byday, dtstart,
    valid_from, valid_to, opens_at, closes_at, schedule_link, source_id)
VALUES ('full-when', 'full', 'full-at', 'MONTHLY', 2, '1TU,-1FR', '2026-01-06', '2026-01-01',
    '2027-01-01', '10:00', '13:00', 'https://example.org/book', 'direct-entry');
INSERT INTO register.cost_options (id, service_id, option, amount, amount_description, source_id)
VALUES ('full-cost', 'full', 'Over 60s', 3.5, 'a session', 'direct-entry');
INSERT INTO register.service_languages (service_id, code, name, source_id)
VALUES ('full', 'so', 'Somali', 'direct-entry');
INSERT INTO register.service_contacts (id, service_id, name, title, phone, email, source_id)
VALUES ('full-who', 'full', 'A. Person', 'Reception', '020 7000 0000', 'c@example.org', 'direct-entry');
INSERT INTO register.service_areas (id, service_id, area_key, name, source_id)
SELECT 'full-area', 'full', key, name, 'direct-entry'
FROM register.areas WHERE boundary_set_id = 'localities' AND id = 'south';
INSERT INTO register.service_terms (service_id, term_id, source_id)
VALUES ('full', 'support-money', 'direct-entry');
