"""`doorstep replay`: a rulebook over readings that are there already, paging nobody."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.rulebook import Rulebook

app = typer.Typer(add_completion=False)

_USAGE, _CONFIGURATION = 2, 3


@app.command()
def replay(
    from_: Annotated[
        str | None, typer.Option("--from", help="Stored history from here (RFC 3339),")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="up to here.")] = None,
    readings: Annotated[
        Path | None,
        typer.Option(help="A file instead: one reading a line, with `device`; `-` is input."),
    ] = None,
    roster: Annotated[Path | None, typer.Option(help="The roster of that file.")] = None,
    rulebook: Annotated[
        Path | None, typer.Option(help="The rulebook to run; default: the one in force.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Runs a rulebook over stored history, or over a file, on a virtual clock; pages nobody.

    Prints the alerts it gives as they stand at the end; of stored history also what differs from
    what was raised.

    \b
    Examples:
      doorstep replay --readings week.ndjson --roster roster.json --json
      doorstep replay --from 2026-02-01T00:00:00Z --to 2026-02-08T00:00:00Z --rulebook mine.toml

    Environment: DOORSTEP_DATABASE_URL, DOORSTEP_RULEBOOK
    """
    if (readings is None) == (from_ is None) or (readings is None) != (roster is None):
        _refuse("give either --from and --to, or --readings and --roster", _USAGE)
    if (from_ is None) != (to is None):
        _refuse("--from and --to go together", _USAGE)
    figures = _rulebook(rulebook)
    if readings is not None and roster is not None:
        _play(readings, roster, figures, as_json=as_json)
    else:
        _look_back(str(from_), str(to), figures, as_json=as_json)


def _rulebook(path: Path | None) -> "Rulebook":
    from doorstep.settings import load_settings

    return load_settings({} if path is None else {"rulebook": path}).load_rulebook()


def _play(readings: Path, roster: Path, figures: "Rulebook", *, as_json: bool) -> None:
    from doorstep.replaying import play
    from store.roster_document import RosterRefused
    from store.roster_people import cast

    try:
        people = cast(json.loads(roster.read_bytes().decode("utf-8-sig")))
    except (OSError, ValueError, RecursionError) as error:
        _refuse(f"cannot read {roster}: {error}", _USAGE)
    except RosterRefused as error:
        for pointer, sentence in error.problems:
            typer.echo(f"{roster}#{pointer}: {sentence}", err=True)
        raise typer.Exit(_CONFIGURATION) from error
    try:
        with sys.stdin.buffer if str(readings) == "-" else readings.open("rb") as lines:
            played = play(lines, people, figures)
    except OSError as error:
        _refuse(f"cannot read {readings}: {error}", _USAGE)
    for number, why in played.rejected:
        typer.echo(f"{readings}:{number}: {why}", err=True)
    around = {each.episode: each for each in people.surroundings.values()}
    _print_alerts(
        [_document(alert, around[alert.episode]) for alert in played.alerts], as_json=as_json
    )
    typer.echo(
        f"{played.lines} lines, {played.readings} readings, {played.duplicates} twice,"
        f" {len(played.rejected)} with something rejected, {len(played.alerts)} alerts",
        err=True,
    )


def _document(alert: Any, where: Any) -> dict[str, Any]:
    from alerts.document import document

    return document(alert, where)


def _look_back(from_: str, to: str, figures: "Rulebook", *, as_json: bool) -> None:
    from domain.instant import parse_rfc3339
    from doorstep.looking_back import look_back
    from doorstep.settings import load_settings

    try:
        from_at, to_at = parse_rfc3339(from_), parse_rfc3339(to)
    except ValueError as error:
        _refuse(f"--from and --to: {error}", _USAGE)
    if from_at >= to_at:
        _refuse("--from must be before --to", _USAGE)
    seen = look_back(load_settings().database_url, figures, from_at, to_at)
    _print_alerts(seen.alerts, as_json=as_json)
    for difference in seen.differences:
        line = json.dumps(difference, ensure_ascii=False)
        typer.echo(line if as_json else f"{difference['difference']}: {difference['summary']}")
    typer.echo(f"{len(seen.alerts)} alerts, {len(seen.differences)} differences", err=True)


def _print_alerts(alerts: "Sequence[dict[str, Any]]", *, as_json: bool) -> None:
    for alert in alerts:
        if as_json:
            typer.echo(json.dumps(alert, ensure_ascii=False))
        else:
            words = (
                alert[name] for name in ("onset_at", "severity", "rule", "episode", "condition")
            )
            typer.echo("  ".join((*words, alert["summary"])))


def _refuse(message: str, code: int) -> NoReturn:
    typer.echo(f"doorstep: {message}", err=True)
    raise typer.Exit(code)
