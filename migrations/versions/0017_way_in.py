"""A place has a way in without steps where one of its entrances is known to, and it does not say otherwise.

Entrances come from surveys and from OpenStreetMap, often long before anybody writes down what is so of the
place as a whole. What is published then says whose word it is: `step_free_source`.
"""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# That entrances have steps says nothing of others that nobody has put down.
WAYS_IN = """
CREATE VIEW register.ways_in AS
SELECT a.key AS asset_key, CASE WHEN way.source IS NULL THEN a.step_free ELSE 'yes' END AS step_free,
       way.source
FROM register.assets a
LEFT JOIN LATERAL (
    SELECT s.title AS source FROM register.entrances e JOIN register.sources s ON s.id = e.source_id
    WHERE e.asset_key = a.key AND e.step_free = 'yes' AND a.step_free = 'unknown'
    ORDER BY e.confirmed_on DESC NULLS LAST, e.id LIMIT 1
) way ON true
"""
PUBLISHED = ",\n       way.source AS step_free_source\nFROM register.assets f\n" + (
    "JOIN register.ways_in way ON way.asset_key = f.key\n"
)
PLACE = "LEFT JOIN register.assets a ON a.key = l.asset_key"
_ASSETS = "SELECT a.id FROM changed c JOIN register.assets a ON a.key = c.asset_key"
_SERVICES = "SELECT l.id FROM changed c JOIN register.service_at_locations l ON l.asset_key = c.asset_key"
_OF_SOURCE = "JOIN register.entrances e ON e.source_id = c.id JOIN register.assets a ON a.key = e.asset_key"


def upgrade() -> None:
    op.execute(WAYS_IN)
    op.execute("GRANT SELECT ON register.ways_in TO mapservice_reader, mapservice_editor")
    op.execute(
        _assets()
        .replace("f.step_free,", "way.step_free,", 1)
        .replace("\nFROM register.assets f\n", PUBLISHED, 1)
    )
    op.execute(
        _service_places()
        .replace("a.step_free,", "way.step_free,", 1)
        .replace(PLACE, f"{PLACE}\nLEFT JOIN register.ways_in way ON way.asset_key = a.key", 1)
    )
    op.execute("ALTER TABLE layers.assets ADD COLUMN step_free_source text")
    for event, transition in _before("0006").TRANSITIONS.items():
        op.execute(
            f"CREATE TRIGGER published_{event.lower()} AFTER {event} ON register.entrances {transition} "
            "FOR EACH STATEMENT "
            f"EXECUTE FUNCTION layers.publish('assets', '{_ASSETS}', 'services', '{_SERVICES}')"
        )
    renamed = _before("0006").TRANSITIONS["UPDATE"]
    op.execute(
        f"CREATE TRIGGER ways_in_update AFTER UPDATE ON register.sources {renamed} FOR EACH STATEMENT "
        f"EXECUTE FUNCTION layers.publish('assets', 'SELECT a.id FROM changed c {_OF_SOURCE}')"
    )
    _refresh()


def downgrade() -> None:
    for event in _before("0006").TRANSITIONS:
        op.execute(f"DROP TRIGGER published_{event.lower()} ON register.entrances")
    op.execute("DROP TRIGGER ways_in_update ON register.sources")
    op.execute("DROP VIEW register.published_assets")
    op.execute(_assets())
    op.execute("GRANT SELECT ON register.published_assets TO mapservice_reader, mapservice_editor")
    op.execute(_service_places())
    op.execute("DROP VIEW register.ways_in")
    op.execute("ALTER TABLE layers.assets DROP COLUMN step_free_source")
    _refresh()


def _assets() -> str:
    """What 0011 publishes of places."""
    return _before("0008").ASSETS.replace("\nFROM register.assets f\n", _before("0011").PUBLISHED)


def _service_places() -> str:
    """Where services are given, as 0010 has it."""
    sql = (Path(__file__).parents[1] / "sql" / "0010_sessions.sql").read_text()
    begin = sql.index("CREATE VIEW register.service_places")
    return sql[begin : sql.index(";", begin)].replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)


def _refresh() -> None:
    for table in ("assets", "services"):
        op.execute(f"SELECT layers.refresh('{table}', NULL)")


def _before(step: str):
    return op.get_context().script.get_revision(step).module
