"""What a runbook may ask for: every action and every probe, with the sentence people read.

Declarations only, so that a plan can be checked and shown without Docker at hand; the doing is in
runners/actions under the same names (a test compares the two).
"""

from collections.abc import Mapping
from types import MappingProxyType

from drbot.core.runbooks.declarations import ActionDeclaration, ProbeDeclaration, action, probe
from drbot.core.runbooks.site_parts import HAS
from drbot.core.text.messages import phrase

_ACTIONS = (
    action("evidence.collect", "services", "none", phrase("Keep logs and state as evidence")),
    action("compose.restart", "services", "change", touches="services", interrupts=True,
           sentence=phrase("Restart the services")),
    action("compose.stop", "services", "change", phrase("Stop the services"), touches="services", interrupts=True),
    action("compose.start", "services within:seconds?", "change", touches="services", brings=True,
           sentence=phrase("Start the services in their order")),
    action("compose.recreate", "services", "change", touches="services", brings=True, interrupts=True,
           sentence=phrase("Take the services down and up again")),
    action("health.wait", "services within:seconds?", "none", phrase("Wait until the services are healthy")),
    action("data.wait", "volume? within:seconds?", "none", phrase("Wait until the data that is in place answers")),
    action("dependencies.probe", "", "none", phrase("Ask PostgreSQL and Redis whether they work")),
    action("backup.check", "backup", "none", phrase("Check that the backup is complete and whole")),
    action("postgres.restore_beside", "backup volume", "change", touches="volume", makes="volume",
           sentence=phrase("Restore the backup beside production and count its rows")),
    action("redis.restore_beside", "backup volume", "change", touches="volume", makes="volume",
           sentence=phrase("Restore Redis beside production; its own server must load every key")),
    action("files.restore_beside", "backup files:text volume", "change", touches="volume", makes="volume",
           sentence=phrase("Restore the files beside production")),
    action("settings.restore_beside", "backup volume", "change", touches="volume", makes="volume",
           sentence=phrase("Restore the settings beside production")),
    action("volume.swap", "volume replacement:volume keeper:volume", "destroy",
           touches="volume replacement keeper", puts_in_place="replacement", interrupts=True,
           sentence=phrase("Put the restored data in place; the old data is kept")),
    action("volume.swap_back", "volume keeper:volume replacement:volume", "destroy",
           touches="volume replacement keeper", interrupts=True,
           sentence=phrase("Bring the kept data back; the data in place until now is kept")),
    action("volume.remove", "volume", "change", touches="volume", takes_back="volume",
           sentence=phrase("Remove a volume this run created")),
    action("kept.remove", "volume", "destroy", touches="volume", for_good=True,
           sentence=phrase("Delete kept data for good, exactly the volume in the plan")),
    action("drill.break", "services", "change", touches="services",
           sentence=phrase("Break the copy of a drill; refused on every other engine")),
    action("notify.stakeholders", "text?", "none", phrase("Tell the stakeholders")),
)  # fmt: skip

_PROBES = (
    probe("health.services", "services", phrase("the services are healthy")),
    probe("own_checks.http", "", phrase("the system passes the `http` checks of dr.yml")),
    probe("compose.running", "services", phrase("the services are running")),
    probe("compose.stopped", "services", phrase("the services are stopped")),
    probe("data.answers", "volume?",
          phrase("the data that is in place works: PostgreSQL answers in every database, Redis has loaded its data, "
                 "files are there, settings can be read")),
    probe("postgres.rows", "expect", phrase("production holds the rows of the backup's manifest")),
    probe("postgres.beside_rows", "volume expect", phrase("the restored copy holds the rows of the backup's manifest")),
    probe("redis.beside_keys", "volume expect", phrase("the restored copy holds the keys of the backup")),
    probe("files.beside_equal", "files:text volume expect",
          phrase("the restored copy holds the files of the backup, byte by byte, and no others")),
    probe("files.set_equal", "files:text expect",
          phrase("these files are those of the backup, byte by byte, and no others")),
    probe("settings.beside_equal", "volume expect",
          phrase("the restored copy holds the settings of the backup, byte by byte")),
    probe("backup.holds", "data:text", phrase("the backup holds what is to be restored")),
    probe("backup.fresh", "max_age:seconds?", phrase("the newest backup is recent enough")),
    probe("backup.whole", "backup?", phrase("the backup is complete and whole")),
    probe("disk.free", "need:bytes", phrase("the target has room for a copy")),
    probe("volume.swapped", "volume keeper:volume", phrase("the restored data is in place and the old data is kept")),
    probe("volume.gone", "volume", phrase("there is no volume of this name")),
    probe("volume.exists", "volume", phrase("the volume exists")),
    probe("volume.unshared", "volume", phrase("no container of others uses the volume")),
)  # fmt: skip

