"""Name → function for every action and probe that core/runbooks/actions.py declares; nothing registers itself."""

from importlib import import_module
from types import MappingProxyType

from drbot.runners.contract.action import Registry

_MODULES = (
    "actions.anew",
    "actions.beside",
    "actions.certificate",
    "actions.compose",
    "actions.conflicts",
    "actions.data",
    "actions.disk",
    "actions.drill",
    "actions.equality",
    "actions.evidence",
    "actions.fetching",
    "actions.file_sets",
    "actions.giving_back",
    "actions.giving_up",
    "actions.health",
    "actions.host",
    "actions.infrastructure",
    "actions.kept",
    "actions.machine",
    "actions.monitoring",
    "actions.names",
    "actions.notify",
    "actions.outside",
    "actions.postgres",
    "actions.putting_back",
    "actions.restoring",
    "actions.setting_aside",
    "actions.suitable",
    "actions.volume",
    "backups.choose_dump",
)
"""Each says at its end what it implements."""
_IMPLEMENTED: tuple[Registry, ...] = tuple(import_module(f"drbot.runners.{name}").IMPLEMENTED for name in _MODULES)

REGISTRY = Registry(
    actions=MappingProxyType({name: act for one in _IMPLEMENTED for name, act in one.actions.items()}),
    probes=MappingProxyType({name: ask for one in _IMPLEMENTED for name, ask in one.probes.items()}),
    subjects=MappingProxyType({name: take for one in _IMPLEMENTED for name, take in one.subjects.items()}),
)
