"""`doorstep simulate`: publishes a scenario of simulated wearers, or says which there are."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

if TYPE_CHECKING:
    from doorstep.simulation import Simulation
    from simulator.publisher import Broker
    from simulator.scenario import Scenario

app = typer.Typer(add_completion=False)

_UNIT_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_UNREACHABLE: Final = 4


@app.command()
def simulate(  # noqa: PLR0913, PLR0917 - the flags of contract section 2
    scenario: Annotated[str, typer.Argument(help="A scenario's name; `ls` lists them.")],
    host: Annotated[str | None, typer.Option("-h", "--host", help="The broker's host.")] = None,
    port: Annotated[
        int | None, typer.Option("-p", "--port", help="The broker's port.", min=1, max=65_535)
    ] = None,
    user: Annotated[str | None, typer.Option("-u", "--user", help="The broker's user.")] = None,
    password: Annotated[
        str | None, typer.Option("-P", "--password", help="Better in the environment.")
    ] = None,
    wearers: Annotated[
        int | None,
        typer.Option(help="How many; each scenario has its own default.", min=1, max=100_000),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Readings a second of all wearers together.", min=0.001)
    ] = None,
    speed: Annotated[
        float,
        typer.Option(help="Begin in the past and run so many times as fast until now.", min=1.0),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed is the same people and fates.")] = 1,
    duration: Annotated[
        str | None, typer.Option(help="Simulated time: 90s, 15m, 2h, 3d. Default: for ever.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="When the scenario began (RFC 3339), to go on with it. Default: now."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Write what really happened (for `doorstep score`).")
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(help="Write the roster of these wearers and exit; `-` is standard output."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With `ls`: as JSON.")] = False,
) -> None:
    """Publishes a scenario of simulated wearers over MQTT until it is over, or until SIGTERM.

    `-h` is the broker's host, as in mosquitto_pub; help is `--help` only.

    \b
    Examples:
      doorstep simulate ls
      doorstep simulate community --seed 7 --roster - | doorstep roster import -
      doorstep simulate community --seed 7 -h 127.0.0.1 -p 1883 --truth truth.json
      doorstep simulate fever --speed 60 --duration 2h

    Environment: DOORSTEP_MQTT_URL, DOORSTEP_MQTT__USERNAME, DOORSTEP_MQTT__PASSWORD (or _FILE),
    DOORSTEP_CLOCK__ORIGIN_AT, DOORSTEP_CLOCK__FACTOR
    """
    from doorstep import simulation as shell
    from doorstep.settings import load_settings

    if scenario == "ls":
        _list(as_json=as_json)
        return
    chosen = _scenario(scenario)
    options = shell.Options(
        scenario=chosen,
        wearers=wearers or chosen.wearers,
        seed=seed,
        rate=rate,
        speed=speed,
        duration_us=_duration_us(duration),
        start_at=_instant(start),
    )
    settings = load_settings(_overrides(host, port, user, password))
    factor = settings.clock.factor if settings.clock.origin_at else 1.0
    simulated = shell.simulation(options, shell.plan(options, settings.make_clock(), factor))
    if truth is not None:
        shell.write_truth(simulated, truth)
    if roster is not None:
        shell.write_roster(simulated, roster)
        return
    if _publish(simulated, shell.broker(settings)) and truth is not None:
        shell.write_truth(simulated, truth, shell.reached(simulated.run))


def _list(*, as_json: bool) -> None:
    import json

    from simulator.scenario import SCENARIOS

    if as_json:
        items = [
            {"name": one.name, "summary": one.summary, "wearers": one.wearers}
            for one in SCENARIOS.values()
        ]
        typer.echo(json.dumps({"items": items, "next": None}))
        return
    for one in SCENARIOS.values():
        typer.echo(f"{one.name:<10} {one.wearers:>3} wearers  {one.summary}")


def _scenario(name: str) -> "Scenario":
    from simulator.scenario import SCENARIOS

    if name not in SCENARIOS:
        _usage(f"no scenario {name!r}; there are: {', '.join(SCENARIOS)} (and `ls`)")
    return SCENARIOS[name]


def _duration_us(text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)", text)
    seconds = float(match[1]) * _UNIT_S[match[2]] if match else 0.0
    if not 0.001 <= seconds <= 366 * 86_400:
        _usage(f"--duration {text}: a length of time is like 90s, 15m, 2h or 3d, up to a year")
    return round(seconds * 1_000_000)


def _instant(text: str | None) -> int | None:
    from domain.instant import parse_rfc3339

    if text is None:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        _usage(f"--start {text}: {error}")


def _overrides(
    host: str | None, port: int | None, user: str | None, password: str | None
) -> dict[str, Any]:
    """The flags as settings. As with mosquitto_pub, `-p` alone means this machine."""
    given: dict[str, Any] = {}
    if host is not None or port is not None:
        name = host or "127.0.0.1"
        given["mqtt_url"] = f"mqtt://{f'[{name}]' if ':' in name else name}:{port or 1883}"
    credentials = {"username": user, "password": password}
    mqtt = {key: value for key, value in credentials.items() if value is not None}
    return {**given, "mqtt": mqtt} if mqtt else given


def _publish(simulated: "Simulation", broker: "Broker") -> bool:
    """Publishes and says on stderr what is going on; whether anything arrived."""
    import uvloop

    from domain.instant import format_rfc3339
    from doorstep import logs
    from doorstep.simulation import publish
    from simulator.publisher import BrokerUnreachable

    logs.configure()
    schedule = simulated.run.schedule
    typer.echo(
        f"{simulated.options.scenario.name}: {len(simulated.bands)} wearers, a reading each"
        f" {schedule.interval_us / 1e6:g} s from {format_rfc3339(schedule.from_at)},"
        f" to {broker.host}:{broker.port}",
        err=True,
    )
    try:
        tally = uvloop.run(publish(simulated, broker))
    except BrokerUnreachable as error:
        typer.echo(f"doorstep: {error}", err=True)
        sys.exit(_UNREACHABLE)
    pace = tally.readings / tally.elapsed_s if tally.elapsed_s else 0.0
    typer.echo(
        f"{tally.readings} readings in {tally.messages} messages confirmed in"
        f" {tally.elapsed_s:.1f} s ({pace:.0f}/s), {tally.receipts} receipts,"
        f" {tally.again} readings sent again, {tally.unconfirmed} messages unconfirmed",
        err=True,
    )
    return tally.messages > 0


def _usage(message: str) -> NoReturn:
    raise typer.BadParameter(message)
