"""Surveys for one person, outside of every incident: the same survey, the same plan, and nothing is ever done by it."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from drbot.core.base.errors import DrbotError, PermanentError, UserError
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.level import Level
from drbot.core.site.wal import NOT_RECEIVED
from drbot.core.site.wal_timeline import Timeline, redacted
from drbot.core.text.messages import closed, phrase, sentences
from drbot.runners.backups.moments import continuous_of, seen, wanted_by
from drbot.runners.backups.wal_timeline import timeline_of
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.planning.leaving_behind import unless_stopped
from drbot.runners.planning.make_plan import make_plan
from drbot.runners.planning.plan_run import NothingBrokenError, about_what_is_broken
from drbot.runners.planning.survey_questions import Survey
from drbot.store.records import surveys

log = structlog.get_logger()


class Surveyor:
    """One per worker; a thread that looks for questions."""

    def __init__(self, worker_context: WorkerContext) -> None:
        self._worker_context = worker_context

    def run(self, stop: threading.Event) -> None:
        """Until the worker ends; a busy database is asked again."""
        while not stop.wait(self._worker_context.timing.look):
            try:
                self.tick(stop)
            except DrbotError as error:
                log.info("Surveys wait for the database.", error=str(error))
            except Exception:
                log.exception("A survey could not be answered; going on.")

    def tick(self, stop: threading.Event) -> None:
        """Everything that waits now, one after the other."""
        database = self._worker_context.database
        with database.read() as connection:
            asked = surveys.waiting(connection, self._worker_context.site_name, database.now(connection))
        for one in asked:
            with database.write() as tx:
                is_mine = surveys.take(tx, one.id)
            if is_mine:
                self._answer(one, stop)

    def _answer(self, asked: surveys.Survey, stop: threading.Event) -> None:
        found, plan, refusal, timeline = "", None, "", None
        looking = self._worker_context.for_survey()
        try:
            if asked.runbook == surveys.MOMENTS:
                timeline = self._timeline(asked, stop)
            else:
                run, found = about_what_is_broken(looking, self._run(asked), stop.is_set)
                survey = replace(self._survey(asked, run, stop), worker_context=looking)
                plan = unless_stopped(lambda: make_plan(survey), stop.is_set, f"survey-{run.id}")
        except NothingBrokenError as error:
            refusal = error.why
        except UserError as error:
            refusal = sentences(error.tried, error.why, error.todo)
        except DrbotError as error:
            refusal = closed(str(error))
        except Exception as error:
            log.exception("A survey failed in a way nobody foresaw.", survey=asked.id)
            refusal = phrase("Unexpected: {error}: {why}", error=type(error).__name__, why=closed(str(error)))
        redact = self._worker_context.redact
        with self._worker_context.database.write() as tx:
            surveys.answer(tx, asked.id, found=redact(found), plan=plan, refusal=redact(refusal), timeline=timeline)

    def _timeline(self, asked: surveys.Survey, stop: threading.Event) -> Timeline:
        """Raises PermanentError, TemporaryError."""
        mine = self._worker_context
        clients, site, now = mine.target.clients, mine.configuration.site(asked.site), datetime.now(UTC)
        if wanted_by(site) is None:
            raise PermanentError(NOT_RECEIVED)
        continuous = continuous_of(clients, site, asked.site, stop.is_set)
        since = now - timedelta(seconds=float(asked.arguments["since"]))
        return redacted(timeline_of(continuous, since, now, seen(mine.home, asked.site)), mine.redact)

    def _run(self, asked: surveys.Survey) -> Run:
        """Of no incident, and in no table."""
        return Run(
            id=f"r0-{asked.asked_at:%Y%m%d-%H%M%S}-{asked.id}",
            incident=0,
            site=asked.site,
            kind=RunKind.PLAN,
            runbook=asked.runbook,
            arguments=asked.arguments,
            state=RunState.RUNNING,
            epoch=0,
            requested_by=asked.person,
            created_at=asked.asked_at,
        )

    def _survey(self, asked: surveys.Survey, run: Run, stop: threading.Event) -> Survey:
        with self._worker_context.database.read() as connection:
            policy, now = (
                self._worker_context.roster_now(connection).number,
                self._worker_context.database.now(connection),
            )
        incident = Incident(
            id=0,
            site=asked.lost,
            level=Level.SERVICE,
            title="",
            state=IncidentState.DECLARED,
            declared_by=asked.person,
            declared_at=asked.asked_at,
            started_at=asked.asked_at,
        )
        return Survey(
            worker_context=self._worker_context,
            run=run,
            incident=incident,
            requesters=(asked.person,),
            policy=policy,
            now=now,
            cancelled=stop.is_set,
        )