# Level 3: everything that makes the system run again on an empty host.
_HOST_ACTIONS = (
    action("host.prepare", "docker:text compose:text restic:text", "change",
           touches="docker compose restic", brings=True,
           sentence=phrase("Make sure that Docker, Compose and restic are there, in these versions or newer")),
    action("repository.clone", "url:text commit:text folder:text", "change", touches="folder", brings=True,
           sentence=phrase("Clone the repository at its pinned commit")),
    action("backup.fetch", "backup", "change", touches="backup", brings=True,
           sentence=phrase("Copy the sealed full backup to this host, by its digest; what is already here is not "
                           "copied again")),
    action("configuration.restore", "backup folder:text", "change", touches="folder", brings=True,
           sentence=phrase("Put the configuration files back")),
    action("host.set_aside", "services keeper:text", "destroy", touches="services keeper", interrupts=True,
           sentence=phrase("Stop what runs on the host and put its data aside; nothing is deleted")),
    action("host.put_back", "aside:text", "change", touches="aside", asks=True,
           sentence=phrase("Bring back what an earlier run put aside of the host; the kept copies stay")),
    action("host.give_up", "aside:text", "destroy", touches="aside", for_good=True,
           sentence=phrase("Delete for good what an earlier run put aside of the host, exactly what the plan names")),
    action("images.prepare", "services", "change", touches="services", brings=True,
           sentence=phrase("Get the images of the services: pre-staged, pulled or built")),
    action("volumes.create", "services", "change", touches="services", brings=True,
           sentence=phrase("Create the networks and volumes that the compose files expect")),
    action("postgres.restore", "backup volume", "change", touches="volume", brings=True,
           sentence=phrase("Restore PostgreSQL into its new, empty volume and count its rows")),
    action("redis.restore", "backup volume", "change", touches="volume", brings=True,
           sentence=phrase("Restore Redis into its new, empty volume; run as its compose file says, it must load "
                           "every key")),
    action("files.restore", "backup", "change", touches="backup", brings=True,
           sentence=phrase("Put the files where they belong")),
    action("monitoring.start", "project:text", "change", touches="project", brings=True,
           sentence=phrase("Start Prometheus and Alertmanager")),
    action("monitoring.check", "within:seconds?", "none",
           phrase("Wait until Prometheus stores samples of every target and a test alert has arrived")),
)  # fmt: skip

