"""Name → function for every action and probe that core/runbooks/actions.py declares; nothing registers itself."""

from importlib import import_module
from types import MappingProxyType

from drbot.runners.contract.action import Registry

_MODULES = (
    "anew",
    "backup",
    "beside",
    "certificate",
    "compose",
    "conflicts",
    "data",
    "disk",
    "drill",
    "equality",
    "evidence",
    "fetching",
    "file_sets",
    "giving_back",
    "giving_up",
    "health",
    "host",
    "infrastructure",
    "kept",
    "machine",
    "monitoring",
    "names",
    "notify",
    "outside",
    "postgres",
    "putting_back",
    "restoring",
    "setting_aside",
    "suitable",
    "volume",
)
"""Each says at its end what it implements."""
_IMPLEMENTED: tuple[Registry, ...] = tuple(
    import_module(f"drbot.runners.actions.{name}").IMPLEMENTED for name in _MODULES
)

REGISTRY = Registry(
    actions=MappingProxyType({name: act for one in _IMPLEMENTED for name, act in one.actions.items()}),
    probes=MappingProxyType({name: ask for one in _IMPLEMENTED for name, ask in one.probes.items()}),
    subjects=MappingProxyType({name: take for one in _IMPLEMENTED for name, take in one.subjects.items()}),
)
