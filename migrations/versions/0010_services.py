"""Services, and where and when they are given, after the model of HSDS-UK 3.0 (Open Referral UK).

A service belongs to an organisation and is given at places of the register, at green spaces, or at pop-up
places that only it knows. What the public API gives as UUID is kept (a feed's own) or follows from the id.
"""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

DIMENSIONS = ("work", "money", "food", "home", "family", "wellbeing")
SUPPORT = "ARRAY['" + "', '".join(DIMENSIONS) + "']"
SLUG = "text NOT NULL CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$') PRIMARY KEY"
# Where a row came from, and when somebody last confirmed it.
SOURCED = "source_id text NOT NULL REFERENCES register.sources, as_of text, confirmed_on date, note text"
DATED = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"
OF_SERVICE = "service_id text NOT NULL REFERENCES register.services ON UPDATE CASCADE ON DELETE CASCADE"

UUIDS = """
-- A UUID (of version 8, RFC 9562) that follows from what a row is and its readable id.
CREATE FUNCTION register.uuid_of(kind text, id text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT overlay(overlay(left(encode(sha256(convert_to($1 || '/' || $2, 'UTF8')), 'hex'), 32)
                           PLACING '8' FROM 13) PLACING 'a' FROM 17)::uuid
$$;
CREATE FUNCTION register.give_uuid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.uuid := COALESCE(NEW.uuid, register.uuid_of(TG_TABLE_NAME, NEW.id));
    RETURN NEW;
END $$;
ALTER TABLE register.organisations
    ADD COLUMN uuid uuid UNIQUE,
    ADD COLUMN description text,
    ADD COLUMN email text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$');
UPDATE register.organisations SET uuid = register.uuid_of('organisations', id);
ALTER TABLE register.organisations ALTER COLUMN uuid SET NOT NULL;
"""

VOCABULARY = f"""
-- Without a source: the vocabulary of this service itself.
CREATE TABLE register.taxonomies (
    id {SLUG}, uuid uuid NOT NULL UNIQUE,
    name text NOT NULL CHECK (name <> ''),
    description text NOT NULL CHECK (description <> ''),
    uri text CHECK (uri ~ '^https?://'),
    version text,
    source_id text REFERENCES register.sources,
    {DATED}
);
CREATE TABLE register.taxonomy_terms (
    id {SLUG}, uuid uuid NOT NULL UNIQUE,
    taxonomy_id text NOT NULL REFERENCES register.taxonomies ON UPDATE CASCADE ON DELETE CASCADE,
    parent_id text REFERENCES register.taxonomy_terms ON UPDATE CASCADE,
    name text NOT NULL CHECK (name <> ''),
    description text NOT NULL CHECK (description <> ''),
    term_uri text CHECK (term_uri ~ '^https?://'),
    -- The dimension of support that the term speaks of, where it does.
    support text CHECK (support = ANY ({SUPPORT})),
    source_id text REFERENCES register.sources,
    {DATED},
    CHECK (parent_id <> id)
);
CREATE INDEX taxonomy_terms_taxonomy ON register.taxonomy_terms (taxonomy_id);
"""