_HOST_PROBES = (
    probe(HAS, "part:text", phrase("dr.yml names this part for the site")),
    probe("host.ready", "docker:text compose:text restic:text",
          phrase("Docker, Compose and restic are there, in these versions or newer")),
    probe("host.occupied", "", phrase("the host holds something of the system")),
    probe("host.empty", "", phrase("the host holds nothing of the system")),
    probe("compose.anew", "services", phrase("the services run in containers of this recovery, on its volumes")),
    probe("settings.equal", "expect", phrase("the services are started with the settings that they ran with")),
    probe("host.free", "", phrase("the ports and container names that the system needs are free")),
    probe("host.kept", "aside:text", phrase("what was put aside of the host is there")),
    probe("host.back", "aside:text", phrase("what was put aside is in its place again")),
    probe("host.given_up", "aside:text", phrase("what was put aside is gone")),
    probe("host.room", "need:bytes", phrase("the host has room for the download and the restored data")),
    probe("host.suitable", "site?", phrase("the backup holds what the site needs, and dr.yml says the rest")),
    probe("host.writable", "", phrase("the folders that the system goes into can be written")),
    probe("repository.at", "folder:text commit:text", phrase("the repository is there at this commit")),
    probe("backup.fetched", "backup", phrase("the backup was downloaded whole")),
    probe("configuration.equal", "expect", phrase("each configuration file is that of the backup, byte by byte")),
    probe("images.present", "services", phrase("the images of the services are there")),
    probe("volumes.present", "services", phrase("the networks and volumes that the compose files expect are there")),
    probe("redis.keys", "expect", phrase("Redis holds every key of the backup that has not expired")),
    probe("files.equal", "expect", phrase("the files are those of the backup, byte by byte, and no others")),
    probe("monitoring.scraping", "", phrase("Prometheus stores samples of every target")),
    probe("monitoring.alerted", "", phrase("this run's test alert has arrived")),
)  # fmt: skip

# Level 4: a machine, its worker, names, a certificate, and the look from outside.
CENTRE_ACTIONS = (
    action("host.provision", "site", "change", touches="site", brings=True, makes="site",
           sentence=phrase("Create the machine of a site: with Terraform, otherwise one EC2 instance")),
    action("host.release", "site", "change", touches="site", takes_back="site",
           sentence=phrase("Give back the machine that this run created")),
    action("worker.join", "site within:seconds?", "none",
           phrase("Wait until the new machine's worker has joined with its one-time token")),
    action("dns.change", "site within:seconds?", "destroy", touches="site",
           sentence=phrase("Point DNS at a site and wait until every name server says so")),
    action("dns.change_back", "site?", "destroy", touches="site",
           sentence=phrase("Point DNS back to where it pointed when the plan was made")),
    action("dns.look", "", "none", phrase("Look up where DNS points and what answers there")),
    action("dns.lead_back", "names within:seconds?", "destroy", touches="names",
           sentence=phrase("Point DNS back to where it pointed before, exactly as in the plan")),
    action("machine.look", "machine", "none",
           phrase("Look at a rented machine: whose it is, and whether any DNS name points at it")),
    action("machine.give_back", "machine", "destroy", touches="machine", for_good=True,
           sentence=phrase("Give a rented machine back with everything on it, exactly the one in the plan")),
    action("certificate.issue", "site", "change", touches="site", brings=True,
           sentence=phrase("Get a certificate for the names and install it")),
    action("outside.check", "within:seconds?", "none", phrase("Open the system as its users do: by name, over HTTPS")),
)  # fmt: skip

_CENTRE_PROBES = (
    probe("host.can_provision", "site", phrase("a machine can be made")),
    probe("host.running", "site", phrase("the site's machine is running")),
    probe("worker.joined", "site", phrase("the site's worker has joined")),
    probe("dns.changeable", "", phrase("the zone is ours and may be changed")),
    probe("dns.quick", "ttl:seconds", phrase("a DNS change reaches users soon")),
    probe("dns.points_to", "site", phrase("the names point to the site")),
    probe("dns.led_back", "", phrase("DNS points where the plan says")),
    probe("machine.unled", "machine", phrase("no DNS name points at the machine, and it holds no copy that is needed")),
    probe("machine.gone", "machine", phrase("the machine was given back")),
    probe("certificate.possible", "", phrase("certbot is there and the ACME server answers")),
    probe("certificate.installed", "", phrase("the certificate is installed and valid")),
    probe("outside.answers", "", phrase("the system answers its users from outside")),
)  # fmt: skip

ACTIONS: Mapping[str, ActionDeclaration] = MappingProxyType(
    {one.name: one for one in (*_ACTIONS, *_HOST_ACTIONS, *CENTRE_ACTIONS)}
)
PROBES: Mapping[str, ProbeDeclaration] = MappingProxyType(
    {one.name: one for one in (*_PROBES, *_HOST_PROBES, *_CENTRE_PROBES)}
)
