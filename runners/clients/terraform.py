"""The machine of a site from a folder of Terraform, whose state knows what is there. What is applied only adds, and
what is destroyed is exactly what two people have read.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Provision
from drbot.core.text.messages import all_of, listed, phrase
from drbot.runners.clients.machines import Machine
from drbot.runners.clients.process import Bounds, run_process
from drbot.runners.foundation.permit import Permit
from drbot.runners.foundation.permit import machine as machine_subject

TERRAFORM = ("terraform", "tofu")
ADDS = frozenset({"create", "no-op", "read"})  # all that a plan may do
REMOVES = frozenset({"delete", "no-op", "read"})  # all that a plan to destroy may do
NOTHING = phrase("nothing")
IN_AUTOMATION = {"TF_IN_AUTOMATION": "1"}
LOOK = Bounds(cancelled=lambda: False, seconds=60)


class Terraform:
    """Plans and applies the folder that dr.yml names. Its outputs: `address`, and `machine` where it says one."""

    def __init__(self, settings: Provision, program: str) -> None:
        self._settings = settings
        self._program = program

    def machine(self) -> Machine | None:
        """What its state says is there, without changing anything; None = it holds nothing. Raises PermanentError."""
        state = self._state()
        return _machine_of(state["outputs"]) if _managed(state) else None

    def has_ended(self) -> bool:
        """Whether all that it ever made was destroyed. A state that was never used says nothing of a machine that
        another folder has made. Raises PermanentError.
        """
        state = self._state()
        return bool(state) and not _managed(state)

    def _state(self) -> dict[str, Any]:
        """As it is stored, in its version 4; empty where nothing was ever made."""
        text = self._say(("state", "pull"), LOOK, _unheard, IN_AUTOMATION)
        return _json(text, "state") if text.strip() else {}

    def apply(self, variables: Mapping[str, str], bounds: Bounds, on_line: Callable[[str], None]) -> Machine:
        """Bring it about; what is there already stays as it is. Raises PermanentError with Terraform's last words, and
        when its plan does more than add: then nothing was changed.
        """

        def say(*words: str, on: Callable[[str], None] = on_line) -> str:
            return self._say(words, bounds, on, _environment(variables))

        with TemporaryDirectory() as private:
            plan = str(Path(private) / "plan")
            say("init", "-input=false", "-no-color")
            say("plan", "-input=false", "-no-color", f"-out={plan}")
            self._require_only_added(_json(say("show", "-json", plan, on=_unheard), "show"))
            say("apply", "-input=false", "-no-color", plan)
        return _machine_of(_json(say("output", "-json", on=_unheard), "output"))

    def would_destroy(self, variables: Mapping[str, str], bounds: Bounds) -> tuple[str, ...]:
        """All that giving back would take, by its addresses; nothing is changed. Raises PermanentError."""
        with TemporaryDirectory() as private:
            return self._plan_to_destroy(str(Path(private) / "plan"), variables, bounds, _unheard)

    def destroy(
        self,
        permit: Permit,
        machine: str,
        resources: Sequence[str],
        variables: Mapping[str, str],
        bounds: Bounds,
        on_line: Callable[[str], None],
    ) -> None:
        """Take away exactly these `resources`, which two people have read. Raises PermanentError when its plan names
        others: then nothing was changed.
        """
        permit.require(machine_subject(machine))
        with TemporaryDirectory() as private:
            plan = str(Path(private) / "plan")
            found = self._plan_to_destroy(plan, variables, bounds, on_line)
            if found != tuple(resources):
                raise PermanentError(
                    phrase(
                        "{program} would destroy {found} now, but what was approved is {agreed}. Nothing was touched",
                        program=self._program,
                        found=listed(found) or NOTHING,
                        agreed=listed(resources) or NOTHING,
                    )
                )
            words = ("apply", "-input=false", "-no-color", plan)
            self._say(words, bounds, on_line, _environment(variables))

    def _plan_to_destroy(
        self, plan: str, variables: Mapping[str, str], bounds: Bounds, on_line: Callable[[str], None]
    ) -> tuple[str, ...]:
        environment = _environment(variables)
        words = ("plan", "-destroy", "-input=false", "-no-color", f"-out={plan}")
        self._say(words, bounds, on_line, environment)
        shown = _json(self._say(("show", "-json", plan), bounds, _unheard, environment), "show")
        changes = [(str(one["address"]), set(one["change"]["actions"])) for one in shown.get("resource_changes", ())]
        others = [_with_acts(name, sorted(acts)) for name, acts in changes if not acts <= REMOVES]
        if others:
            raise PermanentError(
                phrase(
                    "{program} would do more than destroy: {names}. Nothing was touched",
                    program=self._program,
                    names=listed(others),
                )
            )
        return tuple(sorted(name for name, acts in changes if "delete" in acts))

    def _say(
        self, words: Sequence[str], bounds: Bounds, on_line: Callable[[str], None], environment: Mapping[str, str]
    ) -> str:
        command = [self._program, f"-chdir={self._settings.terraform}", *words]
        ended = run_process(command, bounds, on_line, environment=environment)
        if ended.code != 0:
            said = " ".join(line.strip() for line in ended.lines[-4:])
            raise PermanentError(
                phrase(
                    "{program} {command} ended with {code}: {said}",
                    program=self._program,
                    command=words[0],
                    code=ended.code,
                    said=said,
                )
            )
        return "\n".join(ended.lines)

    def _require_only_added(self, plan: Mapping[str, Any]) -> None:
        """Nobody was asked about anything else: a machine that is replaced is removed first, with its disk, and a
        record that is updated leads users elsewhere.
        """
        changes = [(str(one["address"]), one["change"]["actions"]) for one in plan.get("resource_changes", ())]
        others = [_with_acts(name, actions) for name, actions in changes if not ADDS.issuperset(actions)]
        if others:
            raise PermanentError(
                phrase(
                    "{program} would change what already exists in {folder}: {names}. Nothing was applied. Read "
                    "its plan and apply it by hand, then try again. If only user_data differs, let it ignore "
                    "changes of user_data",
                    program=self._program,
                    folder=self._settings.terraform,
                    names=listed(others),
                )
            )


def _with_acts(name: str, acts: Sequence[str]) -> str:
    return phrase("{name} ({note})", name=name, note=all_of(acts))


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """In the environment, so that no list of processes shows the token."""
    return {f"TF_VAR_{name}": value for name, value in variables.items()} | IN_AUTOMATION


def _managed(state: Mapping[str, Any]) -> bool:
    return any(one["mode"] == "managed" for one in state.get("resources", ()))


def _machine_of(outputs: Mapping[str, Any]) -> Machine:
    value = {name: str(output["value"]) for name, output in outputs.items()}
    address = value.get("address")
    return Machine(
        id=value.get("machine", "terraform"),
        state="running",
        address=address,
        addresses=frozenset({address} if address else ()),
        type=value.get("type", ""),
    )


def _json(text: str, of: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PermanentError(phrase("what Terraform's {of} says is no JSON", of=of)) from error
    if not isinstance(found, dict):
        raise PermanentError(phrase("what Terraform's {of} says is not about resources", of=of))
    return found


def _unheard(_line: str) -> None:
    """JSON is for us; it holds the one-time token."""


def terraform_of(settings: Provision) -> Terraform | None:
    """Terraform or OpenTofu, where dr.yml names a folder. Raises PermanentError when that cannot be used."""
    if settings.terraform is None:
        return None
    program = next((name for name in TERRAFORM if shutil.which(name)), None)
    if program is None and settings.image:
        return None
    if program is None:
        raise PermanentError(phrase("neither terraform nor tofu is installed, and `provision` names no image either"))
    if not settings.terraform.is_dir():
        raise PermanentError(phrase("there is no folder {folder}", folder=settings.terraform))
    return Terraform(settings, program)
