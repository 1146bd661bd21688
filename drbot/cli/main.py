"""The drbot command: thin, every subcommand lives in a file of its own."""

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from drbot.cli.logs import configure_logs
from drbot.cli.terminal import WRONG, complain, sentence_of, spoken
from drbot.core.base.errors import DrbotError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.text.messages import phrase, sentences

COMMANDS: Mapping[str, tuple[str, str]] = {
    "dr": ("drbot.cli.dr:dr_app", "Every verb of /dr in a terminal."),
    "demo": ("drbot.cli.demo:demo", "Break a real system and recover it from a local Slack."),
    "slack": ("drbot.cli.slack:slack", "Rehearse in a local Slack with the people of your dr.yml."),
    "drill": ("drbot.cli.drill:drill", "Recover a copy of the system that can reach nothing, and measure."),
    "init": ("drbot.cli.init:init", "Describe the system that runs here, in a first dr.yml."),
    "inventory": ("drbot.cli.inventory:inventory", "Show every service, and where what it mounts is kept."),
    "check": ("drbot.cli.check:check", "Look at everything a recovery needs, and say what would fail."),
    "readiness": (
        "drbot.cli.readiness:readiness",
        "Say whether a recovery would work tonight.",
    ),
    "bot": ("drbot.cli.serve:bot", "Serve Slack."),
    "worker": ("drbot.cli.serve:worker", "Run recoveries at one site."),
    "all": ("drbot.cli.serve:everything", "Bot and the workers of every site in one process."),
    "backup": ("drbot.cli.backup:backup_app", "Backups with a manifest that a recovery checks."),
    "copy": ("drbot.cli.copy:copy", "PostgreSQL as it was at any second, beside production, to look at."),
    "moments": ("drbot.cli.moments:moments", "What PostgreSQL committed lately, and the moment before a big delete."),
    "bootstrap": ("drbot.cli.bootstrap:bootstrap", "Bring drbot back after its own host was lost."),
    "runbook": ("drbot.cli.runbook:runbook_app", "Check and read runbooks."),
    "audit": ("drbot.cli.audit:audit_app", "Verify and export the ledger."),
    "docs": ("drbot.cli.docs:docs", "Read a document of this version, such as `drbot docs slack`."),
    "bench": ("drbot.cli.bench:bench", "Recover a lab by the document's scripts and by drbot, side by side."),
    "lab": ("drbot.cli.lab:lab_app", "A miniature of the system on real Docker, to break and to recover."),
}
"""Where each command is, and what the list says of it: the list imports none of them."""


class Commands(TyperGroup):
    """Imports a command when it is called: `drbot dr` waits for nothing that serves Slack, and the list for nothing."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the table."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # typer brings its own copy of click's classes
        """What the list and the shell's completion show of it."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself; a word that is none is told with the nearest that is."""
        if args[0] in COMMANDS:
            return args[0], imported(args[0]), args[1:]
        known = self.list_commands(ctx)
        if args[0] not in known:
            unknown = phrase("No such command '{word}'.", word=args[0])
            ctx.fail(spoken(sentences(unknown, did_you_mean(args[0], known))))
        return super().resolve_command(ctx, args)


def imported(name: str) -> Any:
    """The command of this name, with all that it needs."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    with kept_for_good():
        made = getattr(import_module(module), attribute)
    if not isinstance(made, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command()(made)
        made = single
    found = get_command(made)
    found.name = name
    return found


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
