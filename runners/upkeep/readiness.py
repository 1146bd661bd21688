"""What a recovery of a site would stumble over that night: seen now, with the worker's own clients. Changes nothing."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from drbot.core.base.errors import DrbotError
from drbot.core.base.names import is_folder
from drbot.core.site.confirmations import key_line, reachable_line, roster_line
from drbot.core.site.inventory import NOTHING, PAUSE_IT, SHOWN, Inventory, copied_while_written, unkept, with_inventory
from drbot.core.site.own_alerts import Alerts
from drbot.core.site.people import Roster
from drbot.core.site.readiness import Line, bad, good, of_site, services_of, soon, tried
from drbot.core.site.site import Configuration, Service, Site
from drbot.core.text.messages import and_more, clauses, listed, phrase
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.compose import Document
from drbot.runners.clients.compose_text import is_file
from drbot.runners.clients.discovery import written_elsewhere
from drbot.runners.clients.full_store import password
from drbot.runners.clients.own_definition import definition_of
from drbot.runners.clients.shared_settings import shared_settings
from drbot.runners.clients.sqlite_files import read_thoroughly
from drbot.runners.contract.fingerprint import data_volumes, running_strangers
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.following import following_lines
from drbot.runners.upkeep.moved_readiness import old_services
from drbot.runners.upkeep.own_check_readiness import own_check_lines
from drbot.runners.upkeep.prevention import Described, Prevention
from drbot.store.records import confirmations

CORRECT_PROJECT = phrase("Correct `project` or `projects` in dr.yml.")
BRING_BACK = phrase("Bring it back: without it nothing can be started again.")
CORRECT = phrase("Correct it in dr.yml; the server is well.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteReadiness:
    """One site with its clients. `is_empty`: a host that a recovery fills, so that nothing of the system is there."""

    name: str
    site: Site  # with every service of `inventory`
    clients: Clients
    inventory: Inventory = NOTHING
    alerts: Alerts = field(default_factory=Alerts)
    is_empty: bool = False
    is_cloned: bool = False  # a repository brings all that lies below `projects`
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def lines(self) -> Iterator[Line]:
        """Everything; without an engine, what can be seen without one."""
        docker = self.clients.docker
        engine = tried(
            self._what(phrase("Docker engine")),
            lambda: phrase("answers, id {id}", id=docker.id()),
            phrase("Start it, or correct docker.host in dr.yml."),
        )
        yield engine
        if self.is_empty:
            return
        projects = sorted({service.project for service in self.site.services.values()})
        read = dict(zip(projects, at_once(self._read, projects), strict=True))
        described = {project: one for project, one in read.items() if not isinstance(one, Line)}
        yield from self._about_projects([one for one in read.values() if isinstance(one, Line)], described)
        if not engine.well:
            return
        yield from self._about_volumes(described)
        yield from self._about_mounts()
        yield from self._about_health_checks(described)
        yield self._about_services()
        yield from self._about_postgres()
        yield from following_lines(self.clients, self.site, self.name, self.now())
        yield from Prevention(
            name=self.name,
            site=self.site,
            alerts=self.alerts,
            clients=self.clients,
            described=described,
            now=self.now,
        ).lines()

    def _what(self, thing: str) -> str:
        return of_site(self.name, thing)

    def _read(self, project: str) -> Document | Line:
        """Its compose file, as Compose reads it, or what is wrong with that."""
        what, folder = self._what(project), self.clients.compose.folder(project)
        if not any(is_file(folder / name) for name in self.clients.compose.started_from(project)):
            fault = phrase("no compose file in {folder}", folder=folder)
            return bad(what, fault, BRING_BACK if self._runs(project) else CORRECT_PROJECT)
        try:
            return self.clients.compose.describe(project, never)
        except DrbotError as error:
            return bad(what, str(error), phrase("Fix its compose file or its .env."))

    def _runs(self, project: str) -> bool:
        return any(one.project == project for one in self.inventory.services)

    def _about_projects(self, unread: Sequence[Line], described: Described) -> Iterator[Line]:
        places = {line.what: line for line in self._about_places()}
        others = [line for line in unread if line.what not in places]  # which would only follow from that
        faults = [*places.values(), *others, *(line for one in described for line in self._about_reads(one))]
        of_profiles = {(one.project, one.service) for one in self.inventory.services if one.described}
        for name, service in self.site.services.items():
            known = described.get(service.project, {}).get("services")
            is_known = known is None or service.service in known or (service.project, service.service) in of_profiles
            if known is not None and not is_known:
                fault = phrase(
                    "{project} describes no service {service}", project=service.project, service=service.service
                )
                todo = phrase("Correct `service` in dr.yml: there are {services}.", services=listed(sorted(known)))
                faults.append(bad(self._what(name), fault, todo))
        yield from faults
        if not faults:
            yield good(self._what(phrase("compose projects")), phrase("all there"))

    def _about_places(self) -> Iterator[Line]:
        """What a project was started from that drbot does not use."""
        for one in self.inventory.projects:
            if one.outside:
                yield bad(
                    self._what(one.project),
                    phrase("started from {paths}: no backup holds that", paths=and_more(one.outside, SHOWN)),
                    phrase("Move it into a folder of its own below {folder}.", folder=self.site.projects),
                )
            elif one.disputed and one.project not in self.site.compose:
                yield bad(
                    self._what(one.project),
                    phrase("its containers were started from different files: {paths}", paths=listed(one.disputed)),
                    phrase("Say under `compose` in dr.yml which of them are meant."),
                )

    def _about_reads(self, project: str) -> Iterator[Line]:
        """What its files have Compose read of the worker's own host."""
        reads = self.clients.compose.reads(project)
        lacking = self.clients.compose.everything(project).lacking(self._brought_first(), self._at(self.site.files))
        elsewhere = self._at(self.site.not_needed)
        excused = [path for path in lacking.later if any(Path(path).is_relative_to(one) for one in elsewhere)]
        others = sorted({*reads.outside, *lacking.later} - {*lacking.first, *excused})
        withheld, programs = listed(reads.kept_from_it), listed(reads.programs)
        own, first, later, unread = (and_more(one, SHOWN) for one in (reads.own, lacking.first, others, reads.unread))
        for found, fault, todo in (
            (withheld, phrase("uses {names} of the worker's environment, which is kept from it", names=withheld),
             phrase("Give it a value in the project's .env, or name it under `variables` of the site in dr.yml.")),
            (own, phrase("uses {paths}, where drbot keeps what it signs with", paths=own),
             phrase("Take that out of its compose file, or set DRBOT_HOME to a folder outside of the projects.")),
            (first, phrase("reads {paths}, which a lost host does not have in time", paths=first),
             phrase("Move it below {folder}.", folder=self.site.projects)),
            (later, phrase("uses {paths}: no backup holds that", paths=later),
             phrase("Move it into the project's folder, or name its folder under `files` in dr.yml.")),
            (unread, phrase("drbot does not understand all of {paths}", paths=unread),
             phrase("Write paths without variables, and the file as plain YAML or as lines of NAME=value.")),
            (programs, phrase("starts {names} on the worker's own host", names=programs),
             phrase("Take `provider` out of its compose file.")),
        ):  # fmt: skip
            if found:
                yield bad(self._what(project), fault, todo)
        if excused:
            fault = phrase(
                "uses {paths}, which no backup holds (`not_needed` in dr.yml)", paths=and_more(excused, SHOWN)
            )
            todo = phrase("Have it on a new host before level 3 begins: what uses it does not start without.")
            yield soon(self._what(project), fault, todo)

    def _brought_first(self) -> list[Path]:
        """Folders that a lost host has before anything is made of what Compose reads there."""
        compose, projects = self.clients.compose, self.site.projects
        shared = (projects / name for name in shared_settings(self.site, compose))
        return [
            *map(compose.folder, self.site.compose_projects()), *shared, *([projects] if self.is_cloned else []),
        ]  # fmt: skip

    def _at(self, names: Iterable[str]) -> list[Path]:
        return [Path(self.site.place_of(name)) for name in names if is_folder(name)]

    def _about_volumes(self, described: Described) -> Iterator[Line]:
        wanted = [(store.service, store.volume) for store in self.site.stores]
        faults = [fault for name, volume in wanted if (fault := self._fault_of_volume(described, name, volume))]
        faults += [self._not_there(name) for name in self.site.files if not self._have(name)]
        faults += self._shared()
        yield from faults
        if not faults:
            there = phrase("{volumes}: there", volumes=listed(volume for _, volume in wanted))
            yield good(self._what(phrase("volumes")), there if wanted else phrase("none needed"))

    def _shared(self) -> Iterator[Line]:
        """What would be refused that night: no step stops who else uses it."""
        for volume in data_volumes(self.site):
            if names := running_strangers(self.clients, self.site, volume):
                fault = phrase("{names} also uses it and is no service of dr.yml", names=listed(names))
                todo = phrase("Add it to dr.yml, or end it: docker stop {names}.", names=" ".join(names))
                yield bad(self._what(phrase("volume {volume}", volume=volume)), fault, todo)

    def _have(self, name: str) -> bool:
        return self.clients.have(self.site.place_of(name))

    def _not_there(self, name: str) -> Line:
        what = self._what(phrase("files {name}", name=name))
        if is_folder(name) and Path(self.site.place_of(name)).is_file():
            return bad(what, phrase("it is a file"), phrase("Name its folder under `files` in dr.yml."))
        return bad(what, phrase("it is missing"), phrase("Correct `files` in dr.yml."))

    def _about_mounts(self) -> Iterator[Line]:
        """What a service keeps that no backup holds is lost with the host, and nobody else would say so."""
        found = unkept(self.site, self.inventory)
        for one in found:
            yield bad(
                self._what(one.name),
                phrase("in no backup; {services} keeps data there", services=listed(one.services)),
                _how_to_keep(one.name),
            )
        for service in copied_while_written(self.site, self.inventory):
            fault = phrase("{what} writes while a full backup copies its files", what=service.program)
            yield soon(self._what(service.service), fault, PAUSE_IT)
        if not found:
            yield good(self._what(phrase("mounts")), phrase("each is in a backup, or not needed"))

    def _fault_of_volume(self, described: Described, name: str, volume: str) -> Line | None:
        service, what = self.site.services[name], self._what(phrase("volume {volume}", volume=volume))
        project = described.get(service.project)
        if project is not None and service.service in project["services"]:
            mounted = definition_of(project, service, volume).places
            if volume not in mounted:
                fault = phrase("{service} does not mount it", service=name)
                if mounted:
                    fault = phrase("{service} does not mount it, but {volumes}", service=name, volumes=listed(mounted))
                return bad(what, fault, phrase("Give in dr.yml what holds its data: a volume, or a folder."))
        found = self.clients.docker.volume(volume)
        if found is None:
            todo = phrase("Give in dr.yml what holds its data: a volume, or a folder.")
            return bad(what, phrase("there is none of that name"), todo)
        if found.fault:
            return bad(what, found.fault, phrase("Move the data, or level 2 cannot replace it."))
        own = self.clients.settings.home.absolute()
        if is_folder(volume) and own.is_relative_to(volume):
            return bad(what, phrase("drbot's own files are in it"), phrase("Give drbot another DRBOT_HOME."))
        is_postgres = self.site.postgres is not None and self.site.postgres.volume == volume
        server = self.clients.postgres if is_postgres else self.clients.redis
        if folder := written_elsewhere(server, self.inventory, service, volume):
            fault = phrase("{service} writes to {folder}, which is not in it", service=name, folder=folder)
            return bad(what, fault, phrase("Give in dr.yml what holds its data: a volume, or a folder."))
        return None

    def _about_health_checks(self, described: Described) -> Iterator[Line]:
        """Without one, a service that only runs would be called healthy."""
        blind = [
            name
            for name, service in self.site.services.items()
            if name not in self.site.store_services
            and not service.once
            and not service.health
            and not self._is_checked(service, described)
        ]
        for name in blind:
            todo = phrase("Give it `health` (a URL) in dr.yml, or a healthcheck in its compose file.")
            yield soon(self._what(name), phrase("nothing says whether it works, only whether it runs"), todo)
        if not blind:
            yield good(
                self._what(phrase("health checks")),
                phrase("all {count} services have one", count=len(self.site.services)),
            )

    def _is_checked(self, service: Service, described: Described) -> bool:
        found = described.get(service.project, {}).get("services", {}).get(service.service, {})
        if "healthcheck" in found:
            return not (found["healthcheck"] or {}).get("disable")
        container = self.clients.docker.container(service)
        return container is not None and container.health is not None

    def _about_services(self) -> Line:
        faults = self.clients.health.lasting_faults(self.site.services)
        what = services_of(self.name)
        if faults:
            said = clauses(
                phrase("{service}: {fault}", service=service, fault=fault) for service, fault in faults.items()
            )
            return bad(what, said, self._remedy(faults) or phrase("Fix it, or declare: drbot dr declare level1."))
        return good(what, phrase("all {count} work", count=len(self.site.services)))

    def _remedy(self, faults: Collection[str]) -> str:
        """Where a store is what does not work: the others only wait for it, and a restart brings no data back."""
        for store in self.site.stores:
            if store.service not in faults:
                continue
            kind = "postgres" if store is self.site.postgres else "redis"
            if kind == "postgres" and self.clients.postgres.misnamed() is not None:
                return CORRECT
            container = self.clients.docker.container(self.site.services[store.service])
            if container is not None and not container.was_ended:
                return phrase(
                    "Its log says why. If the data of {service} is damaged: drbot dr declare level2 {kind}.",
                    service=store.service,
                    kind=kind,
                )
        return ""

    def _about_postgres(self) -> Iterator[Line]:
        if self.site.postgres is None:
            return
        what, user = self._what(phrase("PostgreSQL role")), self.site.postgres.user
        try:
            fault = self.clients.postgres.role_fault()
        except DrbotError as error:
            wrong = self.clients.postgres.misnamed()
            yield bad(what, wrong or str(error), CORRECT if wrong else phrase("Start PostgreSQL, then look again."))
            return
        if fault:
            todo = phrase("Give a superuser as `user` in dr.yml, or: ALTER ROLE {user} SUPERUSER.", user=user)
            yield bad(what, fault, todo)
            return
        yield good(what, phrase("{user} may dump and restore everything", user=user))


