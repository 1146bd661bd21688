"""Machines of EC2: whatever drbot had made carries its tags and is found by them, whoever remembers it.

Asked twice for the machine of one incident, it is still one machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Provision
from drbot.core.text.messages import phrase
from drbot.runners.clients import aws
from drbot.runners.clients.cloud_errors import cloud_errors, code_of
from drbot.runners.foundation.permit import OwnWork, Permit
from drbot.runners.foundation.permit import machine as machine_subject

SYSTEM_TAG = "drbot.system"  # on every machine that drbot has made
INCIDENT_TAG, SITE_TAG = "drbot.incident", "drbot.site"
RUN_TAG = "drbot.run"  # the run that last counted on the machine
RENTED_TAG = "drbot.rented_by"  # the run that rented it; never changed


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    id: str
    state: str  # as EC2 says it; "running" for Terraform's
    address: str | None
    tags: Mapping[str, str] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()  # all that it has
    type: str = ""  # "t3.large"; "" = its maker does not say
    since: datetime | None = None  # UTC

    @property
    def is_gone(self) -> bool:
        """Nobody pays for it any more."""
        return self.state in GONE


UNKNOWN = frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"})
PAID = ("pending", "running", "stopping", "stopped")  # a stopped one still has a disk
GONE = frozenset({"shutting-down", "terminated"})


class Ec2:
    """Machines of one region. Connects at the first use."""

    def __init__(self, settings: Provision) -> None:
        self._settings = settings

    @cached_property
    def client(self) -> Any:  # boto3 makes its clients at run time
        return aws.client_at("ec2", self._settings, 30)

    def require_right_to_run(self) -> None:
        """A dry run: would EC2, and is the image there, in this region? Raises PermanentError."""
        wanted = self._wanted()
        with cloud_errors("ec2:DescribeImages", phrase("the image {image}", image=self._settings.image)):
            self.client.describe_images(ImageIds=[self._settings.image])
        with cloud_errors("ec2:RunInstances", phrase("a machine from the image {image}", image=self._settings.image)):
            try:
                self.client.run_instances(**wanted, DryRun=True)
            except ClientError as error:
                if code_of(error) != "DryRunOperation":
                    raise

    def find(self, tags: Mapping[str, str]) -> Machine | None:
        """The machine with these tags that is not on its way out."""
        alive = {"Name": "instance-state-name", "Values": ["pending", "running"]}
        filters = [alive, *({"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items())]
        with cloud_errors("ec2:DescribeInstances", phrase("looking for our machine")):
            found = self.client.describe_instances(Filters=filters)["Reservations"]
        machines = [machine for group in found for machine in group["Instances"]]
        return _machine(machines[0]) if machines else None

    def run(self, tags: Mapping[str, str], user_data: str, token: str) -> Machine:
        """Rent one. `token`: the same token never makes a second one, also when the answer was lost."""
        named = [{"Key": key, "Value": value} for key, value in tags.items()]
        with cloud_errors("ec2:RunInstances", phrase("a machine from the image {image}", image=self._settings.image)):
            done = self.client.run_instances(
                **self._wanted(),
                UserData=user_data,
                ClientToken=token,
                TagSpecifications=[{"ResourceType": "instance", "Tags": named}],
            )
        return _machine(done["Instances"][0])

    def tag(self, machine: str, tags: Mapping[str, str]) -> None:
        with cloud_errors("ec2:CreateTags", phrase("the machine {machine}", machine=machine)):
            self.client.create_tags(
                Resources=[machine], Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
            )

    def of_system(self, system: str) -> list[Machine]:
        """Every machine of this system that is still there, in whatever incident and by whatever run."""
        filters = [
            {"Name": "instance-state-name", "Values": [*PAID]},
            {"Name": f"tag:{SYSTEM_TAG}", "Values": [system]},
        ]
        with cloud_errors("ec2:DescribeInstances", phrase("looking for our machines")):
            pages = [*self.client.get_paginator("describe_instances").paginate(Filters=filters)]
        return [_machine(one) for page in pages for group in page["Reservations"] for one in group["Instances"]]

    def look(self, machine: str) -> Machine | None:
        """The same of one by its id; None = nobody knows it any more."""
        with cloud_errors("ec2:DescribeInstances", phrase("the machine {machine}", machine=machine)):
            try:
                found = self.client.describe_instances(InstanceIds=[machine])["Reservations"]
            except ClientError as error:
                if code_of(error) in UNKNOWN:
                    return None
                raise
        return _machine(found[0]["Instances"][0]) if found else None

    def get(self, machine: str) -> Machine:
        with cloud_errors("ec2:DescribeInstances", phrase("the machine {machine}", machine=machine)):
            found = self.client.describe_instances(InstanceIds=[machine])["Reservations"]
        return _machine(found[0]["Instances"][0])

    def end(self, machine: str, own: OwnWork, led: frozenset[str]) -> None:
        """Give back what this very run has rented; its disk goes with it. `led`: every address that users are led to
        now. Raises PermanentError for any other, and for one that users or another run count on.
        """
        found = self.get(machine)
        if found.tags.get(RENTED_TAG) != own.run:
            raise PermanentError(
                phrase(
                    "The machine {machine} was not rented by {run}; it is not given back", machine=machine, run=own.run
                )
            )
        if found.tags.get(RUN_TAG) != own.run or found.addresses & own.counted_on:
            raise PermanentError(
                phrase(
                    "Another run depends on the machine {machine}, or users were moved to it; it was not given back",
                    machine=machine,
                )
            )
        if found.addresses & led:
            raise PermanentError(phrase("DNS points to the machine {machine}; it was not given back", machine=machine))
        with cloud_errors("ec2:TerminateInstances", phrase("the machine {machine}", machine=machine)):
            self.client.terminate_instances(InstanceIds=[machine])

    def give_back(self, machine: str, permit: Permit, led: frozenset[str]) -> None:
        """End it; its disk goes with it. `led`: every address that users are led to now. Raises PermanentError for one
        that they are led to, and for one that drbot has not made.
        """
        permit.require(machine_subject(machine))
        found = self.get(machine)
        if SYSTEM_TAG not in found.tags or RENTED_TAG not in found.tags:
            raise PermanentError(
                phrase("The machine {machine} was not made by drbot; it is not given back", machine=machine)
            )
        if found.addresses & led:
            raise PermanentError(phrase("DNS points to the machine {machine}; it was not given back", machine=machine))
        with cloud_errors("ec2:TerminateInstances", phrase("the machine {machine}", machine=machine)):
            self.client.terminate_instances(InstanceIds=[machine])

    def _wanted(self) -> dict[str, Any]:
        if not self._settings.image:
            raise PermanentError(phrase("`provision` in dr.yml names neither a Terraform folder nor an image"))
        return {
            "ImageId": self._settings.image,
            "InstanceType": self._settings.instance_type,
            "MinCount": 1,
            "MaxCount": 1,
        }


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
        type=str(found.get("InstanceType", "")),
        since=found["LaunchTime"].astimezone(UTC) if "LaunchTime" in found else None,
    )
