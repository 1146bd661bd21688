"""Rule 12: dr.yml proposes, two existing approvers accept, whoever is new waits a day; the floor is two."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.cli.processes import settle_roster
from drbot.commands.facts.faults import faults_of
from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.attestation import Proof
from drbot.core.ledger.events import EventKind
from drbot.core.ledger.policy import document_of, hash_of, roster_seal
from drbot.core.runs.plan import short_seal
from drbot.core.site.configuration import Loaded, load_configuration
from drbot.core.site.people import Account
from drbot.store.base import ledger
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import BEN, CHIKA, SECOND_FACTOR, believe, checking, enrolled
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture

MORE = DR_YML + "  eve: {name: Eve, slack: [U7], roles: [approver]}\n"


def loaded(folder: Path, text: str) -> Loaded:
    path = folder / "other.yml"
    path.write_text(text)
    return load_configuration(path)


def propose(verb_fixture: VerbFixture, folder: Path, text: str = MORE) -> str:
    """The roster was accepted at installation; later somebody changes dr.yml and starts drbot again."""
    settle_roster(verb_fixture.database, Loaded(configuration=verb_fixture.context.configuration))
    changed = loaded(folder, text)
    settle_roster(verb_fixture.database, changed)
    with verb_fixture.database.read() as conn:
        verb_fixture.context.rosters.look(conn)
    return roster_seal(hash_of(document_of(changed.configuration)))


def kinds(verb_fixture: VerbFixture) -> list[str]:
    with verb_fixture.database.read() as conn:
        return [event.kind.value for event in ledger.after(conn, 0) if event.kind.value.startswith("roster.")]


def test_the_first_start_accepts_and_later_ones_change_nothing(verb_fixture: VerbFixture) -> None:
    for _ in range(2):
        settle_roster(verb_fixture.database, Loaded(configuration=verb_fixture.context.configuration))

    assert kinds(verb_fixture) == ["roster.accepted"]


def test_a_changed_file_is_only_proposed_until_two_existing_approvers_accept(
    verb_fixture: VerbFixture, tmp_path: Path
) -> None:
    seal = propose(verb_fixture, tmp_path)
    shown = verb_fixture.say("ben", "roster")

    assert "eve is added (approver)" in str(shown.tables)
    changed = replace(verb_fixture.context, configuration=loaded(tmp_path, MORE).configuration)
    assert [seal in fault for fault in faults_of(changed)] == [True]
    assert faults_of(verb_fixture.context) == ()
    assert verb_fixture.context.roster.person("eve") is None
    assert "1 of 2" in verb_fixture.say("ben", f"roster accept {seal}").text
    assert "already" in verb_fixture.say("ben", f"roster accept {seal}").text
    assert verb_fixture.context.roster.person("eve") is None
    assert "In force now" in verb_fixture.say("chika", f"roster accept {seal}").text
    eve = verb_fixture.context.roster.person("eve")
    assert eve is not None and eve.counts_from is not None
    assert eve.counts_from - datetime.now(UTC) > timedelta(hours=23)
    ben = verb_fixture.context.roster.person("ben")
    assert ben is not None and ben.counts_from is None


def test_who_is_new_is_told_from_when_the_vote_counts(verb_fixture: VerbFixture, tmp_path: Path) -> None:
    seal = propose(verb_fixture, tmp_path)
    for person in ("ben", "chika"):
        verb_fixture.say(person, f"roster accept {seal}")
    verb_fixture.asked()

    reply = verb_fixture.say("eve", "approve DR-1")

    assert not reply.ok and "are new on the roster" in reply.text


def test_who_accepts_a_roster_reads_before_whose_votes_it_takes_away_for_a_day(
    verb_fixture: VerbFixture, tmp_path: Path
) -> None:
    propose(verb_fixture, tmp_path)
    one = str(verb_fixture.say("ben", "roster").tables)
    text = MORE.replace("[U2]", "[U2, U29]").replace("[U3, U4]", "[U3, U4, U39]")
    propose(verb_fixture, tmp_path, text)
    everybody = str(verb_fixture.say("ben", "roster").tables)

    assert "votes of Eve do not count for 24 hours" in one and "too few can vote" not in one
    assert "too few can vote" in everybody and "no data can be recovered that day" in everybody


@pytest.mark.parametrize("who", ["aiko", "dan", "emi", "eve"])
def test_nobody_else_accepts_least_of_all_the_one_who_is_proposed(
    verb_fixture: VerbFixture, tmp_path: Path, who: str
) -> None:
    seal = propose(verb_fixture, tmp_path)

    assert not verb_fixture.say(who, f"roster accept {seal}").ok
    assert "roster.voted" not in kinds(verb_fixture)


def test_without_the_seal_of_what_was_read_nothing_is_accepted(verb_fixture: VerbFixture, tmp_path: Path) -> None:
    propose(verb_fixture, tmp_path)

    for words in ("roster accept", "roster accept AAAA-BBBB-CCCC-DDDD"):
        assert "Say which proposal" in verb_fixture.say("ben", words).text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("roles: [commander]", "roles: [commander, approver]"),
        ("slack: [U3, U4]", "slack: [U3, U4, U9]"),
        ("slack: [U2],", f"slack: [U2], key: '{BEN.public}',"),
    ],
)
def test_a_new_role_account_or_key_waits_a_day_too(
    verb_fixture: VerbFixture, tmp_path: Path, before: str, after: str
) -> None:
    seal = propose(verb_fixture, tmp_path, DR_YML.replace(before, after))
    for person in ("ben", "chika"):
        assert verb_fixture.say(person, f"roster accept {seal}").ok

    assert sum(person.counts_from is not None for person in verb_fixture.context.roster.people.values()) == 1


def test_the_eight_letters_of_a_plan_are_not_enough_for_a_roster(verb_fixture: VerbFixture, tmp_path: Path) -> None:
    seal = propose(verb_fixture, tmp_path)
    short = short_seal(hash_of(document_of(loaded(tmp_path, MORE).configuration)))

    assert seal.startswith(short) and len(seal.replace("-", "")) * 5 == 80
    assert seal in str(verb_fixture.say("ben", "roster").choices)
    assert "Say which proposal" in verb_fixture.say("ben", f"roster accept {short}").text
    assert "roster.voted" not in kinds(verb_fixture)


def test_a_newer_proposal_ends_the_older_one_and_its_votes(verb_fixture: VerbFixture, tmp_path: Path) -> None:
    older = propose(verb_fixture, tmp_path)
    assert verb_fixture.say("ben", f"roster accept {older}").ok
    newer = propose(verb_fixture, tmp_path, MORE.replace("name: Eve", "name: Eva"))

    assert "Say which proposal" in verb_fixture.say("chika", f"roster accept {older}").text
    assert [choice.command for choice in verb_fixture.say("ben", "roster").choices] == [f"roster accept {newer}"]

    again = propose(verb_fixture, tmp_path)
    assert again == older
    assert "1 of 2" in verb_fixture.say("chika", f"roster accept {again}").text
    assert verb_fixture.context.roster.person("eve") is None


def test_a_proposal_is_known_by_what_it_says_not_by_what_a_bot_calls_it(
    verb_fixture: VerbFixture, tmp_path: Path
) -> None:
    propose(verb_fixture, tmp_path)
    policy = verb_fixture.context.rosters.policy
    assert policy is not None
    with verb_fixture.database.write() as tx:
        tx.record(
            EventKind.ROSTER_PROPOSED, hash="0" * 64, document=policy.document, changes=[], entry_point="terminal"
        )

    with verb_fixture.database.read() as conn:
        verb_fixture.context.rosters.look(conn)
    after = verb_fixture.context.rosters.policy
    assert after is not None and list(after.proposals) == [policy.hash]
    assert verb_fixture.say("ben", "roster").choices == ()


@pytest.mark.parametrize("who", ["eve", "ben"])
def test_who_is_new_or_has_a_new_account_changes_no_roster_for_a_day(
    verb_fixture: VerbFixture, tmp_path: Path, who: str
) -> None:
    seal = propose(verb_fixture, tmp_path, MORE.replace("slack: [U2],", "slack: [U2, U9],"))
    for person in ("ben", "chika"):
        assert verb_fixture.say(person, f"roster accept {seal}").ok
    worse = propose(
        verb_fixture, tmp_path, MORE.replace("slack: [U2],", "slack: [U2, U9],") + "approvals: {break_glass: true}\n"
    )
    assert verb_fixture.say("chika", f"roster accept {worse}").ok

    reply = verb_fixture.say(who, f"roster accept {worse}")

    assert not reply.ok and "are new on the roster" in reply.text
    assert not verb_fixture.context.roster.break_glass


def test_an_early_agreement_that_a_bot_wrote_is_not_believed_later_either(
    verb_fixture: VerbFixture, tmp_path: Path
) -> None:
    seal = propose(verb_fixture, tmp_path)
    for person in ("ben", "chika"):
        verb_fixture.say(person, f"roster accept {seal}")
    propose(verb_fixture, tmp_path, MORE + "approvals: {break_glass: true}\n")
    policy = verb_fixture.context.rosters.policy
    assert policy is not None
    (proposal,) = policy.proposals
    with verb_fixture.database.write() as tx:
        for person in ("ben", "eve"):
            tx.record(EventKind.ROSTER_VOTED, person=person, hash=proposal, proofs=[], entry_point="dialog")
        tx.record(EventKind.ROSTER_ACCEPTED, hash=proposal, document=policy.proposals[proposal], changes=[])

    with verb_fixture.database.read() as conn:
        assert not verb_fixture.context.rosters.look(conn).break_glass


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (Account(id="U2", team="T1", is_guest=True), "no guests and no bots"),
        (Account(id="U2", team="T1", is_bot=True), "Only active members"),
        (Account(id="U2", team="T1", is_deleted=True), "Only active members"),
        (Account(id="U2", team="T2", is_foreign=True), "Only active members"),
        (Account(id="U2"), "drbot cannot check with Slack"),
        (Account(id="U3", team="T1"), "belongs to nobody"),
    ],
)
def test_an_account_that_may_not_vote_accepts_no_roster(
    verb_fixture: VerbFixture, tmp_path: Path, account: Account, why: str
) -> None:
    seal = propose(verb_fixture, tmp_path)

    reply = verb_fixture.say("ben", f"roster accept {seal}", account=account)

    assert not reply.ok and why in reply.text
    assert "roster.voted" not in kinds(verb_fixture)


def test_who_was_removed_no_longer_counts_once_two_agreed(verb_fixture: VerbFixture, tmp_path: Path) -> None:
    without = MORE.replace("  ben: {name: Ben, slack: [U2], roles: [approver]}\n", "")
    seal = propose(verb_fixture, tmp_path, without)
    verb_fixture.asked()
    assert verb_fixture.say("ben", "approve DR-1").ok
    for person in ("ben", "chika"):
        verb_fixture.say(person, f"roster accept {seal}")

    assert not verb_fixture.say("ben", "approve DR-1").ok


def test_a_policy_below_two_never_gets_that_far(tmp_path: Path) -> None:
    faulty = loaded(tmp_path, DR_YML + "approvals: {people: 1}\n")

    assert faulty.roster.fault is not None and "approvals.people" in faulty.roster.fault


def test_a_weaker_policy_waits_for_two_as_well(verb_fixture: VerbFixture, tmp_path: Path) -> None:
    propose(verb_fixture, tmp_path, DR_YML + "approvals: {break_glass: true, requester_counts: true}\n")

    assert not verb_fixture.context.roster.break_glass
    assert not verb_fixture.context.rosters.approvals.requester_counts


def test_with_a_second_factor_an_acceptance_that_a_bot_wrote_is_not_believed(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR)
    with checking(verb_fixture, tmp_path / "worker-home") as worker:
        seal = propose(
            verb_fixture,
            tmp_path,
            SECOND_FACTOR.replace("approvals:", "  eve: {name: Eve, roles: [approver]}\napprovals:"),
        )
        policy = verb_fixture.context.rosters.policy
        assert policy is not None
        (proposal,) = policy.proposals
        with verb_fixture.database.write() as tx:
            for person in ("ben", "chika"):
                tx.record(EventKind.ROSTER_VOTED, person=person, hash=proposal, proofs=[], entry_point="dialog")
            tx.record(EventKind.ROSTER_ACCEPTED, hash=proposal, document=policy.proposals[proposal], changes=[])
        with verb_fixture.database.read() as conn:
            assert worker.roster_now(conn).person("eve") is None

        assert "one-time code" in verb_fixture.say("ben", f"roster accept {seal}").text
        for person in ("ben", "chika"):
            code = enrolled(verb_fixture, person).roster_code()
            assert verb_fixture.say(person, f"roster accept {seal} {code}").ok
        with verb_fixture.database.read() as conn:
            assert worker.roster_now(conn).person("eve") is not None


WITH_DAN = SECOND_FACTOR.replace("slack: [U5]}", "slack: [U5], roles: [approver]}")


def without_dan(verb_fixture: VerbFixture, folder: Path, home: Path) -> None:
    """Ben and Chika agree by code that Dan is no approver any more."""
    with checking(verb_fixture, home) as worker:
        seal = propose(verb_fixture, folder, SECOND_FACTOR)
        for person in ("ben", "chika"):
            assert verb_fixture.say(person, f"roster accept {seal} {enrolled(verb_fixture, person).roster_code()}").ok
        with verb_fixture.database.read() as conn:
            assert "approver" not in worker.roster_now(conn).people["dan"].roles


def test_a_worker_with_another_key_opens_no_gate_instead_of_going_back_to_the_first_roster(
    built: Build, tmp_path: Path
) -> None:
    verb_fixture = built(WITH_DAN)
    without_dan(verb_fixture, tmp_path, tmp_path / "lost")
    assert verb_fixture.context.roster.fault is None

    with checking(verb_fixture, tmp_path / "new") as worker, verb_fixture.database.read() as conn:
        assert "is not the one that this host knows" in (verb_fixture.context.rosters.look(conn).fault or "")
        believe(verb_fixture, worker)
        for roster in (worker.roster_now(conn), verb_fixture.context.rosters.look(conn)):
            assert "roster no. 2 was signed by another worker's key" in (roster.fault or "")
    assert any("another worker's key" in fault for fault in faults_of(verb_fixture.context))
    assert "another worker's key" in str(verb_fixture.say("ben", "roster").tables)


def test_the_old_key_brought_back_is_believed_as_before(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(WITH_DAN)
    without_dan(verb_fixture, tmp_path, tmp_path / "lost")
    with checking(verb_fixture, tmp_path / "new"), verb_fixture.database.read() as conn:
        assert verb_fixture.context.rosters.look(conn).fault is not None

    with checking(verb_fixture, tmp_path / "lost") as worker, verb_fixture.database.read() as conn:
        for roster in (worker.roster_now(conn), verb_fixture.context.rosters.look(conn)):
            assert roster.fault is None and "approver" not in roster.people["dan"].roles


def test_two_who_stayed_accept_it_again_and_who_was_removed_does_not(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(WITH_DAN)
    without_dan(verb_fixture, tmp_path, tmp_path / "lost")
    seal = roster_seal(hash_of(document_of(loaded(tmp_path, SECOND_FACTOR).configuration)))

    with checking(verb_fixture, tmp_path / "new") as worker:
        believe(verb_fixture, worker)
        refused = verb_fixture.say("dan", f"roster accept {seal} {enrolled_again(verb_fixture, 'dan')}")
        assert not refused.ok and "Only approvers" in refused.text
        for person in ("ben", "chika"):
            assert verb_fixture.say(person, f"roster accept {seal} {enrolled_again(verb_fixture, person)}").ok

        with verb_fixture.database.read() as conn:
            for roster in (worker.roster_now(conn), verb_fixture.context.rosters.look(conn)):
                assert roster.fault is None and "approver" not in roster.people["dan"].roles


def enrolled_again(verb_fixture: VerbFixture, person: str) -> str:
    """A first code for the new worker's secrets, and the next one."""
    with verb_fixture.database.read() as conn:
        verb_fixture.context.rosters.look(conn)
    return enrolled(verb_fixture, person).roster_code()


