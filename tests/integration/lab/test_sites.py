"""A lost host takes everything with it but what lies elsewhere, and the system can be raised again from there."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from docker.errors import DockerException

from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Configuration
from drbot.lab import ownership
from drbot.lab.breakage import break_it
from drbot.lab.engine import connect
from drbot.lab.extras import EDGE, JOBS, Extras
from drbot.lab.layout import PARTS
from drbot.lab.object_store import BUCKET
from drbot.lab.second_engine import ADDRESS, SecondEngine
from drbot.lab.setup import lab_home, prepare_recovery
from drbot.lab.sites import Sites
from tests.labs import LabFactory
from tests.waiting import wait_for

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long]


@pytest.fixture(scope="module")
def sites(second_engine: SecondEngine, lab_factory: LabFactory) -> Iterator[Sites]:
    prepare_recovery(lab_home(), print)
    made = Sites(lab=lab_factory("sites"), home=lab_home())
    yield made
    made.down()


@pytest.fixture
def configuration(sites: Sites) -> Configuration:
    """Production works and the new host is empty; made anew after a test that lost something."""
    if sites.host_socket.exists() and sites.second.is_up():
        return load_configuration(sites.lab.configuration).configuration
    sites.lab.up(print)
    return sites.up(print)


def test_dr_yml_names_two_sites_and_everything_outside(sites: Sites, configuration: Configuration) -> None:
    read = load_configuration(sites.lab.configuration).configuration

    assert read == configuration
    assert set(read.sites) == {"production", "recovery", "control"}
    assert Extras(lab=sites.lab).jobs_up() == set(JOBS)
    assert connect(read.site().docker.host or "").ping()


def test_a_lost_host_is_raised_again_on_the_new_one(sites: Sites, configuration: Configuration) -> None:
    secrets = {path.parent.name: path.read_text() for path in sites.lab.projects.glob("*/.env")}
    sites.bucket.client().put_object(Bucket=BUCKET, Key="kept", Body=b"off-site")
    break_it(sites.lab, "host-lost")

    assert ownership.containers(connect(sites.lab.host), sites.lab.label, sites.lab.prefix) == []
    assert not sites.lab.projects.exists()
    assert not configuration.backups.directory.exists()
    with pytest.raises(DockerException):
        connect(configuration.site().docker.host or "").ping()
    assert sites.bucket.client().get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"off-site"
    raise_again(sites, configuration, secrets)
    wait_for(lambda: all(one.healthy for one in sites.recovered.status()), 60, "every service on the new host")
    alert = {"labels": {"alertname": "Test"}}
    monitoring = configuration.sites["recovery"].monitoring
    assert monitoring is not None
    assert httpx.post(f"{monitoring.alertmanager}/api/v2/alerts", json=[alert]).is_success
    extras = Extras(lab=sites.recovered)
    wait_for(lambda: [one["labels"]["alertname"] for one in extras.arrived()] == ["Test"], 60, "the alert to arrive")


def raise_again(sites: Sites, configuration: Configuration, secrets: dict[str, str]) -> None:
    """The source document's way by hand: clone, configuration, stores, services, monitoring."""
    lab, repository = sites.recovered, configuration.repository
    assert repository is not None
    subprocess.run(["git", "clone", "-q", repository.url, str(lab.projects)], check=True)
    for folder, text in secrets.items():
        (lab.projects / folder / ".env").write_text(text)
    client = sites.second.client()
    ownership.ensure_network(client, f"{lab.prefix}network", lab.label)
    for part in (part for part in PARTS if part.volume):
        ownership.ensure_volume(client, f"{lab.prefix}{part.volume}", lab.label)
    lab.start(list(PARTS[:2]))
    lab.wait_for_stores()
    lab.fill()
    lab.start(list(PARTS[2:]))
    lab.wait_until_healthy()
    Extras(lab=lab).start()


def test_users_come_in_by_https_with_a_certificate_of_the_lab(sites: Sites, configuration: Configuration) -> None:
    certificate, extras = configuration.certificate, Extras(lab=sites.lab)
    assert certificate is not None
    install(sites, configuration)
    url = f"https://127.0.0.1:{extras.port(EDGE)}/health"
    host = {"Host": certificate.names[0]}
    context = ssl.create_default_context(cafile=str(certificate.roots))
    extensions = {"sni_hostname": certificate.names[0]}

    with httpx.Client(verify=context) as client:
        answer = client.get(url, headers=host, extensions=extensions)
    assert answer.json()["status"] == "ok"


def install(sites: Sites, configuration: Configuration) -> None:
    """certbot's certificate, where HTTPS looks for it."""
    certificate = configuration.certificate
    assert certificate is not None
    assert certificate.install is not None
    folder = sites.folder / "certbot"
    command = [
        "certbot", "certonly", "--standalone", "--non-interactive", "--agree-tos", "-m", certificate.email,
        "--server", certificate.directory, "--http-01-port", str(certificate.http_port),
        "--http-01-address", "127.0.0.1", "--config-dir", str(folder), "--work-dir", str(folder),
        "--logs-dir", str(folder), "-d", certificate.names[0],
    ]  # fmt: skip
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(certificate.trust)}
    subprocess.run(command, env=environment, capture_output=True, check=True)
    for name in ("fullchain.pem", "privkey.pem"):
        shutil.copy(folder / "live" / certificate.names[0] / name, sites.lab.projects / certificate.install / name)


def test_a_dead_database_raises_the_alert_the_document_names(sites: Sites, configuration: Configuration) -> None:
    with sites.lab.client() as client:
        database = sites.lab.container(client, PARTS[0])
        assert database is not None
        database.stop(timeout=3)

    def alerts() -> set[str]:
        return {one["labels"]["alertname"] for one in Extras(lab=sites.lab).arrived() if one["status"] == "firing"}

    wait_for(lambda: "PostgreSQLDown" in alerts(), 60, "PostgreSQLDown to arrive at the webhook")
    sites.lab.up(print)
    sites.up(print)
    assert configuration.site().monitoring is not None


def test_a_lost_data_centre_has_no_new_host_until_one_is_rented(sites: Sites, configuration: Configuration) -> None:
    break_it(sites.lab, "datacentre-lost")
    assert not sites.second.is_up()
    recovery = configuration.sites["recovery"]
    assert recovery.provision is not None
    assert recovery.address == ADDRESS
    sites.cloud.client("ec2").run_instances(ImageId=recovery.provision.image, MinCount=1, MaxCount=1)

    wait_for(sites.second.is_up, 60, "the rented machine's engine")
    wait_for(lambda: sites.machine_room.program.process() is None, 120, "its images")
