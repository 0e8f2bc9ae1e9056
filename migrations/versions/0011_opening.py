"""When a place is open, whether a person can get in, which doors are open to all, and what was asked for.

Also: the kind of place that is a hub gets a neutral id, its name being the borough's own; postcodes know
their council, where their source says it.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ACCESS_FACTS = ("toilet", "hearing_loop", "changing_place", "parking")

CLOSURES = """
-- Days on which a place is shut whatever its hours say, the last included; without a last day, until further
-- notice.
CREATE TABLE register.closures (
    id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    asset_key  bigint NOT NULL REFERENCES register.assets ON DELETE CASCADE,
    first_day  date NOT NULL,
    last_day   date CHECK (last_day >= first_day),
    reason     text NOT NULL CHECK (reason <> ''),
    source_id  text NOT NULL REFERENCES register.sources,
    note       text
);
CREATE INDEX closures_asset ON register.closures (asset_key);
GRANT SELECT ON register.closures TO mapservice_reader, mapservice_editor;
GRANT INSERT, UPDATE, DELETE ON register.closures TO mapservice_editor;
"""

OPEN_DOORS = """
-- Kinds of places into which anybody may walk and ask.
ALTER TABLE register.categories ADD COLUMN open_door boolean NOT NULL DEFAULT false;
UPDATE register.categories SET open_door = true
WHERE id IN ('hub', 'community-hub', 'community-centre', 'library', 'childrens-centre');
"""

COUNTS = """
-- What was asked for: no postcode, no time of day, nobody. A month is the finest there is.
CREATE SCHEMA counts;
CREATE TABLE counts.searches (
    month    date NOT NULL CHECK (month = date_trunc('month', month)),
    need     text NOT NULL,
    locality text NOT NULL,
    outcome  text NOT NULL CHECK (outcome IN ('found', 'without-filters', 'nothing')),
    searches bigint NOT NULL CHECK (searches > 0),
    PRIMARY KEY (month, need, locality, outcome)
);
GRANT USAGE ON SCHEMA counts TO mapservice_editor;
GRANT SELECT, INSERT, UPDATE ON counts.searches TO mapservice_editor;
"""

PUBLISHED = """,
       f.toilet, f.hearing_loop, f.changing_place, f.parking,
       COALESCE((
           SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                      'from', c.first_day, 'to', c.last_day, 'reason', c.reason)) ORDER BY c.first_day, c.id)
           FROM register.closures c WHERE c.asset_key = f.key), '[]') AS closures,
       f.listed_area_key IS NOT NULL OR EXISTS (
           SELECT FROM register.categories d WHERE d.id = ANY (f.categories) AND d.open_door) AS open_door
FROM register.assets f
"""
COLUMNS = {
    **dict.fromkeys(ACCESS_FACTS, "text"),
    "closures": "jsonb",
    "open_door": "boolean",
}
CLOSED_ASSETS = "SELECT a.id FROM changed c JOIN register.assets a ON a.key = c.asset_key"


def upgrade() -> None:
    for fact in ACCESS_FACTS:
        op.execute(
            f"ALTER TABLE register.assets ADD COLUMN {fact} text NOT NULL DEFAULT 'unknown' "
            f"CHECK ({fact} IN ('yes', 'no', 'unknown'))"
        )
    op.execute("ALTER TABLE register.postcodes ADD COLUMN district text")
    op.execute(CLOSURES)
    _rename("fairer-together-hub", "hub")
    op.execute(OPEN_DOORS)
    op.execute(COUNTS)
    op.execute(_before("0008").ASSETS.replace("\nFROM register.assets f\n", PUBLISHED))
    added = ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items())
    op.execute(f"ALTER TABLE layers.assets {added}")
    op.execute("CREATE INDEX assets_hub_for ON layers.assets (hub_for) WHERE hub_for IS NOT NULL")
    _watch_closures()
    op.execute("SELECT layers.refresh('assets', NULL)")


def downgrade() -> None:
    op.execute("DROP SCHEMA counts CASCADE")
    op.execute("DROP VIEW register.published_assets")
    op.execute(_before("0008").ASSETS)
    op.execute("GRANT SELECT ON register.published_assets TO mapservice_reader, mapservice_editor")
    dropped = ", ".join(f"DROP COLUMN {name}" for name in COLUMNS)
    op.execute(f"ALTER TABLE layers.assets {dropped}")
    op.execute("DROP TABLE register.closures")
    op.execute("ALTER TABLE register.categories DROP COLUMN open_door")
    _rename("hub", "fairer-together-hub")
    op.execute("ALTER TABLE register.postcodes DROP COLUMN district")
    for fact in ACCESS_FACTS:
        op.execute(f"ALTER TABLE register.assets DROP COLUMN {fact}")
    op.execute("DROP INDEX layers.assets_hub_for")
    op.execute("SELECT layers.refresh('assets', NULL)")


def _before(step: str):
    return op.get_context().script.get_revision(step).module


def _rename(old: str, new: str) -> None:
    """Give the kind of place that is a locality's hub another id, wherever it is named."""
    op.execute(
        f"""
        DO $$ DECLARE
            rule text := (SELECT conname FROM pg_constraint WHERE conrelid = 'register.assets'::regclass
                          AND pg_get_constraintdef(oid) LIKE '%''{old}''%');
        BEGIN
            EXECUTE format('ALTER TABLE register.assets DROP CONSTRAINT %I', rule);
            -- A kind in use cannot change its id: places go over to a second one first.
            INSERT INTO register.categories (id, name, plural, rank, usual_support)
            SELECT '{new}', name, plural, rank + 1, usual_support FROM register.categories WHERE id = '{old}';
            UPDATE register.assets SET categories = array_replace(categories, '{old}', '{new}')
            WHERE categories @> '{{{old}}}';
            DELETE FROM register.categories WHERE id = '{old}';
            UPDATE register.categories SET rank = rank - 1 WHERE id = '{new}';
            ALTER TABLE register.assets ADD CHECK (hub_for_key IS NULL OR '{new}' = ANY (categories));
        END $$
        """
    )


def _watch_closures() -> None:
    """What every table of the register has: history, the writers' turn, a part in what is published."""
    for event, transition in _before("0003").TRANSITIONS.items():
        op.execute(
            f"CREATE TRIGGER history_{event.lower()} AFTER {event} ON register.closures "
            f"REFERENCING {transition} FOR EACH STATEMENT EXECUTE FUNCTION history.record('r.id')"
        )
    op.execute(
        "CREATE TRIGGER history_truncate BEFORE TRUNCATE ON register.closures "
        "FOR EACH STATEMENT EXECUTE FUNCTION history.refuse_truncate()"
    )
    op.execute(
        "CREATE TRIGGER published_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE "
        "ON register.closures FOR EACH STATEMENT EXECUTE FUNCTION layers.take_turn()"
    )
    for event, transition in _before("0006").TRANSITIONS.items():
        op.execute(
            f"CREATE TRIGGER published_{event.lower()} AFTER {event} ON register.closures {transition} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION layers.publish('assets', '{CLOSED_ASSETS}')"
        )
