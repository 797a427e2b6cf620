"""Commands of the contract that are not there yet say so, and exit with 2."""

import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def not_yet(
    ctx: typer.Context, words: Annotated[list[str] | None, typer.Argument()] = None
) -> None:
    """Not there yet: this command is part of the contract and comes in a later version."""
    del words
    typer.echo(f"doorstep {ctx.info_name}: not yet", err=True)
    sys.exit(2)
