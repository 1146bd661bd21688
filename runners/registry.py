"""Name → function for every action and probe that core/actions.py declares; nothing registers itself."""

from collections.abc import Mapping
from types import MappingProxyType

from runners.action import Action, ProbeFunction, Subjects
from runners.actions import (
    backup,
    certificate,
    compose,
    disk,
    equality,
    evidence,
    fetching,
    file_sets,
    health,
    host,
    infrastructure,
    kept,
    machine,
    monitoring,
    names,
    notify,
    outside,
    postgres,
    restoring,
    setting_aside,
    volume,
)

ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "evidence.collect": evidence.collect,
        "compose.restart": compose.restart,
        "compose.stop": compose.stop,
        "compose.start": compose.start,
        "compose.recreate": compose.recreate,
        "health.wait": health.wait,
        "dependencies.probe": health.dependencies,
        "backup.check": backup.check_again,
        "postgres.restore_beside": postgres.restore_beside,
        "volume.swap": volume.swap,
        "volume.swap_back": volume.swap_back,
        "volume.remove": volume.remove,
        "kept.remove": kept.remove,
        "notify.stakeholders": notify.stakeholders,
        "host.prepare": host.prepare,
        "repository.clone": fetching.clone,
        "backup.fetch": fetching.fetch,
        "configuration.restore": restoring.configuration,
        "host.set_aside": setting_aside.set_aside,
        "images.prepare": infrastructure.prepare_images,
        "volumes.create": infrastructure.create,
        "postgres.restore": restoring.restore_postgres,
        "redis.restore": restoring.restore_redis,
        "files.restore": file_sets.restore,
        "monitoring.start": monitoring.start,
        "monitoring.check": monitoring.check,
        "host.provision": machine.provision,
        "host.release": machine.release,
        "worker.join": machine.join,
        "dns.change": names.change,
        "dns.change_back": names.change_back,
        "certificate.issue": certificate.issue,
        "outside.check": outside.check,
    }
)

PROBES: Mapping[str, ProbeFunction] = MappingProxyType(
    {
        "health.services": health.services,
        "compose.running": compose.running,
        "compose.stopped": compose.stopped,
        "postgres.reachable": health.postgres,
        "redis.reachable": health.redis,
        "postgres.rows": postgres.rows,
        "postgres.beside_rows": postgres.beside_rows,
        "backup.fresh": backup.fresh,
        "backup.whole": backup.whole,
        "disk.free": disk.free,
        "volume.swapped": volume.swapped,
        "volume.exists": volume.exists,
        "volume.gone": kept.gone,
        "volume.unshared": volume.unshared,
        "host.ready": host.ready,
        "host.occupied": host.occupied,
        "host.empty": host.empty,
        "host.room": host.room,
        "repository.at": fetching.at,
        "backup.fetched": fetching.is_fetched,
        "configuration.equal": equality.configuration,
        "images.present": infrastructure.images_present,
        "volumes.present": infrastructure.present,
        "redis.keys": equality.keys,
        "files.equal": file_sets.equal,
        "monitoring.scraping": monitoring.scraping,
        "monitoring.alerted": monitoring.alerted,
        "host.affordable": machine.affordable,
        "host.running": machine.running,
        "worker.joined": machine.joined,
        "dns.changeable": names.changeable,
        "dns.quick": names.quick,
        "dns.leads": names.leads,
        "certificate.possible": certificate.possible,
        "certificate.installed": certificate.installed,
        "outside.answers": outside.answers,
    }
)

SUBJECTS: Mapping[str, Subjects] = MappingProxyType(
    {
        "compose.restart": compose.subjects,
        "compose.stop": compose.subjects,
        "compose.recreate": compose.subjects,
        "volume.swap": volume.swap_subjects,
        "volume.swap_back": volume.swap_back_subjects,
        "kept.remove": kept.subjects,
        "host.set_aside": setting_aside.subjects,
        "dns.change": names.change_subjects,
        "dns.change_back": names.change_back_subjects,
    }
)
"""Every action that can take something away, and what with given arguments; only a permit lets it."""
