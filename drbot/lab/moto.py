"""Amazon's APIs on loopback, by moto's server: one process for S3, one for EC2 and Route 53.

It keeps everything in memory, so what it holds lives as long as its process.
"""

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.lab.ports import port_of
from drbot.lab.programs import Program

REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moto:
    """One server of moto; `folder` is its own."""

    folder: Path
    name: str

    @property
    def endpoint(self) -> str:
        """Its URL: the same at every start."""
        return f"http://127.0.0.1:{port_of(self.folder / f'{self.name}.port')}"

    @property
    def program(self) -> Program:
        port = self.endpoint.rpartition(":")[2]
        command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
        return Program(name=self.name, folder=self.folder, command=command)

    def start(self) -> bool:
        """Run it; False when it ran already. Raises UserError."""
        try:
            import moto.server  # noqa: F401  (a development dependency: users of drbot need no stand-ins)
        except ImportError as error:
            todo = phrase("Install the development packages: make setup")
            raise UserError(phrase("Tried to start a stand-in for Amazon."), str(error), todo) from error
        fresh = self.program.process() is None
        self.program.start(self.answers, seconds=60)
        return fresh

    def stop(self) -> None:
        """End it; it forgets everything."""
        self.program.stop()

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.endpoint}/moto-api/data.json", timeout=10).status_code == 200
        except httpx.HTTPError:
            return False

    def check_signatures(self) -> None:
        """From now on only known keys, good signatures and permitted actions pass."""
        httpx.post(f"{self.endpoint}/moto-api/reset-auth", content=b"0", timeout=10).raise_for_status()

    def client(self, service: str, keys: dict[str, str], endpoint: str = "") -> Any:  # made by boto3 at run time
        """A client of one service with keys as in the environment; `endpoint` leads through a proxy."""
        return made(service, endpoint or self.endpoint, keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])


@functools.cache  # to make one of EC2 takes a processor up to a second
def made(service: str, endpoint: str, key_id: str, secret: str) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]  # the stubs want a literal
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )
