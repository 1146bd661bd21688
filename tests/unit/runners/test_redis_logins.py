"""Where the password of a Redis may stand: it is found in each of these places, whole."""

from collections.abc import Callable

import pytest

from drbot.runners.clients.redis_login import Login, logins_in
from drbot.runners.clients.redis_server import key_count

SECRET = "pa$$ w0rd#1"


def reader(files: dict[str, str]) -> Callable[[str], dict[str, str]]:
    """A container with these files."""
    return lambda path: {path: files[path]} if path in files else {}


@pytest.mark.parametrize(
    ("config", "files"),
    [
        ({"Cmd": ["redis-server", "--requirepass", SECRET]}, {}),
        ({"Cmd": ["sh", "-c", f"exec redis-server --requirepass '{SECRET}' --save ''"]}, {}),
        ({"Cmd": ["sh", "-c", 'redis-server --requirepass "$PW"'], "Env": [f"PW={SECRET}"]}, {}),
        ({"Cmd": ["sh", "-c", 'redis-server --requirepass "${PW}"'], "Env": [f"PW={SECRET}"]}, {}),
        ({"Env": [f"REDIS_PASSWORD={SECRET}"]}, {}),
        ({"Env": [f'SETTINGS=port 1\nrequirepass "{SECRET}"\n']}, {}),
        ({"Healthcheck": {"Test": ["CMD", "redis-cli", "-a", SECRET, "ping"]}}, {}),
        (
            {"Cmd": ["redis-server", "/etc/redis.conf"]},
            {"/etc/redis.conf": f"appendonly yes\nrequirepass '{SECRET}'\n"},
        ),
        ({"Entrypoint": ["/start.sh"]}, {"/start.sh": f'#!/bin/sh\necho hi\nrequirepass "{SECRET}"\n'}),
        ({"Cmd": ["redis.conf"], "WorkingDir": "/conf"}, {"/conf/redis.conf": f'requirepass "{SECRET}"'}),
        ({"Env": ["REDIS_PASSWORD_FILE=/run/my/pw"]}, {"/run/my/pw": f"{SECRET}\n"}),
        ({}, {"/run/secrets": f"{SECRET}\n"}),
        (
            {"Cmd": ["redis-server", "/a.conf"]},
            {"/a.conf": "include /b/c.conf\n", "/b/c.conf": f'requirepass "{SECRET}"'},
        ),
    ],
)
def test_a_password_is_found(config: dict[str, object], files: dict[str, str]) -> None:
    found = logins_in(config, reader(files), Login())

    assert found[0] == Login(port=found[0].port)
    assert SECRET in {one.password for one in found if one.user is None}


@pytest.mark.parametrize(
    ("config", "files"),
    [
        (
            {"Cmd": ["redis-server", "/r.conf"]},
            {"/r.conf": "aclfile /acl\n", "/acl": "user default off\nuser ops on ~* >s3cret +@all\n"},
        ),
        (
            {"Env": ['SETTINGS=save ""\naclfile "/acl"\n'], "Cmd": ["sh", "-c", "echo $SETTINGS | redis-server -"]},
            {"/acl": "user ops on ~* >s3cret +@all\n"},
        ),
        ({"Cmd": ["redis-server", "--user", "ops on >s3cret ~* +@all"]}, {}),
        ({"Cmd": ["redis-server", "/r.conf"]}, {"/r.conf": "user ops on >s3cret ~* +@all\n"}),
    ],
)
def test_a_user_of_an_acl_is_found(config: dict[str, object], files: dict[str, str]) -> None:
    assert ("ops", "s3cret") in {(one.user, one.password) for one in logins_in(config, reader(files), Login())}


def test_another_port_is_found_and_what_dr_yml_names_is_tried_first() -> None:
    found = logins_in({"Cmd": ["redis-server", "--port", "7000"]}, reader({}), Login(user="ops", password="x"))

    assert found[0].words == ("--user", "ops", "-p", "7000")
    assert found[0].environment == {"REDISCLI_AUTH": "x"}


def test_a_password_that_redis_cli_would_take_from_its_environment_is_given_to_others_too() -> None:
    assert logins_in({"Env": ["REDISCLI_AUTH=x"]}, reader({}), Login())[0].environment == {"REDISCLI_AUTH": "x"}


def test_what_nobody_can_try_in_seconds_is_cut_off() -> None:
    config = {"Env": [f"SECRET{number}={number}" for number in range(1000)]}

    assert len(logins_in(config, reader({}), Login())) == 40


def test_keys_that_the_server_itself_has_removed_are_accounted_for() -> None:
    counted = key_count(
        "rdb_last_load_keys_expired:5\r\nexpired_keys:20\r\nevicted_keys:3\r\n# Keyspace\r\n"
        "db0:keys=500,expires=3,avg_ttl=5000\r\ndb3:keys=7,expires=0,avg_ttl=0\r\n"
    )

    assert (counted.keys, counted.lasting, counted.accounted) == (507, 504, 535)
