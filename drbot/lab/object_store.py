"""S3 buckets on loopback with versions, object lock and real refusals: moto checks keys, signatures and rights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drbot.lab.compose import read_env, write_env
from drbot.lab.moto import REGION, Moto

BUCKET, SECOND_BUCKET = "ai-micro-backups", "ai-micro-backups-copy"
PREFIX = "ai-micro-service/"
ANYBODY = {"AWS_ACCESS_KEY_ID": "setup", "AWS_SECRET_ACCESS_KEY": "setup"}
# who → what they may do; the second one is for the tests of refusals
RIGHTS = {"drbot": ["s3:*", "ec2:*", "route53:*"], "nobody": ["sts:GetCallerIdentity"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """The buckets of one lab and the keys to them; `folder` is its own."""

    folder: Path

    @property
    def moto(self) -> Moto:
        return Moto(folder=self.folder, name="s3")

    @property
    def endpoint(self) -> str:
        """URL for `object_store.endpoint` in dr.yml."""
        return self.moto.endpoint

    def start(self) -> None:
        """Run it; a fresh server gets both buckets and new keys. Raises UserError."""
        if not self.moto.start():
            return
        s3 = self.moto.client("s3", ANYBODY)
        for name in (BUCKET, SECOND_BUCKET):
            s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)  # turns versions on, too
        identities = self.moto.client("iam", ANYBODY)
        for person, actions in RIGHTS.items():
            write_env(self.keys_folder(person), make_keys(identities, person, actions))
        self.moto.check_signatures()

    def stop(self) -> None:
        """End it; the backups in it are gone."""
        self.moto.stop()

    def keys(self, person: str = "drbot") -> dict[str, str]:
        """AWS_* for the environment of whoever uses the bucket."""
        return read_env(self.keys_folder(person))

    def client(self, person: str = "drbot") -> Any:  # boto3 makes its clients at run time
        """An S3 client with this person's keys."""
        return self.moto.client("s3", self.keys(person))

    def keys_folder(self, person: str) -> Path:
        """Where a person's keys lie, readable by their owner alone."""
        folder = self.folder / "keys" / person
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def make_keys(identities: Any, person: str, actions: list[str]) -> dict[str, str]:
    """A user with these rights and no others, and its keys."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    identities.create_user(UserName=person)
    identities.put_user_policy(
        UserName=person,
        PolicyName="rights",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    key = identities.create_access_key(UserName=person)["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": REGION,
    }