def test_who_lost_a_key_in_between_does_not_accept_with_it(built: Build, tmp_path: Path) -> None:
    with_key = WITH_DAN.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',")
    verb_fixture = built(with_key)
    without_dan(verb_fixture, tmp_path, tmp_path / "lost")
    seal = roster_seal(hash_of(document_of(loaded(tmp_path, SECOND_FACTOR).configuration)))

    with checking(verb_fixture, tmp_path / "new") as worker:
        believe(verb_fixture, worker)
        with verb_fixture.database.read() as conn:
            verb_fixture.context.rosters.look(conn)
        reply = verb_fixture.say(
            "ben", f"roster accept {seal}", entry_point=EntryPoint.TERMINAL, sign={Proof.KEY: BEN.sign}
        )

    assert not reply.ok and "Only approvers" in reply.text


def test_with_a_second_factor_the_own_key_at_a_terminal_is_enough(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',"))
    seal = propose(verb_fixture, tmp_path, verb_fixture_text(verb_fixture, tmp_path))

    reply = verb_fixture.say(
        "ben", f"roster accept {seal}", entry_point=EntryPoint.TERMINAL, sign={Proof.KEY: BEN.sign}
    )

    assert "1 of 2" in reply.text


def test_a_key_that_is_not_the_persons_agrees_to_nothing(built: Build, tmp_path: Path) -> None:
    verb_fixture = built(SECOND_FACTOR.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',"))
    seal = propose(verb_fixture, tmp_path, verb_fixture_text(verb_fixture, tmp_path))

    reply = verb_fixture.say(
        "ben", f"roster accept {seal}", entry_point=EntryPoint.TERMINAL, sign={Proof.KEY: CHIKA.sign}
    )

    assert not reply.ok
    assert "roster.voted" not in kinds(verb_fixture)


def verb_fixture_text(verb_fixture: VerbFixture, folder: Path) -> str:
    """The fixture's own dr.yml, with one observer more."""
    text = (folder / "dr.yml").read_text()
    return text.replace("  dan: {name: Dan,", "  fay: {name: Fay}\n  dan: {name: Dan,")
