"""Clients of AWS, and of what speaks like it."""

from functools import cache
from typing import Any

import boto3.session
import botocore.session
from botocore.loaders import Loader


@cache
def _loader() -> Loader:
    """Reads what AWS' interfaces look like once a process: that takes up to half a second, at every plan."""
    return Loader()


def client_of(service: str, **settings: Any) -> Any:
    """boto3's client, from a session of its own: one session is not safe to use from several threads."""
    session = botocore.session.Session()
    session.register_component("data_loader", _loader())
    made: Any = boto3.session.Session(botocore_session=session)  # whose types name each service of AWS
    return made.client(service, **settings)
