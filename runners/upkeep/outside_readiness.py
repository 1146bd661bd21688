"""What a recovery needs that is on no site: a new place, names, a certificate, programs, runbooks. Asks only."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from drbot.core.base.errors import DrbotError, UserError
from drbot.core.files.runbook_file import find_runbooks, load_runbook, runbook_folders
from drbot.core.runbooks.site_parts import steps_for
from drbot.core.runbooks.variables import SECTIONS, references, section_of
from drbot.core.site.level import RUNBOOK_OF, Level
from drbot.core.site.readiness import Line, bad, good, soon
from drbot.core.site.site import Configuration
from drbot.core.text.messages import clauses, duration, listed, phrase
from drbot.runners.clients.name_service import NameService
from drbot.runners.clients.terraform import TERRAFORM

EXPIRES_SOON, EXPIRES_NOW = timedelta(days=21), timedelta(days=3)
RENEW: str = phrase("Renew it: see `certificate` in drbot docs recovery-sites.")


def new_place_line(configuration: Configuration) -> Line:
    """Whether there is anywhere to go when the host is lost; whether it answers, lines of its own say."""
    what, recovery = phrase("new place"), configuration.recovery
    if recovery is None:
        why = phrase("dr.yml names none: a lost host (levels 3 and 4) could only be filled again in its own place")
        return soon(what, why, phrase("Name one under `recovery`: drbot docs recovery-sites."))
    if recovery.control is None:
        why = phrase("{site}; none for level 4: dr.yml names no `recovery.control`", site=recovery.site)
        return good(what, why)
    return good(what, phrase("{site}, by {control}", site=recovery.site, control=recovery.control))


def runbooks_line(configuration: Configuration) -> Line:
    """Every one is read as a recovery reads it, with every action it calls."""
    what, refused, own = phrase("runbooks"), list[str](), configuration.runbooks
    if own is not None and not own.is_dir():
        why = phrase("{place} is no folder: none of your own runbooks is known", place=own)
        return bad(what, why, phrase("Bring it back, or correct `runbooks` in dr.yml."))
    found = find_runbooks(runbook_folders(own))
    for path in found.values():
        try:
            load_runbook(path)
        except UserError as error:
            refused.append(phrase("{name}: {why}", name=path.name, why=error.why))
    if refused:
        return bad(what, clauses(refused), phrase("Correct it; drbot runbook check says where."))
    lacking = {level: sections for level in Level if (sections := _lacking(configuration, found, level))}
    if lacking:
        said = (
            phrase(
                "level {level} needs `{section}` in dr.yml: {what}", level=level.value, section=one, what=SECTIONS[one]
            )
            for level, sections in lacking.items()
            for one in sections
        )
        tell = soon if configuration.recovery is None else bad  # where nobody has prepared for it, as the new place
        return tell(what, clauses(said), phrase("Add it: drbot docs recovery-sites."))
    return good(what, phrase("all {count} can be run", count=len(found)))


def _lacking(configuration: Configuration, found: Mapping[str, Path], level: Level) -> list[str]:
    """Sections of dr.yml without which no plan of this level can be made. Level 4 is there with `recovery` alone."""
    if level is Level.DATACENTRE and configuration.recovery is None:
        return []
    runbook, recovery = load_runbook(found[RUNBOOK_OF[level]]).runbook, configuration.recovery
    planned = steps_for(runbook, configuration, configuration.site(recovery.site if recovery else ""))
    steps = (step.model_dump(by_alias=True, exclude_unset=True) for step in planned)
    named = {section_of(name) for step in steps for name in references(step)}
    return sorted(section for section in named if section and getattr(configuration, section) is None)


def certificate_line(configuration: Configuration) -> Iterator[Line]:
    """The one that users see now, where drbot knows its file."""
    settings = configuration.certificate
    if settings is None or settings.install is None:
        return
    path = configuration.site().projects / settings.install / "fullchain.pem"
    yield about_certificate(path, datetime.now(UTC))


def about_certificate(path: Path, now: datetime) -> Line:
    what = phrase("certificate")
    try:
        ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        why = phrase("{path} cannot be read: {why}", path=path, why=getattr(error, "strerror", None) or error)
        return bad(what, why, RENEW)
    left = ends - now
    if left <= timedelta(0):
        return bad(what, phrase("it ended on {day}", day=f"{ends:%Y-%m-%d}"), RENEW)
    said = phrase("it ends in {time}", time=duration(left.total_seconds()))
    if left <= EXPIRES_NOW:
        return bad(what, said, RENEW)
    return soon(what, said, RENEW) if left <= EXPIRES_SOON else good(what, said)


def dns_line(configuration: Configuration) -> Iterator[Line]:
    """Whether the names can be led elsewhere, and how long users would not notice."""
    settings = configuration.dns
    if settings is None:
        return
    what = phrase("DNS names")
    try:
        records = NameService(settings).records()
    except DrbotError as error:
        yield bad(what, str(error), phrase("Correct `dns` in dr.yml, or its keys."))
        return
    missing = [name for name in settings.names if name not in records]
    slow = [name for name, record in records.items() if record.ttl > settings.ttl]
    if missing:
        yield bad(what, phrase("no A record: {names}", names=listed(missing)), phrase("Make one, or correct dr.yml."))
    elif slow:
        most = duration(max(record.ttl for record in records.values()))
        why = phrase("users would follow a change only after {time}: {names}", time=most, names=listed(slow))
        yield soon(what, why, phrase("Set their TTL to {time}.", time=duration(settings.ttl)))
    else:
        yield good(what, phrase("followed within {time}", time=duration(settings.ttl)))


def programs_line(configuration: Configuration) -> Iterator[Line]:
    """What actions call on this host beside Docker and restic, which have lines of their own."""
    wanted: list[tuple[str, ...]] = []
    if configuration.repository is not None:
        wanted.append(("git",))
    if any(site.provision is not None and site.provision.terraform for site in configuration.sites.values()):
        wanted.append(TERRAFORM)
    if configuration.certificate is not None:
        wanted.append(("certbot",))
    if not wanted:
        return
    missing = [names[0] for names in wanted if not any(map(shutil.which, names))]
    what = phrase("programs")
    if missing:
        yield bad(what, phrase("not on this host: {names}", names=listed(missing)), phrase("Install them here."))
    else:
        yield good(what, phrase("all there: {names}", names=listed(names[0] for names in wanted)))