SERVICES = f"""
CREATE TABLE register.services (
    id {SLUG}, uuid uuid NOT NULL UNIQUE,
    organisation_id text NOT NULL REFERENCES register.organisations ON UPDATE CASCADE,
    kind text NOT NULL DEFAULT 'service'
        CHECK (kind IN ('service', 'activity', 'event', 'volunteering', 'outreach')),
    name text NOT NULL CHECK (name <> ''),
    description text,
    url text CHECK (url ~ '^https?://'),
    email text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'defunct', 'temporarily closed')),
    fees text,
    eligibility text,
    -- Without an age: open-ended.
    minimum_age double precision CHECK (minimum_age BETWEEN 0 AND 130),
    maximum_age double precision CHECK (maximum_age BETWEEN 0 AND 130),
    how_to_get_it text,
    alert text,
    assurer_email text CHECK (assurer_email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    visibility text NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'network', 'council')),
    verified boolean NOT NULL,
    demonstration boolean NOT NULL DEFAULT false,
    {SOURCED}, {DATED},
    CHECK (maximum_age >= minimum_age)
);
CREATE INDEX services_organisation ON register.services (organisation_id);
CREATE INDEX services_name ON register.services USING gin (name gin_trgm_ops);

-- Where a service is given: at a place of the register, in a green space, or at a pop-up place named here.
CREATE TABLE register.service_at_locations (
    id {SLUG}, uuid uuid NOT NULL UNIQUE, {OF_SERVICE},
    asset_key bigint REFERENCES register.assets ON DELETE CASCADE,
    green_space_key bigint REFERENCES register.green_spaces ON DELETE CASCADE,
    place_name text CHECK (place_name <> ''),
    address text,
    postcode text,
    geom geometry(Point, 27700) CHECK (NOT ST_IsEmpty(geom)),
    geom_4326 geometry(Point, 4326)
        GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 4326)) STORED,
    -- It is given whenever the place is open.
    whenever_open boolean NOT NULL DEFAULT false,
    {SOURCED}, {DATED},
    CHECK (num_nonnulls(asset_key, green_space_key, place_name) = 1),
    CHECK (place_name IS NOT NULL OR num_nonnulls(address, postcode, geom) = 0),
    CHECK (asset_key IS NOT NULL OR NOT whenever_open)
);
CREATE INDEX service_at_locations_service ON register.service_at_locations (service_id);
CREATE INDEX service_at_locations_asset ON register.service_at_locations (asset_key);
CREATE INDEX service_at_locations_green_space ON register.service_at_locations (green_space_key);
CREATE INDEX service_at_locations_geom ON register.service_at_locations USING gist (geom);

-- When, after RFC 5545: on one day (dtstart alone), or repeating. Times are those of the clock in London.
CREATE TABLE register.schedules (
    id {SLUG}, uuid uuid NOT NULL UNIQUE, {OF_SERVICE},
    service_at_location_id text
        REFERENCES register.service_at_locations ON UPDATE CASCADE ON DELETE CASCADE,
    dtstart date,
    valid_from date,
    valid_to date,
    freq text CHECK (freq IN ('WEEKLY', 'MONTHLY')),
    interval integer NOT NULL DEFAULT 1 CHECK (interval BETWEEN 1 AND 60),
    byday text CHECK (byday ~ '^([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU))*$'),
    bymonthday text CHECK (bymonthday ~ '^-?([1-9]|[12][0-9]|3[01])(,-?([1-9]|[12][0-9]|3[01]))*$'),
    -- The season, by months: a Warm Space of the winter is {{11,12,1,2,3}} every year.
    bymonth smallint[] CHECK (bymonth <@ ARRAY[1,2,3,4,5,6,7,8,9,10,11,12]::smallint[]),
    except_on date[] NOT NULL DEFAULT '{{}}',
    opens_at time,
    closes_at time,
    description text,
    schedule_link text CHECK (schedule_link ~ '^https?://'),
    attending_type text,
    {SOURCED}, {DATED},
    CHECK (valid_to >= valid_from),
    CHECK (closes_at > opens_at),
    CHECK (freq IS NOT NULL OR num_nonnulls(byday, bymonthday, bymonth) = 0),
    CHECK (num_nonnulls(freq, dtstart, description) > 0),
    CHECK (freq <> 'WEEKLY' OR (bymonthday IS NULL AND byday !~ '[0-9]')),
    CHECK (freq IS NULL OR num_nonnulls(byday, bymonthday, dtstart) > 0),
    CHECK (interval = 1 OR dtstart IS NOT NULL)
);
CREATE INDEX schedules_service ON register.schedules (service_id);
CREATE INDEX schedules_location ON register.schedules (service_at_location_id);

CREATE TABLE register.cost_options (
    id {SLUG}, {OF_SERVICE},
    option text,
    amount numeric(10, 2) CHECK (amount >= 0),
    amount_description text,
    valid_from date,
    valid_to date CHECK (valid_to >= valid_from),
    {SOURCED}, {DATED}
);
CREATE INDEX cost_options_service ON register.cost_options (service_id);

CREATE TABLE register.service_languages (
    {OF_SERVICE},
    code text NOT NULL CHECK (code ~ '^[a-z]{{2,3}}(-[A-Za-z0-9]+)*$'),
    name text NOT NULL CHECK (name <> ''),
    {SOURCED}, {DATED},
    PRIMARY KEY (service_id, code)
);

CREATE TABLE register.service_contacts (
    id {SLUG}, {OF_SERVICE},
    -- A contact the register has anyway; else what follows.
    contact_id text REFERENCES register.contact_points ON UPDATE CASCADE ON DELETE CASCADE,
    name text,
    title text,
    phone text CHECK (phone ~ '^[0-9 +]{{3,20}}$'),
    phone_description text,
    email text CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    {SOURCED}, {DATED},
    CHECK ((contact_id IS NULL) = (num_nonnulls(name, title, phone, email) > 0))
);
CREATE INDEX service_contacts_service ON register.service_contacts (service_id);
CREATE INDEX service_contacts_contact ON register.service_contacts (contact_id);

-- Where those live whom it is for: an area of the register, or the whole borough and more in words.
CREATE TABLE register.service_areas (
    id {SLUG}, {OF_SERVICE},
    area_key bigint REFERENCES register.areas ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> ''),
    whole_borough boolean NOT NULL DEFAULT false,
    {SOURCED}, {DATED},
    CHECK (NOT (whole_borough AND area_key IS NOT NULL))
);
CREATE INDEX service_areas_service ON register.service_areas (service_id);

CREATE TABLE register.service_terms (
    {OF_SERVICE},
    term_id text NOT NULL REFERENCES register.taxonomy_terms ON UPDATE CASCADE ON DELETE CASCADE,
    {SOURCED}, {DATED},
    PRIMARY KEY (service_id, term_id)
);
CREATE INDEX service_terms_term ON register.service_terms (term_id);

-- What a feed calls what the register holds, remembered so that a person decides once.
CREATE TABLE register.external_ids (
    feed text NOT NULL REFERENCES register.sources,
    kind text NOT NULL CHECK (kind IN ('organisation', 'service', 'location', 'taxonomy', 'term')),
    external_id text NOT NULL CHECK (external_id <> ''),
    id text NOT NULL CHECK (id <> ''),
    PRIMARY KEY (feed, kind, external_id)
);
"""

