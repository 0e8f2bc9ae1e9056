"""The register: vocabulary, boundaries, assets, green spaces, postcodes.

Geometry is kept in EPSG:27700 (metres). SRID 998277 is the same grid fitted to OSTN15 over the borough
(written to spatial_ref_sys by the borough import), so that 4326 and 3857 stay within centimetres of it.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SOURCES_AND_BOROUGH = """
CREATE TABLE register.sources (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    title       text NOT NULL,
    publisher   text NOT NULL,
    licence     text NOT NULL,
    licence_url text,
    edition     text,
    method      text,
    attribution text,
    quality     text
);

CREATE TABLE register.borough (
    singleton         boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    code              text NOT NULL,
    name              text NOT NULL,
    extent            geometry(Polygon, 27700) NOT NULL CHECK (ST_IsValid(extent)),
    margin_m          integer NOT NULL CHECK (margin_m BETWEEN 0 AND 50000),
    locality_vintage  text NOT NULL,
    grid_max_error_m  double precision NOT NULL CHECK (grid_max_error_m >= 0),
    grid_rms_error_m  double precision NOT NULL CHECK (grid_rms_error_m >= 0)
);

CREATE TABLE register.loaded_files (
    path      text PRIMARY KEY,
    sha256    text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
"""

BOUNDARIES = """
CREATE TABLE register.boundary_sets (
    id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    kind       text NOT NULL CHECK (kind IN ('ward', 'locality')),
    vintage    text NOT NULL,
    title      text NOT NULL,
    valid_from date,
    valid_to   date CHECK (valid_to > valid_from),
    accuracy   text,
    source_id  text NOT NULL REFERENCES register.sources,
    UNIQUE (kind, vintage)
);

CREATE TABLE register.areas (
    key             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    boundary_set_id text NOT NULL REFERENCES register.boundary_sets,
    id              text NOT NULL CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    code            text,
    name            text NOT NULL CHECK (name <> ''),
    geom            geometry(MultiPolygon, 27700) NOT NULL
                    CHECK (ST_IsValid(geom) AND NOT ST_IsEmpty(geom)),
    geom_4326       geometry(MultiPolygon, 4326) NOT NULL
                    GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 4326)) STORED,
    geom_3857       geometry(MultiPolygon, 3857) NOT NULL
                    GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 3857)) STORED,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (boundary_set_id, id),
    UNIQUE (boundary_set_id, code)
);
CREATE INDEX areas_geom ON register.areas USING gist (geom);
CREATE INDEX areas_geom_4326 ON register.areas USING gist (geom_4326);
CREATE INDEX areas_geom_3857 ON register.areas USING gist (geom_3857);

CREATE TABLE register.locality_wards (
    locality_key bigint NOT NULL REFERENCES register.areas ON DELETE CASCADE,
    ward_key     bigint NOT NULL REFERENCES register.areas ON DELETE CASCADE,
    PRIMARY KEY (locality_key, ward_key),
    UNIQUE (ward_key)
);

