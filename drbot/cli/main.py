"""The drbot command: thin, every subcommand lives in a file of its own."""

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from drbot.cli.logs import configure_logs
from drbot.cli.terminal import WRONG, complain, sentence_of, spoken
from drbot.core.base.errors import DrbotError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.text.messages import phrase, sentences

COMMANDS: Mapping[str, str] = {
    "dr": "drbot.cli.dr:dr_app",
    "demo": "drbot.cli.demo:demo",
    "slack": "drbot.cli.slack:slack",
    "drill": "drbot.cli.drill:drill",
    "init": "drbot.cli.init:init",
    "inventory": "drbot.cli.inventory:inventory",
    "check": "drbot.cli.check:check",
    "readiness": "drbot.cli.readiness:readiness",
    "bot": "drbot.cli.serve:bot",
    "worker": "drbot.cli.serve:worker",
    "all": "drbot.cli.serve:everything",
    "backup": "drbot.cli.backup:backup_app",
    "bootstrap": "drbot.cli.bootstrap:bootstrap",
    "runbook": "drbot.cli.runbook:runbook_app",
    "audit": "drbot.cli.audit:audit_app",
    "compare": "drbot.cli.compare:compare",
    "lab": "drbot.cli.lab:lab_app",
}


class Commands(TyperGroup):
    """Imports what a command needs when it is called: `drbot dr` waits for nothing that serves Slack."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the table."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # typer brings its own copy of click's classes
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = COMMANDS[cmd_name].partition(":")
        with kept_for_good():
            made = getattr(import_module(module), name)
        if not isinstance(made, typer.Typer):
            single = typer.Typer(add_completion=False)
            single.command()(made)
            made = single
        found = get_command(made)
        found.name = cmd_name
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A word that is no command is told with the nearest that is."""
        known = self.list_commands(ctx)
        if args[0] not in known:
            unknown = phrase("No such command '{word}'.", word=args[0])
            ctx.fail(spoken(sentences(unknown, did_you_mean(args[0], known))))
        return super().resolve_command(ctx, args)


@contextmanager
def kept_for_good() -> Iterator[None]:
    """What is imported stays: looking through it for garbage, again and again, was a third of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


app = typer.Typer(
    name="drbot",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def drbot() -> None:
    """Disaster recovery from Slack: declare, approve by two, recover, prove."""


@app.command("version")
def show_version() -> None:
    """The version of drbot."""
    print(version("drbot-chatops"))


def main() -> None:
    """Entry point: what drbot foresaw is shown without a traceback."""
    configure_logs()
    try:
        app()
    except (DrbotError, OSError) as error:
        said = sentence_of(error)
        if said is None:
            raise
        complain(said)
        sys.exit(WRONG)


if __name__ == "__main__":
    main()
