"""The stories that `drbot demo --auto` plays, told line by line with times, and what they measured."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from drbot.cli.demo_player import DemoPlayer, StoryError
from drbot.cli.terminal import marked, spoken
from drbot.commands.verb.readiness import verdict
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.plan import Plan, seal_of, short_seal
from drbot.core.runs.run import Run, RunState, StepRecord
from drbot.core.runs.state_words import STEP
from drbot.core.text.messages import duration, filled, phrase, sentences
from drbot.lab.layout import TABLES
from drbot.lab.system import Lab
from drbot.store.records import readiness, requests
from drbot.store.runs import sub_runs

THE_PLAN: str = phrase("the plan")
AGREED: Mapping[int, str] = {
    2: phrase("[bold]{name}[/] read the plan and its proof in the dialog and approved"),
    4: phrase("[bold]{name}[/] read the plan and its proof in the dialog and approved moving users"),
}
"""What the voters did, at the levels that ask them: an empty new host (3) replaces nothing."""
SUMMARIES: Mapping[int, str] = {
    1: "The service was restarted",
    2: "Recovered from the backup",
    3: "Brought back up on a new host",
    4: "Brought up at another site",
}
"""What Aiko says when she resolves it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    incident: Incident
    run: Run
    records: Mapping[str, StepRecord]
    votes: tuple[Mapping[str, Any], ...]
    messages: int
    rows: Mapping[str, int] = field(default_factory=dict)  # of production, before it was broken

    def document(self) -> dict[str, Any]:
        """What `--json` writes. Durations are seconds."""
        return {
            "incident": {
                "id": self.incident.name,
                "level": self.incident.level.value,
                "declared_by": self.incident.declared_by,
                "state": self.incident.state.value,
            },
            "plan": {"seal": seal_of(self.run.plan) if self.run.plan else None},
            "steps": [
                {"id": key, "state": one.state.value, "seconds": one.seconds}
                for key, one in sorted(self.records.items(), key=lambda item: self._order(item[1]))
            ],
            "votes": [dict(vote) for vote in self.votes],
            "rto_seconds": self.incident.rto_seconds,
            "rpo_seconds": self.incident.rpo_seconds,
            "outage_seconds": self.incident.outage_seconds,
            "messages": self.messages,
        }

    def _order(self, record: StepRecord) -> tuple[bool, str, int]:
        """The run's own steps first, then those of its parts."""
        return record.run != self.run.id, record.run, record.position

    def compare(self, lab: Lab) -> Iterator[str]:
        """What is not as in the manifest, or as it was, counted in the recovered PostgreSQL itself."""
        backup = self.run.plan.backup if self.run.plan else None
        for name, expected in ((backup.rows if backup else {}) or self.rows).items():
            database, _, table = name.partition(".")
            found = count(lab, database, table)
            if found != expected:
                yield phrase(
                    "{name} has {found} rows instead of {expected}.",
                    name=name,
                    found=found,
                    expected=f"{expected:,}",
                )


def count(lab: Lab, database: str, table: str) -> int:
    """Rows of one table, asked of the recovered server itself."""
    schema, _, name = table.rpartition(".")
    names = ("-v", f"schema={schema or 'public'}", "-v", f"name={name}")
    return int(lab.psql('SELECT count(*) FROM :"schema".:"name"', "-d", database, *names).split()[-1])


def rows_of(lab: Lab) -> dict[str, int]:
    """Of every table of the lab's databases, now."""
    return {f"{database}.{table}": count(lab, database, table) for database, table in TABLES.items()}


