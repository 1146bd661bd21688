"""Rule 12: dr.yml proposes, two existing approvers accept, whoever is new waits a day; the floor is two."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.cli.processes import settle_roster
from drbot.commands.faults import faults_of
from drbot.core.approval import Door
from drbot.core.attestation import Proof
from drbot.core.configuration import Loaded, load_configuration
from drbot.core.events import EventKind
from drbot.core.people import Account
from drbot.core.plan import short_seal
from drbot.core.policy import document_of, hash_of, roster_seal
from drbot.store import journal
from tests.integration.commands.conftest import Build
from tests.integration.commands.factors import BEN, CHIKA, SECOND_FACTOR, checking, enrolled
from tests.integration.commands.stage import DR_YML, Stage

MORE = DR_YML + "  eve: {name: Eve, slack: [U7], roles: [approver]}\n"


def loaded(folder: Path, text: str) -> Loaded:
    path = folder / "other.yml"
    path.write_text(text)
    return load_configuration(path)


def propose(stage: Stage, folder: Path, text: str = MORE) -> str:
    """The roster was accepted at installation; later somebody changes dr.yml and starts drbot again."""
    settle_roster(stage.database, Loaded(configuration=stage.context.configuration))
    changed = loaded(folder, text)
    settle_roster(stage.database, changed)
    with stage.database.read() as conn:
        stage.context.rosters.look(conn)
    return roster_seal(hash_of(document_of(changed.configuration)))


def kinds(stage: Stage) -> list[str]:
    with stage.database.read() as conn:
        return [event.kind.value for event in journal.after(conn, 0) if event.kind.value.startswith("roster.")]


def test_the_first_start_accepts_and_later_ones_change_nothing(stage: Stage) -> None:
    for _ in range(2):
        settle_roster(stage.database, Loaded(configuration=stage.context.configuration))

    assert kinds(stage) == ["roster.accepted"]


def test_a_changed_file_is_only_proposed_until_two_existing_approvers_accept(stage: Stage, tmp_path: Path) -> None:
    seal = propose(stage, tmp_path)
    shown = stage.say("ben", "roster")

    assert "eve is added (approver)" in str(shown.tables)
    changed = replace(stage.context, configuration=loaded(tmp_path, MORE).configuration)
    assert [seal in fault for fault in faults_of(changed)] == [True]
    assert faults_of(stage.context) == ()
    assert stage.context.roster.person("eve") is None
    assert "1 of 2" in stage.say("ben", f"roster accept {seal}").text["en"]
    assert "already" in stage.say("ben", f"roster accept {seal}").text["en"]
    assert stage.context.roster.person("eve") is None
    assert "In force now" in stage.say("chika", f"roster accept {seal}").text["en"]
    eve = stage.context.roster.person("eve")
    assert eve is not None and eve.counts_from is not None
    assert eve.counts_from - datetime.now(UTC) > timedelta(hours=23)
    ben = stage.context.roster.person("ben")
    assert ben is not None and ben.counts_from is None


def test_who_is_new_is_told_from_when_the_vote_counts(stage: Stage, tmp_path: Path) -> None:
    seal = propose(stage, tmp_path)
    for person in ("ben", "chika"):
        stage.say(person, f"roster accept {seal}")
    stage.asked()

    reply = stage.say("eve", "approve DR-1")

    assert not reply.ok and "are new on the roster" in reply.text["en"]


@pytest.mark.parametrize("who", ["aiko", "dan", "emi", "eve"])
def test_nobody_else_accepts_least_of_all_the_one_who_is_proposed(stage: Stage, tmp_path: Path, who: str) -> None:
    seal = propose(stage, tmp_path)

    assert not stage.say(who, f"roster accept {seal}").ok
    assert "roster.voted" not in kinds(stage)


def test_without_the_seal_of_what_was_read_nothing_is_accepted(stage: Stage, tmp_path: Path) -> None:
    propose(stage, tmp_path)

    for words in ("roster accept", "roster accept AAAA-BBBB-CCCC-DDDD"):
        assert "Say which proposal" in stage.say("ben", words).text["en"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("roles: [commander]", "roles: [commander, approver]"),
        ("slack: [U3, U4]", "slack: [U3, U4, U9]"),
        ("slack: [U2],", f"slack: [U2], key: '{BEN.public}',"),
    ],
)
def test_a_new_role_account_or_key_waits_a_day_too(stage: Stage, tmp_path: Path, before: str, after: str) -> None:
    seal = propose(stage, tmp_path, DR_YML.replace(before, after))
    for person in ("ben", "chika"):
        assert stage.say(person, f"roster accept {seal}").ok

    assert sum(person.counts_from is not None for person in stage.context.roster.people.values()) == 1


def test_the_eight_letters_of_a_plan_are_not_enough_for_a_roster(stage: Stage, tmp_path: Path) -> None:
    seal = propose(stage, tmp_path)
    short = short_seal(hash_of(document_of(loaded(tmp_path, MORE).configuration)))

    assert seal.startswith(short) and len(seal.replace("-", "")) * 5 == 80
    assert seal in str(stage.say("ben", "roster").choices)
    assert "Say which proposal" in stage.say("ben", f"roster accept {short}").text["en"]
    assert "roster.voted" not in kinds(stage)


def test_a_newer_proposal_ends_the_older_one_and_its_votes(stage: Stage, tmp_path: Path) -> None:
    older = propose(stage, tmp_path)
    assert stage.say("ben", f"roster accept {older}").ok
    newer = propose(stage, tmp_path, MORE.replace("name: Eve", "name: Eva"))

    assert "Say which proposal" in stage.say("chika", f"roster accept {older}").text["en"]
    assert [choice.command for choice in stage.say("ben", "roster").choices] == [f"roster accept {newer}"]

    again = propose(stage, tmp_path)
    assert again == older
    assert "1 of 2" in stage.say("chika", f"roster accept {again}").text["en"]
    assert stage.context.roster.person("eve") is None


def test_a_proposal_is_known_by_what_it_says_not_by_what_a_bot_calls_it(stage: Stage, tmp_path: Path) -> None:
    propose(stage, tmp_path)
    policy = stage.context.rosters.policy
    assert policy is not None
    with stage.database.write() as tx:
        tx.record(EventKind.ROSTER_PROPOSED, hash="0" * 64, document=policy.document, changes=[], door="terminal")

    with stage.database.read() as conn:
        stage.context.rosters.look(conn)
    after = stage.context.rosters.policy
    assert after is not None and list(after.proposals) == [policy.hash]
    assert stage.say("ben", "roster").choices == ()


@pytest.mark.parametrize("who", ["eve", "ben"])
def test_who_is_new_or_has_a_new_account_changes_no_roster_for_a_day(stage: Stage, tmp_path: Path, who: str) -> None:
    seal = propose(stage, tmp_path, MORE.replace("slack: [U2],", "slack: [U2, U9],"))
    for person in ("ben", "chika"):
        assert stage.say(person, f"roster accept {seal}").ok
    worse = propose(
        stage, tmp_path, MORE.replace("slack: [U2],", "slack: [U2, U9],") + "approvals: {break_glass: true}\n"
    )
    assert stage.say("chika", f"roster accept {worse}").ok

    reply = stage.say(who, f"roster accept {worse}")

    assert not reply.ok and "are new on the roster" in reply.text["en"]
    assert not stage.context.roster.break_glass


def test_an_early_agreement_that_a_bot_wrote_is_not_believed_later_either(stage: Stage, tmp_path: Path) -> None:
    seal = propose(stage, tmp_path)
    for person in ("ben", "chika"):
        stage.say(person, f"roster accept {seal}")
    propose(stage, tmp_path, MORE + "approvals: {break_glass: true}\n")
    policy = stage.context.rosters.policy
    assert policy is not None
    (proposal,) = policy.proposals
    with stage.database.write() as tx:
        for person in ("ben", "eve"):
            tx.record(EventKind.ROSTER_VOTED, person=person, hash=proposal, proofs=[], door="dialog")
        tx.record(EventKind.ROSTER_ACCEPTED, hash=proposal, document=policy.proposals[proposal], changes=[])

    with stage.database.read() as conn:
        assert not stage.context.rosters.look(conn).break_glass


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (Account(id="U2", team="T1", is_guest=True), "no guests and no bots"),
        (Account(id="U2", team="T1", is_bot=True), "Only active members"),
        (Account(id="U2", team="T1", is_deleted=True), "Only active members"),
        (Account(id="U2", team="T2", is_foreign=True), "Only active members"),
        (Account(id="U2"), "Slack does not tell"),
        (Account(id="U3", team="T1"), "belongs to nobody"),
    ],
)
def test_an_account_that_may_not_vote_accepts_no_roster(
    stage: Stage, tmp_path: Path, account: Account, why: str
) -> None:
    seal = propose(stage, tmp_path)

    reply = stage.say("ben", f"roster accept {seal}", account=account)

    assert not reply.ok and why in reply.text["en"]
    assert "roster.voted" not in kinds(stage)


def test_who_was_removed_no_longer_counts_once_two_agreed(stage: Stage, tmp_path: Path) -> None:
    without = MORE.replace("  ben: {name: Ben, slack: [U2], roles: [approver]}\n", "")
    seal = propose(stage, tmp_path, without)
    stage.asked()
    assert stage.say("ben", "approve DR-1").ok
    for person in ("ben", "chika"):
        stage.say(person, f"roster accept {seal}")

    assert not stage.say("ben", "approve DR-1").ok


def test_a_policy_below_two_never_gets_that_far(tmp_path: Path) -> None:
    faulty = loaded(tmp_path, DR_YML + "approvals: {people: 1}\n")

    assert faulty.roster.fault is not None and "approvals.people" in faulty.roster.fault


def test_a_weaker_policy_waits_for_two_as_well(stage: Stage, tmp_path: Path) -> None:
    propose(stage, tmp_path, DR_YML + "approvals: {break_glass: true, requester_counts: true}\n")

    assert not stage.context.roster.break_glass
    assert not stage.context.rosters.approvals.requester_counts


def test_with_a_second_factor_an_acceptance_that_a_bot_wrote_is_not_believed(built: Build, tmp_path: Path) -> None:
    stage = built(SECOND_FACTOR)
    with checking(stage, tmp_path / "worker-home") as worker:
        seal = propose(
            stage, tmp_path, SECOND_FACTOR.replace("approvals:", "  eve: {name: Eve, roles: [approver]}\napprovals:")
        )
        policy = stage.context.rosters.policy
        assert policy is not None
        (proposal,) = policy.proposals
        with stage.database.write() as tx:
            for person in ("ben", "chika"):
                tx.record(EventKind.ROSTER_VOTED, person=person, hash=proposal, proofs=[], door="dialog")
            tx.record(EventKind.ROSTER_ACCEPTED, hash=proposal, document=policy.proposals[proposal], changes=[])
        with stage.database.read() as conn:
            assert worker.roster_now(conn).person("eve") is None

        assert "one-time code" in stage.say("ben", f"roster accept {seal}").text["en"]
        for person in ("ben", "chika"):
            code = enrolled(stage, person).roster_code()
            assert stage.say(person, f"roster accept {seal} {code}").ok
        with stage.database.read() as conn:
            assert worker.roster_now(conn).person("eve") is not None


WITH_DAN = SECOND_FACTOR.replace("slack: [U5]}", "slack: [U5], roles: [approver]}")


def without_dan(stage: Stage, folder: Path, home: Path) -> None:
    """Ben and Chika agree by code that Dan is no approver any more."""
    with checking(stage, home) as worker:
        seal = propose(stage, folder, SECOND_FACTOR)
        for person in ("ben", "chika"):
            assert stage.say(person, f"roster accept {seal} {enrolled(stage, person).roster_code()}").ok
        with stage.database.read() as conn:
            assert "approver" not in worker.roster_now(conn).people["dan"].roles


def test_a_worker_with_another_key_opens_no_gate_instead_of_going_back_to_the_first_roster(
    built: Build, tmp_path: Path
) -> None:
    stage = built(WITH_DAN)
    without_dan(stage, tmp_path, tmp_path / "lost")
    assert stage.context.roster.fault is None

    with checking(stage, tmp_path / "new") as worker, stage.database.read() as conn:
        for roster in (worker.roster_now(conn), stage.context.rosters.look(conn)):
            assert "roster no. 2 was signed by another worker's key" in (roster.fault or "")
    assert any("another worker's key" in fault for fault in faults_of(stage.context))
    assert "another worker's key" in str(stage.say("ben", "roster").tables)


def test_the_old_key_brought_back_is_believed_as_before(built: Build, tmp_path: Path) -> None:
    stage = built(WITH_DAN)
    without_dan(stage, tmp_path, tmp_path / "lost")
    with checking(stage, tmp_path / "new"), stage.database.read() as conn:
        assert stage.context.rosters.look(conn).fault is not None

    with checking(stage, tmp_path / "lost") as worker, stage.database.read() as conn:
        for roster in (worker.roster_now(conn), stage.context.rosters.look(conn)):
            assert roster.fault is None and "approver" not in roster.people["dan"].roles


def test_two_who_stayed_accept_it_again_and_who_was_removed_does_not(built: Build, tmp_path: Path) -> None:
    stage = built(WITH_DAN)
    without_dan(stage, tmp_path, tmp_path / "lost")
    seal = roster_seal(hash_of(document_of(loaded(tmp_path, SECOND_FACTOR).configuration)))

    with checking(stage, tmp_path / "new") as worker:
        refused = stage.say("dan", f"roster accept {seal} {enrolled_again(stage, 'dan')}")
        assert not refused.ok and "Only approvers" in refused.text["en"]
        for person in ("ben", "chika"):
            assert stage.say(person, f"roster accept {seal} {enrolled_again(stage, person)}").ok

        with stage.database.read() as conn:
            for roster in (worker.roster_now(conn), stage.context.rosters.look(conn)):
                assert roster.fault is None and "approver" not in roster.people["dan"].roles


def enrolled_again(stage: Stage, person: str) -> str:
    """A first code for the new worker's vault, and the next one."""
    with stage.database.read() as conn:
        stage.context.rosters.look(conn)
    return enrolled(stage, person).roster_code()


