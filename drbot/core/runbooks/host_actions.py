"""What level 3 may ask for: everything that makes the system run again on an empty host.

A file of its own so that core/runbooks/actions.py stays readable; that is where these are looked up.
"""

from drbot.core.runbooks.declarations import ActionDeclaration, ProbeDeclaration
from drbot.core.runbooks.site_parts import HAS
from drbot.core.text.messages import phrase

HOST_ACTIONS = (
    ActionDeclaration(
        name="host.prepare",
        parameters={"docker": "text", "compose": "text", "restic": "text"},
        effect="change",
        brings=True,
        touches=("docker", "compose", "restic"),
        sentence=phrase("Make sure that Docker, Compose and restic are there, in these versions or newer"),
    ),
    ActionDeclaration(
        name="repository.clone",
        parameters={"url": "text", "commit": "text", "folder": "text"},
        effect="change",
        brings=True,
        touches=("folder",),
        sentence=phrase("Clone the repository at its pinned commit"),
    ),
    ActionDeclaration(
        name="backup.fetch",
        parameters={"backup": "backup"},
        effect="change",
        brings=True,
        touches=("backup",),
        sentence=phrase(
            "Copy the sealed full backup to this host, by its digest; what is already here is not copied again"
        ),
    ),
    ActionDeclaration(
        name="configuration.restore",
        parameters={"backup": "backup", "folder": "text"},
        effect="change",
        brings=True,
        touches=("folder",),
        sentence=phrase("Put the configuration files back"),
    ),
    ActionDeclaration(
        name="host.set_aside",
        parameters={"services": "services", "keeper": "text"},
        effect="destroy",
        interrupts=True,
        touches=("services", "keeper"),
        sentence=phrase("Stop what runs on the host and put its data aside; nothing is deleted"),
    ),
    ActionDeclaration(
        name="host.put_back",
        parameters={"aside": "text"},
        effect="change",
        asks=True,
        touches=("aside",),
        sentence=phrase("Bring back what an earlier run put aside of the host; the kept copies stay"),
    ),
    ActionDeclaration(
        name="host.give_up",
        parameters={"aside": "text"},
        effect="destroy",
        for_good=True,
        touches=("aside",),
        sentence=phrase("Delete for good what an earlier run put aside of the host, exactly what the plan names"),
    ),
    ActionDeclaration(
        name="images.prepare",
        parameters={"services": "services"},
        effect="change",
        brings=True,
        touches=("services",),
        sentence=phrase("Get the images of the services: pre-staged, pulled or built"),
    ),
    ActionDeclaration(
        name="volumes.create",
        parameters={"services": "services"},
        effect="change",
        brings=True,
        touches=("services",),
        sentence=phrase("Create the networks and volumes that the compose files expect"),
    ),
    ActionDeclaration(
        name="postgres.restore",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        brings=True,
        touches=("volume",),
        sentence=phrase("Restore PostgreSQL into its new, empty volume and count its rows"),
    ),
    ActionDeclaration(
        name="redis.restore",
        parameters={"backup": "backup", "volume": "volume"},
        effect="change",
        brings=True,
        touches=("volume",),
        sentence=phrase(
            "Restore Redis into its new, empty volume; run as its compose file says, it must load every key"
        ),
    ),
    ActionDeclaration(
        name="files.restore",
        parameters={"backup": "backup"},
        effect="change",
        brings=True,
        touches=("backup",),
        sentence=phrase("Put the files where they belong"),
    ),
    ActionDeclaration(
        name="monitoring.start",
        parameters={"project": "text"},
        effect="change",
        brings=True,
        touches=("project",),
        sentence=phrase("Start Prometheus and Alertmanager"),
    ),
    ActionDeclaration(
        name="monitoring.check",
        parameters={"within": "seconds"},
        optional=frozenset({"within"}),
        effect="none",
        sentence=phrase("Wait until Prometheus stores samples of every target and a test alert has arrived"),
    ),
)

HOST_PROBES = (
    ProbeDeclaration(name=HAS, parameters={"part": "text"}, sentence=phrase("dr.yml names this part for the site")),
    ProbeDeclaration(
        name="host.ready",
        parameters={"docker": "text", "compose": "text", "restic": "text"},
        sentence=phrase("Docker, Compose and restic are there, in these versions or newer"),
    ),
    ProbeDeclaration(
        name="host.occupied",
        parameters={},
        sentence=phrase("the host holds something of the system"),
    ),
    ProbeDeclaration(
        name="host.empty",
        parameters={},
        sentence=phrase("the host holds nothing of the system"),
    ),
    ProbeDeclaration(
        name="compose.anew",
        parameters={"services": "services"},
        sentence=phrase("the services run in containers of this recovery, on its volumes"),
    ),
    ProbeDeclaration(
        name="settings.equal",
        parameters={"expect": "expect"},
        sentence=phrase("the services are started with the settings that they ran with"),
    ),
    ProbeDeclaration(
        name="host.free",
        parameters={},
        sentence=phrase("the ports and container names that the system needs are free"),
    ),
    ProbeDeclaration(
        name="host.kept",
        parameters={"aside": "text"},
        sentence=phrase("what was put aside of the host is there"),
    ),
    ProbeDeclaration(
        name="host.back",
        parameters={"aside": "text"},
        sentence=phrase("what was put aside is in its place again"),
    ),
    ProbeDeclaration(
        name="host.given_up",
        parameters={"aside": "text"},
        sentence=phrase("what was put aside is gone"),
    ),
    ProbeDeclaration(
        name="host.room",
        parameters={"need": "bytes"},
        sentence=phrase("the host has room for the download and the restored data"),
    ),
    ProbeDeclaration(
        name="host.suitable",
        parameters={"site": "site"},
        optional=frozenset({"site"}),
        sentence=phrase("the backup holds what the site needs, and dr.yml says the rest"),
    ),
    ProbeDeclaration(
        name="host.writable",
        parameters={},
        sentence=phrase("the folders that the system goes into can be written"),
    ),
    ProbeDeclaration(
        name="repository.at",
        parameters={"folder": "text", "commit": "text"},
        sentence=phrase("the repository is there at this commit"),
    ),
    ProbeDeclaration(
        name="backup.fetched",
        parameters={"backup": "backup"},
        sentence=phrase("the backup was downloaded whole"),
    ),
    ProbeDeclaration(
        name="configuration.equal",
        parameters={"expect": "expect"},
        sentence=phrase("each configuration file is that of the backup, byte by byte"),
    ),
    ProbeDeclaration(
        name="images.present",
        parameters={"services": "services"},
        sentence=phrase("the images of the services are there"),
    ),
    ProbeDeclaration(
        name="volumes.present",
        parameters={"services": "services"},
        sentence=phrase("the networks and volumes that the compose files expect are there"),
    ),
    ProbeDeclaration(
        name="redis.keys",
        parameters={"expect": "expect"},
        sentence=phrase("Redis holds every key of the backup that has not expired"),
    ),
    ProbeDeclaration(
        name="files.equal",
        parameters={"expect": "expect"},
        sentence=phrase("the files are those of the backup, byte by byte, and no others"),
    ),
    ProbeDeclaration(
        name="monitoring.scraping",
        parameters={},
        sentence=phrase("Prometheus stores samples of every target"),
    ),
    ProbeDeclaration(
        name="monitoring.alerted",
        parameters={},
        sentence=phrase("this run's test alert has arrived"),
    ),
)
