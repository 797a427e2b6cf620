"""`doorstep roster import` and `doorstep roster export`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def roster() -> None:
    """People, devices, episodes and staff, from and to a file.

    \b
    Examples:
      doorstep roster import roster.json
      doorstep roster export > roster.json

    Environment: DOORSTEP_DATABASE_URL
    """


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A roster file; `-` reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Merges a roster file by id: all or nothing. Running processes pick it up within 5 s.

    \b
    Examples:
      doorstep roster import roster.json
      cat roster.json | doorstep roster import -

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    import psycopg

    from doorstep.settings import load_settings
    from store.errors import translated
    from store.roster_document import RosterRefused
    from store.roster_import import import_document

    settings = load_settings()
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        typer.echo(f"doorstep: cannot read {file}: {error}", err=True)
        raise typer.Exit(1) from error
    try:
        with translated(), psycopg.connect(settings.database_url, connect_timeout=10) as connection:
            version = import_document(connection, document, settings.make_clock().now())
    except RosterRefused as error:
        for pointer, sentence in error.problems:
            typer.echo(f"{file}#{pointer}: {sentence}", err=True)
        typer.echo("doorstep: nothing was imported", err=True)
        raise typer.Exit(1) from error
    typer.echo(json.dumps({"version": version}) if as_json else f"roster version {version}")


@app.command("export")
def export() -> None:
    """Prints the whole roster as JSON.

    \b
    Examples:
      doorstep roster export > roster.json
      doorstep roster export | jq '.episodes | length'

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    import psycopg

    from doorstep.settings import load_settings
    from store.errors import translated
    from store.roster_import import export_document

    settings = load_settings()
    with translated(), psycopg.connect(settings.database_url, connect_timeout=10) as connection:
        typer.echo(json.dumps(export_document(connection), ensure_ascii=False, indent=1))