class _Teller:
    """Prints a line with the seconds since the declaration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/]  {spoken(line)}")


def play(player: DemoPlayer, console: Console, words: str, level: int) -> Played:
    """Aiko declares; Ben and Chika approve what replaces something or moves users; Aiko confirms and resolves."""
    tell = _Teller(console)
    incident = _declared(player, words, tell)
    seen: set[str] = set()
    if level in AGREED:
        plan = player.wait(lambda: next((run.plan for run in player.runs(incident) if run.plan), None), THE_PLAN)
        tell(_planned(plan))
        _approve_by_two(player, incident, seen, tell, plan.target, AGREED[level])
    _until_asked(player, incident, seen, tell)
    return _close(player, incident, seen, tell, SUMMARIES[level])


def _declared(player: DemoPlayer, words: str, tell: _Teller) -> Incident:
    incident = player.declare("aiko", words)
    told = phrase(
        "[bold]Aiko[/] declared {name}; its channel is #{channel}", name=incident.name, channel=incident.channel_name
    )
    tell(told)
    return incident


def _planned(plan: Plan) -> str:
    headline = marked(plan.headline or plan.runbook)
    return phrase("drbot planned: {headline}, seal {seal}", headline=headline, seal=short_seal(seal_of(plan)))


def _approve_by_two(
    player: DemoPlayer, incident: Incident, seen: set[str], tell: _Teller, target: str, agreed: str
) -> None:
    """Ben and Chika wait for the proof, so that they know what they vote on; they could vote before it."""

    def proven() -> bool:
        _tell_steps(player, incident, seen, tell)
        run = player.run(incident)
        if run.is_over or run.state in {RunState.NEEDS_DECISION, RunState.BLOCKED}:
            raise StoryError(player.describe(incident))
        with player.database.read() as connection:
            return any(asked.proven_at is not None for asked in requests.of_run(connection, run.id))

    player.wait(proven, phrase("the proof"), 600)
    for name in ("ben", "chika"):
        player.vote(name, incident, target=target, reason="I have read the plan and its proof.")
        tell(filled(agreed, name=name.capitalize()))


def _until_asked(player: DemoPlayer, incident: Incident, seen: set[str], tell: _Teller) -> None:
    """Tells every step until people are asked whether it works, or the run cannot go on; then Aiko answers."""

    def asked() -> bool:
        _tell_steps(player, incident, seen, tell)
        run = player.run(incident)
        return run.is_over or run.state in {RunState.NEEDS_DECISION, RunState.BLOCKED} or _is_asking(player, run)

    player.wait(asked, phrase("the recovery"), 600)
    if not _is_asking(player, player.run(incident)):
        raise StoryError(player.describe(incident))
    player.press("aiko", incident, f"answer {incident.name} confirm yes")
    tell(phrase("[bold]Aiko[/] confirmed: users can work again"))


def _is_asking(player: DemoPlayer, run: Run) -> bool:
    confirm = player.records(run.id).get("confirm")
    return confirm is not None and confirm.state.value == "waiting"


def _close(player: DemoPlayer, incident: Incident, seen: set[str], tell: _Teller, summary: str) -> Played:
    run = player.wait_for_run(incident, RunState.SUCCEEDED)
    _tell_steps(player, incident, seen, tell)
    player.say("aiko", f"/dr resolve {incident.name} {summary}", incident.channel or "")
    player.wait(lambda: not player.incident(incident.id).is_open, phrase("the incident to be resolved"))
    resolved = player.incident(incident.id)
    assert resolved.state is IncidentState.RESOLVED
    tell(_measured(resolved))
    with player.database.read() as connection:
        votes = tuple(
            {"person": vote.person, "decision": vote.decision, "counted": True}
            for asked in requests.of_run(connection, run.id)
            for vote in requests.votes(connection, asked.id)
        )
    return Played(
        incident=resolved,
        run=run,
        records=records_of(player, incident, run),
        votes=votes,
        messages=len(player.messages(resolved)),
    )


def _measured(incident: Incident) -> str:
    return sentences(
        phrase("{name} is resolved.", name=incident.name),
        phrase("Since the outage began (RTO): {time}.", time=duration(incident.rto_seconds or 0)),
        phrase("Data lost (RPO): {time}.", time=duration(incident.rpo_seconds or 0)),
        phrase("Services stopped during the recovery: {time}.", time=duration(incident.outage_seconds or 0)),
    )


def ready_again(player: DemoPlayer, site: str) -> list[str]:
    """The verdict, with the first look of the site's worker after the recovery; and what is in the way, a line each."""

    def looked() -> list[str] | None:
        with player.database.read() as connection:
            seen, ended = readiness.list_of(connection), readiness.happened_at(connection)
        if ended is None or any(one.looked_at < ended for one in seen if one.source == site):
            return None
        lines = [one.line for one in seen]
        in_the_way = (phrase("{what}: {why}", what=one.what, why=one.sentence) for one in lines if not one.well)
        return [verdict([one.colour for one in lines]), *in_the_way]

    return player.wait(looked, phrase("the worker to look again"))


def records_of(player: DemoPlayer, incident: Incident, run: Run) -> Mapping[str, StepRecord]:
    parts = [one for one in player.runs(incident) if one.arguments.get(sub_runs.PART_OF) == run.id]
    found = {f"{part.runbook}/{key}": record for part in parts for key, record in player.records(part.id).items()}
    return {**player.records(run.id), **found}


def _tell_steps(player: DemoPlayer, incident: Incident, seen: set[str], tell: _Teller) -> None:
    records = [record for run in player.runs(incident) for record in player.records(run.id).values()]
    for record in sorted(records, key=lambda one: one.finished_at or datetime.max.replace(tzinfo=UTC)):
        if record.finished_at is not None and f"{record.run}/{record.id}" not in seen:
            seen.add(f"{record.run}/{record.id}")
            took = f" ({record.seconds:.1f} s)" if record.seconds else ""
            tell(f"  {record.id}: {marked(record.result or STEP[record.state])}{took}")
