"""`doorstep roster import`, `doorstep roster export` and `doorstep roster shifts import`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    import psycopg

    from alerts.audit import What

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def roster() -> None:
    """People, devices, episodes and staff, from and to a file.

    \b
    Examples:
      doorstep roster import roster.json
      doorstep roster export > roster.json
      doorstep roster shifts import dr-03 dr-03.ics

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

    from alerts.audit import What
    from doorstep.contacts import unusable
    from doorstep.settings import load_settings
    from store.errors import translated
    from store.roster_document import SECTIONS, RosterRefused
    from store.roster_import import import_document

    settings = load_settings()
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        # Spreadsheets and Windows editors put a byte order mark in front.
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_each_name_once)
    except (OSError, ValueError, RecursionError) as error:
        typer.echo(f"doorstep: cannot read {file}: {error}", err=True)
        raise typer.Exit(1) from error
    try:
        with translated(), _connect(settings.database_url) as connection:
            version = import_document(connection, document, settings.make_clock().now())
            told = " ".join(section for section in SECTIONS if section in document)
            _enter(connection, What.IMPORTED_ROSTER, f"version {version}: {told}")
    except RosterRefused as error:
        for pointer, sentence in error.problems:
            typer.echo(f"{file}#{pointer}: {sentence}", err=True)
        typer.echo("doorstep: nothing was imported", err=True)
        raise typer.Exit(1) from error
    for pointer, scheme in unusable(document):
        typer.echo(f"{file}#{pointer}: no way is known to notify by {scheme}", err=True)
    typer.echo(json.dumps({"version": version}) if as_json else f"roster version {version}")


shifts = typer.Typer(no_args_is_help=True)
app.add_typer(shifts, name="shifts", help="When staff are on duty.")


@shifts.command("import")
def import_shifts(
    staff: Annotated[str, typer.Argument(help="Whose shifts they are: a staff id.")],
    file: Annotated[Path, typer.Argument(help="An iCalendar file; `-` reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Takes the shifts of the next 92 days from a calendar, in place of those there were.

    \b
    Examples:
      doorstep roster shifts import dr-03 dr-03.ics
      curl -fsS "$CALENDAR" | doorstep roster shifts import dr-03 -

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from alerts.audit import What
    from doorstep.settings import load_settings
    from doorstep.shift_calendar import CalendarRefused, shifts
    from store.duty import zone_of
    from store.errors import translated
    from store.roster_import import import_document

    settings = load_settings()
    now = settings.make_clock().now()
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        with translated(), _connect(settings.database_url) as connection:
            zone = zone_of(connection, staff)
            if zone is None:
                _refuse(f"there is no member of staff {staff}")
            found = shifts(content, zone, now)
            version = import_document(connection, {"staff": [{"id": staff, "shifts": found}]}, now)
            said = f"version {version}: shifts of {staff}"
            _enter(connection, What.IMPORTED_ROSTER, said)
    except (OSError, CalendarRefused) as error:
        _refuse(f"cannot use {file}: {error}")
    made = {"version": version, "shifts": len(found)}
    typer.echo(
        json.dumps(made) if as_json else f"roster version {version}, {len(found)} shifts of {staff}"
    )
    if not found:
        typer.echo(f"doorstep: {staff} has no shifts ahead and is always on duty", err=True)


def _refuse(reason: str) -> NoReturn:
    typer.echo(f"doorstep: {reason}; nothing was imported", err=True)
    raise typer.Exit(1)


@app.command("export")
def export() -> None:
    """Prints the whole roster as JSON, names, phones and addresses too. It is in the audit log.

    \b
    Examples:
      doorstep roster export > roster.json
      doorstep roster export | jq '.episodes | length'

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from alerts.audit import What
    from doorstep.settings import load_settings
    from store.errors import translated
    from store.roster_import import export_document

    settings = load_settings()
    with translated(), _connect(settings.database_url) as connection:
        document = export_document(connection)
        _enter(connection, What.EXPORTED_ROSTER, f"{len(document['people'])} people")
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))


def _enter(connection: "psycopg.Connection", what: "What", about: str) -> None:
    from store import audit

    audit.record_of_all(connection, what, about)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Of a list given twice one would silently be lost; raises `ValueError`."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r} is twice in one object")
        found[name] = value
    return found


def _connect(database_url: str) -> "psycopg.Connection":
    import psycopg

    # In another time zone the year 9999, which people write for "no end", cannot be read back.
    return psycopg.connect(database_url, connect_timeout=10, options="-c timezone=UTC")
