"""The PostgreSQL server under recovery: is it there, what does it hold, who is it.

Small questions are asked inside its container; whatever reads tables runs in a helper on its network, so that STOP
leaves nothing behind.
"""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError
from drbot.core.site.own_checks import OwnCheck
from drbot.core.site.site import Postgres, Service, Site
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients import helper
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.docker_engine import DockerEngine, Executed
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.own_definition import read_definition
from drbot.runners.clients.own_statements import GRACE, SECONDS, TRY, asking, environment, refusal_in
from drbot.runners.clients.postgres_dump import PostgresDump
from drbot.runners.clients.service_container import ServiceContainer, fault_of
from drbot.runners.clients.table_counts import COUNT, DATABASES, ENVIRONMENT, NAME, counted, counting
from drbot.runners.foundation.at_once import both
from drbot.runners.foundation.watching import Cancelled, never

UNREADABLE = "unreadable"
# Inside its container: where the server itself has written down that it listens, whatever told it so.
AS_IT_LISTENS = """
said="${PGDATA:-/var/lib/postgresql/data}/postmaster.pid"
[ ! -r "$said" ] || export PGPORT="$(sed -n 4p "$said")" PGHOST="$(sed -n 5p "$said")"
exec "$@"
"""
# Whether every database answers; the first that does not is named behind what was said.
SILENT = "does not answer: "
ANSWERS = f"""
for PGDATABASE; do
  export PGDATABASE
  psql -XAtq -c "SELECT 1" > /dev/null || {{ printf '\n{SILENT}%s' "$PGDATABASE" >&2; exit 1; }}
done
"""
ANSWER_SECONDS = 5  # for a small question
# Of functions only PostgreSQL's own: who may create one in a database would be superuser by a name that fits better.
ITS_OWN_WORDS = "-c search_path="
FED = 'printf %s "$0" | "$@"'  # for sh: a script, and the command that reads it


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresRecipe:
    """How production's PostgreSQL is run; a copy beside it is run in the same way."""

    image: str
    environment: Mapping[str, str]
    mounted_at: str  # where the data volume is inside the container
    command: tuple[str, ...] = ()  # of the compose file, or the image's own

    @property
    def data_folder(self) -> str:
        """PGDATA inside the container."""
        return self.environment.get("PGDATA", self.mounted_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerIdentity:
    version: str
    system_identifier: str
    now: datetime


class PostgresServer:
    """The service `postgres.service` of a site."""

    def __init__(self, site: Site, engine: DockerEngine, compose: Compose) -> None:
        self._site = site
        self._engine = engine
        self._compose = compose

    @property
    def settings(self) -> Postgres:
        """`postgres` of the site. Raises PermanentError when dr.yml has none."""
        if self._site.postgres is None:
            raise PermanentError(phrase("This site has no `postgres` in dr.yml"))
        return self._site.postgres

    @property
    def named(self) -> Postgres | None:
        """The same; None when dr.yml has none."""
        return self._site.postgres

    @property
    def service(self) -> Service:
        return self._site.services[self.settings.service]

    def container(self) -> ServiceContainer | None:
        """Its container, running or not."""
        return self._engine.container(self.service)

    def recipe(self, cancelled: Cancelled) -> PostgresRecipe:
        """From the compose file, which is there even when the container is not; the image as it is in use."""
        own = read_definition(self._compose, self.service, self.settings.volume, cancelled)
        mounted_at, container = own.mounted_at, self.container()
        image = container.image if container else own.image
        environment, of_image = own.environment, self._engine.image_environment(image)
        if "PGDATA" in of_image:
            environment.setdefault("PGDATA", of_image["PGDATA"])
        command = own.command or self._engine.image_command(image)
        return PostgresRecipe(image=image, environment=environment, mounted_at=mounted_at, command=command)

    def image(self, cancelled: Cancelled) -> str:
        """As it is in use; the compose file is asked where there is no container."""
        container = self.container()
        return container.image if container else self.recipe(cancelled).image

    def major_version(self) -> int | None:
        """Of the image in use; None when it does not say, and where the site has no PostgreSQL."""
        if self._site.postgres is None:
            return None
        said = self._engine.image_environment(self.image(never)).get("PG_MAJOR", "")
        return int(said) if said.isdigit() else None

    def fault(self) -> str | None:
        """Why it does not work, or None: every database answers a query."""
        container = self.container()
        if container is None or not container.is_running:
            return fault_of(container)
        databases = self.settings.databases
        command = ["sh", "-c", AS_IT_LISTENS, "sh", "sh", "-c", ANSWERS, "sh", *databases]
        seconds = ANSWER_SECONDS * len(databases)
        answer = self._engine.execute(container.id, command, seconds=seconds, environment=self._environment())
        if answer.code == 0:
            return None
        said, _, database = answer.output.rpartition(SILENT)
        what = database if said else databases[0]  # ended from outside before any of them has said something
        return self.misnamed() or phrase("{what}: {why}", what=what, why=last_line(said or answer.output))

    def misnamed(self, held: Collection[str] = ()) -> str | None:
        """What dr.yml says of it and the running server knows better; None = nothing, or it cannot be asked. `held`:
        databases of the newest backup: one of them that is not there is lost, and no mistake in dr.yml.
        """
        container = self.container()
        if container is None or not container.is_running:
            return None
        own = container.environment.get("POSTGRES_USER", "postgres")
        answer = self._ask(container, "postgres", "SELECT json_agg(rolname) FROM pg_roles WHERE rolcanlogin", own)
        if answer.code == 0 and self.settings.user not in json.loads(answer.output):
            return phrase(
                "`user` of `postgres` in dr.yml is {user}, and the server has no such role; its own superuser is {own}",
                user=self.settings.user,
                own=own,
            )
        answer = self._ask(container, "postgres", DATABASES)
        there = json.loads(answer.output) if answer.code == 0 else self.settings.databases
        if missing := [name for name in self.settings.databases if name not in there and name not in held]:
            return phrase(
                "`databases` of `postgres` in dr.yml names {names}, and the server has {there}",
                names=listed(missing),
                there=listed(there),
            )
        return None

    def identity(self) -> ServerIdentity:
        """Ask the running server. Raises TemporaryError when it does not answer."""
        answer = self._answer(
            "postgres",
            "SELECT current_setting('server_version'), (pg_control_system()).system_identifier, "
            "extract(epoch FROM now())",
        )
        version, identifier, seconds = answer.split("|")
        return ServerIdentity(
            version=version, system_identifier=identifier, now=datetime.fromtimestamp(float(seconds), UTC)
        )

    def role_fault(self) -> str | None:
        """Why the role of dr.yml cannot dump and restore everything. Raises TemporaryError without an answer."""
        answer = self._answer("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return None if answer == "t" else phrase("{user} is no superuser", user=self.settings.user)

    def refusal_of(self, check: OwnCheck) -> str | None:
        """Why a statement of dr.yml's `proof` could not be asked; it is planned and not carried out. Raises
        TemporaryError while the server does not answer.
        """
        assert check.sql is not None
        command = ["sh", "-c", AS_IT_LISTENS, "sh", "sh", "-c", FED, TRY, *asking(check.sql)]
        variables = environment(check.database or self.settings.databases[0], self.settings.user)
        answer = self._engine.execute(self._running().id, command, seconds=SECONDS + GRACE, environment=variables)
        return refusal_in(answer.output) if answer.code != 0 else None

    def _running(self) -> ServiceContainer:
        container = self.container()
        if container is None or not container.is_running:
            raise TemporaryError(phrase("PostgreSQL is not running"), kind="starting")
        return container

    def answer(self, statement: str, database: str = "postgres") -> str:
        """To one small statement. Raises TemporaryError when it does not answer."""
        return self._answer(database, statement)

    def _answer(self, database: str, statement: str) -> str:
        answer = self._ask(self._running(), database, statement)
        if answer.code != 0:
            raise TemporaryError(
                phrase("PostgreSQL does not answer: {said}", said=last_line(answer.output)), kind="starting"
            )
        return answer.output.strip()

    def databases(self) -> tuple[str, ...]:
        """Every database with data of its own, templates too. Raises TemporaryError when it does not answer."""
        return tuple(json.loads(self._answer("postgres", DATABASES)))

    def data_folder(self) -> str:
        """Where its data lies inside its container. Raises TemporaryError when it does not answer."""
        return self._answer("postgres", "SHOW data_directory")

    def rows(
        self,
        labels: Mapping[str, str],
        cancelled: Cancelled,
        *,
        seconds: float | None = None,
        enough: Cancelled = never,
    ) -> dict[str, int]:
        """Rows of every table now. Raises TemporaryError when it does not answer, PermanentError after `seconds`, or as
        soon as it is `enough`.
        """
        return self._counted(COUNT, labels, cancelled, seconds=seconds, enough=enough)

    def tables(self, labels: Mapping[str, str], cancelled: Cancelled) -> frozenset[str]:
        """The names of all tables now, without counting. Raises TemporaryError, PermanentError after a minute."""
        return frozenset(self._counted(NAME, labels, cancelled, seconds=60))

    def dump(self, labels: Mapping[str, str], cancelled: Cancelled) -> PostgresDump:
        """A dump of all databases that counts what is in it; nothing is started yet."""
        return PostgresDump(self._engine, self.beside(labels, cancelled, ()), self.databases())

    def _counted(
        self,
        script: str,
        labels: Mapping[str, str],
        cancelled: Cancelled,
        *,
        seconds: float | None,
        enough: Cancelled = never,
    ) -> dict[str, int]:
        asked = f"SELECT json_build_array(current_setting('port'), ({DATABASES}))"
        container = self._running()
        said, recipe = both(lambda: self._answer("postgres", asked), lambda: self.recipe(cancelled))
        port, databases = json.loads(said)
        order = self._helper(container, recipe, port, labels, counting(script, databases))
        order = replace(order, environment={**order.environment, **ENVIRONMENT})
        ended = count_within(self._engine, order, cancelled, seconds, enough)
        if ended.code != 0:
            raise TemporaryError(
                phrase("The rows could not be counted: {said}", said=last_line(ended.output)), kind="starting"
            )
        return counted(ended.output)

    def beside(self, labels: Mapping[str, str], cancelled: Cancelled, command: tuple[str, ...]) -> HelperOrder:
        """A helper on the server's own network, with the server's client programs."""
        container = self._running()
        recipe, port = both(lambda: self.recipe(cancelled), lambda: self._answer("postgres", "SHOW port"))
        return self._helper(container, recipe, port, labels, command)

    def _helper(
        self,
        container: ServiceContainer,
        recipe: PostgresRecipe,
        port: str,
        labels: Mapping[str, str],
        command: tuple[str, ...],
    ) -> HelperOrder:
        return HelperOrder(
            image=recipe.image,
            labels=labels,
            entrypoint=command,
            network=f"container:{container.id}",
            environment={
                "PGHOST": "127.0.0.1",
                "PGPORT": port,
                "PGUSER": self.settings.user,
                "PGPASSWORD": recipe.environment.get("POSTGRES_PASSWORD", ""),
                "PGCONNECT_TIMEOUT": "10",
                "PGOPTIONS": ITS_OWN_WORDS,
            },
        )

    def identifier_of(self, volume: str, labels: Mapping[str, str], cancelled: Cancelled) -> str:
        """The system identifier in a data volume, running or not; "unreadable" is a value."""
        try:
            recipe = self.recipe(cancelled)
        except PermanentError:  # a volume without a compose file that says how it is run
            return UNREADABLE
        state = control_data(self._engine, recipe, volume, labels, cancelled)
        return state.get("Database system identifier", UNREADABLE)

    def _ask(self, container: ServiceContainer, database: str, statement: str, user: str = "") -> Executed:
        command = ["sh", "-c", AS_IT_LISTENS, "sh", "psql", "-XAtq", "-c", statement]
        # Behind -d a name with "=" would be taken for a whole connection string, and lead to another server.
        environment = self._environment(user) | {"PGDATABASE": database}
        return self._engine.execute(container.id, command, seconds=ANSWER_SECONDS, environment=environment)

    def _environment(self, user: str = "") -> dict[str, str]:
        """For a small question inside its container."""
        return {
            "PGUSER": user or self.settings.user,
            "PGCONNECT_TIMEOUT": "3",
            "PGOPTIONS": f"{ITS_OWN_WORDS} -c statement_timeout=4s",
            "PGCLIENTENCODING": "UTF8",
        }


def count_within(
    engine: DockerEngine,
    order: HelperOrder,
    cancelled: Cancelled,
    seconds: float | None,
    enough: Cancelled = never,
) -> Executed:
    """Run a helper that counts. Raises PermanentError after `seconds` or when it is `enough`, CancelledError."""
    began = time.monotonic()
    try:
        return helper.run(engine, order, lambda: cancelled() or enough(), seconds)
    except CancelledError:
        if cancelled():
            raise
        took = f"{time.monotonic() - began:.1f}"
        raise PermanentError(phrase("counting took longer than {seconds} s", seconds=took)) from None


def control_data(
    engine: DockerEngine, recipe: PostgresRecipe, volume: str, labels: Mapping[str, str], cancelled: Cancelled
) -> dict[str, str]:
    """What pg_controldata says about a data volume, which is mounted read-only; empty when it cannot be trusted."""
    if engine.volume(volume) is None:
        return {}
    order = HelperOrder(
        image=recipe.image,
        labels=labels,
        entrypoint=("pg_controldata", "-D", recipe.data_folder),
        mounts=(Mount(source=volume, target=recipe.mounted_at, read_only=True),),
        environment={"LC_ALL": "C"},
    )
    ended = helper.run(engine, order, cancelled, seconds=60)
    return stated(ended.output) if ended.code == 0 else {}


def stated(output: str) -> dict[str, str]:
    """What pg_controldata has said; empty when it cannot be trusted: a damaged file is printed all the same, with a
    warning.
    """
    if "WARNING" in output:
        return {}
    pairs = (line.split(":", 1) for line in output.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