def _how_to_keep(name: str) -> str:
    if is_folder(name) and Path(name).is_file():
        return phrase("Add its folder to `files` in dr.yml, or it to `not_needed` with a reason.")
    return phrase("Add it to `files` in dr.yml, or to `not_needed` with a reason.")


def site_lines(
    configuration: Configuration,
    name: str,
    settings: RunnerSettings,
    note: Callable[[Inventory], object] = lambda _: None,
    *,
    users_are_here: bool = True,
) -> Iterator[Line]:
    """`note`: hears what the site consists of, where that could be read."""
    site = configuration.site(name)
    if site.provision is not None:
        yield good(name, phrase("is made when it is needed (level 4)"))
        return  # what is rented for it is told once for all sites
    if not site.services:
        return  # the control site: its worker needs no engine
    clients = clients_of(site, configuration, settings, patience_seconds=0)
    recovery = configuration.recovery
    try:
        if recovery is not None and recovery.site == name:
            yield from (lines := tuple(SiteReadiness(name=name, site=site, clients=clients, is_empty=True).lines()))
            if all(line.well for line in lines) and not users_are_here:
                yield from old_services(name, site, clients.docker)
            return
        inventory = inventory_of(site, clients)
        if inventory.services:
            note(inventory)
        known = with_inventory(site, inventory)
        yield from SiteReadiness(
            name=name,
            site=known,
            clients=clients.of(known),
            inventory=inventory,
            alerts=configuration.alerts,
            is_cloned=configuration.repository is not None,
        ).lines()
        if name == configuration.default_site:
            yield from own_check_lines(configuration, clients)
    except DrbotError as error:
        yield bad(name, str(error), phrase("Look again when its engine answers."))
    finally:
        clients.close()


def inventory_of(site: Site, clients: Clients) -> Inventory:
    """Nothing where the engine does not answer, which is a line of its own."""
    try:
        return read_thoroughly(site, clients.docker, clients.compose, never)
    except DrbotError:
        return NOTHING


def confirmed_lines(roster: Roster, connection: Connection) -> Iterator[Line]:
    known, now = confirmations.list_of(connection), datetime.now(UTC)
    yield reachable_line(roster, known, now)
    yield roster_line(known, now)
    about_key = key_line(bool(password()), known, now)
    yield from (about_key,) if about_key is not None else ()


def second_factor_line(roster: Roster, totp_secrets: TotpSecrets) -> Line | None:
    """Whether every approver has something to vote with, as far as this host's worker knows; None: nobody needs it."""
    if roster.second_factor == "none":
        return None
    lacking = [
        person.name
        for person in roster.approvers()
        if person.key is None and not ((entry := totp_secrets.entry(person.id)) and entry.secret)
    ]
    if lacking:
        return bad(
            phrase("second factor"),
            phrase("no authenticator: {lacking}", lacking=listed(lacking)),
            phrase("They type /dr enrol."),
        )
    return good(phrase("second factor"), phrase("every approver has an authenticator or a key"))
