"""Looks at the backup of a plan once more: is it there, whole, and fresh enough?"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drbot.core.base.errors import BackupError
from drbot.core.site.wal import is_moment_name
from drbot.core.text.messages import clauses, duration, phrase
from drbot.core.text.words import size
from drbot.runners.backups.choose_dump import BackupRules, check, checked, newest, rules_for
from drbot.runners.backups.choose_moment import past_in
from drbot.runners.backups.dump_at_hand import dump_named
from drbot.runners.clients.backup_store import Backup
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not


def rules_of(context: StepContext) -> BackupRules:
    system, site = context.configuration.system, context.plan.data_of
    return rules_for(context.clients, system, site, context.cancelled, context.progress)


def check_again(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action backup.check: the sealed backup is still what it was, and good. A base backup's files are read when it is
    restored.
    """
    if is_moment_name(arguments.text(given, "backup")):
        finding = _moment(context)
        return Outcome(summary=finding.sentence, facts={**finding.facts, "rows": {}, "manifest": False})
    dump, rules, began = dump_named(context, arguments.text(given, "backup")), rules_of(context), time.time()
    (found, reading), name, sealed = checked(dump, rules), dump.name, context.plan.backup
    if sealed and sealed.name == found.name and sealed.sha256 != found.sha256:
        raise BackupError(phrase("{name} is not the file that the plan was made for: it was replaced", name=name))
    if found.manifest:
        rows = phrase("{rows} rows by its manifest", rows=sum(found.rows.values()))
    else:
        rows = phrase("no manifest, not counted yet")
    telling = [
        phrase("{name} is complete and whole: {size}, {rows}", name=found.name, size=size(found.size), rows=rows)
    ]
    if reading.at < began:
        ago = duration(began - reading.at)
        telling.append(phrase("read {time} ago, and nobody has written to it since", time=ago))
    return Outcome(
        summary=clauses(telling),
        facts={"sha256": found.sha256, "rows": dict(found.rows), "manifest": found.manifest},
    )


def _moment(context: StepContext) -> Finding:
    goal = past_in(context).sealed(arguments.sealed_backup(context))
    said = phrase("The base backup {name} is there, and all WAL since", name=goal.base.name)
    return Finding(passed=True, sentence=said, facts={"sha256": goal.base.digest})


@or_why_not
def whole(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe backup.whole: the named backup, else the newest."""
    name = str(given.get("backup") or "") or newest_here(context).name
    if is_moment_name(name):
        return _moment(context)
    found = check(dump_named(context, name), rules_of(context))
    return Finding(
        passed=True, sentence=phrase("{name} is complete and whole", name=found.name), facts={"sha256": found.sha256}
    )


@or_why_not
def fresh(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe backup.fresh: how old is the newest one?"""
    most = arguments.seconds(given, "max_age", context.configuration.backups.max_age)
    sealed = context.plan.backup
    is_elsewhere = sealed is not None and (sealed.is_in_bucket or is_moment_name(sealed.name))
    backup = sealed if sealed is not None and is_elsewhere else newest_here(context)
    age = max(0.0, (datetime.now(UTC) - backup.snapshot_at).total_seconds())
    return Finding(
        passed=age <= most,
        sentence=phrase(
            "{name} is {time} old; the limit is {most}", name=backup.name, time=duration(age), most=duration(most)
        ),
        facts={"age_seconds": age, "name": backup.name},
    )


def newest_here(context: StepContext) -> Backup:
    """Of this site. Raises PermanentError."""
    return newest(context.clients.backups, context.configuration.system, context.plan.data_of)


IMPLEMENTED = Registry(
    actions={"backup.check": check_again},
    probes={"backup.fresh": fresh, "backup.whole": whole},
)
