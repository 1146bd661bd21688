"""One batch of events of an incident, shown: calls first, then milestones, details, stakeholders and files.

A batch is planned by its last event's number before anything is posted, so that the same keys come out again when
it has to be repeated: what was posted is found, what was not is posted. Nothing is lost and nothing comes twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os.path import realpath
from pathlib import Path

from drbot.bot.blocks.decision import decision_buttons
from drbot.bot.blocks.elements import Block, choice_buttons, context, mention, section
from drbot.bot.blocks.lines import detail, kept_line, milestone
from drbot.bot.blocks.status_post import Said, is_news, status_post, status_sentence
from drbot.bot.outbound.calls import NEEDS, called, direct_words
from drbot.bot.outbound.messenger import OutgoingMessage
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.bot.outbound.questions import Questions
from drbot.commands.verb.report import report_for
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.core.ledger.events import Event, EventKind
from drbot.core.ledger.statements import HEAD_LETTERS
from drbot.core.site.people import Person
from drbot.core.text.messages import filled, phrase, say
from drbot.core.text.words import cut
from drbot.store.records.surfaces import STATUS_POST, Surface
from drbot.store.runs import runs

LINES_SHOWN = 25
PARAGRAPH = 2600
PARAGRAPHS = 3
LOG_BYTES = 20_000_000

SUMMARY: str = phrase("{count} lines, the last {shown} are here; all of them are in the file.")
MEANWHILE: str = phrase("*Meanwhile:*")
WHOLE_LOG: str = phrase("The whole log of {step}")
HEAD: str = phrase("Ledger {head}")
REPORT: str = phrase("The report of {name}")


@dataclass(frozen=True, kw_only=True, slots=True)
class EventBatch:
    """Some events of one incident in order, and where they are shown."""

    events: tuple[Event, ...]
    situation: IncidentView
    board: Surface
    questions: Questions
    doubtful: bool  # an earlier attempt may have posted a part of it

    @property
    def last(self) -> int:
        """The number its keys are made of."""
        return self.events[-1].seq


def show(publisher_context: PublisherContext, batch: EventBatch, between: Callable[[], None]) -> None:
    """Everything of the batch. `between` is called after each post: the board must not get old meanwhile."""
    for part in (_calls, _milestones, _kept, _details, _stakeholders, _files):
        part(publisher_context, batch, between)


def _post(
    publisher_context: PublisherContext,
    batch: EventBatch,
    key: str,
    text: str,
    blocks: list[Block],
    *,
    channel: str = "",
    thread: str = "",
) -> Surface:
    outgoing = OutgoingMessage(
        incident=batch.situation.incident.id,
        key=key,
        channel=channel or batch.board.channel,
        text=text,
        blocks=blocks,
        thread=thread,
    )
    return publisher_context.messenger.post(outgoing, doubtful=batch.doubtful)


def _called(publisher_context: PublisherContext, batch: EventBatch) -> dict[int, tuple[Person, ...]]:
    """By the number of an event: who must act because of it."""
    with publisher_context.database.read() as connection:
        ids = dict.fromkeys(event.run for event in batch.events if event.run is not None)
        found = {run_id: runs.get(connection, run_id) for run_id in ids}
    return {
        event.seq: called(event, batch.situation, found.get(event.run) if event.run else None) for event in batch.events
    }


def _calls(publisher_context: PublisherContext, batch: EventBatch, between: Callable[[], None]) -> None:
    """One direct message to everybody who must act, whatever the number of reasons."""
    people = _called(publisher_context, batch)
    due: dict[str, list[Event]] = {}
    for event in batch.events:
        if event.kind in NEEDS:
            for person in people[event.seq]:
                due.setdefault(person.id, []).append(event)
    for who, events in due.items():
        person = batch.situation.roster.people[who]
        words = direct_words(tuple(events), batch.situation, person)
        failed = phrase("I could not reach {person} directly.", person=person.name)
        for account in person.slack[:1]:
            with publisher_context.telling_refusals(batch.situation.incident.id, failed):
                _post(publisher_context, batch, f"call-{batch.last}@{account}", words, [], channel=account)
            between()


def _milestones(publisher_context: PublisherContext, batch: EventBatch, between: Callable[[], None]) -> None:
    """What wakes people: one new message in the channel, also for several at once."""
    lines = []
    people = _called(publisher_context, batch)
    for event in batch.events:
        line = milestone(event, batch.situation, " ".join(map(mention, people[event.seq])))
        if line and line not in lines:
            lines.append(line)
    if not lines:
        return
    heading = [say(MEANWHILE, batch.situation.language)] if len(lines) > 2 else []
    text = f"{batch.situation.incident.name}: " + cut(" ".join(lines), 1500)
    buttons = decision_buttons(batch.events, batch.situation)
    blocks = [section("\n".join([*heading, *lines])), *buttons, context(_head(batch))]
    surface = _post(publisher_context, batch, f"milestones-{batch.last}", text, blocks)
    if buttons:
        batch.questions.add(surface, text, blocks, batch.situation)
    between()


def _kept(publisher_context: PublisherContext, batch: EventBatch, between: Callable[[], None]) -> None:
    """Is kept data still needed? With the buttons for it; of a resolved incident where people still look."""
    for event in batch.events:
        if event.kind is not EventKind.KEPT_ASKED:
            continue
        about = {one.volume for one in batch.situation.kept if one.id == event.payload.get("kept")}
        actions = [one for one in actions_at(batch.situation, Place.KEPT) if one.about in about]
        line = kept_line(event, batch.situation)
        blocks = [section(line), *choice_buttons(actions, batch.situation.language)]
        is_open = batch.situation.incident.is_open
        place = "" if is_open else batch.situation.configuration.channels.home
        _post(publisher_context, batch, f"kept-{event.seq}", line, blocks, channel=place)
        between()


def _head(batch: EventBatch) -> str:
    """Number and hash of the batch's last record: known here, it shows a roll-back of the ledger later."""
    last = batch.events[-1]
    return say(filled(HEAD, head=f"`{last.seq}:{last.hash[:HEAD_LETTERS]}`"), batch.situation.language)


