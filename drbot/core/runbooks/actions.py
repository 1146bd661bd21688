"""What a runbook may ask for: every action and every probe, with the sentence people read.

Declarations only, so that a plan can be checked and shown without Docker at hand; the doing is in
runners/actions under the same names (a test compares the two).
"""

from collections.abc import Mapping
from types import MappingProxyType

from drbot.core.runbooks.centre_actions import CENTRE_ACTIONS, CENTRE_PROBES
from drbot.core.runbooks.declarations import ActionDeclaration, ProbeDeclaration
from drbot.core.runbooks.host_actions import HOST_ACTIONS, HOST_PROBES
from drbot.core.text.messages import phrase

_ACTIONS = (
    ActionDeclaration(
        name="evidence.collect",
        parameters={"services": "services"},
        effect="none",
        sentence=phrase("Keep logs and state as evidence"),
    ),
    ActionDeclaration(
        name="compose.restart",
        parameters={"services": "services"},
        effect="change",
        interrupts=True,
        touches=("services",),
        sentence=phrase("Restart the services"),
    ),
    ActionDeclaration(
        name="compose.stop",
        parameters={"services": "services"},
        effect="change",
        interrupts=True,
        touches=("services",),
        sentence=phrase("Stop the services"),
    ),
    ActionDeclaration(
        name="compose.start",
        parameters={"services": "services", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="change",
        brings=True,
        touches=("services",),
        sentence=phrase("Start the services in their order"),
    ),
    ActionDeclaration(
        name="compose.recreate",
        parameters={"services": "services"},
        effect="change",
        brings=True,
        interrupts=True,
        touches=("services",),
        sentence=phrase("Take the services down and up again"),
    ),
    ActionDeclaration(
        name="health.wait",
        parameters={"services": "services", "within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence=phrase("Wait until the services are healthy"),
    ),
    ActionDeclaration(
        name="data.wait",
        parameters={"volume": "volume", "within": "seconds"},
        optional=frozenset({"volume", "within"}),
        effect="none",
        sentence=phrase("Wait until the data that is in place answers"),
    ),
    ActionDeclaration(
        name="dependencies.probe",
        parameters={},
        effect="none",
        sentence=phrase("Ask PostgreSQL and Redis whether they work"),
    ),
    ActionDeclaration(
        name="backup.check",
        parameters={"backup": "backup"},
        effect="none",
        sentence=phrase("Check that the backup is complete and whole"),
    ),
    ActionDeclaration(
        name="postgres.restore_beside",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        touches=("volume",),
        makes="volume",
        sentence=phrase("Restore the backup beside production and count its rows"),
    ),
    ActionDeclaration(
        name="redis.restore_beside",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        touches=("volume",),
        makes="volume",
        sentence=phrase("Restore Redis beside production; its own server must load every key"),
    ),
    ActionDeclaration(
        name="files.restore_beside",
        parameters={"backup": "backup", "files": "text", "volume": "volume"},
        effect="change",
        touches=("volume",),
        makes="volume",
        sentence=phrase("Restore the files beside production"),
    ),
    ActionDeclaration(
        name="settings.restore_beside",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        touches=("volume",),
        makes="volume",
        sentence=phrase("Restore the settings beside production"),
    ),
    ActionDeclaration(
        name="volume.swap",
        parameters={"volume": "volume", "replacement": "volume", "keeper": "volume"},
        effect="destroy",
        puts_in_place="replacement",
        interrupts=True,
        touches=("volume", "replacement", "keeper"),
        sentence=phrase("Put the restored data in place; the old data is kept"),
    ),
    ActionDeclaration(
        name="volume.swap_back",
        parameters={"volume": "volume", "keeper": "volume", "replacement": "volume"},
        effect="destroy",
        interrupts=True,
        touches=("volume", "replacement", "keeper"),
        sentence=phrase("Bring the kept data back; the data in place until now is kept"),
    ),
    ActionDeclaration(
        name="volume.remove",
        parameters={"volume": "volume"},
        effect="change",
        touches=("volume",),
        takes_back="volume",
        sentence=phrase("Remove a volume this run created"),
    ),
    ActionDeclaration(
        name="kept.remove",
        parameters={"volume": "volume"},
        effect="destroy",
        for_good=True,
        touches=("volume",),
        sentence=phrase("Delete kept data for good, exactly the volume in the plan"),
    ),
    ActionDeclaration(
        name="drill.break",
        parameters={"services": "services"},
        effect="change",
        touches=("services",),
        sentence=phrase("Break the copy of a drill; refused on every other engine"),
    ),
    ActionDeclaration(
        name="notify.stakeholders",
        parameters={"text": "text"},
        optional=frozenset({"text"}),
        effect="none",
        sentence=phrase("Tell the stakeholders"),
    ),
)

_PROBES = (
    ProbeDeclaration(
        name="health.services",
        parameters={"services": "services"},
        sentence=phrase("the services are healthy"),
    ),
    ProbeDeclaration(
        name="own_checks.http",
        parameters={},
        sentence=phrase("the system passes the `http` checks of dr.yml"),
    ),
    ProbeDeclaration(
        name="compose.running",
        parameters={"services": "services"},
        sentence=phrase("the services are running"),
    ),
    ProbeDeclaration(
        name="compose.stopped",
        parameters={"services": "services"},
        sentence=phrase("the services are stopped"),
    ),
    ProbeDeclaration(
        name="data.answers",
        parameters={"volume": "volume"},
        optional=frozenset({"volume"}),
        sentence=phrase(
            "the data that is in place works: PostgreSQL answers in every database, Redis has loaded its data, files "
            "are there, settings can be read"
        ),
    ),
    ProbeDeclaration(
        name="postgres.rows",
        parameters={"expect": "expect"},
        sentence=phrase("production holds the rows of the backup's manifest"),
    ),
    ProbeDeclaration(
        name="postgres.beside_rows",
        parameters={"volume": "volume", "expect": "expect"},
        sentence=phrase("the restored copy holds the rows of the backup's manifest"),
    ),
    ProbeDeclaration(
        name="redis.beside_keys",
        parameters={"volume": "volume", "expect": "expect"},
        sentence=phrase("the restored copy holds the keys of the backup"),
    ),
    ProbeDeclaration(
        name="files.beside_equal",
        parameters={"files": "text", "volume": "volume", "expect": "expect"},
        sentence=phrase("the restored copy holds the files of the backup, byte by byte, and no others"),
    ),
    ProbeDeclaration(
        name="files.set_equal",
        parameters={"files": "text", "expect": "expect"},
        sentence=phrase("these files are those of the backup, byte by byte, and no others"),
    ),
    ProbeDeclaration(
        name="settings.beside_equal",
        parameters={"volume": "volume", "expect": "expect"},
        sentence=phrase("the restored copy holds the settings of the backup, byte by byte"),
    ),
    ProbeDeclaration(
        name="backup.holds",
        parameters={"data": "text"},
        sentence=phrase("the backup holds what is to be restored"),
    ),
    ProbeDeclaration(
        name="backup.fresh",
        parameters={"max_age": "seconds"},
        optional=frozenset({"max_age"}),
        sentence=phrase("the newest backup is recent enough"),
    ),
    ProbeDeclaration(
        name="backup.whole",
        parameters={"backup": "backup"},
        optional=frozenset({"backup"}),
        sentence=phrase("the backup is complete and whole"),
    ),
    ProbeDeclaration(
        name="disk.free",
        parameters={"need": "bytes"},
        sentence=phrase("the target has room for a copy"),
    ),
    ProbeDeclaration(
        name="volume.swapped",
        parameters={"volume": "volume", "keeper": "volume"},
        sentence=phrase("the restored data is in place and the old data is kept"),
    ),
    ProbeDeclaration(
        name="volume.gone",
        parameters={"volume": "volume"},
        sentence=phrase("there is no volume of this name"),
    ),
    ProbeDeclaration(
        name="volume.exists",
        parameters={"volume": "volume"},
        sentence=phrase("the volume exists"),
    ),
    ProbeDeclaration(
        name="volume.unshared",
        parameters={"volume": "volume"},
        sentence=phrase("no container of others uses the volume"),
    ),
)

ACTIONS: Mapping[str, ActionDeclaration] = MappingProxyType(
    {action.name: action for action in (*_ACTIONS, *HOST_ACTIONS, *CENTRE_ACTIONS)}
)
PROBES: Mapping[str, ProbeDeclaration] = MappingProxyType(
    {probe.name: probe for probe in (*_PROBES, *HOST_PROBES, *CENTRE_PROBES)}
)
