"""Carries the old server's settings over to the data restored beside it, and tries that a server starts with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import clauses, listed, phrase
from drbot.runners.clients.scratch_postgres import Scratch, scratch_server, settle, stop_cleanly
from drbot.runners.clients.server_files import ServerFiles
from drbot.runners.contract.action import StepContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What the restored data got from the old volume, and what it did not."""

    files: tuple[str, ...] = ()  # those that are not as on a fresh server
    left: tuple[str, ...] = ()  # with the reason

    @property
    def sentence(self) -> str:
        """To be added to a summary; empty when there was nothing to carry."""
        return clauses(
            (
                phrase("settings carried over: {files}", files=listed(self.files)) if self.files else "",
                phrase("not carried over: {files}", files=listed(self.left)) if self.left else "",
            )
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"carried": list(self.files), "not_carried": list(self.left)}


def carry_settings(context: StepContext, scratch: Scratch) -> Carried:
    """From the volume that the plan names into the restored, cold one. A server that does not start with them keeps
    its fresh ones: data without settings is worth more than none. Raises PermanentError when the copy itself fails.
    """
    old = context.plan.old_server
    if old is None or not old.files:
        return Carried(left=old.left if old else ())
    files = ServerFiles(
        engine=scratch.engine, recipe=scratch.recipe, labels=scratch.labels, cancelled=scratch.cancelled
    )
    own = context.own_work()
    tried, left = files.carry(old, scratch.volume, own)
    carried = tried
    if tried:
        why = _fault(scratch)
        if why:
            context.log(f"A server does not start with {', '.join(tried)}: {why}")
            files.bring_back(tried, scratch.volume, own)
            carried, left = (), (*left, _refused(tried, why))
    if tried or left:
        files.tidy(scratch.volume, own)
        settle(scratch)
    return Carried(files=carried, left=(*old.left, *left))


def _refused(files: Sequence[str], why: str) -> str:
    return phrase("{files} (a server does not start with it: {why})", files=listed(files), why=why)


def _fault(scratch: Scratch) -> str:
    """Why a server does not start with what is in the volume now; empty when it does."""
    try:
        with scratch_server(scratch, tuned=False, own_rules=False) as container:
            stop_cleanly(scratch, container)
    except PermanentError as error:
        return str(error)
    return ""
