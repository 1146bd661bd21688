"""Real PostgreSQL, Redis and registry of images for tests: throwaway servers on loopback, made once a session.

`postgres_url` and `redis_url` are shared by the session; `fresh_postgres_url` is a database of one test.
A machine without the programs skips these tests; with CI set it fails.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.waiting import PATIENCE, wait_for


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database on a server of our own."""
    with postgres_server() as url:
        yield url


@contextmanager
def postgres_server(certificate: Path | None = None) -> Iterator[str]:
    """A server of our own. `certificate`: a folder with server.crt and server.key; then it talks nothing but TLS."""
    programs = _postgres_programs()
    directory = _directory("drbot-postgres-")
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
    port, cluster = free_port(), directory / "cluster"
    _as_postgres(
        programs / "initdb", "-D", cluster, "-U", "drbot", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"
    )
    settings = f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
    if certificate is not None:
        for name in ("server.crt", "server.key"):
            copied = Path(shutil.copy(certificate / name, cluster / name))
            copied.chmod(0o600)
            shutil.chown(copied, cluster.owner())
        (cluster / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
        settings += " -c ssl=on"
    control = (programs / "pg_ctl", "-D", cluster, "-w")
    _as_postgres(*control, "-l", directory / "log", "-o", settings, "start")
    try:
        yield f"postgresql://drbot@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres(*control, "-m", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def fresh_postgres_url(postgres_url: str) -> str:
    """The URL of a database that only this test knows; it goes away with the server."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres_url.removesuffix("postgres") + name


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of an empty Redis of our own."""
    with redis_server() as url:
        yield url


@contextmanager
def redis_server(certificate: Path | None = None) -> Iterator[str]:
    """A Redis of our own. `certificate`: as for PostgreSQL."""
    program = shutil.which("redis-server") or _missing("redis-server")
    directory, port = _directory("drbot-redis-"), free_port()
    arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(directory)]
    client, url = Redis(port=port), f"redis://127.0.0.1:{port}/0"
    if certificate is None:
        arguments += ["--port", str(port)]
    else:
        crt, key = str(certificate / "server.crt"), str(certificate / "server.key")
        arguments += ["--port", "0", "--tls-port", str(port), "--tls-cert-file", crt, "--tls-key-file", key]
        arguments += ["--tls-ca-cert-file", crt, "--tls-auth-clients", "no"]
        client, url = Redis(host="127.0.0.1", port=port, ssl=True, ssl_ca_certs=crt), f"rediss://127.0.0.1:{port}/0"
    with (directory / "log").open("w") as log:
        server = subprocess.Popen([program, *arguments], stdout=log)
    try:
        wait_for(lambda: _answers(client), 20, "Redis to answer")
        yield url
    finally:
        client.close()
        server.terminate()
        server.wait(PATIENCE)
        shutil.rmtree(directory, ignore_errors=True)


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = found[-1] if found else Path(shutil.which("initdb") or _missing("initdb (PostgreSQL)"))
    return program.parent


def _missing(program: str) -> str:
    sentence = f"{program} is not installed"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@contextmanager
def image_registry() -> Iterator[str]:
    """A registry of images of our own: "127.0.0.1:PORT"."""
    program = shutil.which("docker-registry") or _missing("docker-registry")
    directory, address = _directory("drbot-registry-"), f"127.0.0.1:{free_port()}"
    settings = f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {directory}}}}}\nhttp: {{addr: '{address}'}}\n"
    (directory / "settings.yml").write_text(settings)
    with (directory / "log").open("w") as log:
        server = subprocess.Popen([program, "serve", directory / "settings.yml"], stdout=log, stderr=log)
    try:
        wait_for(lambda: _listens(address), PATIENCE, "the registry to answer")
        yield address
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), 3):
        return True
    return False


def _as_postgres(*command: Path | str) -> None:
    """PostgreSQL refuses to run as root, so root becomes the user of the package."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Into a file: the server inherits the output, and a pipe would only end with the server.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [*prefix, *map(str, command)], stdout=output, stderr=subprocess.STDOUT, cwd="/", check=False
        )
        output.seek(0)
        assert done.returncode == 0, output.read().decode()


def _directory(prefix: str) -> Path:
    """Short, because the path of a socket may only have 100 bytes, and readable by another user."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    directory.chmod(0o755)
    return directory


def free_port() -> int:
    """One that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