-- How much of an area lies in each area of the other boundary sets; derived, never edited.
CREATE TABLE register.area_overlaps (
    area_key           bigint NOT NULL REFERENCES register.areas ON DELETE CASCADE,
    other_key          bigint NOT NULL REFERENCES register.areas ON DELETE CASCADE,
    share_of_area      double precision NOT NULL CHECK (share_of_area > 0 AND share_of_area <= 1.000001),
    share_of_postcodes double precision CHECK (share_of_postcodes BETWEEN 0 AND 1),
    PRIMARY KEY (area_key, other_key)
);
"""

PEOPLE = """
CREATE TABLE register.organisations (
    id           text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name         text NOT NULL CHECK (name <> ''),
    kind         text,
    website      text CHECK (website ~ '^https?://'),
    source_id    text NOT NULL REFERENCES register.sources,
    note         text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
"""

ASSETS = """
CREATE TABLE register.categories (
    id     text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name   text NOT NULL,
    plural text NOT NULL,
    rank   smallint NOT NULL UNIQUE,
    -- What a place of this kind exists for: weaker than what a source states about one place.
    usual_support text[] NOT NULL DEFAULT '{}'
        CHECK (usual_support <@ ARRAY['work', 'money', 'food', 'home', 'family', 'wellbeing'])
);
INSERT INTO register.categories (id, name, plural, rank, usual_support) VALUES
    ('fairer-together-hub', 'Fairer Together Hub', 'Fairer Together Hubs', 10, '{}'),
    ('community-hub', 'Community hub', 'Community hubs', 20, '{}'),
    ('community-centre', 'Community centre', 'Community centres', 30, '{}'),
    ('library', 'Library', 'Libraries', 40, '{}'),
    ('childrens-centre', 'Children''s centre', 'Children''s centres', 50, '{family}'),
    ('gp-site', 'GP practice', 'GP practices', 60, '{wellbeing}'),
    ('health', 'Health centre', 'Health centres', 70, '{wellbeing}'),
    ('voluntary-sector', 'Voluntary organisation', 'Voluntary organisations', 80, '{}');

CREATE TABLE register.assets (
    key             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              text NOT NULL UNIQUE CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name            text NOT NULL CHECK (name <> ''),
    description     text,
    categories      text[] NOT NULL CHECK (cardinality(categories) > 0),
    support         text[] NOT NULL DEFAULT '{}'
                    CHECK (support <@ ARRAY['work', 'money', 'food', 'home', 'family', 'wellbeing']),
    organisation_id text REFERENCES register.organisations,
    hub_for_key     bigint REFERENCES register.areas,
    -- The locality under which the partnership's "No wrong door" table lists the place.
    listed_area_key bigint REFERENCES register.areas,
    address         text,
    postcode        text,
    position        text NOT NULL CHECK (position IN ('building', 'postcode', 'none')),
    geom            geometry(Point, 27700) CHECK (NOT ST_IsEmpty(geom)),
    geom_4326       geometry(Point, 4326)
                    GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 4326)) STORED,
    geom_3857       geometry(Point, 3857)
                    GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 3857)) STORED,
    opening_hours   text,
    opening_note    text,
    step_free       text NOT NULL DEFAULT 'unknown' CHECK (step_free IN ('yes', 'no', 'unknown')),
    ods_code        text,
    uprn            text,
    visibility      text NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'network', 'council')),
    source_id       text NOT NULL REFERENCES register.sources,
    as_of           text,
    confirmed_on    date,
    verified        boolean NOT NULL,
    demonstration   boolean NOT NULL DEFAULT false,
    note            text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((geom IS NULL) = (position = 'none')),
    CHECK (hub_for_key IS NULL OR 'fairer-together-hub' = ANY (categories))
);
CREATE INDEX assets_geom ON register.assets USING gist (geom);
CREATE INDEX assets_geom_4326 ON register.assets USING gist (geom_4326);
CREATE INDEX assets_geom_3857 ON register.assets USING gist (geom_3857);
CREATE INDEX assets_categories ON register.assets USING gin (categories);
CREATE INDEX assets_name ON register.assets USING gin (name gin_trgm_ops);
CREATE UNIQUE INDEX assets_ods_code ON register.assets (ods_code);

CREATE TABLE register.asset_areas (
    asset_key bigint NOT NULL REFERENCES register.assets ON DELETE CASCADE,
    area_key  bigint NOT NULL REFERENCES register.areas ON DELETE CASCADE,
    share     double precision NOT NULL CHECK (share = 1),
    PRIMARY KEY (asset_key, area_key)
);
CREATE INDEX asset_areas_area ON register.asset_areas (area_key);

-- Of one asset, or (asset_key null) of the whole borough.
CREATE TABLE register.contact_points (
    id            text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    asset_key     bigint REFERENCES register.assets ON DELETE CASCADE,
    name          text NOT NULL CHECK (name <> ''),
    kind          text NOT NULL CHECK (kind IN ('phone', 'email', 'web')),
    value         text NOT NULL CHECK (value <> ''),
    purpose       text,
    hours         text,
    opening_hours text,
    support       text[] NOT NULL DEFAULT '{}'
                  CHECK (support <@ ARRAY['work', 'money', 'food', 'home', 'family', 'wellbeing']),
    audience      text,
    rank          integer NOT NULL DEFAULT 100,
    emergency     boolean NOT NULL DEFAULT false,
    source_id     text NOT NULL REFERENCES register.sources,
    as_of         text,
    confirmed_on  date,
    note          text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (kind <> 'phone' OR value ~ '^[0-9 +]{3,20}$'),
    CHECK (kind <> 'email' OR value ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    CHECK (kind <> 'web' OR value ~ '^https?://')
);
CREATE INDEX contact_points_asset ON register.contact_points (asset_key);
"""

GREEN_SPACES = """
CREATE TABLE register.green_spaces (
    key            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             text NOT NULL UNIQUE CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    name           text CHECK (name <> ''),
    status         text NOT NULL CHECK (status IN ('existing', 'potential')),
    type           text NOT NULL CHECK (type IN (
                       'park-or-garden', 'natural-green-space', 'play-space', 'playing-field',
                       'sports-facility', 'allotments', 'burial-ground', 'churchyard', 'civic-space',
                       'community-garden', 'amenity-green-space', 'green-corridor', 'other', 'unknown')),
    access         text NOT NULL CHECK (access IN (
                       'open-to-all', 'restricted-hours', 'members-or-residents', 'no-access', 'unknown')),
    access_note    text,
    address        text,
    postcode       text,
    current_use    text,
    owner_kind     text,
    area_stated_ha double precision CHECK (area_stated_ha > 0),
    stage          text CHECK (stage IN (
                       'suggested', 'checked-on-site', 'owner-contacted', 'plan', 'opened', 'declined')),
    stage_reason   text,
    position       text NOT NULL CHECK (position IN ('outline', 'approximate')),
    geom           geometry(Geometry, 27700) NOT NULL CHECK (
                       ST_IsValid(geom) AND NOT ST_IsEmpty(geom)
                       AND GeometryType(geom) IN ('MULTIPOLYGON', 'POINT')),
    geom_4326      geometry(Geometry, 4326) NOT NULL
                   GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 4326)) STORED,
    geom_3857      geometry(Geometry, 3857) NOT NULL
                   GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 3857)) STORED,
    visibility     text NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'network', 'council')),
    source_id      text NOT NULL REFERENCES register.sources,
    as_of          text,
    confirmed_on   date,
    verified       boolean NOT NULL,
    verified_fields text,
    demonstration  boolean NOT NULL DEFAULT false,
    note           text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((position = 'outline') = (GeometryType(geom) = 'MULTIPOLYGON')),
    CHECK (CASE status
               WHEN 'existing' THEN stage IS NULL OR stage = 'opened'
               ELSE stage IS NOT NULL AND stage <> 'opened' END),
    CHECK (stage IS DISTINCT FROM 'declined' OR COALESCE(stage_reason, '') <> '')
);
CREATE INDEX green_spaces_geom ON register.green_spaces USING gist (geom);
CREATE INDEX green_spaces_geom_4326 ON register.green_spaces USING gist (geom_4326);
CREATE INDEX green_spaces_geom_3857 ON register.green_spaces USING gist (geom_3857);

