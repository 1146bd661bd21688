"""A stand-in for Terraform with a state: what was applied is there until it is destroyed, and how it was called is
written down. The program itself cannot be had everywhere.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.integration.centre.conftest import Centre

TERRAFORM = """#!/bin/sh
folder="$(dirname "$0")"
echo "$@" >> "$folder/calls"
case "$*" in
  *"state pull"*) cat "$folder/state.json" ;;
  *output*) cat "$folder/made.json" ;;
  *show*) if [ -e "$folder/destroying" ]; then cat "$folder/destroy.json"; else cat "$folder/plan.json"; fi ;;
  *-destroy*) touch "$folder/destroying" ;;
  *apply*) echo "user_data = $TF_VAR_user_data"; echo "site = $TF_VAR_site"
    if [ -e "$folder/destroying" ]; then cp "$folder/destroyed.json" "$folder/state.json"
    else cp "$folder/applied.json" "$folder/state.json"; fi ;;
esac
"""


def terraform(centre: Centre, folder: Path, monkeypatch: pytest.MonkeyPatch, *actions: str) -> Path:
    """Where it lies. `actions`: what its plan, in the form of `terraform show -json`, does to a machine."""
    program = folder / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(TERRAFORM)
    program.chmod(0o755)
    made = {"address": {"value": "192.0.2.7"}, "machine": {"value": "vm-1"}, "type": {"value": "cx42"}}
    texts: dict[str, Any] = {
        "made.json": made,
        "applied.json": state(made, "aws_instance", "aws_eip"),
        "destroyed.json": state({}),
        "plan.json": changes(*actions or ("create",)),
        "destroy.json": changes("delete"),
    }
    for name, document in texts.items():
        (program.parent / name).write_text(json.dumps(document))
    (program.parent / "state.json").touch()  # nothing was ever made
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    centre.configuration = centre.with_provision(terraform=folder, image=None)
    return program.parent


def state(outputs: dict[str, Any], *types: str) -> dict[str, Any]:
    """As `terraform state pull` prints it."""
    resources = [{"mode": "managed", "type": one, "name": "recovery"} for one in types]
    return {"version": 4, "serial": 3, "lineage": "5f1c", "outputs": outputs, "resources": resources}


def changes(*actions: str, of: tuple[str, ...] = ("aws_instance.recovery", "aws_eip.recovery")) -> dict[str, Any]:
    return {"resource_changes": [{"address": one, "change": {"actions": list(actions)}} for one in of]}