DIMENSION_TERMS = "".join(
    "INSERT INTO register.taxonomy_terms (id, taxonomy_id, name, description, support) VALUES "
    f"('support-{word}', 'support-dimensions', '{word.capitalize()}', '{text}', '{word}');\n"
    for word, text in (
        ("work", "Finding work, staying in it, skills and training"),
        ("money", "Income, benefits, debt and bills"),
        ("food", "Food today and eating well"),
        ("home", "A home: housing, repairs, keeping warm"),
        ("family", "Children, parents and carers"),
        ("wellbeing", "Health in body and mind, and company"),
    )
)

_PLACE = "SELECT l.id FROM changed c JOIN register.service_at_locations l ON "

# table of the register: keys of the published services that the rows in `changed` have a part in
AFFECTED = {
    "service_at_locations": "SELECT c.id FROM changed c",
    "services": f"{_PLACE} l.service_id = c.id",
    **{
        table: f"{_PLACE} l.service_id = c.service_id"
        for table in ("schedules", "cost_options", "service_languages", "service_contacts", "service_terms")
    },
    "taxonomy_terms": "SELECT l.id FROM changed c JOIN register.service_terms t ON t.term_id = c.id "
    "JOIN register.service_at_locations l USING (service_id)",
    "contact_points": "SELECT l.id FROM changed c JOIN register.service_contacts k ON k.contact_id = c.id "
    "JOIN register.service_at_locations l USING (service_id)",
    "organisations": "SELECT l.id FROM changed c JOIN register.services v ON v.organisation_id = c.id "
    "JOIN register.service_at_locations l ON l.service_id = v.id",
    "sources": "SELECT l.id FROM changed c JOIN register.services v ON v.source_id = c.id "
    "JOIN register.service_at_locations l ON l.service_id = v.id",
    "assets": f"{_PLACE} l.asset_key = c.key",
    "asset_areas": f"{_PLACE} l.asset_key = c.asset_key",
    "green_spaces": f"{_PLACE} l.green_space_key = c.key",
    "green_space_areas": f"{_PLACE} l.green_space_key = c.green_space_key",
    "areas": f"{_PLACE} ST_Intersects(l.geom, c.geom) OR EXISTS (SELECT FROM register.asset_areas m "
    "WHERE m.asset_key = l.asset_key AND m.area_key = c.key) OR EXISTS (SELECT FROM "
    "register.green_space_areas m WHERE m.green_space_key = l.green_space_key AND m.area_key = c.key)",
}

# table: the key of a row
TABLES = {
    "taxonomies": "r.id",
    "taxonomy_terms": "r.id",
    "services": "r.id",
    "service_at_locations": "r.id",
    "schedules": "r.id",
    "cost_options": "r.id",
    "service_languages": "r.service_id || '/' || r.code",
    "service_contacts": "r.id",
    "service_areas": "r.id",
    "service_terms": "r.service_id || '/' || r.term_id",
    "external_ids": "r.feed || '/' || r.kind || '/' || r.external_id",
}
WITH_UUID = ("organisations", "taxonomies", "taxonomy_terms", "services", "service_at_locations", "schedules")
# What the directory's answers are made of is counted, so that kept answers know when they are stale.
TRACKED = (
    "organisations",
    "contact_points",
    "postcodes",
    *(name for name in TABLES if name != "external_ids"),
)
KEYS = {"service_languages": "service_id", "service_terms": "service_id", "postcodes": "postcode"}


