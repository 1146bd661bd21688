"""One-time codes: each once, none from yesterday; the files are the worker's alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from drbot.core.base.errors import UserError
from drbot.core.ledger.attestation import Entrance, Origin, Proof
from drbot.runners.second_factor.guessing import Guesses
from drbot.runners.second_factor.totp_secrets import Entry, TotpSecrets, key_in, tried

TERMINAL = Origin(entrance=Entrance.TERMINAL, name="ops@host")
NOW = datetime(2026, 11, 26, 3, 12, 5, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(at: datetime) -> str:
    return pyotp.TOTP(SECRET).at(at)


def test_a_code_is_taken_once_and_none_older_than_it_afterwards() -> None:
    entry, right = tried(Entry(secret=SECRET), code(NOW), NOW)
    _, second = tried(entry, code(NOW), NOW)
    _, older = tried(entry, code(NOW - timedelta(seconds=30)), NOW)
    _, later = tried(entry, code(NOW + timedelta(seconds=30)), NOW + timedelta(seconds=30))

    assert (right, second, older, later) == (True, False, False, True)


def test_a_clock_that_is_half_a_minute_off_is_forgiven_and_not_more() -> None:
    behind, far = NOW - timedelta(seconds=30), NOW - timedelta(seconds=90)

    assert tried(Entry(secret=SECRET), f" {code(behind)[:3]} {code(behind)[3:]}", NOW)[1]
    assert not tried(Entry(secret=SECRET), code(far), NOW)[1]


def test_key_and_secrets_are_kept_for_the_workers_user_alone(tmp_path: Path) -> None:
    totp_secrets = TotpSecrets(tmp_path)
    key = totp_secrets.key()
    entry = Entry(secret=SECRET, guesses=Guesses().with_wrong(Proof.CODE, TERMINAL, NOW))
    totp_secrets.keep("ben", entry)

    assert TotpSecrets(tmp_path).key().public == key.public
    assert TotpSecrets(tmp_path).entry("ben") == entry
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "worker").iterdir()}
    assert (modes["key"], modes["totp_secrets.json"]) == (0o600, 0o600)
    assert stat.S_IMODE((tmp_path / "worker").stat().st_mode) == 0o700
    with pytest.raises(UserError, match="recovery host"):
        key_in(tmp_path / "elsewhere")


def test_workers_that_start_together_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {pair.public for pair in pool.map(lambda _: TotpSecrets(tmp_path).key(), range(200))}

    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "worker").glob("key*")] == ["key"]


def test_one_code_that_two_workers_look_at_in_the_same_moment_is_taken_once(tmp_path: Path) -> None:
    TotpSecrets(tmp_path).keep("ben", Entry(secret=SECRET))

    with ThreadPoolExecutor(8) as pool:
        rights = list(
            pool.map(lambda _: TotpSecrets(tmp_path).change("ben", lambda e: tried(e, code(NOW), NOW)), range(40))
        )

    assert rights.count(True) == 1
