"""`doorstep export`: readings and alerts as files, without names."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

if TYPE_CHECKING:
    from doorstep.exporting import Asked

app = typer.Typer(add_completion=False)

_FORMS: Final = {
    "alerts": ("csv", "ndjson"),
    "readings": ("csv", "ndjson"),
    "fhir": ("bundle", "ndjson"),
}
"""What there is, and in which forms; the first where none is named."""


@app.command()
def export(
    what: Annotated[str, typer.Argument(help="alerts, readings or fhir.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="Raised or measured from here (RFC 3339),")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="and before here.")] = None,
    grid: Annotated[str | None, typer.Option(help="Of one grid; else of all.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv or ndjson; of fhir bundle or ndjson."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A file, whole or not there. Default: standard output.")
    ] = None,
) -> None:
    """Writes alerts or readings as CSV or NDJSON, or vital signs as a FHIR R4 Bundle.

    No names, phones, addresses or positions: people are the roster's ids, and where somebody was is
    a distance from home. Memory does not grow with what is written. Each is in the audit log.

    \b
    Examples:
      doorstep export alerts --from 2026-02-01T00:00:00Z --grid grid-03 --out alerts.csv
      doorstep export readings --format ndjson | gzip > readings.ndjson.gz
      doorstep export fhir --from 2026-02-03T00:00:00Z --out bundle.json

    Environment: DOORSTEP_DATABASE_URL
    """
    from doorstep import exporting, logs
    from doorstep.outfile import written
    from doorstep.settings import load_settings

    if what not in _FORMS:
        raise typer.BadParameter(f"{what!r}: there are {', '.join(_FORMS)}", param_hint="WHAT")
    if form is not None and form not in _FORMS[what]:
        raise typer.BadParameter(
            f"{what} comes as {' or '.join(_FORMS[what])}", param_hint="--format"
        )
    settings = load_settings()
    logs.configure()
    asked = exporting.Asked(
        what=exporting.What(what),
        form=exporting.Form(form or _FORMS[what][0]),
        from_at=_instant(from_, "--from"),
        to_at=_instant(to, "--to"),
        grid=grid,
        now=settings.make_clock().now(),
    )
    _refuse_backwards(asked)
    try:
        if out is None:
            count = exporting.export(settings.database_url, asked, sys.stdout.write)
            sys.stdout.flush()
        else:
            with written(out) as write:
                count = exporting.export(settings.database_url, asked, write)
    except exporting.NoSuchGrid as error:
        _fail(f"no grid is called {error}")
    except BrokenPipeError:
        raise  # whoever read has had enough; click ends quietly
    except OSError as error:
        _fail(f"cannot write {out or 'standard output'}: {error.strerror}")
    typer.echo(f"{count} {'observations' if what == 'fhir' else what}", err=True)


def _refuse_backwards(asked: "Asked") -> None:
    if None not in (asked.from_at, asked.to_at) and asked.from_at >= asked.to_at:  # type: ignore[operator]
        raise typer.BadParameter("must be before --to", param_hint="--from")


def _instant(text: str | None, option: str) -> int | None:
    from domain.instant import parse_rfc3339

    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _fail(message: str) -> NoReturn:
    typer.echo(f"doorstep: {message}", err=True)
    raise typer.Exit(1)
