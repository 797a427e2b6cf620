"""`doorstep audit verify`."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """The log of who looked at whom and who did what.

    \b
    Examples:
      doorstep audit verify
      doorstep audit verify --json | jq -r .head

    Environment: DOORSTEP_DATABASE_URL
    """


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Looks whether every entry is as it was written; exit code 1 and the first that is not.

    Entries that are gone from the end show only where number and hash of the last were written
    down elsewhere: keep what this prints.

    \b
    Examples:
      doorstep audit verify
      doorstep audit verify --json | jq -r .head

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    import psycopg

    from alerts.audit import verify as verified
    from doorstep.settings import load_settings
    from store import audit
    from store.errors import translated

    settings = load_settings()
    with translated(), psycopg.connect(settings.database_url, connect_timeout=10) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        found = verified(audit.entries(connection), audit.head(connection))
    said = {"entries": found.entries, "head": found.head.hex(), "broken": found.broken}
    if as_json:
        typer.echo(json.dumps(said))
    elif found.broken is None:
        typer.echo(f"{found.entries} entries are as they were written; the last is {said['head']}")
    if found.broken is not None:
        typer.echo(f"doorstep: entry {found.broken} is not as it was written", err=True)
        raise typer.Exit(1)