def _details(publisher_context: PublisherContext, batch: EventBatch, between: Callable[[], None]) -> None:
    """The thread of the board: what came together is said together."""
    lines = [line for event in batch.events if (line := detail(event, batch.situation))]
    if not lines:
        return
    paragraphs = _paragraphs(lines)
    shown = lines
    if len(paragraphs) > PARAGRAPHS:
        shown = lines[-LINES_SHOWN:]
        summary = say(filled(SUMMARY, count=len(lines), shown=len(shown)), batch.situation.language)
        paragraphs = [summary, *_paragraphs(shown)[-PARAGRAPHS:]]
    blocks = [section(paragraph) for paragraph in paragraphs]
    _post(publisher_context, batch, f"details-{batch.last}", cut("\n".join(shown), 1500), blocks, thread=batch.board.ts)
    if shown is not lines:
        _upload(
            publisher_context,
            batch,
            f"lines-{batch.last}",
            "lines.txt",
            "\n".join(lines),
            f"{len(lines)}",
            batch.board.ts,
        )
    between()


def _paragraphs(lines: Sequence[str]) -> list[str]:
    paragraphs: list[str] = []
    for line in lines:
        if paragraphs and len(paragraphs[-1]) + len(line) < PARAGRAPH:
            paragraphs[-1] += f"\n{line}"
        else:
            paragraphs.append(line)
    return paragraphs


def _stakeholders(publisher_context: PublisherContext, batch: EventBatch, between: Callable[[], None]) -> None:
    """One post about the state as it is, however many reasons there are; a person's words are never dropped."""
    reasons = [event for event in batch.events if is_news(event, batch.situation)]
    if not reasons:
        return
    said = [event for event in reasons if event.kind is EventKind.STATUS_UPDATE]
    said_by = [
        Said(who=batch.situation.roster.name_of(event.person), words=str(event.payload.get("text", "")))
        for event in said
    ]
    text, blocks = status_sentence(batch.situation, said_by), status_post(batch.situation, said_by)
    for channel in batch.situation.configuration.channels.status:
        failed = phrase("I could not tell the stakeholders in #{channel}.", channel=channel)
        with publisher_context.telling_refusals(batch.situation.incident.id, failed):
            _post(publisher_context, batch, f"{STATUS_POST}{batch.last}@{channel}", text, blocks, channel=channel)
        between()


def _files(publisher_context: PublisherContext, batch: EventBatch, between: Callable[[], None]) -> None:
    """Whole logs of failed steps into the thread, the report into the channel."""
    situation = batch.situation
    for event in batch.events:
        if event.kind is EventKind.STEP_FAILED and event.step:
            log_file = _log_file(publisher_context, situation, event.step)
            if log_file is not None:
                title = say(filled(WHOLE_LOG, step=situation.title_of(event.step)), situation.language)
                content = log_file.read_text(encoding="utf-8", errors="replace")
                _upload(publisher_context, batch, f"log-{event.seq}", log_file.name, content, title, batch.board.ts)
        if event.kind is EventKind.INCIDENT_RESOLVED:
            name = situation.incident.name
            report = report_for(publisher_context.context, situation.incident.id, situation.language)
            title = say(filled(REPORT, name=name), situation.language)
            _upload(publisher_context, batch, f"report-{event.seq}", f"{name.lower()}-report.md", report, title)
        between()


def _upload(
    publisher_context: PublisherContext,
    batch: EventBatch,
    key: str,
    name: str,
    content: str,
    title: str,
    thread: str = "",
) -> None:
    outgoing = OutgoingMessage(
        incident=batch.situation.incident.id,
        key=key,
        channel=batch.board.channel,
        text=title,
        blocks=[],
        thread=thread,
    )
    with publisher_context.telling_refusals(outgoing.incident, phrase("I could not upload {name}.", name=name)):
        publisher_context.messenger.upload(outgoing, name, content.encode() or b"-", doubtful=batch.doubtful)


def _log_file(publisher_context: PublisherContext, situation: IncidentView, step: str) -> Path | None:
    """The step's log, when it lies on this host among logs: a row may name anything, such as the worker's keys."""
    record = next((one for one in situation.steps if one.id == step), None)
    if record is None or not record.log:
        return None
    try:
        path = Path(realpath(record.log))
        is_ours = path.is_relative_to(realpath(publisher_context.home / "logs")) and path.is_file()
        return path if is_ours and 0 < path.stat().st_size < LOG_BYTES else None
    except (OSError, ValueError):  # a name that no file can have would keep everything else of the incident back
        return None