def upgrade() -> None:
    for ddl in (UUIDS, VOCABULARY, SERVICES, _sql("sessions"), _sql("published")):
        op.execute(ddl)
    for table in WITH_UUID:
        op.execute(
            f"CREATE TRIGGER give_uuid BEFORE INSERT OR UPDATE ON register.{table} "
            "FOR EACH ROW EXECUTE FUNCTION register.give_uuid()"
        )
    op.execute(
        "CREATE TRIGGER within_extent BEFORE INSERT OR UPDATE OF geom ON register.service_at_locations "
        "FOR EACH ROW EXECUTE FUNCTION register.require_within_extent()"
    )
    for table, key in TABLES.items():
        if table != "external_ids":
            op.execute(
                f"CREATE TRIGGER touch BEFORE UPDATE ON register.{table} "
                "FOR EACH ROW EXECUTE FUNCTION register.touch()"
            )
        op.execute(
            "CREATE TRIGGER published_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
            f"ON register.{table} FOR EACH STATEMENT EXECUTE FUNCTION layers.take_turn()"
        )
        op.execute(
            f"CREATE TRIGGER history_truncate BEFORE TRUNCATE ON register.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION history.refuse_truncate()"
        )
        for event, transition in _before("0003").TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER history_{event.lower()} AFTER {event} ON register.{table} "
                f"REFERENCING {transition} FOR EACH STATEMENT "
                f"EXECUTE FUNCTION history.record('{_quoted(key)}')"
            )
    op.execute(
        "INSERT INTO register.taxonomies (id, name, description) VALUES ('support-dimensions', "
        "'Dimensions of support', 'The six dimensions in which the partnership supports people')"
    )
    op.execute(DIMENSION_TERMS)
    for table in TRACKED:
        key = KEYS.get(table, "id")
        op.execute(f"SELECT layers.track('register.{table}', '{key}', '{key}', false)")
    op.execute(_row_keys({**_before("0006").PUBLISHED, "services": "id"}))
    for table, query in AFFECTED.items():
        for event, transition in _before("0006").TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER services_{event.lower()} AFTER {event} ON register.{table} {transition} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION layers.publish('services', '{_quoted(query)}')"
            )
    op.execute("SELECT layers.track('layers.services', 'row_key', 'id', true)")
    written = ", ".join(f"register.{table}" for table in TABLES)
    op.execute(f"GRANT INSERT, UPDATE, DELETE ON {written} TO mapservice_editor")


def downgrade() -> None:
    op.execute("SELECT layers.untrack('layers.services')")
    for table in AFFECTED:
        for event in _before("0006").TRANSITIONS:
            op.execute(f"DROP TRIGGER services_{event.lower()} ON register.{table}")
    op.execute(_row_keys(_before("0006").PUBLISHED))
    op.execute("DROP TABLE layers.services")
    op.execute("DROP VIEW register.published_services")
    for table in TRACKED:
        op.execute(f"SELECT layers.untrack('register.{table}')")
    op.execute("DROP VIEW register.service_lines")
    op.execute("DROP VIEW register.service_places")
    op.execute("DROP VIEW register.sessions")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE register.{table}")
    op.execute("DROP TRIGGER give_uuid ON register.organisations")
    op.execute(
        "ALTER TABLE register.organisations DROP COLUMN uuid, DROP COLUMN description, DROP COLUMN email"
    )
    for function in (
        "weekly_hours(text)",
        "schedule_words(text, integer, text, text, smallint[], date, date, date, time, time, text)",
        "list_words(text[])",
        "clock_words(time)",
        "give_uuid()",
        "uuid_of(text, text)",
    ):
        op.execute(f"DROP FUNCTION register.{function}")


def _before(step: str):
    return op.get_context().script.get_revision(step).module


def _sql(name: str) -> str:
    return (Path(__file__).parents[1] / "sql" / f"0010_{name}.sql").read_text()


def _row_keys(published: dict[str, str]) -> str:
    keys = " ".join(f"WHEN '{table}' THEN '{_quoted(key)}'" for table, key in published.items())
    return (
        "CREATE OR REPLACE FUNCTION layers.row_key_of(name text) RETURNS text LANGUAGE sql IMMUTABLE AS "
        f"$$ SELECT CASE name {keys} END $$"
    )


def _quoted(key: str) -> str:
    return key.replace("'", "''")
