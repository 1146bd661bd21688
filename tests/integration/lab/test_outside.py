"""What is outside of every site: cloud, name server, certificates, repository. No Docker."""

import os
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.lab import repository
from drbot.lab.certificates import CertificateAuthority
from drbot.lab.cloud import NAME, TTL_SECONDS, Cloud
from drbot.lab.name_server import NameServer
from drbot.lab.packages import RECOVERY_PROGRAMS, on_path
from tests.waiting import PATIENCE, wait_for

pytest.importorskip("moto")
MISSING = [program for program in RECOVERY_PROGRAMS if not on_path(program)]
pytestmark = pytest.mark.skipif(bool(MISSING) and not os.environ.get("CI"), reason=f"not installed: {MISSING}")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    made = Cloud(folder=tmp_path_factory.mktemp("outside"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def names(cloud: Cloud) -> Iterator[NameServer]:
    made = NameServer(cloud=cloud)
    made.start()
    yield made
    made.stop()


def ask(server: NameServer, name: str) -> tuple[str, int]:
    """The last address in the answer and its TTL; nothing when the name is unknown."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.sendto(question, ("127.0.0.1", server.port))
        try:
            answer = asking.recv(512)
        except OSError:  # it is being started anew
            return "", 0
    answers = struct.unpack(">H", answer[6:8])[0]
    return (socket.inet_ntoa(answer[-4:]), struct.unpack(">I", answer[-10:-6])[0]) if answers else ("", 0)


def test_the_name_server_follows_the_zone_with_its_ttl(cloud: Cloud, names: NameServer) -> None:
    cloud.point(NAME, "127.0.0.1")
    wait_for(lambda: ask(names, NAME) == ("127.0.0.1", TTL_SECONDS), 20, "the first address")
    cloud.point(NAME, "127.0.0.2", ttl_seconds=9)

    wait_for(lambda: ask(names, NAME) == ("127.0.0.2", 9), 20, "the new address")
    assert ask(names, "other.ai-micro.test") == ("", 0)


def test_an_idle_connection_does_not_silence_the_name_server(names: NameServer) -> None:
    with socket.create_connection(("127.0.0.1", names.port)):
        wait_for(lambda: ask(names, NAME)[1] > 0, 5, "an answer beside the idle connection")


def test_certbot_gets_a_certificate_for_the_name_where_it_leads(names: NameServer, tmp_path: Path) -> None:
    names.cloud.point(NAME, "127.0.0.3")
    wait_for(lambda: ask(names, NAME)[0] == "127.0.0.3", 20, "the name to lead here")
    authority = CertificateAuthority(folder=tmp_path / "acme", names=names.address)
    authority.start()
    try:
        done = certbot(authority, tmp_path, "127.0.0.3")
        elsewhere = certbot(authority, tmp_path / "elsewhere", "127.0.0.4")
    finally:
        authority.stop()

    assert done.returncode == 0, done.stderr + done.stdout
    assert elsewhere.returncode != 0  # the challenge is really fetched
    chain = tmp_path / "certbot" / "live" / NAME / "fullchain.pem"
    verify = ["openssl", "verify", "-CAfile", str(authority.roots), "-untrusted", str(chain), str(chain)]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    assert ssl.PEM_cert_to_DER_cert(authority.roots.read_text().strip())


def certbot(authority: CertificateAuthority, folder: Path, address: str) -> "subprocess.CompletedProcess[str]":
    folders = (
        f"--{kind}-dir={folder / 'certbot' / extra}" for kind, extra in (("config", ""), ("work", "w"), ("logs", "l"))
    )
    command = [
        "certbot", "certonly", "--standalone", "--non-interactive", "--agree-tos", "-m", "operations@example.com",
        "--server", authority.directory, "--http-01-port", str(authority.http_port), "--http-01-address", address,
        *folders, "-d", NAME,
    ]  # fmt: skip
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(authority.trust)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)


def test_a_rented_machine_is_seen_to_run(cloud: Cloud) -> None:
    assert cloud.machines() == []
    machines = cloud.client("ec2")
    rented = machines.run_instances(ImageId=cloud.image(), InstanceType="t3.large", MinCount=1, MaxCount=1)

    wait_for(lambda: cloud.machines() == [rented["Instances"][0]["InstanceId"]], 20, "the machine to run")


def test_the_repository_is_pinned_and_holds_no_secrets(tmp_path: Path) -> None:
    projects, bare = tmp_path / "projects", tmp_path / "repository.git"
    (projects / "api").mkdir(parents=True)
    (projects / "api" / "docker-compose.yml").write_text("services: {}\n")
    (projects / "api" / ".env").write_text("PASSWORD=secret\n")
    first = repository.publish(projects, bare)
    again = repository.publish(projects, bare)
    (projects / "api" / "docker-compose.yml").write_text("services: {api: {}}\n")
    second = repository.publish(projects, bare)
    subprocess.run(["git", "clone", "-q", str(bare), str(tmp_path / "clone")], check=True)

    assert first == again != second
    assert sorted(path.name for path in (tmp_path / "clone" / "api").iterdir()) == ["docker-compose.yml"]