def test_who_lost_a_key_in_between_does_not_accept_with_it(built: Build, tmp_path: Path) -> None:
    with_key = WITH_DAN.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',")
    stage = built(with_key)
    without_dan(stage, tmp_path, tmp_path / "lost")
    seal = roster_seal(hash_of(document_of(loaded(tmp_path, SECOND_FACTOR).configuration)))

    with checking(stage, tmp_path / "new"):
        reply = stage.say("ben", f"roster accept {seal}", door=Door.TERMINAL, sign={Proof.KEY: BEN.sign})

    assert not reply.ok and "Only approvers" in reply.text["en"]


def test_with_a_second_factor_the_own_key_at_a_terminal_is_enough(built: Build, tmp_path: Path) -> None:
    stage = built(SECOND_FACTOR.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',"))
    seal = propose(stage, tmp_path, stage_text(stage, tmp_path))

    reply = stage.say("ben", f"roster accept {seal}", door=Door.TERMINAL, sign={Proof.KEY: BEN.sign})

    assert "1 of 2" in reply.text["en"]


def test_a_key_that_is_not_the_persons_agrees_to_nothing(built: Build, tmp_path: Path) -> None:
    stage = built(SECOND_FACTOR.replace("slack: [U2],", f"slack: [U2], key: '{BEN.public}',"))
    seal = propose(stage, tmp_path, stage_text(stage, tmp_path))

    reply = stage.say("ben", f"roster accept {seal}", door=Door.TERMINAL, sign={Proof.KEY: CHIKA.sign})

    assert not reply.ok
    assert "roster.voted" not in kinds(stage)


def stage_text(stage: Stage, folder: Path) -> str:
    """The stage's own dr.yml, with one observer more."""
    text = (folder / "dr.yml").read_text()
    return text.replace("  dan: {name: Dan,", "  fay: {name: Fay}\n  dan: {name: Dan,")
