"""`doorstep migrate`."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Brings the database's schema up to date; safe to run again, and while the service runs.

    \b
    Examples:
      doorstep migrate
      DOORSTEP_DATABASE_URL=postgresql://doorstep@db/doorstep doorstep migrate --json

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from doorstep.settings import load_settings
    from store.migrate import migrate as run

    settings = load_settings()
    applied = run(settings.database_url, settings.make_clock().now())
    if as_json:
        typer.echo(json.dumps({"tier": applied.tier, "applied": list(applied.names)}))
    else:
        done = ", ".join(applied.names) or "nothing to do"
        typer.echo(f"storage tier {applied.tier}: {done}")
