"""`doorstep`: finds the command, runs it, and turns trouble into one line and an exit code.

Exit codes: 0 done, 1 failed or expectation not met, 2 usage, 3 configuration,
4 cannot reach the broker or the database.
"""

import importlib
import sys
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup
from typing_extensions import override

from doorstep.settings import ConfigurationError
from ingest.sources.port import SourceRefused
from store.errors import Fenced, StoreMismatch, StoreUnreachable

OK, FAILED, USAGE, CONFIGURATION, UNREACHABLE = range(5)

COMMANDS: Final = {
    "up": "the embedded stack in one process tree",
    "ingest": "MQTT in: readings stored, judged, confirmed",
    "serve": "alerts, feeds, API and console out",
    "migrate": "brings the database's schema up to date",
    "doctor": "checks broker, database, clock, disk, secrets",
    "roster": "import or export people, devices, episodes, staff",
    "staff": "sets a sign-in",
    "token": "makes, lists and revokes API tokens",
    "audit": "looks whether the audit log is as it was written",
    "notify": "tries somebody's contacts",
    "webhook": "makes, tries, rotates and removes webhooks",
    "simulate": "publishes a scenario of simulated wearers",
    "score": "alerts held against the truth of a simulation",
    "replay": "runs a rulebook over stored history or a file",
    "export": "readings or alerts as files, without names",
}
"""Each is `doorstep/commands/<name>.py` with a `typer.Typer` called `app`."""


class _Commands(TyperGroup):
    """Imports only the command that is run."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"doorstep.commands.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        command.short_help = COMMANDS[cmd_name]
        return command


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["--help"]},
)


@app.callback()
def _doorstep() -> None:
    """Watches over people in home quarantine: readings in, alerts to the door, outcomes back."""


def main() -> NoReturn:
    """Runs the command line and exits."""
    try:
        app(prog_name="doorstep")
    except ConfigurationError as error:
        _fail(str(error), CONFIGURATION)
    except StoreMismatch as error:
        _fail(str(error), CONFIGURATION)
    except (StoreUnreachable, SourceRefused) as error:
        _fail(str(error), UNREACHABLE)
    except Fenced as error:
        _fail(str(error), FAILED)
    sys.exit(OK)


def _fail(message: str, code: int) -> NoReturn:
    line = " ".join(message.split())
    typer.echo(f"doorstep: {line}", err=True)
    sys.exit(code)
