"""In which state a run leaves the system when it ends early, in one plain sentence, and what is offered. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from drbot.core.runbooks.actions import ACTIONS
from drbot.core.runbooks.effects import MOVES, STARTS, effect_of, restores_beside
from drbot.core.runbooks.runbook import Step, names_in
from drbot.core.runs.plan import Plan, touches_production
from drbot.core.runs.run import Offer, StepRecord, StepState
from drbot.core.runs.stakes import Act
from drbot.core.runs.stakes_words import keeps_text, kept_sentence
from drbot.core.text.messages import filled, listed, phrase, sentences

NEW_PLACE = frozenset(
    {
        "host.set_aside",
        "host.prepare", "host.provision", "worker.join", "repository.clone", "backup.fetch", "configuration.restore",
        "images.prepare", "volumes.create", "postgres.restore", "redis.restore", "files.restore",
    }
)  # fmt: skip
"""What fills a host of its own; the services were gone before anybody came."""

UNTOUCHED = phrase("Production was not touched.")
COPY_STAYS = phrase("The restored copy is in {volume}; it is removed when the incident is resolved.")
COPY_GOES = phrase("The restored copy in {volume} is not needed any more: its worker removes it.")
UNCLEAR = phrase("Some services may not be running; look before starting them.")


class Services(Enum):
    """What a run left of the services that it stopped."""

    RUNNING = auto()
    STOPPED = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class SafeState:
    sentence: str
    offers: tuple[Offer, ...] = ()
    open_ended: tuple[str, ...] = ()  # steps that replace, of which nobody knows how far they came
    unseen: tuple[str, ...] = ()  # other steps in a new place whose end nobody saw
    is_untouched: bool = False  # what was there before, for sure
    kept: str = ""  # where the old data is, when something was put aside

    @property
    def is_known(self) -> bool:
        """False: nothing may be started before somebody has looked."""
        return not self.open_ended


NOTHING_DONE = SafeState(sentence=phrase("Nothing in production was changed."), is_untouched=True)
"""Of a run that never came to a plan."""

Parts = Sequence[tuple[str, SafeState]]
"""Of each step that a run at another site does: the site, and how that run leaves it."""


def is_new_place(plan: Plan) -> bool:
    """Whether its steps make the system anew, here or (as a part) elsewhere, whatever a file says of its level."""
    if any(step.do in MOVES for step in plan.steps):
        return False
    return any(step.run is not None or step.do in NEW_PLACE for step in plan.steps)


def _touches(step: Step) -> bool:
    """Whether it does anything to services or data that were there before."""
    return step.effect == "destroy" or step.do in STARTS or (step.do is not None and ACTIONS[step.do].interrupts)


def safe_state(
    plan: Plan, records: Mapping[str, StepRecord], parts: Parts = (), *, given_up: bool = False
) -> SafeState:
    """What is true of production now. `parts`: of every step that a run at another site does. `given_up`: what was
    prepared beside production is removed.
    """
    if plan.stakes.act is Act.LEAD_BACK:
        return _leading_back(plan, records)
    if plan.stakes.act is Act.GIVE_BACK:
        return _giving_back(plan, records)
    if plan.stakes.act is Act.GIVE_UP:
        return _giving_up(plan, records)
    if any(step.do == "host.put_back" for step in plan.steps):
        return _bringing_back(plan, records)
    return _recovering(plan, records, parts, given_up)


def _recovering(plan: Plan, records: Mapping[str, StepRecord], parts: Parts, given_up: bool) -> SafeState:
    begun = [step for step in plan.steps if records[step.id].may_have_acted and touches_production(plan, step)]
    destroyed = [step for step in begun if step.effect == "destroy"]
    mine = [step.id for step in destroyed] if any(records[step.id].is_open_ended for step in destroyed) else []
    open_ended = (*mine, *_there(parts, lambda part: part.open_ended))
    if open_ended:
        sentence = phrase(
            "It is not known how far {steps} got; look before starting anything.", steps=listed(open_ended)
        )
        return SafeState(sentence=sentence, open_ended=open_ended)
    if destroyed and all(step.do == "dns.change" for step in destroyed):
        led = phrase("Users were moved to the new site.")
        unseen = _told(_there(parts, lambda part: part.unseen))
        return SafeState(sentence=sentences(led, kept_sentence(plan.keeps), unseen))
    if is_new_place(plan):
        return _on_new_host(plan, records, parts, aside=bool(destroyed))
    services = _services(plan, records)
    if destroyed:
        return _after_replacing(plan, services)
    copy = _copy(plan, records, given_up)
    stopped = {
        Services.RUNNING: "",
        Services.STOPPED: phrase("The services are stopped; they can be started as they were."),
        Services.UNCLEAR: UNCLEAR,
    }[services]
    if begun:
        offers = (Offer.RESTART,) if any(_touches(step) for step in begun) else ()
        return SafeState(sentence=sentences(phrase("Nothing was replaced."), stopped, copy), offers=offers)
    return SafeState(sentence=sentences(NOTHING_DONE.sentence, copy))


def leaves_running(plan: Plan, records: Mapping[str, StepRecord]) -> bool:
    """Whether every service that it stopped was started again."""
    return _services(plan, records) is Services.RUNNING


def _leading_back(plan: Plan, records: Mapping[str, StepRecord]) -> SafeState:
    (leading,) = (records[step.id] for step in plan.steps if step.effect == "destroy")
    if leading.is_open_ended:
        sentence = phrase("It is not known whether DNS was pointed back: /dr status shows where it points.")
        return SafeState(sentence=sentence, open_ended=(leading.id,))
    if leading.state is StepState.UNDONE:
        return SafeState(sentence=phrase("DNS points where it pointed before this run."))
    if leading.may_have_acted:
        return SafeState(sentence=sentences(phrase("Users were moved back."), kept_sentence(plan.keeps)))
    return SafeState(sentence=phrase("No DNS name was changed."))


def _giving_back(plan: Plan, records: Mapping[str, StepRecord]) -> SafeState:
    (giving,) = (records[step.id] for step in plan.steps if step.effect == "destroy")
    if giving.is_open_ended:
        return SafeState(sentence=phrase("It is not known whether the machine is still there: see /dr kept."))
    if giving.may_have_acted:
        return SafeState(sentence=sentences(phrase("The machine was given back."), UNTOUCHED))
    return SafeState(sentence=sentences(phrase("The machine is still there and still costs money."), UNTOUCHED))


def _giving_up(plan: Plan, records: Mapping[str, StepRecord]) -> SafeState:
    removing = [records[step.id] for step in plan.steps if step.effect == "destroy"]
    if any(record.is_open_ended for record in removing):
        return SafeState(sentence=sentences(phrase("It is not known whether the kept data is still there."), UNTOUCHED))
    if any(record.may_have_acted for record in removing):
        return SafeState(sentence=sentences(phrase("The kept data was deleted."), UNTOUCHED))
    return SafeState(sentence=phrase("Nothing was deleted, and production was not touched."))


def _bringing_back(plan: Plan, records: Mapping[str, StepRecord]) -> SafeState:
    """A host as it was put aside: half of it back is neither the one of before nor the one of now."""
    of = {step.do: records[step.id] for step in plan.steps}
    acted = [of[do] for do in ("host.set_aside", "host.put_back") if do in of and of[do].may_have_acted]
    open_ended = tuple(record.id for record in acted if record.is_open_ended)
    kept = kept_sentence(plan.keeps) if acted else ""
    if not acted:
        return SafeState(sentence=phrase("Nothing on this host was changed."), is_untouched=True)
    if open_ended:
        said = phrase("It is not known how far {steps} got; look before starting anything.", steps=listed(open_ended))
    elif of["host.put_back"] in acted:
        said = phrase("What was put aside is back on this host, and what ran then was started.")
    else:
        said = phrase("What was on this host is put aside, and nothing of before is back yet.")
    return SafeState(sentence=sentences(said, kept), open_ended=open_ended, kept=kept)


def _after_replacing(plan: Plan, services: Services) -> SafeState:
    kept = keeps_text(plan.keeps) if plan.keeps else phrase("the old data is kept")
    replaced = phrase("The data was replaced; {kept}.", kept=kept)
    if plan.stakes.act is Act.UNDO:
        replaced = phrase("The data from before the recovery is in place again; {kept}.", kept=kept)
    if services is Services.RUNNING:
        started = phrase("The services were started.")
        return SafeState(sentence=sentences(replaced, started), offers=(Offer.UNDO,))
    stopped = phrase("The services are stopped.") if services is Services.STOPPED else UNCLEAR
    return SafeState(sentence=sentences(replaced, stopped), offers=(Offer.RESTART, Offer.UNDO))


def _on_new_host(plan: Plan, records: Mapping[str, StepRecord], parts: Parts, *, aside: bool) -> SafeState:
    """Half a system is never offered to be started: with an empty volume PostgreSQL would make an empty database."""
    if plan.stakes.act is Act.CHANGE_DNS and _are(StepState.SUCCEEDED, plan, records, parts=True):
        back = _are(StepState.UNDONE, plan, records, parts=False)
        if back:
            return SafeState(sentence=phrase("The system runs at the new site, and users were moved back."))
        return SafeState(sentence=phrase("The system runs at the new site, but users have not been moved there."))
    kept = sentences(kept_sentence(plan.keeps) if aside else "", *(part.kept for _, part in parts))
    starts = [step for step in plan.steps if step.do == "compose.start"]
    if starts and records[starts[-1].id].state is StepState.SUCCEEDED:
        running = phrase("The services run on the new host, but not everything there is proven.")
        return SafeState(sentence=sentences(running, kept), kept=kept)
    unseen = (*_unseen(plan, records), *_there(parts, lambda part: part.unseen))
    touched = any(_touches(step) for step in plan.steps if records[step.id].may_have_acted)
    asked = [step for step in plan.steps if step.run is not None and records[step.id].may_have_acted]
    known = len(parts) == len(asked) and all(part.is_untouched for _, part in parts)
    untouched = known and not (unseen or touched)
    sure = phrase("Nothing that was there before was touched.") if untouched else ""
    sentence = sentences(phrase("The new system is not complete."), _told(unseen), sure, kept)
    return SafeState(sentence=sentence, unseen=unseen, is_untouched=untouched, kept=kept)


def _unseen(plan: Plan, records: Mapping[str, StepRecord]) -> list[str]:
    """What only looks leaves nothing behind."""
    return [step.id for step in plan.steps if records[step.id].is_unseen and effect_of(step, plan.steps) != "none"]


def _told(unseen: Sequence[str]) -> str:
    if not unseen:
        return ""
    return phrase("It is not known how far {steps} got: nobody saw the end.", steps=listed(unseen))


def _there(parts: Parts, names: Callable[[SafeState], Iterable[str]]) -> list[str]:
    """Names of steps at the other sites."""
    return [phrase("{step} at {site}", step=name, site=site) for site, part in parts for name in names(part)]


def _are(state: StepState, plan: Plan, records: Mapping[str, StepRecord], *, parts: bool) -> bool:
    """Whether some step that the gate takes for its proof (`parts`), or that led users, is in this state."""
    proofs = {name for step in plan.steps if step.gate is not None for name in step.gate.proof}
    steps = [step for step in plan.steps if (step.id in proofs if parts else step.do == "dns.change")]
    return any(records[step.id].state is state for step in steps)


def _services(plan: Plan, records: Mapping[str, StepRecord]) -> Services:
    """Services were stopped and not all of them were started again; a start that failed may have started some."""
    stopped: set[str] = set()
    unclear = False
    for step in plan.steps:
        record = records[step.id]
        if step.do is None or not record.may_have_acted:
            continue
        services = set(names_in(step.with_.get("services")))
        if step.do == "compose.stop" or (record.is_open_ended and ACTIONS[step.do].interrupts):
            stopped |= services
            unclear = unclear or record.state is not StepState.SUCCEEDED
        elif step.do == "compose.start":
            stopped -= services if record.state is StepState.SUCCEEDED else set()
            unclear = unclear or record.state is not StepState.SUCCEEDED
    if not stopped:
        return Services.RUNNING
    return Services.UNCLEAR if unclear else Services.STOPPED


def _copy(plan: Plan, records: Mapping[str, StepRecord], given_up: bool) -> str:
    """The proven copy beside production is never deleted silently, so it is named."""
    for step in plan.steps:
        if restores_beside(step) and records[step.id].state is StepState.SUCCEEDED:
            words = COPY_GOES if given_up else COPY_STAYS
            return filled(words, volume=step.with_.get("volume"))
    return ""
