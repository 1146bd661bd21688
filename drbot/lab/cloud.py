"""EC2 and Route 53 on loopback, by moto: machines that only exist on paper, and a zone whose records are real data.

moto answers no DNS (lab/name_server.py does) and runs no user data: the second engine plays the machine.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drbot.lab.moto import Moto
from drbot.lab.object_store import ANYBODY

ZONE = "ai-micro.test."
NAME = f"app.{ZONE}".rstrip(".")  # what users type
TTL_SECONDS = 5
IMAGE_NAME = "debian-13-amd64"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cloud:
    """The cloud account of one lab; `folder` is its own."""

    folder: Path

    @property
    def moto(self) -> Moto:
        return Moto(folder=self.folder, name="cloud")

    @property
    def endpoint(self) -> str:
        """URL for the `endpoint` of `dns` and `provision` in dr.yml."""
        return self.moto.endpoint

    def start(self, address: str = "127.0.0.1") -> None:
        """Run it; a fresh one gets the zone, whose name leads to `address`, and a machine image. Raises UserError."""
        if not self.moto.start():
            return
        self.client("route53").create_hosted_zone(Name=ZONE, CallerReference="lab")
        self.point(NAME, address)
        # An image is made from a machine, and afterwards that machine is of no use.
        machines = self.client("ec2")
        seed = machines.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        machines.create_image(InstanceId=seed, Name=IMAGE_NAME)
        machines.terminate_instances(InstanceIds=[seed])

    def stop(self) -> None:
        """End it; its zone and machines are gone."""
        self.moto.stop()

    def client(self, service: str) -> Any:  # boto3 makes its clients at run time
        """A client of "ec2" or "route53"; any keys do."""
        return self.moto.client(service, ANYBODY)

    def image(self) -> str:
        """The machine image new machines start from."""
        found = self.client("ec2").describe_images(Filters=[{"Name": "name", "Values": [IMAGE_NAME]}])
        return str(found["Images"][0]["ImageId"])

    def machines(self) -> list[str]:
        """The ids of the machines that run."""
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        found = self.client("ec2").describe_instances(Filters=running)["Reservations"]
        return [str(machine["InstanceId"]) for group in found for machine in group["Instances"]]

    def give_back(self) -> None:
        if ids := self.machines():
            self.client("ec2").terminate_instances(InstanceIds=ids)

    def user_data(self, machine: str) -> str:
        """What a machine was told to do when it starts; moto runs none of it."""
        found = self.client("ec2").describe_instance_attribute(InstanceId=machine, Attribute="userData")
        return base64.b64decode(found["UserData"].get("Value") or b"").decode()

    def point(self, name: str, address: str, ttl_seconds: int = TTL_SECONDS) -> None:
        record = {"Name": name, "Type": "A", "TTL": ttl_seconds, "ResourceRecords": [{"Value": address}]}
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
        self.client("route53").change_resource_record_sets(HostedZoneId=self.zone(), ChangeBatch={"Changes": changes})

    def records(self) -> list[dict[str, Any]]:
        """The record sets of the zone, as Route 53 returns them."""
        found = self.client("route53").list_resource_record_sets(HostedZoneId=self.zone())
        return list(found["ResourceRecordSets"])

    def zone(self) -> str:
        """The id of the zone."""
        zones = self.client("route53").list_hosted_zones()["HostedZones"]
        return str(next(zone["Id"] for zone in zones if zone["Name"] == ZONE))
