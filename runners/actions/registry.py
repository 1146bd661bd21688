"""Name → function for every action and probe that core/runbooks/actions.py declares; nothing registers itself."""

from types import MappingProxyType

from drbot.runners.actions import (
    anew,
    beside,
    certificate,
    compose,
    conflicts,
    disk,
    drill,
    equality,
    evidence,
    fetching,
    file_sets,
    giving_back,
    giving_up,
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
    putting_back,
    restoring,
    setting_aside,
    suitable,
    volume,
)
from drbot.runners.backups import choose_dump
from drbot.runners.contract.action import Registry

_IMPLEMENTED = tuple(
    module.IMPLEMENTED
    for module in (
        anew,
        beside,
        certificate,
        choose_dump,
        compose,
        conflicts,
        disk,
        drill,
        equality,
        evidence,
        fetching,
        file_sets,
        giving_back,
        giving_up,
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
        putting_back,
        restoring,
        setting_aside,
        suitable,
        volume,
    )
)

REGISTRY = Registry(
    actions=MappingProxyType({name: act for one in _IMPLEMENTED for name, act in one.actions.items()}),
    probes=MappingProxyType({name: ask for one in _IMPLEMENTED for name, ask in one.probes.items()}),
    subjects=MappingProxyType({name: take for one in _IMPLEMENTED for name, take in one.subjects.items()}),
)
"""All of them. Each module says at its end what it implements."""
