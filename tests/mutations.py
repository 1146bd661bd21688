"""Weakens approval, seal, permit, drift, fence, roster and ledger code in one place at a time, and what lets drbot recover
anybody's system (tests/weakened_systems.py): each must be noticed.

`python -m tests.mutations [NAME …]` works on a copy of the repository and takes about an hour. It prints a line a
weakening and ends with 1 when one survives that is not among SURVIVES.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.weakened_moments import OF_MOMENTS
from tests.weakened_systems import SYSTEMS
from tests.weakening import Weakening, weak

ROOT = Path(__file__).parents[1]
SECONDS = 600
CI = ("-m", "not long")  # with the further cases, as what must pass before anything lands

RULES = "tests/unit/core/test_approval.py tests/unit/core/test_attestation.py tests/unit/core/test_approval_search.py"
PERMITS = "tests/unit/runners/test_destroying.py tests/integration/runners/test_permits.py tests/integration/runners/test_recount.py tests/integration/runners/test_rows_over_time.py tests/integration/runners/test_edited_files.py tests/integration/runners/test_users_may_write.py tests/integration/runners/test_words_of_a_card.py tests/integration/runners/test_what_a_card_proves.py tests/integration/runners/test_whose_backup.py"
CHANGED = "tests/integration/runners/test_changed_settings.py"
PLACES = "tests/integration/runners/test_places.py tests/integration/runners/test_ends.py"
WORKER = f"{PERMITS} tests/integration/runners/test_gate.py tests/integration/runners/test_stop.py"
ROSTER = "tests/unit/core/test_policy.py tests/integration/commands/test_roster_replay.py tests/integration/commands/test_roster.py"
PROOFS = "tests/integration/commands/test_proofs.py tests/integration/commands/test_keys.py"
KEYS, KNOWN = "tests/integration/commands/test_worker_keys.py", "store/records/known_workers.py"
BROKEN, DRILLS = "tests/integration/commands/test_break_glass.py", "tests/integration/attacks/test_drills.py"
READS = "tests/unit/runners/test_compose_text.py"
SIGNED = "tests/integration/runners/test_signed_proofs.py"
GLASS = f"tests/unit/core/test_attestation.py tests/integration/commands/test_break_glass.py {RULES}"
STORE = "tests/integration/store/test_requests.py tests/integration/store/test_leases.py tests/integration/store/test_runs.py"
LEDGER = "tests/unit/core/test_ledger.py tests/integration/store/test_ledger.py"
LINT = "tests/unit/core/test_runbook_lint.py"
FULL, FETCHED = "tests/integration/archives/test_full_backups.py", "tests/integration/archives/test_fetching.py"
CRAFTED = "tests/integration/archives/test_crafted_archives.py"
HOSTS, ANEW = "tests/integration/actions/test_occupied_hosts.py", "tests/integration/actions/test_whole_hosts.py"
LABELS = "tests/integration/actions/test_labels_of_others.py"
ASIDE, BACK, FOLDERS = (
    "runners/actions/setting_aside.py",
    "runners/actions/putting_back.py",
    "runners/clients/own_folder.py",
)
SEARCH = "tests/integration/attacks/test_table.py tests/integration/attacks/test_more.py"


TRUTH = "tests/unit/bot/test_one_truth.py"
APPROVAL, ISSUING, SEALED = (
    "core/approvals/approval.py",
    "runners/execution/issuing.py",
    "runners/execution/sealed_plans.py",
)
POLICY, ATTESTED, OWN = "core/ledger/policy.py", "core/ledger/attestation.py", "runners/foundation/own_record.py"

# fmt: off
WEAKENINGS = (
    # Who and what counts.
    weak("a final request is voted on", APPROVAL, "if request.state not in LIVE:", "if False:", RULES),
    weak("an expired request is voted on", APPROVAL, "and ballot.at >= request.expires_at:", "and False:", RULES),
    weak("a faulty roster votes", APPROVAL, 'if roster.fault is not None and ballot.decision != "deny":', "if False:", RULES),
    weak("guests vote", APPROVAL, "if account is not None and not account.is_full_member:", "if False:", RULES),
    weak("a foreign account votes", APPROVAL, "(account is not None and account.id not in person.slack)", "False", RULES),
    weak("no role is needed", APPROVAL, 'if "approver" not in person.roles:\n        return', "if False:\n        return", RULES),
    weak("requesters vote", APPROVAL, 'if person.id in barred and ballot.decision != "deny":', "if False:", RULES),
    weak("the new vote at once", APPROVAL, "and ballot.at < person.counts_from and", "and False and", RULES),
    weak("votes twice", APPROVAL, "if before is not None and not (", "if False and not (", RULES),
    weak("an old seal counts", APPROVAL, "if ballot.seal != request.seal:", "if False:", RULES),
    weak("no target is typed", APPROVAL, 'if ballot.decision == "approve" and ballot.target', "if False and ballot.target", RULES),
    weak("no reason is given", APPROVAL, "if not ballot.reason.strip():", "if False:", RULES),
    weak("one is enough", APPROVAL, "have, need = len(standing(request, earlier.values(), roster) | {ballot.person}), max(FLOOR, request.people)", "have, need = 2, 2", RULES),
    weak("the floor is one", APPROVAL, "FLOOR = 2", "FLOOR = 1", RULES),
    weak("a no needs the second one too", APPROVAL, "state=RequestState.DENIED)", "state=None)", RULES),
    weak("no code is needed", APPROVAL, 'if roster.second_factor == "totp" else set()', "if False else set()", RULES),
    weak("no key is needed at a terminal", APPROVAL, "if entry_point is EntryPoint.TERMINAL and person.key is not None else set()", "if False else set()", RULES),
    weak("no phone code is needed", APPROVAL, "return frozenset({Proof.PHONE})", "return frozenset()", RULES),
    weak("a claim without its request", APPROVAL, "request=request.id,\n        gate", 'request="",\n        gate', RULES),
    weak("a claim without its gate", APPROVAL, "gate=request.gate,\n        run=request.run,\n        policy", 'gate="",\n        run=request.run,\n        policy', RULES),
    weak("a claim without its roster", APPROVAL, "policy=roster.number,\n    )", "policy=0,\n    )", f"{ROSTER} {RULES} {PROOFS}"),
    # Break-glass.
    weak("break-glass although forbidden", APPROVAL, "if not roster.break_glass:\n        return", "if False:\n        return", GLASS),
    weak("break-glass without a rule", APPROVAL, "if not ballot.rule.strip():", "if False:", GLASS),
    weak("break-glass from anywhere", APPROVAL, "if refusal is None and (ballot.entry_point is not EntryPoint.TERMINAL or not is_attested(request, ballot, roster)):", "if False:", GLASS),
    weak("hold_until is skipped", APPROVAL, "or request.hold_until is None or now < request.hold_until:", "or request.hold_until is None:", GLASS),
    weak("the hold of the vote is skipped", APPROVAL, "and now >= vote.at + timedelta(seconds=HOLD_SECONDS)\n", "\n", GLASS),
    weak("break-glass although the worker has not waited", "store/records/requests.py", " and has_waited(request)\n", "\n", BROKEN),
    weak("break-glass by rows", "runners/upkeep/chores.py", "return mine is not None and mine.has_held(self._worker_context.own.now())", "return True", BROKEN),
    weak("break-glass of another plan", APPROVAL, 'vote.decision == "break-glass"\n        and vote.seal == request.seal', 'vote.decision == "break-glass"', GLASS),
    # The recount.
    weak("votes about another plan stand", APPROVAL, 'if vote.decision == "approve"\n        and vote.seal == request.seal', 'if vote.decision == "approve"', RULES),
    weak("requesters' votes stand", APPROVAL, "and vote.person not in barred | denied", "and vote.person not in denied", RULES),
    weak("votes of the demoted stand", APPROVAL, 'and "approver" in person.roles\n        and (person', "and (person", f"{RULES} {PERMITS}"),
    weak("votes of the new stand", APPROVAL, "and (person.counts_from is None or vote.at >= person.counts_from)", "", RULES),
    weak("unsigned votes stand", APPROVAL, "        and is_attested(request, vote, roster)\n    }", "    }", RULES),
    weak("a start without a grant", APPROVAL, "request.state is RequestState.GRANTED,", "True,", RULES),
    weak("a start of another run", APPROVAL, "(request.run == run, ", "(True, ", f"{RULES} {SEARCH}"),
    weak("a start of another step", APPROVAL, "(step in request.guards, phrase", "(True, phrase", f"{RULES} {SEARCH}"),
    weak("a start by another seal", APPROVAL, '(request.seal == seal, phrase("The plan', '(True, phrase("The plan', RULES),
    weak("a start after a no", APPROVAL, "(not deniers(votes), ", "(True, ", RULES),
    weak("a start without proof", APPROVAL, '(request.proven_at is not None, phrase("The proof', '(True, phrase("The proof', RULES),
    weak("a start after its time", APPROVAL, "(deadline is not None and now < deadline, ", "(True, ", RULES),
    # Signatures.
    weak("a signature is not verified", ATTESTED, "return public is not None and verify(", "return public is not None or verify(", RULES),
    weak("another kind of proof will do", ATTESTED, "attestation.proof not in needed or ", "", RULES),
    weak("a purpose is not signed", ATTESTED, 'return asdict(claim) | {"purpose": claim.purpose.value}', 'return asdict(claim) | {"purpose": "vote"}', f"{RULES} {ROSTER}"),
    weak("vote codes accept rosters", "runners/second_factor/totp_secrets.py", "roster_secret(entry.secret) if for_roster else entry.secret", "entry.secret", ROSTER),
    weak("a code is good twice", "runners/second_factor/totp_secrets.py", "if right and step > last:", "if right:", f"{PROOFS} tests/unit/runners/test_totp_secrets.py"),
    weak("one code signs another's vote", "store/records/codes.py", "return self.claim.person", 'return "ben"', KEYS),
    weak("the kind of a proof is not signed", ATTESTED, '"proof": proof.value, **document_of(claim)', "**document_of(claim)", RULES),
    weak("codes for whatever key is published", KNOWN, "return known.get(site) or (published if published in known.values() else None)", "return published", KEYS),
    weak("a first key for a site that came later", KNOWN, "(published if published in known.values() else None)", "published", KEYS),
    weak("keys are learnt again and again", KNOWN, "if self._read() != {}:", "if False:", KEYS),
    weak("another published key is not told", KNOWN, "if site in known and published not in (None, known[site]):", "if False:", KEYS),
    weak("a worker that does not look at its key", "runners/upkeep/code_checker.py", "if self._worker_context.drill is None and published", "if False and published", KEYS),
    weak("a strange key closes nothing", "runners/execution/run_context.py", " or self._unlike_published()", "", KEYS),
    weak("a code for any question", "core/base/signing.py", "encrypt(_ONCE, secret, about)", "encrypt(_ONCE, secret, None)", f"{KEYS} {RULES}"),
    weak("a code for another request", "store/records/codes.py", "**document_of(claim), **where})", "**where})", KEYS),
    weak("a code from another place", "store/records/codes.py", "**document_of(claim), **where})", "**document_of(claim)})", KEYS),
    # Roster.
    weak("two people with one key", "core/site/people.py", "if keys.setdefault(half, person.id) != person.id:", "if False:", RULES),
    weak("a faulty dr.yml opens the gates", POLICY, "fault = given.fault or roster.fault", "fault = roster.fault", ROSTER),
    weak("monitoring is an approver", "commands/verb/alert.py", 'name=phrase("monitoring"), roles=frozenset()', 'name=phrase("monitoring"), roles=frozenset({"approver"})', "tests/integration/commands/test_alert.py"),
    weak("one accepts a roster", POLICY, "AGREEING = 2", "AGREEING = 1", ROSTER),
    weak("observers accept a roster", POLICY, 'if person is None or "approver" not in person.roles:\n            return False', "if person is None:\n            return False", ROSTER),
    weak("an acceptance without its number", POLICY, "seal=proposal, policy=self.following)", "seal=proposal)", ROSTER),
    weak("unsigned acceptances", POLICY, "return not wanted or any(", "return True or any(", ROSTER),
    weak("an unbelieved roster closes nothing", POLICY, "roster = replace(self.roster, fault=fault)", "roster = self.roster", ROSTER),
    weak("the removed come back", POLICY, "if self.stayed(person) and self._is_signed", "if self._is_signed", ROSTER),
    weak("new approvers count at once", POLICY, "event.at + WAIT)", "event.at)", ROSTER),
    weak("the worker's own key", "runners/execution/run_context.py", "return replace(self.roster, worker_key=self.key.public)", "return self.roster", PERMITS),
    # The seal and the worker's own record.
    weak("the seal on this host is not compared", SEALED, "if known.seal != seal_of(plan):", "if False:", PERMITS),
    weak("the signature of a plan is not verified", SEALED, "if run.plan_signature is None or not verify(", "if False and not verify(", PERMITS),
    weak("a run that ended is begun again", SEALED, "if own_run_of(worker_context, run).ended:", "if False:", PERMITS),
    weak("another run's row", SEALED, "if planned != (", "if False and planned != (", PERMITS),
    weak("a run of another incident", SEALED, "(plan.run, plan.site, known.incident, plan.arguments)", "(plan.run, plan.site, run.incident, plan.arguments)", PERMITS),
    weak("facts of rows are believed", SEALED, "if dict(record.facts) != mine.facts:", "if False:", PERMITS),
    weak("a success only the row knows", SEALED, "if mine is None or mine.state is not StepState.SUCCEEDED:\n            raise", "if mine is None:\n            continue\n        if False:\n            raise", PERMITS),
    weak("a begun run is planned anew", OWN, "and (before.steps or before.ended)", "and False", "tests/unit/runners/test_own_record.py"),
    weak("the clock goes back", OWN, "self._latest = (max(passed, datetime.now(UTC)), time.monotonic())", "self._latest = (datetime.now(UTC), time.monotonic())", "tests/unit/runners/test_own_record.py"),
    weak("the end of a part is not signed", SEALED, 'if not any(verify(key, said, part.end_signature or "") for key in keys):', "if False:", "tests/integration/runners/test_sub_runs.py"),
    weak("the end of another part", SEALED, "if plan.arguments != {name: value for name, value in arguments.items() if value}:", "if False:", "tests/integration/runners/test_sub_runs.py"),
    weak("who joined proves nothing", "runners/foundation/invitations.py", 'if not hmac.compare_digest(join_proof(key, site, public), found.proof or ""):', "if False:", "tests/integration/centre/test_tokens.py"),
    weak("tokens of other incidents", OWN, "if (one.incident, one.site) == (incident, site)}", "}", "tests/integration/centre/test_tokens.py"),
    weak("a token is used again", OWN, "if not mine.public_key and self.now()", "if self.now()", "tests/integration/centre/test_tokens.py"),
    weak("a token by a row's hour", OWN, "and self.now() < mine.expires_at:", ":", "tests/integration/centre/test_tokens.py"),
    # The permit.
    weak("anybody builds a permit", "runners/foundation/permit.py", "if issuer is not ISSUER:", "if False:", PERMITS),
    weak("a permit for everything", "runners/foundation/permit.py", "if missing:", "if False:", PERMITS),
    weak("used twice", ISSUING, "if known.requests[request.id].used_for:", "if False:", PERMITS),
    weak("a use is not remembered", ISSUING, "    _use(tx, run_context, request.id, step)\n    return", "    requests.use(tx, run_context.run, request.id, step.id)\n    return", WORKER),
    weak("services are interrupted without a recount", ISSUING, "if not _used_for(known, gate):\n            _counted", "if False:\n            _counted", WORKER),
    weak("users are interrupted", ISSUING, "if gates and known.lets_users_in:", "if False:", PERMITS),
    weak("a gate opens without a recount", "runners/execution/people.py", "count(tx, run_context, run_context.plan.step(gate))", "pass", WORKER),
    weak("any request counts", ISSUING, "if mine is None or (mine.gate, mine.seal) != (gate.id, seal_of(plan)):", "if mine is None:\n        mine = OwnRequest(gate=gate.id, seal=seal_of(plan), opened_at=run_context.worker_context.own.now())\n    if False:", PERMITS),
    weak("under any roster", ISSUING, "if plan.policy != roster.number:", "if False:", f"{PERMITS} {ROSTER}"),
    weak("a proof that nobody signed", "store/records/as_sealed.py", "return verify(worker_key, proof_statement(request, proof, records), request.proof_signature or \"\")", "return True", SIGNED),
    weak("what a proof found is not signed", "store/records/as_sealed.py", "[record.id, record.state.value, stamp(record.finished_at), dict(record.facts)]", "[record.id, record.state.value, stamp(record.finished_at)]", SIGNED),
    weak("a proof of another request", "store/records/as_sealed.py", '"purpose": "proof", **about, "steps"', '"purpose": "proof", "steps"', SIGNED),
    weak("a proof only the row knows", ISSUING, "missing = [name for name in proofs if not known.has_succeeded(name)]", "missing: list[str] = []", PERMITS),
    weak("no end of the time to start", ISSUING, "if now >= max([granted, *proven]) + start:", "if False:", PERMITS),
    weak("an undo after users came", ISSUING, "if known.lets_users_in or known.ended or (", "if (", PERMITS),
    weak("an undo that is none", ISSUING, "if not is_taken_back(step, run_context.plan.steps):", "if False:", PERMITS),
    weak("an undo under any gate", ISSUING, "            if request.gate == gate.id\n            for name", "            for name", PERMITS),
    weak("an undo of anything", ISSUING, "if _takes_back(step, run_context.plan.step(name))", "if True", PERMITS),
    weak("a destroying step without a gate", ISSUING, "if not gates and (destroys or", "if False and (destroys or", PERMITS),
    weak("own work of users' data", ISSUING, "if known.lets_users_in or counted_on", "if counted_on", PERMITS),
    weak("users are not noticed", "runners/execution/starting.py", "    note_started(run_context, step, is_safe=away and not lets_write(run_context, step))\n", "", PERMITS),
    weak("a database started under users", "runners/execution/starting.py", "is_safe=away and not lets_write(", "is_safe=not lets_write(", PERMITS),
    weak("an undo lets users in", "runners/execution/undoing.py", "        note_started(run_context, undo_step, is_safe=not is_anything_moved(run_context))\n", "", PERMITS),
    weak("what an undo starts over new data", "runners/execution/undoing.py", "is_safe=not is_anything_moved(run_context)", "is_safe=True", PERMITS),
    weak("data moves under services", "runners/execution/starting.py", "or gate is None or are_away(run_context, step):", "or True:", PERMITS),
    weak("a start while data moves", "runners/execution/places.py", "            if not _is_over(run.steps.get(moving)):", "            if False:", PLACES),
    weak("data moves during a start", "runners/execution/places.py", "if moves and own.held_now(STARTING):", "if False:", PLACES),
    weak("a start on half of the data", "runners/execution/places.py", "            if is_unsettled(known) and (why", "            if False and (why", PLACES),
    weak("data half taken back", "runners/execution/undoing.py", "    if undo.do in MOVES and", "    if False and", PLACES),
    weak("a run ends before its swap", "runners/execution/executor.py", "            self._see_out()\n", "", PLACES),
    weak("a step beside a swap", "core/files/runbook_lint.py", "        if moving is not None:", "        if False:", f"{LINT} {PLACES}"),
    weak("undone by another check", "runners/execution/undoing.py", 'return state_of(run_context, context, step.do or "", step.with_) == "before"', 'return any(run_context.worker_context.registry.probes[one.probe](context, one.with_).facts.get("state") == "before" for one in step.check)', PLACES),
    weak("an undo of what nothing takes back", "core/runbooks/effects.py", 'return effect_of(step, steps) != "destroy"', "return True", f"{LINT} {PLACES}"),
    weak("as it was by any undo", "runners/execution/endings.py", "if all(brings_back(step) for step in acted):", "if all(step.undo is not None for step in acted):", PLACES),
    weak("a swap that may be passed by", "core/files/runbook_lint.py", "        if may_pass(step):", "        if False:", PLACES),
    weak("done without the swap", "runners/execution/endings.py", "if known is None or not known.has_succeeded(step)]", "if False]", PLACES),
    weak("a new place by its level", "core/runs/safe_state.py", "    if is_new_place(plan):", "    if plan.level >= 3:", PLACES),
    weak("a swap without facts", "runners/planning/stakes.py", 'if volume in (step.given.get("volume"), step.facts.get("volume"))]', 'if volume == step.facts.get("volume")]', PERMITS),
    weak("whatever tidies up", "runners/execution/leftovers.py", " or step.undo.do not in REMOVES:", ":", PERMITS),
    weak("machines of others", "runners/clients/machines.py", "if found.tags.get(RENTED_TAG) != own.run:", "if False:", "tests/integration/centre/test_machine.py"),
    weak("machines that a later run uses", "runners/clients/machines.py", "if found.tags.get(RUN_TAG) != own.run or ", "if ", "tests/integration/centre/test_machine.py"),
    weak("machines at others' addresses", "runners/clients/machines.py", " or found.addresses & own.counted_on:", ":", "tests/integration/centre/test_machine.py"),
    weak("machines that users are led to", "runners/clients/machines.py", "it was not given back\",\n                    machine=machine,\n                )\n            )\n        if found.addresses & led:", "it was not given back\",\n                    machine=machine,\n                )\n            )\n        if False:", "tests/integration/centre/test_machine.py"),
    weak("addresses that users are led to", "runners/actions/machine.py", "if known.address in led:", "if False:", "tests/integration/centre/test_machine.py"),
    weak("the name server is not asked", "runners/clients/name_service.py", ".union(*map(self.ask, self.settings.names))", "", "tests/integration/centre/test_machine.py"),
    weak("where users were led before", OWN, "if known.moved_users or (name != run_id and not known.ended)", "if name != run_id and not known.ended", "tests/integration/runners/test_rented_machines.py"),
    weak("what others count on", OWN, "if known.moved_users or (name != run_id and not known.ended)", "if known.moved_users", "tests/integration/runners/test_rented_machines.py"),
    weak("another name of a site", SEALED, ", *sorted(addresses))", ",)", "tests/integration/runners/test_rented_machines.py"),
    weak("a permit after the end", ISSUING, "    if known.ended:\n        raise NoPermit", "    if False:\n        raise NoPermit", PERMITS),
    weak("users of other records", "runners/clients/name_service.py", 'if one["Type"] in LEAD_TOO:', "if False:", "tests/integration/centre/test_names.py"),
    weak("another drbot by a row", OWN, "return str(known or now)", "return now", "tests/integration/runners/test_two_drbots.py"),
    weak("a URL with a query", "core/base/names.py", "(/[A-Za-z0-9._~/-]*)?\")", "(/.*)?\")", "tests/unit/core/test_configuration.py"),
    weak("names led by a row", "runners/execution/sealed_plans.py", "if plan is not None and known is not None and seal_of(plan) == known.seal else None", "", "tests/integration/centre/test_leading_back.py"),
    weak("a machine users are led to", "runners/contract/rented.py", "    there = rented.machine.addresses & led\n", "    there: frozenset[str] = frozenset()\n", "tests/integration/centre"),
    weak("the only copy in use", "runners/contract/rented.py", "if users_of(rented, configuration, own) is not Users.NEVER:", "if False:", "tests/integration/centre/test_giving_back.py"),
    weak("a machine a run counts on", "runners/contract/rented.py", "    if using:\n        yield phrase(\"{runs} depends", "    if False:\n        yield phrase(\"{runs} depends", "tests/integration/centre/test_giving_back.py"),
    weak("Terraform destroys more", "runners/clients/terraform.py", "            if found != tuple(resources):\n", "            if False:\n", "tests/integration/centre/test_giving_back.py"),
    weak("Terraform changes what is there", "runners/clients/terraform.py", "if not ADDS.issuperset(actions)]", 'if "delete" in actions]', "tests/integration/centre/test_machine.py"),
    weak("proofs of other gates", "core/runs/stakes.py", "if step.gate is not None and guarded & {*step.gate.for_}]", "if step.gate is not None]", "tests/unit/core/test_stakes.py"),
    weak("a proof settled by a row", "runners/execution/finishing.py", "seen = not is_proof(run_context.plan, step.id) or (known is not None and step.id in known.steps)", "seen = True", PERMITS),
    weak("checks of anything", "core/files/runbook_lint.py", "        if not is_seen(step):\n", "        if False:\n", LINT),
    weak("another cluster's numbers", "runners/planning/stakes.py", "if mine is not None and _is_newest(worker_context, mine) else None", "if mine is not None else None", PERMITS),
    weak("dr.yml before the plan", "runners/planning/make_plan.py", '{**about, "changed": settings_seen.changes(worker_context)}', "about", PERMITS),
    weak("whose backups are used", "runners/contract/fingerprint.py", 'UNSEALED = {"version", ', 'UNSEALED = {"system", "version", ', CHANGED),
    weak("one agrees for two", ISSUING, 'if not any(vote.decision == "break-glass" for vote in requests.votes(tx.connection, request_id)):', "if True:", CHANGED),
    weak("nobody is asked about dr.yml", "runners/planning/make_plan.py", '{"steps": settings_seen.asked_first(worker_context, draft)}', '{"steps": draft.steps}', CHANGED),
    weak("brought without a word", "runners/execution/starting.py", "    require_agreed(run_context, step)\n", "", CHANGED),
    weak("brought by an undo", ISSUING, "    require_agreed(run_context, undo)\n", "", CHANGED),
    weak("what clones starts again", "runners/execution/settings_seen.py", 'STARTS_AGAIN = frozenset({"compose.start", "compose.recreate"})', 'STARTS_AGAIN = frozenset({"compose.start", "compose.recreate", "repository.clone"})', CHANGED),
    weak("what builds starts again", "runners/execution/settings_seen.py", 'STARTS_AGAIN = frozenset({"compose.start", "compose.recreate"})', 'STARTS_AGAIN = frozenset({"compose.start", "compose.recreate", "images.prepare"})', CHANGED),
    weak("a gate that a row opened", ISSUING, "if not any(gate.gate is not None and known.has_succeeded(gate.id) for gate in run_context.plan.steps):", "if False:", CHANGED),
    weak("strangers by an argument's name", "runners/planning/make_plan.py", "volumes_taken(survey, draft), fingerprint)", 'frozenset(str(step.with_.get("volume")) for step in draft.steps), fingerprint)', PERMITS),
    weak("an undo under running services", ISSUING, " or (destroys and not are_away(run_context, undo))", "", PERMITS),
    weak("a swap under running services", "runners/execution/users.py", "        if running:\n", "        if False:\n", PERMITS),
    weak("another dr.yml", SEALED, "    if changed:\n", "    if False:\n", PERMITS),
    weak("arguments nobody asked for", "runners/planning/make_plan.py", "run.arguments.keys() - known:", "():", PERMITS),
    weak("proofs by their place", "core/runs/stakes.py", "all(wanted in kinds for kinds in shown)", "True", PERMITS),
    weak("two kinds of act in one yes", "core/files/runbook_lint.py", "if len(acts_of((first, step))) > 1:", "if False:", PERMITS),
    weak("a plan that was taken away", "runners/planning/plan_run.py", "    if _has_begun(worker_context, run):\n", "    if False:\n", PERMITS),
    weak("an ended request", ISSUING, "if mine.ended:", "if False:", PERMITS),
    weak("a request opened twice", "runners/execution/people.py", "if request.id in known.requests:", "if False:", PERMITS),
    weak("votes of the future", "runners/execution/gate.py", "if vote.at <= latest]", "]", PERMITS),
    weak("break-glass by a row's time", ISSUING, "if not mine.has_held(now):", "if False:", PERMITS),
    weak("users of other runs", OWN, "others and is_beside)", "False)", PERMITS),
    weak("whatever answers lets users in", "runners/execution/finishing.py", ", others=serves)", ")", PERMITS),
    weak("a step only the row skipped", SEALED, "if record.state is StepState.SKIPPED and (mine", "if False and (mine", PERMITS),
    weak("moved users are not noticed", ISSUING, "if known.lets_users_in or counted_on.intersection(known.places):", "if known.lets_users_in:", "tests/integration/runners/test_rented_machines.py"),
    weak("no roster in the ledger", "runners/execution/run_context.py", "fault=roster.fault or NO_ROSTER, ", "", PERMITS),
    weak("another history of rosters", "runners/execution/run_context.py", "if seen is not None and policy.history[seen.number - 1 : seen.number] != (seen.hash,):", "if False:", f"{ROSTER} {PERMITS}"),
    weak("new approvers by a record's time", OWN, "newly |= dict.fromkeys(gained(before.document, document), self.now())", "pass", ROSTER),
    # Drift, fence, effects.
    weak("the target is not compared", "runners/execution/gate.py", "found = differences(plan.fingerprint, now, ignored=ignored)", "found: list[str] = []", WORKER),
    weak("the backup is not compared", "runners/execution/gate.py", "if plan.backup is not None else [],", "if False else [],", WORKER),
    weak("the ledger is not read", "runners/execution/starting.py", "why = fault_of(run_context.worker_context.database)\n", "why = None\n", f"{WORKER} {SEARCH}"),
    weak("rows lower the quorum", "runners/execution/gate.py", "people=max(gate.people, plan.people, request.people),", "people=request.people,", f"tests/unit/runners/test_gate_and_state.py {WORKER}"),
    weak("rows drop requesters", "runners/execution/gate.py", "requesters=tuple({*plan.requesters, *request.requesters}),", "requesters=request.requesters,", f"tests/unit/runners/test_gate_and_state.py {WORKER}"),
    weak("rows extend the guards", "runners/execution/gate.py", "guards=tuple(step_id for step_id in gate.for_ if step_id in request.guards),", "guards=request.guards,", f"tests/unit/runners/test_gate_and_state.py {WORKER}"),
    weak("the epoch of the fence", "store/base/rows.py", "runs.c.epoch == run.epoch, runs.c.state == RunState.RUNNING.value)\n        .with_for_update()", "runs.c.state == RunState.RUNNING.value)\n        .with_for_update()", f"{STORE} tests/integration/runners/test_workers.py"),
    weak("the state of the fence", "store/base/rows.py", "runs.c.epoch == run.epoch, runs.c.state == RunState.RUNNING.value)\n        .with_for_update()", "runs.c.epoch == run.epoch)\n        .with_for_update()", STORE),
    weak("a used permit is used again", "store/records/requests.py", "requests.c.state.in_(sources(REQUEST_TRANSITIONS, RequestState.USED)),\n            requests.c.proven", "requests.c.proven", STORE),
    weak("a permit without its proof", "store/records/requests.py", "            requests.c.proven_at.is_not(None),\n", "", STORE),
    weak("words in a file are believed", "core/runbooks/effects.py", "return max(step.effect, acts, key=lambda effect: STRENGTH[effect])", "return step.effect", f"{LINT} {PERMITS}"),
    weak("an undo without a gate", "core/files/runbook_lint.py", "if not any(guarded.get(other.id) in ancestors[step.id] for other in same):", "if False:", LINT),
    weak("a stop without a gate", "core/files/runbook_lint.py", "if LEAVES_STOPPED in (step.do, step.undo.do if step.undo is not None else None):", "if False:", LINT),
    weak("a stop by an undo", "core/files/runbook_lint.py", "if LEAVES_STOPPED in (step.do, step.undo.do if step.undo is not None else None):", "if step.do == LEAVES_STOPPED:", LINT),
    weak("a stop without a gate at run time", ISSUING, "destroys = step.do == LEAVES_STOPPED or any(", "destroys = any(", PERMITS),
    weak("a copy without a proof", "core/files/runbook_lint.py", "if not proofs & set(makers):", "if False:", LINT),
    # What can be done now.
    weak("a vote that a part asks for", "commands/facts/context.py", "return beside[-1] if beside else asked", "return asked", "tests/integration/commands/test_incident_view.py"),
    weak("a terminal that leaves something out", "commands/verb/status.py", "choices=actions_at(view, Place.REPLY)", "choices=actions_at(view, Place.REPLY)[1:]", TRUTH),
    weak("a board with words of its own", "bot/blocks/board.py", "sentences(sentence_of(run_text(run)), run.outcome", 'sentences("Working.", run.outcome', TRUTH),
    weak("a lost host whose services are started", "commands/views/available_actions.py", "and view.incident.level < Level.HOST", "", TRUTH),
    # Names and backups.
    weak("a name that is a path", "core/base/names.py", "return _NAME.fullmatch(given) is not None", "return True", "tests/unit/core/test_configuration.py"),
    weak("files above the projects", "core/base/names.py", 'if not {"", ".", ".."}.isdisjoint(parts):', "if False:", "tests/unit/core/test_configuration.py"),
    weak("folders of others beside a download", "runners/actions/fetching.py", "if other != folder and is_download(other):", "if other != folder:", FETCHED),
    weak("old backups of others", "runners/clients/backup_store.py", "and (backup.manifest.system, backup.manifest.site) == (system, site)", "", "tests/unit/runners/test_backups.py"),
    weak("dumps of other sites", "runners/backups/choose_dump.py", "if site and manifest.site != site:", "if False:", "tests/unit/runners/test_backups.py"),
    weak("a dump that could not be restored", "runners/backups/choose_dump.py", "for backup in in_turn(older, failed, pass_over, name):", "for backup in older:", "tests/unit/runners/test_backups.py"),
    weak("a full backup that could not be restored", "runners/backups/choose_full.py", "for backup in in_turn(older, failed, pass_over, name):", "for backup in older:", FULL),
    weak("the lost site by a row", "runners/planning/make_plan.py", "return survey.incident.site if raises else here", "return survey.incident.site", PERMITS),
    weak("whose backup it is", "commands/views/vote_dialog.py", "if backup.site == target:", "if True:", PERMITS),
    weak("what no step fills again", "runners/planning/stakes.py", "gone = put_aside_for_good(steps, worker_context.site, volumes, backup.holds)", "gone = ()", PERMITS),
    weak("what a place does not get", "runners/planning/stakes.py", "gone = not_raised(sites.get(backup.site, there), there, backup.holds)", "gone = ()", PERMITS),
    weak("a loss where nothing was raised", "runners/planning/stakes.py", "if act is Act.CHANGE_DNS and raises:", "if act is Act.CHANGE_DNS:", PERMITS),
    weak("a backup without what was said", "runners/actions/fetching.py", "    require_held(facts, sealed)\n    return Fetched", "    return Fetched", FETCHED),
    weak("notes of another backup", "runners/actions/fetching.py", "if facts.backup != sealed.sha256 or (facts.manifest is not None and facts.tree != sealed.sha256):", "if False:", FETCHED),
    weak("another full backup of this name", "runners/backups/choose_full.py", "backup.name == identity.name and backup.digest == identity.sha256", "backup.name == identity.name", FULL),
    weak("an archive of another size", "runners/backups/choose_full.py", "if stored.size != identity.size:", "if False:", FULL),
    weak("a manifest of another moment", "runners/backups/choose_full.py", "if manifest.snapshot_at != backup.moment:", "if False:", FULL),
    weak("what was fetched is not looked at", "runners/clients/fetched.py", "            self.restic.check(reads_data=False)\n        except", "            pass\n        except", FETCHED),
    weak("a header that has rotted is an end", "runners/clients/tar_entries.py", 'raise READ_ERROR(phrase("a header in it is broken ({why})", why=error)) from error', "raise", CRAFTED),
    weak("what lies behind the end", "runners/clients/tar_entries.py", "if piece.count(0) != len(piece):", "if False:", CRAFTED),
    weak("links of an archive that lead elsewhere", "runners/clients/tar_entries.py", "if info.issym() and out:", "if False:", CRAFTED),
    weak("a snapshot is not looked into", "runners/backups/choose_full.py", "    if shape.fault:", "    if False:", "tests/integration/archives/test_crafted_snapshots.py"),
    weak("any page is a bucket", "runners/clients/store_errors.py", 'client.meta.events.register("after-call.s3", _require_told)', "pass", "tests/integration/archives/test_no_bucket.py"),
    weak("a check that counts nothing", "runners/backups/choose_full.py", "if (entries, done) != (counted.entries, counted.bytes):", "if False:", "tests/integration/archives/test_repositories.py"),
    weak("old full backups of others", "runners/clients/full_store.py", "if is_of(backup, system, site) and not backup.fault]", "if backup.snapshot and not backup.fault]", FULL),
    weak("full backups of the future push others out", "runners/clients/full_store.py", "if is_of(backup, system, site) and not backup.fault]", "if is_of(backup, system, site)]", FULL),
    weak("paths of an archive that lead elsewhere", "runners/clients/tar_entries.py", 'if not path or ".." in parts or path.startswith("/"):', "if not path:", "tests/integration/archives/test_document_archive.py"),
    # Whole hosts.
    weak("what came after the plan is put aside", ASIDE, "if new:", "if False:", HOSTS),
    weak("another one of the same name is put aside", ASIDE, "if one.key not in known]", "if one.key[:2] not in {key[:2] for key in known}]", HOSTS),
    weak("a keeper that holds something", ASIDE, "if there and (there.labels", "if False and (there.labels", HOSTS),
    weak("a kept folder's name that is taken", FOLDERS, "if os.path.lexists(keeper):", "if False:", HOSTS),
    weak("what others use is put aside", "runners/actions/occupants.py", "        if users:", "        if False:", HOSTS),
    weak("another folder is given up", FOLDERS, "if identity_of(keeper) != identity:", "if False:", f"tests/unit/runners/test_kept_folders.py {HOSTS}"),
    weak("a volume is overwritten by what comes back", BACK, "if there is not None and there.labels.get(RUN_LABEL) != context.run.id:", "if False:", HOSTS),
    weak("half a copy comes back", BACK, '[ -f "/volume/$1" ] && [ ! -L "/volume/$1" ] ||', "true ||", HOSTS),
    weak("half a copy comes back for what is still there", "core/site/occupants.py", "    found |= {one.key[:2]: one for one in there if one.key in originals}\n", "", HOSTS),
    weak("what a stopped undo kept does not come back", "core/site/occupants.py", "        found |= {one.key[:2]: one for one in run.kept if one.key[:2] in mine}\n", "", HOSTS),
    weak("what a stopped run had stopped stays stopped", "core/site/occupants.py", "return one.model_copy(update={\"is_running\": then.is_running}) if then is not None else one", "return one", HOSTS),
    weak("what was agreed to and is not there is called kept", ASIDE, "    require_there(host, there, context.plan.occupants)\n", "", f"{LABELS}::test_a_mark_in_the_folder_of_the_projects_lets_nobody_write_into_it"),
    weak("any label marks a folder", "runners/clients/container_labels.py", "return folder if volume == marker_of(folder) and not is_of_compose(labels) else \"\"", "return folder", f"{LABELS}::test_a_folder_has_no_labels_but_those_of_drbots_own_marker"),
    weak("a label makes a kept volume", "runners/actions/kept_hosts.py", "if volume is not None and original and name == original + suffix:", "if volume is not None and original:", f"{LABELS}::test_a_volume_with_drbots_labels_is_not_what_comes_back"),
    weak("what is gone comes back", "runners/actions/kept_hosts.py", "    if gone:\n", "    if False:\n", "tests/integration/actions/test_whole_hosts.py " + HOSTS),
    weak("a container of before is taken for a new one", "runners/actions/anew.py", 'if began is not None and moment(made_of["Created"]) < began:', "if False:", ANEW),
    weak("a volume of before is taken for a new one", "runners/actions/anew.py", "if began is not None and moment(volume.created_at) < began:", "if False:", ANEW),
    weak("other files than those that lie there", "runners/actions/anew.py", 'if found.name in outdated:', 'if False:', ANEW),
    weak("what is in the way", "runners/actions/conflicts.py", "Finding(passed=not taken,", "Finding(passed=True,", ANEW),
    # Drills and the way in.
    weak("a drill with production's record", "runners/upkeep/drill_run.py", "own=OwnRecord(home),", "own=worker_context.own,", DRILLS),
    weak("stand-ins in every drill", "runners/upkeep/drill_run.py", "roster=stand_ins() if rehearsed else worker_context.roster,", "roster=stand_ins(),", DRILLS),
    weak("bodies are forgotten soon", "bot/http_mode.py", "KEPT = timedelta(seconds=2 * OLDEST_SECONDS)", "KEPT = timedelta(seconds=30)", "tests/integration/bot/test_http.py"),
    weak("a leaver's vote stands", "bot/listeners/voters.py", "if is_gone(accounts, used):", "if False:", "tests/integration/bot/test_approval.py"),
    weak("lines of the worker's files", "runners/clients/compose_reads.py", "        if not paths:\n            return", "        if paths:\n            return", "tests/unit/runners/test_compose_reads.py"),
    weak("tags mean nothing", "runners/clients/compose_text.py", "or token.value in _TAGS", "or True", READS),
    weak("what is reset is not merged", "runners/clients/compose_text.py", " if value.tag != _RESET}", "}", READS),
    weak("values above an included file", "runners/clients/compose_reads.py", "self.walk.values_of(own, self.values)", "self.walk.values_of(own)", READS),
    weak("what Compose fetches", "runners/clients/compose_reads.py", "_REMOTE.match(self._filled_in(one))", "False", READS),
    weak("a file that Compose fills in", "runners/clients/compose_reads.py", '            self.walk.fills_in(self.paths(said_so.get("path")), self.values)\n', "", "tests/unit/runners/test_compose_reads.py"),
    weak("a project's own plug-ins", "runners/clients/handed_on.py", "if PLACES.fullmatch(name):", "if False:", "tests/unit/runners/test_process.py"),
    weak("a project's own programs", "runners/clients/handed_on.py", 'if name == "PATH":', "if False:", "tests/unit/runners/test_process.py"),
    weak("drbot's home in a drill", "runners/upkeep/drill_copying.py", "data = {ours, ", "data = {", "tests/unit/runners/test_drill_copying.py"),
    weak("any file as a log", "bot/outbound/event_batch.py", 'realpath(publisher_context.home / "logs")', "realpath(publisher_context.home)", "tests/integration/bot/test_around.py"),
    weak("a dump from memory", "runners/backups/choose_dump.py", "from_disk=from_disk", "from_disk=False", "tests/unit/runners/test_readings.py"),
    weak("one bad code stops all", "runners/upkeep/code_checker.py", '                codes.answer(tx, attempt_id, "unchecked")', "                raise", KEYS),
    weak("production's data makes a drill", "runners/clients/compose.py", "            if needed:\n", "            if False:\n", "tests/unit/runners/test_compose_reads.py"),
    weak("any Redis before a vote", "runners/backups/restore_redis.py", "        raise PermanentError(more)\n", "        pass\n", "tests/integration/actions/test_beside.py"),
    # The ledger.
    weak("a changed record", "core/ledger/ledger.py", "if hash_of(event) != event.hash:", "if False:", LEDGER),
    weak("a record of another chain", "core/ledger/ledger.py", "elif event.previous != self.hash:", "elif False:", LEDGER),
    weak("missing records", "core/ledger/ledger.py", "if event.seq > self.seq + 1:", "if False:", LEDGER),
    weak("a cut end", "core/ledger/ledger.py", "if (seq, digest) != (self.seq, self.hash):", "if False:", LEDGER),
    weak("a person is not hashed", "core/ledger/events.py", '        "person": event.person,\n        "payload": stored(event.payload),\n        "previous"', '        "payload": stored(event.payload),\n        "previous"', LEDGER),
    *SYSTEMS,
    *OF_MOMENTS,
)
# fmt: on

SURVIVES: Mapping[str, str] = {
    "a permit without its proof": "the time to start, which is asked too, is only there once the proof is",
    "a volume is overwritten by what comes back": "the copy refuses a volume that holds what it has not begun itself",
}
"""Weakenings that no test notices, and why that is borne."""


def main(names: list[str]) -> int:
    """Exit code: 1 when something survived that should not."""
    if unknown := sorted({*names} - {one.name for one in WEAKENINGS}):
        raise SystemExit(f"no such weakening: {unknown}\n\n{__doc__}")
    chosen = [one for one in WEAKENINGS if not names or one.name in names]
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(Path(folder) / "drbot")
        survivors = [one.name for one in chosen if not _noticed(copy, one)]
    wrong = [name for name in survivors if name not in SURVIVES]
    print(f"{len(chosen)} weakenings, {len(chosen) - len(survivors)} noticed, survivors: {survivors or 'none'}")
    return 1 if wrong else 0


def _copied(folder: Path) -> Path:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def _noticed(copy: Path, one: Weakening) -> bool:
    path, started = copy / "drbot" / one.file, time.monotonic()
    text = path.read_text()
    if text.count(one.old) != 1:
        raise SystemExit(f"{one.name}: its place stands {text.count(one.old)} times in {one.file}")
    path.write_text(text.replace(one.old, one.new))
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:randomly", *CI, *one.tests.split()]
        # Of drbot as a process of its own, too; with the engine of this checkout, which is not made anew for each run.
        environment = {"DRBOT_HOME": str(ROOT / ".drbot"), **os.environ, "PYTHONPATH": str(copy)}
        ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:  # a test waits for what does not come any more
        ended = subprocess.CompletedProcess(command, 1, stdout="FAILED: it did not end")
    finally:
        path.write_text(text)
    noticed = ended.returncode == 1
    by = next((line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    print(
        f"{'noticed ' if noticed else 'SURVIVED'} {one.name} ({time.monotonic() - started:.0f} s) {by[:120]}",
        flush=True,
    )
    return noticed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
