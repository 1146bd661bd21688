"""A whole drbot around a system: local Slack, bot and worker as real processes. Demo and story tests live in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from drbot.cli.completions import completions
from drbot.cli.terminal import terminal_language
from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.lab import programs
from drbot.lab.daemon import wait_until
from drbot.slack_simulator.client import PATIENCE_SECONDS, People
from drbot.slack_simulator.server import SlackSimulator
from drbot.slack_simulator.state import State
from drbot.store.base.file_modes import private

REPOSITORY = Path(__file__).parents[2]
BOT_TOKEN, APP_TOKEN = "xoxb-local", "xapp-local"


def manifest_path() -> Path:
    """manifest.yml: at the top of the repository, or inside the installed package."""
    beside = REPOSITORY / "manifest.yml"
    return beside if beside.is_file() else REPOSITORY / "drbot" / "slack_simulator" / "manifest.yml"


def local_slack(state: State | None = None) -> SlackSimulator:
    """A Slack of this machine with drbot's app in it, which completes drbot's verbs. It is not started yet. Without a
    memory of its own it speaks the language of this terminal.
    """
    if state is None:
        state = State()
        state.language = terminal_language()
    return SlackSimulator(manifest_path(), state, completions=completions(state.language))


@dataclass(kw_only=True)
class DemoStack:
    """Everything one incident needs. `start` and `kill` work on processes of ours only."""

    simulator: SlackSimulator
    home: Path
    configuration: Path
    environment: Mapping[str, str] = field(default_factory=dict)  # DATABASE_URL, REDIS_URL when scaled out
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    people: People = field(init=False)  # Aiko, Ben, Chika and the others, at their keyboards

    def __post_init__(self) -> None:
        self.people = People(self.simulator.url)

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """Starts `drbot <words>` as a process called `name`; its output goes to <home>/<name>.log."""
        return self.run(name, [sys.executable, "-P", "-m", "drbot.cli.main", *words])

    def run(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """The same with any command; `drbot` in a script is the one of this installation."""
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "SLACK_API_URL": self.simulator.api_url,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "DRBOT_CONFIG": str(self.configuration),
            "DRBOT_HOME": str(self.home),
            **self.environment,
        }
        with open(self.log(name), "ab", opener=private) as output:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        programs.remember(self.home / f"{name}.pid", process.pid)
        self.processes[name] = process
        return process

    def wait_until_connected(self) -> None:
        """Until the bot has come to Slack. Raises UserError with what they said, at once when a process has ended."""
        wait_until(lambda: self._has_ended() or self.people.connections > 0, PATIENCE_SECONDS)
        if self._has_ended() or not self.people.connections:
            said = [line for name in self.processes for line in self.log(name).read_text(errors="replace").splitlines()]
            why = " ".join(said[-3:]) or phrase("It said nothing.")
            todo = phrase("The whole logs are in {folder}.", folder=self.home)
            raise UserError(phrase("Tried to start drbot."), why, todo)

    def _has_ended(self) -> bool:
        return any(process.poll() is not None for process in self.processes.values())

    def log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def kill(self, name: str) -> None:
        """kill -9, as a crash does: nothing of the process gets a chance to tidy up."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)

    def end(self, name: str) -> int:
        """SIGTERM, then wait for the process to end by itself; kill after 30 s. The exit code."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            return process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait(timeout=60)

    def close(self) -> None:
        """Ends bot and worker, then the local Slack. The lab stays."""
        for name in list(self.processes):
            self.end(name)
        self.people.close()
        self.simulator.stop()
