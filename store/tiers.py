"""Which kind of storage a database offers, found out once, at the first migration.

`plain`: PostgreSQL, readings in native daily partitions. `apache`: TimescaleDB, Apache edition,
hypertables. `timescale`: community edition. The tier is recorded and never changes by itself:
installing the extension later does not turn a partitioned table into a hypertable.
"""

import psycopg


def detect(cursor: psycopg.Cursor) -> str:
    """Writes the `storage_profile` row and returns the tier. Needs the table to be there."""
    extension = _timescale(cursor)
    tier = "plain"
    if extension is not None:
        cursor.execute("SELECT current_setting('timescaledb.license', true)")
        row = cursor.fetchone()
        tier = "timescale" if row is not None and row[0] == "timescale" else "apache"
    cursor.execute(
        "INSERT INTO storage_profile (tier, server_version, extension_version)"
        " SELECT %s, current_setting('server_version'), %s",
        [tier, extension],
    )
    return tier


def _timescale(cursor: psycopg.Cursor) -> str | None:
    """The extension's version, created where it is available and preloaded.

    An ordinary role may not see `shared_preload_libraries`, but it sees a setting of the loader.
    """
    cursor.execute(
        "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
        " AND current_setting('timescaledb.disable_load', true) IS NOT NULL"
    )
    if cursor.fetchone() is None:
        return None
    cursor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    row = cursor.fetchone()
    assert row is not None
    return str(row[0])
