"""The machines that drbot has rented, as their makers say: EC2 by drbot's own tags, Terraform by its state. Whoever
died between having one made and writing that down, the next look finds it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.core.runs.stakes import RentedMachine, Users
from drbot.core.site.site import Configuration, Provision
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.clients.machines import INCIDENT_TAG, RENTED_TAG, SITE_TAG, Ec2, Machine
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.terraform import terraform_of
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.watching import never
from drbot.store.records.machines import KnownMachine

EC2, TERRAFORM = "ec2", "terraform"
SETTLED = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rented:
    """One machine, and who had it made, for which site."""

    machine: Machine
    by: str
    site: str
    settings: Provision

    @property
    def run(self) -> str:
        """That rented it, as its tag says."""
        return self.machine.tags.get(RENTED_TAG, "")

    @property
    def incident(self) -> int | None:
        """For which it was rented, as its tag says."""
        number = self.machine.tags.get(INCIDENT_TAG, "")
        return int(number) if number.isdecimal() else None

    @property
    def region(self) -> str:
        return self.settings.region


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """One place where machines are made: a region of EC2, or a folder of Terraform. `site`: "" = several."""

    by: str
    site: str
    settings: Provision
    system: str

    @property
    def name(self) -> str:
        if self.by == TERRAFORM:
            return phrase("Terraform in {folder}", folder=self.settings.terraform)
        return phrase("EC2 in {region}", region=self.settings.region)

    def machines(self) -> tuple[Rented, ...]:
        """All that are there now. Raises DrbotError when it cannot say."""
        if self.by == EC2:
            found = Ec2(self.settings).of_system(self.system)
            return tuple(self._rented(one, one.tags.get(SITE_TAG, "")) for one in found)
        terraform = terraform_of(self.settings)
        machine = terraform.machine() if terraform else None
        return (self._rented(machine, self.site),) if machine else ()

    def would_list(self, machine: RentedMachine | KnownMachine) -> bool:
        """Whether this is where it was made, as far as dr.yml tells."""
        if machine.by != self.by:
            return False
        return machine.site == self.site if self.by == TERRAFORM else machine.region == self.settings.region

    def knows_gone(self, machine: str, age: timedelta) -> bool:
        """Whether one that is not listed has ended; EC2 does not know a new one at once. Raises DrbotError."""
        if self.by == TERRAFORM:
            terraform = terraform_of(self.settings)
            return terraform is not None and terraform.has_ended()
        found = Ec2(self.settings).look(machine)
        return age > SETTLED if found is None else found.is_gone

    def _rented(self, machine: Machine, site: str) -> Rented:
        return Rented(machine=machine, by=self.by, site=site, settings=self.settings)


def makers_of(configuration: Configuration) -> tuple[Maker, ...]:
    """Each region once, whatever sites have their machines there, and each folder."""
    found: dict[tuple[str, ...], Maker] = {}
    maker = partial(Maker, system=configuration.system)
    for name, site in configuration.sites.items():
        settings = site.provision
        if settings is None:
            continue
        if settings.terraform is not None:
            found[TERRAFORM, str(settings.terraform)] = maker(by=TERRAFORM, site=name, settings=settings)
        if settings.image:
            place = (EC2, settings.region, settings.endpoint or "")
            found.setdefault(place, maker(by=EC2, site="", settings=settings))
    return tuple(found.values())


def all_rented(configuration: Configuration) -> tuple[list[Rented], list[str]]:
    """Everything that is there, and which makers could not say."""
    found: list[Rented] = []
    silent: list[str] = []
    for maker in makers_of(configuration):
        try:
            found += maker.machines()
        except DrbotError as error:
            silent.append(phrase("{what}: {why}", what=maker.name, why=error))
    return found, silent


def has_ended(configuration: Configuration, machine: RentedMachine, now: datetime) -> bool:
    """Whether its maker says so: an unlisted one may be where dr.yml does not look any more. Raises DrbotError."""
    age = now - (machine.since or now)
    return any(
        maker.knows_gone(machine.machine, age) for maker in makers_of(configuration) if maker.would_list(machine)
    )


def find(configuration: Configuration, machine: str) -> Rented | None:
    """The one of this id. Raises PermanentError when that cannot be said."""
    found, silent = all_rented(configuration)
    mine = [one for one in found if one.machine.id == machine]
    if len(mine) > 1:
        sites = listed(one.site for one in mine)
        raise PermanentError(
            phrase(
                "Several machines are called {machine} ({sites}); it is not clear which one is meant",
                machine=machine,
                sites=sites,
            )
        )
    if not mine and silent:
        raise PermanentError(
            phrase("Whether {machine} is there is not known: {why}", machine=machine, why=clauses(silent))
        )
    return mine[0] if mine else None


def places_of(rented: Rented, configuration: Configuration, own: OwnRecord) -> frozenset[str]:
    """By which a run's own record knows that it counts on this machine. One that does not say for which incident it was
    made may be any incident's.
    """
    site = configuration.sites.get(rented.site)
    addresses = {*rented.machine.addresses, *([site.address] if site and site.address else [])}
    if rented.incident is not None:
        return frozenset({f"DR-{rented.incident}/{rented.site}", *addresses})
    every = (place for _, known in own.runs() for place in known.places)
    return frozenset({*addresses, *(place for place in every if place.endswith(f"/{rented.site}"))})


def users_of(rented: Rented, configuration: Configuration, own: OwnRecord) -> Users:
    """Whether users were led there, as far as this host remembers. A run that it does not know may have done it."""
    if own.led_users_to(places_of(rented, configuration, own)):
        return Users.ONCE
    known = own.run(rented.run)
    return Users.NEVER if known is not None else Users.UNKNOWN


def why_needed(
    rented: Rented,
    configuration: Configuration,
    own: OwnRecord,
    *,
    run: str,
    led: frozenset[str],
    answers: Callable[[], None],
) -> Iterator[str]:
    """Each reason why it may not be given back. `led`: every address that users are led to now. `answers` raises
    DrbotError unless users are served where they are led.
    """
    name, site = rented.machine.id, configuration.sites.get(rented.site)
    there = rented.machine.addresses & led
    if there:
        yield phrase(
            "DNS points to {name} ({addresses}). Point it elsewhere first: /dr lead-back",
            name=name,
            addresses=listed(sorted(there)),
        )
    elif site is not None and site.address in led and not _is_another(rented, configuration, site.address):
        yield phrase(
            "DNS points to {site} ({address}). Point it elsewhere first: /dr lead-back",
            site=rented.site,
            address=site.address,
        )
    using = own.counting_on(places_of(rented, configuration, own), but=run)
    if using:
        yield phrase("{runs} depends on it and has not ended. Let it end, or stop it first", runs=listed(using))
    if users_of(rented, configuration, own) is not Users.NEVER:
        try:
            answers()
        except DrbotError as error:
            yield (
                phrase(
                    "users may have worked on {name}, and nothing answers where DNS points now ({error}), so it "
                    "may hold the only copy in use. Make sure first that users are served elsewhere",
                    name=name,
                    error=error,
                )
            )


def _is_another(rented: Rented, configuration: Configuration, address: str | None) -> bool:
    """Whether it is another machine of ours that has this address."""
    others, _ = all_rented(configuration)
    return any(address in one.machine.addresses for one in others if one.machine.id != rented.machine.id)


def to_destroy(rented: Rented) -> tuple[str, ...]:
    """All that Terraform would take away with it. Raises PermanentError."""
    terraform = terraform_of(rented.settings) if rented.by == TERRAFORM else None
    return terraform.would_destroy(variables_of(rented.site), Bounds(cancelled=never)) if terraform else ()


def variables_of(site: str, user_data: str = "") -> Mapping[str, str]:
    """What a folder of Terraform is given."""
    return {"environment": "disaster-recovery", "site": site, "user_data": user_data}