CREATE TABLE register.green_space_areas (
    green_space_key bigint NOT NULL REFERENCES register.green_spaces ON DELETE CASCADE,
    area_key        bigint NOT NULL REFERENCES register.areas ON DELETE CASCADE,
    share           double precision NOT NULL CHECK (share > 0 AND share <= 1.000001),
    PRIMARY KEY (green_space_key, area_key)
);
CREATE INDEX green_space_areas_area ON register.green_space_areas (area_key);

CREATE TABLE register.entrances (
    id              text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    asset_key       bigint REFERENCES register.assets ON DELETE CASCADE,
    green_space_key bigint REFERENCES register.green_spaces ON DELETE CASCADE,
    name            text,
    geom            geometry(Point, 27700) NOT NULL,
    step_free       text NOT NULL DEFAULT 'unknown' CHECK (step_free IN ('yes', 'no', 'unknown')),
    source_id       text NOT NULL REFERENCES register.sources,
    confirmed_on    date,
    note            text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(asset_key, green_space_key) = 1)
);
CREATE INDEX entrances_geom ON register.entrances USING gist (geom);
CREATE INDEX entrances_asset ON register.entrances (asset_key);
CREATE INDEX entrances_green_space ON register.entrances (green_space_key);

-- What each source says about a place, kept whether or not the register follows it.
CREATE TABLE register.evidence (
    key        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject    text NOT NULL CHECK (subject IN ('assets', 'green-spaces')),
    subject_id text NOT NULL,
    source_id  text NOT NULL REFERENCES register.sources,
    says       text NOT NULL CHECK (says <> ''),
    used       boolean NOT NULL,
    UNIQUE (subject, subject_id, source_id, says)
);
"""

POSTCODES = """
CREATE TABLE register.postcodes (
    postcode  text PRIMARY KEY CHECK (postcode ~ '^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$'),
    geom      geometry(Point, 27700) NOT NULL,
    geom_4326 geometry(Point, 4326) NOT NULL
              GENERATED ALWAYS AS (ST_Transform(ST_SetSRID(geom, 998277), 4326)) STORED,
    -- Code-Point Open positional quality: 10 best, 60 estimated.
    quality   smallint NOT NULL,
    status    text NOT NULL CHECK (status IN ('live', 'retired')),
    last_seen text,
    source_id text NOT NULL REFERENCES register.sources,
    note      text
);
CREATE INDEX postcodes_geom ON register.postcodes USING gist (geom);
CREATE INDEX postcodes_sector ON register.postcodes (postcode text_pattern_ops);
"""

TABLES_LAST_FIRST = (
    "postcodes",
    "evidence",
    "entrances",
    "green_space_areas",
    "green_spaces",
    "contact_points",
    "asset_areas",
    "assets",
    "categories",
    "organisations",
    "area_overlaps",
    "locality_wards",
    "areas",
    "boundary_sets",
    "loaded_files",
    "borough",
    "sources",
)


def upgrade() -> None:
    op.execute("CREATE SCHEMA register")
    for ddl in (SOURCES_AND_BOROUGH, BOUNDARIES, PEOPLE, ASSETS, GREEN_SPACES, POSTCODES):
        op.execute(ddl)


def downgrade() -> None:
    for table in TABLES_LAST_FIRST:
        op.execute(f"DROP TABLE register.{table}")
    op.execute("DROP SCHEMA register")
