"""`doorstep score`: alerts held against what the simulator says really happened."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

app = typer.Typer(add_completion=False)

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@app.command()
def score(  # noqa: PLR0913, PLR0917 - the flags of contract section 2
    truth: Annotated[Path, typer.Option(help="What `simulate --truth` wrote.")],
    since: Annotated[
        str | None, typer.Option(help="Look at what began from here on (RFC 3339).")
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="Only these rules, with commas between. Default: all.")
    ] = None,
    min_sensitivity: Annotated[
        float, typer.Option(help="Of what a rule should find, at least so much.", min=0, max=1)
    ] = 0.9,
    max_false_alarms: Annotated[
        float, typer.Option(help="False alarms of all rules per wearer-day.", min=0)
    ] = 0.2,
    max_delay: Annotated[
        str, typer.Option(help="Nine of ten are found within: 90s, 30m, 2h.")
    ] = "30m",
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Holds the alerts against the truth: what was found, what was missed, what was false.

    Exit code 1 when it is not good enough. Silence runs on the receive clock: of a scenario sent
    with `simulate --speed` leave out `silent`.

    \b
    Examples:
      doorstep score --truth truth.json
      doorstep score --truth truth.json --rule fever,left_home --min-sensitivity 1 --json

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from doorstep.scoring import Asked, NotScored, as_document, as_text, scored
    from doorstep.settings import load_settings
    from simulator.scorecard import Limits, missed

    limits = Limits(min_sensitivity, max_false_alarms, _length_us(max_delay))
    settings = load_settings()
    asked = Asked(truth, _instant(since), _rules(rule), settings.make_clock().now())
    try:
        card, known = scored(settings.database_url, asked)
    except NotScored as error:
        typer.echo(f"doorstep: {error}", err=True)
        raise typer.Exit(1) from error
    if not known.complete:
        typer.echo("doorstep: the truth is only a plan: looked at until now", err=True)
    said = missed(card, limits)
    typer.echo(json.dumps(as_document(card, said)) if as_json else as_text(card))
    for sentence in said:
        typer.echo(f"doorstep: {sentence}", err=True)
    if said:
        raise typer.Exit(1)


def _rules(given: str | None) -> tuple[str, ...]:
    from simulator.scorecard import RULES

    named = tuple(RULES) if given is None else tuple(word.strip() for word in given.split(","))
    for name in named:
        if name not in RULES:
            raise typer.BadParameter(f"{name!r}: there are {', '.join(RULES)}", param_hint="--rule")
    return named


def _length_us(text: str) -> int:
    hit = re.fullmatch(r"([0-9]{1,7})([smhd])", text)
    if hit is None:
        raise typer.BadParameter("must be like 90s, 30m or 2h", param_hint="--max-delay")
    return int(hit[1]) * _UNIT_S[hit[2]] * 1_000_000


def _instant(text: str | None) -> int | None:
    from domain.instant import parse_rfc3339

    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
