"""Clients of AWS, and of what speaks like it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader

from drbot.core.site.site import Dns, Provision


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


def client_at(service: str, settings: Dns | Provision, seconds: float) -> Any:
    """Where dr.yml says. `seconds`: for an answer."""
    config = Config(connect_timeout=5, read_timeout=seconds, retries={"total_max_attempts": 3})
    return client_of(service, endpoint_url=settings.endpoint, region_name=settings.region, config=config)


def keys() -> Mapping[str, str]:
    """AWS_* for other programs, from wherever boto3 finds them. Raises NoCredentialsError."""
    found = botocore.session.Session().get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    known = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
    }
    return {name: value for name, value in known.items() if value}
