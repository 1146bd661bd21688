"""A token makes one worker that of a site: the first to use it, within an hour, for the incident it was made for; that
one may come with it again. What rows say of that is not believed.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from drbot.core.base.errors import CancelledError, PermanentError, UntrustedError, UserError
from drbot.core.base.signing import KeyPair, join_key, join_proof
from drbot.core.site.level import Level
from drbot.runners.actions import machine
from drbot.runners.foundation.invitations import WORKER_KEY
from drbot.runners.foundation.own_record import CLOCK, FOLDER
from drbot.runners.foundation.private_folder import PrivateFolder
from drbot.runners.second_factor.join_token import join_site
from drbot.store.base import ledger, schema
from drbot.store.records import incidents, invitations
from tests.integration.centre.conftest import Centre
from tests.integration.centre.test_machine import HERE, token_of

THERE = KeyPair.new()  # of the worker that joins


def test_a_worker_joins_once_with_its_token(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    token = token_of(centre.cloud.user_data(made.facts["machine"]))
    before = machine.joined(centre.context(), HERE)
    site = join_site(centre.database, token, "", 7, THERE.public)

    assert not before.passed
    assert site == "recovery"
    assert machine.join(centre.context(), {**HERE, "within": "1s"}).facts["worker"].endswith("/7")
    with pytest.raises(UserError, match="has used this token already"):
        join_site(centre.database, token, "", 8, KeyPair.new().public)
    said = notes(centre)
    assert any("was refused" in note for note in said)
    assert not any(token in note for note in said)


def notes(centre: Centre) -> list[str]:
    """What the incident's people read."""
    with centre.database.read() as connection:
        return [str(event.payload.get("text")) for event in ledger.of_incident(connection, centre.run.incident)]


def test_the_worker_that_joined_is_let_in_with_its_token_at_every_start(centre: Centre) -> None:
    """Its machine's script cannot know at which start it joined; hours later it is still the same worker."""
    made = machine.provision(centre.context(), HERE)
    token = token_of(centre.cloud.user_data(made.facts["machine"]))
    join_site(centre.database, token, "", 7, THERE.public)
    with centre.database.write() as tx:
        tx.connection.execute(update(schema.invitations).values(expires_at=tx.now))

    assert join_site(centre.database, token, "", 8, THERE.public) == "recovery"
    assert machine.join(centre.context(), {**HERE, "within": "1s"}).facts["worker"].endswith("/8")
    assert len([note for note in notes(centre) if "joined the site" in note]) == 1
    with pytest.raises(UserError, match="has used this token already"):
        join_site(centre.database, token, "", 9, KeyPair.new().public)
    with pytest.raises(UserError, match="for the site recovery"):
        join_site(centre.database, token, "production", 9, THERE.public)


def test_a_key_that_was_written_into_the_database_is_not_the_one_of_who_had_the_token(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    join_site(centre.database, token_of(centre.cloud.user_data(made.facts["machine"])), "", 7, THERE.public)
    assert machine.join(centre.context(), {**HERE, "within": "1s"}).facts[WORKER_KEY] == THERE.public
    with centre.database.write() as tx:
        tx.connection.execute(update(schema.invitations).values(public_key=KeyPair.new().public))

    assert "valid proof of its token" in machine.joined(centre.context(), HERE).sentence
    with pytest.raises(UntrustedError):
        machine.join(centre.context(), {**HERE, "within": "1s"})


def forge(centre: Centre, token: str, key: KeyPair, **values: Any) -> None:
    """Whoever may write the row of a token, and knows it, names this key."""
    proof = join_proof(join_key(token), "recovery", key.public)
    edit = update(schema.invitations).where(schema.invitations.c.token_sha256 == invitations.digest(token))
    with centre.database.write() as tx:
        tx.connection.execute(edit.values(public_key=key.public, proof=proof, used_at=tx.now, **values))


def test_a_token_of_an_earlier_incident_makes_nobody_the_worker_of_a_new_machine(centre: Centre) -> None:
    """It was read in the user data of a machine that was given back; incident, run and time are rows."""
    made = machine.provision(centre.context(), HERE)
    token = token_of(centre.cloud.user_data(made.facts["machine"]))
    join_site(centre.database, token, "", 7, THERE.public)
    with centre.database.write() as tx:
        later = incidents.declare(tx, site="production", level=Level.DATACENTRE, title="Fire", person="aiko")
    centre.run = replace(centre.run, incident=later.id, id=f"{centre.run.id}-2")
    forge(centre, token, KeyPair.new(), incident=later.id, run=centre.run.id)

    assert not machine.joined(centre.context(), HERE).passed
    with pytest.raises(PermanentError, match="No worker has joined the site recovery"):
        machine.join(centre.context(), {**HERE, "within": "1s"})


def test_a_token_is_of_who_was_first_seen_to_use_it(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    token = token_of(centre.cloud.user_data(made.facts["machine"]))
    join_site(centre.database, token, "", 7, THERE.public)
    assert machine.joined(centre.context(), HERE).passed
    forge(centre, token, KeyPair.new())

    assert "another worker used its token first" in machine.joined(centre.context(), HERE).sentence
    forge(centre, token, THERE)
    assert machine.joined(centre.context(), HERE).passed


def test_the_hour_of_a_token_is_of_the_workers_own_clock(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    token = token_of(centre.cloud.user_data(made.facts["machine"]))
    later = datetime.now(UTC) + timedelta(seconds=machine.TOKEN_SECONDS)
    PrivateFolder(centre.home / FOLDER).write(CLOCK, later.isoformat())
    forge(centre, token, KeyPair.new(), expires_at=later + timedelta(days=1))

    assert "the token had expired." in machine.joined(centre.context(), HERE).sentence


def test_who_joined_the_machine_before_is_not_the_worker_of_a_new_one(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    join_site(centre.database, token_of(centre.cloud.user_data(made.facts["machine"])), "", 7, THERE.public)
    machine.release(centre.context(), HERE)
    made = machine.provision(centre.context(attempt=2), HERE)

    assert not machine.joined(centre.context(), HERE).passed
    joined = KeyPair.new()
    join_site(centre.database, token_of(centre.cloud.user_data(made.facts["machine"])), "", 8, joined.public)
    assert machine.join(centre.context(), {**HERE, "within": "1s"}).facts[WORKER_KEY] == joined.public


def test_a_token_is_for_one_site_and_not_for_ever(centre: Centre) -> None:
    with centre.database.write() as tx:
        early = invitations.invite(tx, site="recovery", run=centre.run, seconds=60)
        late = invitations.invite(tx, site="recovery", run=centre.run, seconds=-1)

    with pytest.raises(UserError, match="for the site recovery"):
        join_site(centre.database, early, "production", 1, THERE.public)
    with pytest.raises(UserError, match="could be used until"):
        join_site(centre.database, late, "recovery", 1, THERE.public)
    with pytest.raises(UserError, match="This token was never issued"):
        join_site(centre.database, "guessed", "recovery", 1, THERE.public)
    assert join_site(centre.database, early, "recovery", 1, THERE.public) == "recovery"  # a slip does not use it up


def test_a_machine_whose_worker_never_comes_is_said(centre: Centre) -> None:
    with pytest.raises(PermanentError, match="No worker has joined the site recovery within 1 s"):
        machine.join(centre.context(), {**HERE, "within": "1s"})
    centre.stop.set()
    with pytest.raises(CancelledError):
        machine.join(centre.context(), {**HERE, "within": "1h"})
