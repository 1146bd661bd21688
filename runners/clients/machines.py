"""The machine of a site: from a folder of Terraform where there is one, else one EC2 instance.

Asked twice for the machine of one incident, it is still one machine: EC2's are found by their tags, Terraform's state
knows its own.
"""

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from core.errors import PermanentError
from core.site import Provision
from runners.clients import aws
from runners.clients.cloud_errors import cloud_errors, code_of
from runners.clients.process import Bounds, run_process
from runners.permit import OwnWork

TERRAFORM = ("terraform", "tofu")
ADDS = frozenset({"create", "no-op", "read"})  # all that a plan may do
RUN_TAG = "drbot.run"  # the run that last counted on the machine
RENTED_TAG = "drbot.rented_by"  # the run that rented it; never changed


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A machine that somebody rents us."""

    id: str
    state: str  # as EC2 says it; "running" for Terraform's
    address: str | None
    tags: Mapping[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()  # all that it has


class Ec2:
    """Machines of one region. Connects at the first use."""

    def __init__(self, settings: Provision) -> None:
        self._settings = settings
        self._made: Any = None  # boto3 makes its clients at run time
        self._making = threading.Lock()

    @property
    def client(self) -> Any:
        """boto3's client."""
        with self._making:
            if self._made is None:
                self._made = aws.client_of(
                    "ec2",
                    endpoint_url=self._settings.endpoint,
                    region_name=self._settings.region,
                    config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3}),
                )
            return self._made

    def require_right_to_run(self) -> None:
        """A dry run: EC2 says whether it would. The image is looked for, too: it may be of another region or gone.
        Raises PermanentError.
        """
        wanted = self._wanted()
        with cloud_errors("ec2:DescribeImages", f"the image {self._settings.image}"):
            self.client.describe_images(ImageIds=[self._settings.image])
        with cloud_errors("ec2:RunInstances", f"a machine from the image {self._settings.image}"):
            try:
                self.client.run_instances(**wanted, DryRun=True)
            except ClientError as error:
                if code_of(error) != "DryRunOperation":
                    raise

    def find(self, tags: Mapping[str, str]) -> Machine | None:
        """The machine with these tags that is not on its way out."""
        alive = {"Name": "instance-state-name", "Values": ["pending", "running"]}
        filters = [alive, *({"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items())]
        with cloud_errors("ec2:DescribeInstances", "looking for our machine"):
            found = self.client.describe_instances(Filters=filters)["Reservations"]
        machines = [machine for group in found for machine in group["Instances"]]
        return _machine(machines[0]) if machines else None

    def run(self, tags: Mapping[str, str], user_data: str, token: str) -> Machine:
        """Rent one. `token`: the same token never makes a second one, also when the answer was lost."""
        named = [{"Key": key, "Value": value} for key, value in tags.items()]
        with cloud_errors("ec2:RunInstances", f"a machine from the image {self._settings.image}"):
            done = self.client.run_instances(
                **self._wanted(),
                UserData=user_data,
                ClientToken=token,
                TagSpecifications=[{"ResourceType": "instance", "Tags": named}],
            )
        return _machine(done["Instances"][0])

    def tag(self, machine: str, tags: Mapping[str, str]) -> None:
        """Change or add these."""
        with cloud_errors("ec2:CreateTags", f"the machine {machine}"):
            self.client.create_tags(
                Resources=[machine], Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
            )

    def get(self, machine: str) -> Machine:
        """How it is now."""
        with cloud_errors("ec2:DescribeInstances", f"the machine {machine}"):
            found = self.client.describe_instances(InstanceIds=[machine])["Reservations"]
        return _machine(found[0]["Instances"][0])

    def end(self, machine: str, own: OwnWork, led: frozenset[str]) -> None:
        """Give back what this very run has rented; its disk goes with it. `led`: every address that users are led to
        now. Raises PermanentError for any other, and for one that users or another run count on.
        """
        found = self.get(machine)
        if found.tags.get(RENTED_TAG) != own.run:
            raise PermanentError(f"The machine {machine} was not rented by {own.run}; it is not given back")
        if found.tags.get(RUN_TAG) != own.run or found.addresses & own.counted_on:
            raise PermanentError(f"Another run counts on the machine {machine}, or users were led to it; it stays")
        if found.addresses & led:
            raise PermanentError(f"Users are led to the machine {machine} now; it is not given back")
        with cloud_errors("ec2:TerminateInstances", f"the machine {machine}"):
            self.client.terminate_instances(InstanceIds=[machine])

    def _wanted(self) -> dict[str, Any]:
        if not self._settings.image:
            raise PermanentError("`provision` in dr.yml names neither a Terraform folder nor an image")
        return {
            "ImageId": self._settings.image,
            "InstanceType": self._settings.instance_type,
            "MinCount": 1,
            "MaxCount": 1,
        }


class Terraform:
    """Plans and applies the folder that dr.yml names. Its outputs: `address`, and `machine` where it says one."""

    def __init__(self, settings: Provision, program: str) -> None:
        self._settings = settings
        self._program = program

    def apply(self, variables: Mapping[str, str], bounds: Bounds, on_line: Callable[[str], None]) -> Machine:
        """Bring it about; what is there already stays as it is. Raises PermanentError with Terraform's last words, and
        when its plan does more than add: then nothing was changed.
        """
        # In the environment, so that no list of processes shows the token.
        environment = {f"TF_VAR_{name}": value for name, value in variables.items()} | {"TF_IN_AUTOMATION": "1"}

        def say(*words: str, on: Callable[[str], None] = on_line) -> str:
            return self._say(words, bounds, on, environment)

        with TemporaryDirectory() as private:
            plan = str(Path(private) / "plan")
            say("init", "-input=false", "-no-color")
            say("plan", "-input=false", "-no-color", f"-out={plan}")
            self._require_only_added(_json(say("show", "-json", plan, on=_unheard), "show"))
            say("apply", "-input=false", "-no-color", plan)
        outputs = _json(say("output", "-json", on=_unheard), "output")
        value = {name: str(output["value"]) for name, output in outputs.items()}
        return Machine(id=value.get("machine", "terraform"), state="running", address=value.get("address"))

    def _say(
        self, words: Sequence[str], bounds: Bounds, on_line: Callable[[str], None], environment: Mapping[str, str]
    ) -> str:
        command = [self._program, f"-chdir={self._settings.terraform}", *words]
        ended = run_process(command, bounds, on_line, environment=environment)
        if ended.code != 0:
            said = " ".join(line.strip() for line in ended.lines[-4:])
            raise PermanentError(f"{self._program} {words[0]} ended with {ended.code}: {said}")
        return "\n".join(ended.lines)

    def _require_only_added(self, plan: Mapping[str, Any]) -> None:
        """Nobody was asked about anything else: a machine that is replaced is removed first, with its disk, and a
        record that is updated leads users elsewhere.
        """
        changes = [(str(one["address"]), one["change"]["actions"]) for one in plan.get("resource_changes", ())]
        others = [f"{name} ({' and '.join(actions)})" for name, actions in changes if not ADDS.issuperset(actions)]
        if others:
            raise PermanentError(
                f"{self._program} would change what is there in {self._settings.terraform}: {', '.join(others)}. So "
                "nothing was applied. Read its plan and apply it by hand, then try again; where only user_data "
                "differs, let it ignore changes of user_data"
            )


def _json(text: str, of: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PermanentError(f"what Terraform's {of} says is no JSON") from error
    if not isinstance(found, dict):
        raise PermanentError(f"what Terraform's {of} says is not about resources")
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
        raise PermanentError("neither terraform nor tofu is installed, and `provision` names no image either")
    if not settings.terraform.is_dir():
        raise PermanentError(f"there is no folder {settings.terraform}")
    return Terraform(settings, program)


def _machine(found: Mapping[str, Any]) -> Machine:
    address = found.get("PublicIpAddress")
    cards = [one for card in found.get("NetworkInterfaces", ()) for one in card.get("PrivateIpAddresses", ())]
    every = [one.get("PrivateIpAddress") for one in (found, *cards)]
    every += [address, *(one.get("Association", {}).get("PublicIp") for one in cards)]
    return Machine(
        id=str(found["InstanceId"]),
        state=str(found["State"]["Name"]),
        address=address,
        tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", ())},
        addresses=frozenset(str(one) for one in every if one),
    )
