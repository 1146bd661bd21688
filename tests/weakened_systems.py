"""What lets drbot recover a system that it has not made, made weaker in one place at a time: rows of
`python -m tests.mutations`. Each names the one test that tells it.
"""

from tests.weakening import weak

COMMANDS, RUNNERS = "tests/integration/commands", "tests/integration/runners"
ACTIONS, LAB = "tests/integration/actions", "tests/integration/lab"
UNIT_CORE, UNIT_RUNNERS = "tests/unit/core", "tests/unit/runners"
INVENTORY, READINESS = "core/site/inventory.py", "runners/upkeep/readiness.py"
COMPOSE, LOOKS = "runners/clients/compose.py", "runners/actions/broken.py"
ORDINARY, LEFT_OUT = f"{ACTIONS}/test_ordinary_projects.py", f"{ACTIONS}/test_left_out.py"
BROKEN, LOOKING = f"{RUNNERS}/test_what_is_broken.py", f"{ACTIONS}/test_looking.py"
RESOLVE, PLACES = f"{COMMANDS}/test_resolve.py", f"{ACTIONS}/test_project_places.py"
WHY = "tests/unit/bot/test_why_a_step_failed.py"
CAUSES = f"{RUNNERS}/test_causes.py::test_what_is_no_fault_of_the_backup_is_tried_again_with_the_same"

# As it was: the digest of the files, which is none that Compose writes on a container with an env_file.
BY_DIGEST = """        import os, subprocess
        digests = dict(one.split() for one in self._run(project, ["config", "--hash", "*"], Watch(bounds=bounds, on_line=unheard)).lines)
        label = "com.docker.compose."
        shown = " ".join(["{{.Names}}", *('{{.Label "' + label + one + '"}}' for one in ("service", "config-hash"))])
        there = ["docker", "ps", "--all", f"--filter=label={label}project={project}", f"--format={shown}"]
        said = subprocess.run(there, env={**os.environ, **self._environment}, capture_output=True, text=True, check=True)
        made = [one.split() for one in said.stdout.splitlines()]
        return frozenset(name for name, one, digest in made if one in services and digests.get(one) != digest)
"""

ASKED = """  - id: confirm
    title: People confirm that it works
    ask:
      text: "Can users work again, and is their data there?"
      answers: [yes, no]
      within: 10m
      silence: unconfirmed
    after: [health]

  - id: notify
    title: Tell the stakeholders
    do: notify.stakeholders
    after: [confirm]
"""

# fmt: off
SYSTEMS = (
    # Dumps that drbot has not made.
    weak("a check without what its own step has counted", "runners/execution/attempt.py", "check(registry, context.having_found(outcome.facts), attempt)", "check(registry, context, attempt)", "tests/story/test_backups_of_others.py::test_a_dump_without_a_manifest_is_recovered_to_the_end"),
    # What dr.yml does not name.
    weak("a volume that no backup holds", INVENTORY, "        for name in _names(site, service):\n", "        for name in ():\n", f"{UNIT_CORE}/test_inventory.py::test_what_is_in_no_backup_is_named_until_it_is_not_needed"),
    weak("folders of the host are kept wherever they lie", INVENTORY, "or any(path.is_relative_to(one) for one in inside)\n", "or True\n", f"{UNIT_CORE}/test_inventory.py::test_what_is_in_no_backup_is_named_until_it_is_not_needed"),
    weak("what is not needed is red for ever", INVENTORY, " if name not in site.not_needed\n", "\n", f"{UNIT_CORE}/test_inventory.py::test_what_is_in_no_backup_is_named_until_it_is_not_needed"),
    weak("not needed without a reason", "core/site/site.py", "Reason = Annotated[str, Field(min_length=3, max_length=200)]", "Reason = str", f"{UNIT_CORE}/test_configuration.py::test_what_is_not_needed_has_a_reason_that_people_can_read"),
    weak("a service that dr.yml lacks", INVENTORY, "if place not in keys and place[0] in projects and is_used and", "if False and place[0] in projects and is_used and", f"{UNIT_CORE}/test_inventory.py::test_a_service_that_dr_yml_lacks_is_there_and_waits_for_what_compose_says"),
    weak("a card without what is in no backup", "runners/planning/survey_questions.py", "        return (left_out,) if left_out else ()\n", "        return ()\n", f"{RUNNERS}/test_words_of_a_card.py::test_a_card_names_what_is_in_no_backup"),
    weak("a report without what no backup held", "commands/views/findings_text.py", "found = [*([lost] if lost else []), *_missed", "found = [*_missed", "tests/unit/commands/test_report_text.py::test_what_no_backup_held_is_named_and_no_loss_counts_as_met"),
    weak("an RPO that is met without the data", "commands/views/report_text.py", "(RPO, bool(lost))", "(RPO, False)", "tests/unit/commands/test_report_text.py::test_what_no_backup_held_is_named_and_no_loss_counts_as_met"),
    weak("readiness without what is in no backup", READINESS, "        found = unkept(self.site, self.inventory)\n", "        found = ()\n", f"{LEFT_OUT}::test_what_no_backup_holds_is_said_until_it_is_not_needed"),
    weak("a backup that does not say what it leaves out", "cli/backup.py", "    if left_out := unkept_text(unkept(configuration.site(site), manifest.inventory)):\n", "    if left_out := \"\":\n", f"{LEFT_OUT}::test_what_no_backup_holds_is_said_until_it_is_not_needed"),
    weak("readiness without what is copied while it writes", READINESS, "        for service in copied_while_written(self.site, self.inventory):\n", "        for service in ():\n", f"{LEFT_OUT}::test_a_database_that_writes_while_its_files_are_copied_is_said"),
    weak("a backup that does not say what wrote meanwhile", "cli/backup.py", "    if copied := copied_text(copied_while_written(configuration.site(site), manifest.inventory)):\n", "    if copied := \"\":\n", f"{LEFT_OUT}::test_a_database_that_writes_while_its_files_are_copied_is_said"),
    weak("a SQLite that nobody knows of", "runners/clients/sqlite_files.py", "    keeping = {place for place, sources in written.items() if sources & found}\n", "    keeping = set()\n", f"{LEFT_OUT}::test_a_service_that_writes_to_sqlite_is_said_until_dr_yml_lets_it_be_paused"),
    weak("a new host that nobody backs up, and nobody says so", "runners/upkeep/moved_readiness.py", "    yield soon(what, said, todo) if is_backed_up else bad(what, said, todo)\n", "    yield good(what, said)\n", f"{RUNNERS}/test_moved.py"),
    weak("another folder of projects", "runners/planning/make_plan.py", "        return chosen, _knowing(survey, _at_this_site(survey, chosen.backup), looking)\n", "        return chosen, _knowing(survey, chosen.backup.holds.inventory, looking)\n", f"{RUNNERS}/test_words_of_a_card.py::test_what_lay_among_the_projects_of_the_lost_host_comes_back_into_another_folder"),
    weak("an image that does not start called a bad backup", "runners/clients/scratch_postgres.py", "        is_its_own = is_new and error.cause in (Cause.OTHER, Cause.TIME)\n", "        is_its_own = False\n", "tests/integration/dumps/test_own_init.py::test_an_image_that_does_not_start_is_no_fault_of_the_backup"),
    weak("one line hides another one of the same thing", "store/records/readiness.py", "enumerate(one_each(lines)):", "enumerate(lines):", f"{COMMANDS}/test_readiness.py::test_all_that_is_said_of_one_thing_is_told_in_the_worst_colour"),
    weak("a backup that does not know what its system consists of", "runners/backups/make_full.py", "        inventory=read_thoroughly(site, clients.docker, clients.compose, making.cancelled),\n", "", f"{LEFT_OUT}::test_what_no_backup_holds_is_said_until_it_is_not_needed"),
    weak("a host that comes back without something", "runners/planning/survey_questions.py", "for said, so in ((left_out, lost), (copied, unsure)) if said)", "for said, so in ((copied, unsure),) if said)", f"{RUNNERS}/test_words_of_a_card.py::test_a_card_of_a_host_says_what_does_not_come_back_or_may_not_start"),
    weak("a host whose database may not start", "runners/planning/survey_questions.py", "for said, so in ((left_out, lost), (copied, unsure)) if said)", "for said, so in ((left_out, lost),) if said)", f"{RUNNERS}/test_words_of_a_card.py::test_a_card_of_a_host_says_what_does_not_come_back_or_may_not_start"),
    weak("what dr.yml does not list goes on writing", "runners/execution/run_context.py", "        return with_inventory(self.configuration.site(self.site_name), self.inventory)\n", "        return self.configuration.site(self.site_name)\n", f"{RUNNERS}/test_users_may_write.py::test_a_service_that_dr_yml_does_not_list_is_stopped_before_data_moves_and_started_again"),
    # As `docker compose up -d` starts it.
    weak("started without what it depends on", COMPOSE, 'UP = ("up", "--detach", "--no-recreate")', 'UP = ("up", "--detach", "--no-recreate", "--no-deps")', f"{ORDINARY}::test_what_was_started_is_left_alone_by_the_next_plain_up"),
    weak("made anew without what it depends on", COMPOSE, 'alone = ["--no-deps"] if others and self.outdated(project, others, watch.bounds) else []', 'alone = ["--no-deps"]', f"{ORDINARY}::test_what_was_made_anew_is_left_alone_by_the_next_plain_up"),
    weak("what Compose would make anew by a digest of its own", COMPOSE, "        return frozenset(found[1] for line in lines if (found := _MADE_ANEW.search(line)))\n", BY_DIGEST, f"{ORDINARY}::test_a_container_is_from_the_files_there_now_as_compose_sees_it"),
    # Its order.
    weak("depends_on is not read", INVENTORY, "needs = dict.fromkeys((*service.needs, *_needs(found, keys)))", "needs = dict.fromkeys(service.needs)", f"{UNIT_CORE}/test_inventory.py::test_what_dr_yml_says_of_a_service_stays_and_compose_adds_to_it"),
    weak("dr.yml against depends_on", INVENTORY, "    if circle_in(needs_of(services)):\n", "    if False:\n", f"{UNIT_CORE}/test_inventory.py::test_where_dr_yml_and_compose_contradict_each_other_compose_counts"),
    # Nobody is asked to replace what works.
    weak("PostgreSQL where nothing is broken", "runners/planning/plan_run.py", "        raise NothingBrokenError(look, kinds_of(worker_context.site))\n", "        look = replace(look, broken=(Broken(kind=DataKind.POSTGRES, why=\"\"),))\n", f"{BROKEN}::test_where_nothing_looks_broken_nobody_is_asked_to_replace_anything"),
    weak("a service that is down is not told", "runners/planning/plan_run.py", "not_working if look.down else \"\"", "\"\"", f"{BROKEN}::test_where_a_service_is_down_it_is_level_1"),
    weak("level 1 is not offered", "commands/views/available_actions.py", "    for name in (one for one in site.services if one in down):\n", "    for name in ():\n", f"{BROKEN}::test_where_a_service_is_down_it_is_level_1"),
    weak("a stopped store is replaced", LOOKS, "return container is not None and container.was_ended and is_there", "return False and is_there", f"{LOOKING}::test_what_somebody_stopped_is_to_be_started_not_replaced"),
    weak("keys that expire are lost", LOOKS, "then = held.keys - held.expires if held else 0", "then = held.keys if held else 0", f"{LOOKING}::test_keys_that_expire_are_not_lost_and_others_are"),
    weak("files are lost when none is left", LOOKS, "    if now < then * SHRUNK:\n        less", "    if not now:\n        less", f"{LOOKING}::test_fewer_than_half_of_the_backups_files_are_lost_files"),
    weak("rows that are gone", LOOKS, "    if now < then * SHRUNK:\n        return _broken(DataKind.POSTGRES", "    if False:\n        return _broken(DataKind.POSTGRES", f"{LOOKING}::test_rows_that_are_gone_are_seen_though_postgresql_answers"),
    weak("what works is replaced without a word", "runners/planning/stakes.py", "    return look.sentence if look.is_sound else \"\"\n", "    return \"\"\n", f"{BROKEN}::test_who_names_postgresql_though_it_is_healthy_reads_that_first"),
    weak("a card that does not begin with what works", "bot/blocks/approval_card.py", "    if sound := _sound(situation):\n", "    if sound := \"\":\n", "tests/unit/bot/test_first_line.py::test_card_and_dialog_begin_with_it"),
    weak("a dialog that does not begin with what works", "bot/blocks/vote_dialog.py", "    if dialog.sound:\n", "    if False:\n", "tests/unit/bot/test_first_line.py::test_card_and_dialog_begin_with_it"),
    # What made a step fail.
    weak("a backup that did not come back stays the newest", "runners/execution/endings.py", "    elif record.cause is Cause.BACKUP:\n", "    elif False:\n", f"{RUNNERS}/test_causes.py::test_a_backup_that_did_not_come_back_is_known_as_one_whose_proof_failed"),
    weak("a job that has ended is started again", "runners/execution/upholding.py", "name in found.broken if", "name in services if", f"{RUNNERS}/test_upholding.py::test_a_job_that_has_ended_well_is_not_run_once_more"),
    weak("a forecast of what was denied", "commands/views/incident_view.py", " and run.state not in AT_A_STOP", "", f"{WHY}::test_after_a_no_nothing_waits_and_nothing_is_promised"),
    weak("every failure is the backup's", "core/runs/ways_on.py", "[*(reversed(best) if cause is Cause.BACKUP else best)", "[*reversed(best)", CAUSES),
    weak("that it is not the backup is not said", "core/runs/ways_on.py", "sentences(NOT_THE_BACKUP if has_backup else \"\", REMEDIES[cause])", "REMEDIES[cause]", CAUSES),
    weak("a limit of time is no cause", "runners/execution/attempt.py", "attempt.ends_as, Cause.TIME if attempt.reason else cause_of(error)", "attempt.ends_as, cause_of(error)", f"{RUNNERS}/test_causes.py::test_a_step_that_its_limit_ended_is_no_fault_of_the_backup"),
    weak("a full disk is no cause", "runners/clients/scratch_postgres.py", "said=full[0]), cause=Cause.DISK)", "said=full[0]))", f"{ACTIONS}/test_causes.py::test_a_disk_that_is_full_is_the_cause"),
    weak("what psql says of the machine is the dump's fault", "runners/clients/psql_judge.py", "return refused(complaint(message)) if cause is None else broken_off(complaint(message), cause)", "return refused(complaint(message))", f"{UNIT_RUNNERS}/test_causes.py::test_of_what_psql_said"),
    weak("a proof that broke off has failed", "runners/upkeep/proving.py", "ProofResult.POSTPONED if cause_of(error) in REMEDIES else ProofResult.FAILED", "ProofResult.FAILED", f"{LAB}/test_proving.py::test_a_server_that_the_system_killed_in_the_middle_is_no_fault_of_the_backup"),
    weak("who killed a program of the server is not asked", "runners/clients/scratch_postgres.py", "        if KILLED.search(said):\n", "        if False:\n", f"{LAB}/test_proving.py::test_a_server_that_the_system_killed_in_the_middle_is_no_fault_of_the_backup"),
    weak("no memory is no cause", "runners/clients/helper.py", "return PermanentError(said, cause=Cause.MEMORY)", "return PermanentError(said)", f"{ACTIONS}/test_causes.py::test_a_server_that_is_killed_for_want_of_memory_is_the_cause"),
    weak("who ended a container is not asked", "runners/clients/scratch_postgres.py", "        helper.require_not_ended(scratch.engine, container, FAST_SHUTDOWN)\n", "", f"{ACTIONS}/test_causes.py::test_a_container_that_is_ended_from_outside_is_the_engines_doing"),
    # An incident is closed with what is known.
    weak("what does not work is resolved without a word", "commands/verb/resolve.py", "doubt = \"\" if said is not None else _doubt(tx.connection, incident, run)", "doubt = \"\"", f"{RESOLVE}::test_who_closes_what_does_not_work_is_told_so_and_asked"),
    weak("what broke again since is not told", "commands/verb/resolve.py", "(incident.is_repaired and not seen)", "incident.is_repaired", f"{RESOLVE}::test_what_its_worker_saw_broken_since_the_recovery_is_told_too"),
    weak("a broken system is called resolved", "core/runs/state_words.py", "    if incident.is_given_up:\n        return NOT_REPAIRED\n", "", f"{RESOLVE}::test_closed_as_it_is_stakeholders_and_report_read_that_it_is_not_repaired"),
    weak("stakeholders of a broken system read that it is resolved", "bot/blocks/status_post.py", "    if incident.is_given_up:\n        return say(NOT_REPAIRED, language)\n", "", f"{RESOLVE}::test_closed_as_it_is_stakeholders_and_report_read_that_it_is_not_repaired"),
    weak("only the last run stopped services", "runners/execution/incident_clocks.py", "    found = []\n    for one in runs.of_incident(tx.connection, run.incident):\n", "    found = []\n    for one in (run,):\n", f"{RUNNERS}/test_recovered_twice.py::test_how_long_services_were_stopped_is_the_sum_of_all_recoveries"),
    weak("what a STOP left stopped runs again at its end", "core/runs/outage.py", "(stops or starts) and leaves_running(plan, records):", "(stops or starts):", f"{UNIT_CORE}/test_outage.py::test_what_a_stop_left_stopped_is_so_until_another_run_has_started_it"),
    weak("kept data that is gone is listed", "runners/execution/kept_data.py", "    gone = [one for one in rows if worker_context.target.kept(one.volume) is None]\n", "    gone = rows[:0]\n", f"{RUNNERS}/test_kept.py::test_kept_data_that_somebody_deleted_by_hand_is_listed_no_more"),
    weak("what an undo of an undo keeps is not listed", "runners/execution/kept_data.py", "            _add(tx, run, step.id, str(step.with_[\"keeper\"]), original, None)\n", "            pass\n", f"{RUNNERS}/test_kept.py::test_an_undo_that_is_taken_back_lists_what_is_kept_then"),
    weak("a report of all that was ever kept", "store/records/kept.py", "select(kept_table).where(kept_table.c.removed_at.is_(None))", "select(kept_table)", f"{COMMANDS}/test_kept.py::test_the_report_lists_what_is_there"),
    # A swap of which nobody saw the end.
    weak("nobody looks before a STOP ends the run", "store/runs/runs.py", "    if not unheard and not sub_runs.left_by(tx.connection, run).is_known:\n", "    if False:\n", f"{RUNNERS}/test_settling.py::test_stop_of_a_swap_nobody_saw_the_end_of_is_looked_at_first_and_offers_a_restart"),
    # Databases that are set to read only.
    weak("a dump is restored by the settings in it", "runners/clients/dump_execution.py", "WRITING = \"-c default_transaction_read_only=off\"", "WRITING = \"\"", "tests/integration/dumps/test_good.py::test_databases_and_roles_that_only_read_are_restored_and_counted_and_stay_so"),
    # What a card says.
    weak("proven when it was asked again", "commands/views/vote_dialog.py", "max((record.finished_at for record in records if record.finished_at), default=request.proven_at)", "request.proven_at", f"{RUNNERS}/test_what_a_card_proves.py::test_a_second_request_says_when_it_was_proven_and_not_when_it_was_asked_again"),
    weak("an undo of settings names its folder", "runners/planning/stakes.py", "    if kept is not None and kept.original == place:\n", "    if False:\n", f"{RUNNERS}/test_kept.py::test_an_undo_of_settings_names_each_file_that_changes"),
    weak("rows of files", "runners/planning/stakes.py", "        if not kept.is_postgres:\n", "        if False:\n", f"{RUNNERS}/test_kept.py::test_of_redis_and_files_nobody_is_told_of_rows"),
    # Dumps that were good.
    weak("a file that was changed since it was restored", "core/site/proofs.py", "    if has_changed(newest, proofs):\n", "    if False:\n", f"{UNIT_CORE}/test_proofs.py::test_what_readiness_says"),
    weak("the newest dump is not read again", "core/site/proofs.py", "    if again is None and is_newest:\n", "    if False:\n", f"{LAB}/test_proving.py::test_a_dump_that_was_good_is_read_again_and_red_once_a_bit_of_it_has_flipped"),
    weak("what a survey saw damaged is forgotten", "runners/execution/damage.py", "    return replace(search, damaged=partial(_note, worker_context))\n", "    return search\n", f"{LAB}/test_proving.py::test_a_survey_that_reads_a_damaged_dump_turns_it_red_at_once"),
    weak("a changed file is not restored yet", "commands/verb/backups.py", "    if changed:\n", "    if False:\n", f"{COMMANDS}/test_backups.py::test_of_each_it_says_whether_it_was_seen_to_come_back"),
    # A rollback without room.
    weak("half a copy of the old data stays", "runners/clients/volume_scripts.py", " || { empty \"$keeper\"; exit 1; }  # half of it takes room that the services need", "", f"{ACTIONS}/test_full_disk.py::test_old_data_that_cannot_be_kept_stays_and_its_half_copy_goes"),
    weak("one that cannot be started keeps the others stopped", "runners/actions/compose.py", "        if not context.takes_back:\n            raise\n", "        raise\n", f"{ACTIONS}/test_services.py::test_what_ran_before_is_started_again_although_what_it_needs_is_not_healthy"),
    weak("what is not taken back is told in names of actions", "runners/execution/undoing.py", "        return sentences(said, phrase(\"By hand: {commands}.\", commands=listed(lines))) if lines else said\n", "        return sentences(said, f\"{undo.do} ({undo.with_})\")\n", f"{RUNNERS}/test_causes.py::test_what_cannot_be_taken_back_is_a_command_that_people_can_type"),
    # Why a step failed.
    weak("an undo writes over why its step failed", "store/records/steps.py", "StepState.UNDONE, taken_back=summary, finished_at", "StepState.UNDONE, summary=summary, finished_at", CAUSES),
    weak("the board says what was taken back", "bot/blocks/plan.py", "    words = say(record.result, language)\n", "    words = say(record.taken_back or record.result, language)\n", f"{WHY}::test_the_board_says_why_and_does_not_call_it_done"),
    weak("a step that failed is done once it is taken back", "bot/blocks/plan.py", "\"error\" if is_error else TASK_STATES[state]", "TASK_STATES[state]", f"{WHY}::test_the_board_says_why_and_does_not_call_it_done"),
    weak("the status does not say why", "commands/verb/status.py", "            if step.has_failed and step.result:\n", "            if False:\n", f"{WHY}::test_the_status_and_the_terminal_say_why"),
    weak("the terminal says what was taken back", "commands/verb/status.py", "            record.result,\n", "            record.taken_back or record.result,\n", f"{WHY}::test_the_status_and_the_terminal_say_why"),
    weak("the report says what was taken back", "commands/views/findings_text.py", "why=closed(step.result))", "why=closed(step.taken_back or step.result))", f"{WHY}::test_the_report_says_why_among_steps_and_issues"),
    # An undo proves its data.
    weak("a store that does not answer works", "runners/actions/data.py", "return Finding(passed=not found, sentence=said", "return Finding(passed=True, sentence=said", f"{ACTIONS}/test_data.py::test_a_store_that_does_not_run_does_not_answer_and_the_other_does"),
    weak("data is moved and never asked", "core/runbooks/effects.py", "    if step.do is None or step.do not in PUTS_IN_PLACE:\n", "    if True:\n", f"{UNIT_CORE}/test_runbook_lint.py::test_what_is_unsafe_is_refused_with_its_line"),
    weak("services alone prove a recovery", "runners/execution/incident_clocks.py", "if step.id == last or asks_data(step))", "if step.id == last)", f"{RUNNERS}/test_stop.py::test_services_that_answer_are_no_recovery_before_the_data_answers"),
    weak("an undo asks the services alone", "runbooks/level2-undo.yml", "    check: [{probe: data.answers, with: {volume: \"${kept.volume}\"}}]\n", "", f"{UNIT_CORE}/test_runbook_lint.py::test_every_packaged_runbook_is_safe_and_speaks_both_languages"),
    weak("nobody is asked after an undo", "runbooks/level2-undo.yml", ASKED, ASKED.partition("\n\n")[2].replace("[confirm]", "[health]"), f"{RUNNERS}/test_recovered_twice.py::test_the_rpo_of_an_undo_is_that_of_the_data_that_it_brings_back"),
    # What is said of dr.yml, and what it need not say.
    weak("PostgreSQL on its usual port", "runners/clients/postgres_server.py", "[ ! -r \"$said\" ] || export PGPORT=\"$(sed -n 4p \"$said\")\" PGHOST=\"$(sed -n 5p \"$said\")\"\n", "", f"{ACTIONS}/test_other_port.py::test_a_server_on_another_port_is_asked_dumped_and_restored"),
    weak("helpers on the usual port", "runners/clients/postgres_server.py", "                \"PGPORT\": port,\n", "", f"{ACTIONS}/test_other_port.py::test_a_server_on_another_port_is_asked_dumped_and_restored"),
    weak("a section that lacks is a wrong name", "core/runbooks/variables.py", "    if name not in variables and section is not None:\n", "    if False:\n", f"{UNIT_CORE}/test_variables.py::test_what_a_section_of_dr_yml_would_give_is_asked_for_by_its_key"),
    weak("readiness of a level that cannot be planned", "runners/upkeep/outside_readiness.py", "    if lacking:\n", "    if False:\n", f"{UNIT_RUNNERS}/test_prevention.py::test_a_level_that_cannot_be_planned_is_told_with_the_key_that_it_needs"),
    weak("level 3 needs a repository", "core/runbooks/site_parts.py", "\"repository\": configuration.repository is not None,", "\"repository\": True,", f"{UNIT_RUNNERS}/test_prevention.py::test_level_3_needs_neither_a_repository_nor_a_site_that_controls"),
    weak("level 3 needs a site that controls", "core/site/site.py", "    control: Name | None = None  # level 4", "    control: Name  # level 4", f"{UNIT_RUNNERS}/test_prevention.py::test_level_3_needs_neither_a_repository_nor_a_site_that_controls"),
    weak("a system without fronts fails at them", "runners/contract/action.py", "        return Outcome(summary=NO_SERVICE) if _is_empty(given) else action(context, given)\n", "        return action(context, given)\n", f"{ACTIONS}/test_services.py::test_no_service_of_a_kind_is_nothing_to_do"),
    weak("an engine without Compose 2", "lab/packages.py", "    if not compose_names():  # before", "    if False:  # before", "tests/unit/lab/test_packages.py::test_where_there_is_no_compose_2_nothing_is_installed"),
    weak("an engine without Compose 2 on a new host", "runners/clients/host_packages.py", "    if not known:\n", "    known = known or [\"docker-compose\"]\n    if False:\n", "tests/unit/lab/test_packages.py::test_nor_on_a_new_host"),
    weak("a wrong name in dr.yml asks for level 1", READINESS, "            if kind == \"postgres\" and self.clients.postgres.misnamed() is not None:\n", "            if False:\n", f"{LAB}/test_remedies.py::test_a_wrong_name_in_dr_yml_is_called_that"),
    weak("damaged data asks for level 1", READINESS, "            if container is not None and not container.was_ended:\n", "            if False:\n", f"{LAB}/test_remedies.py::test_damaged_data_leads_to_level_2_and_a_stopped_server_to_level_1"),
    weak("the copy stays where its data was put in place", "runners/clients/volume_mover.py", "            self._engine.remove_emptied_volume(move.replacement, permit)\n", "            pass\n", f"{ACTIONS}/test_folders_swapped.py::test_only_settings_that_differ_change_places_and_come_back_as_they_were"),
    weak("a proven copy stays for ever", "runners/execution/leftovers.py", "        if record.state is StepState.SUCCEEDED and record.leftover is not Leftover.REMOVED:\n", "        if False:\n", f"{RUNNERS}/test_stop.py::test_the_proven_copy_goes_once_the_incident_is_resolved"),
    weak("a plan without a worker is waited for", "commands/facts/surveying.py", "        if now.taken_at is None and not is_busy and time.monotonic() > taken_until:\n", "        if False:\n", f"{COMMANDS}/test_data_and_runbooks.py::test_a_plan_that_no_worker_takes_up_is_answered_within_seconds"),
    weak("service:web is no name", "commands/verb/declare.py", "    wanted = plain(word).removeprefix(NAMED)\n", "    wanted = plain(word)\n", f"{COMMANDS}/test_declare.py::test_a_service_may_be_named_in_several_ways"),
    # Shapes of systems.
    weak("level 3 asks for Redis", "core/runbooks/site_parts.py", "\"redis\": site.redis is not None,", "\"redis\": True,", f"{UNIT_CORE}/test_site_parts.py"),
    weak("level 3 asks for PostgreSQL", "core/runbooks/site_parts.py", "\"postgres\": site.postgres is not None,", "\"postgres\": True,", f"{UNIT_CORE}/test_site_parts.py"),
    weak("a full backup asks for Redis", "runners/backups/make_full.py", "    if site.redis is not None:\n        version_", "    if True:\n        version_", f"{LEFT_OUT}::test_what_no_backup_holds_is_said_until_it_is_not_needed"),
    weak("a full backup asks for PostgreSQL", "runners/backups/make_full.py", "    if site.postgres is not None:\n        manifest = dump_postgres", "    if True:\n        manifest = dump_postgres", f"{LEFT_OUT}::test_what_no_backup_holds_is_said_until_it_is_not_needed"),
    weak("a one-shot that is done is down", "runners/clients/health.py", "        if service.once:\n", "        if False:\n", f"{ORDINARY}::test_what_has_run_to_its_end_does_not_run_again_with_what_waits_for_it"),
    weak("COMPOSE_FILE is not read", "runners/clients/compose_text.py", "    if named := settings_in([folder / \".env\"]).get(\"COMPOSE_FILE\"):\n", "    if named := \"\":\n", f"{PLACES}::test_what_compose_finds_by_itself_needs_no_entry_and_is_in_the_fingerprint"),
    weak("a full backup without Redis will not do", "runners/actions/suitable.py", "    if site.redis is not None and not backup.holds.redis:\n", "    if not backup.holds.redis:\n", f"{UNIT_RUNNERS}/test_suitable.py::test_a_site_without_redis_needs_none"),
    weak("an archive of projects will not do", "runners/actions/suitable.py", "    if configuration.repository is None and is_archive(backup.name):", "    if configuration.repository is None:", f"{UNIT_RUNNERS}/test_suitable.py::test_without_a_repository_only_an_archive_of_settings_alone_is_refused"),
    weak("a database without a hand stays stopped", "core/site/site.py", "        return tuple(name for name in self.services if name not in others)\n", "        return tuple(name for name, one in self.services.items() if name not in others and one.role == \"app\")\n", f"{UNIT_CORE}/test_inventory.py::test_a_database_that_drbot_has_no_hand_for_is_stopped_and_started_as_any_service"),
    weak("a database that writes while it is copied", INVENTORY, "    writing = (one for one in inventory.services if one.program and", "    writing = (one for one in () if one.program and", f"{UNIT_CORE}/test_inventory.py::test_a_database_whose_files_are_copied_is_named_unless_it_is_paused_or_dumped"),
    weak("nothing is paused", "runners/clients/pausing.py", "                pause(engine.client.api.pause, one.id)\n", "                pass\n", f"{ACTIONS}/test_pausing.py::test_what_is_copied_is_of_one_moment_and_nothing_else_is_left"),
    weak("a one-shot is a server", "runners/clients/inventory_reader.py", "            once=name in awaited,\n", "            once=False,\n", f"{ACTIONS}/test_inventory.py::test_all_that_compose_would_start_is_found_before_and_after"),
    weak("a one-shot runs again with what waits for it", "runners/actions/compose.py", "    return service.once and any(one.is_done for one in context.clients.docker.containers(service))\n", "    return False\n", f"{ORDINARY}::test_what_has_run_to_its_end_does_not_run_again_with_what_waits_for_it"),
    weak("a folder is called like its project", COMPOSE, "    return projects / (known.folder if known and known.folder else project)\n", "    return projects / project\n", f"{PLACES}::test_every_verb_uses_the_same_folder_and_files"),
    weak("further files are not used", COMPOSE, "    files = [f\"--file={folder / name}\" for name in known.files]\n", "    files: list[str] = []\n", f"{PLACES}::test_every_verb_uses_the_same_folder_and_files"),
    weak("further files are not in the fingerprint", COMPOSE, "        named = (*known.files, *known.env_files) or chosen_by_compose(folder)\n", "        named: tuple[str, ...] = ()\n", f"{PLACES}::test_each_of_its_files_is_in_the_fingerprint"),
    weak("an override is not in the fingerprint", COMPOSE, "        names = dict.fromkeys((*PROJECT_FILES, *sorted(others), *named))\n", "        names = dict.fromkeys((*COMPOSE_FILES, \".env\"))\n", f"{UNIT_RUNNERS}/test_compose_reads.py::test_whatever_a_project_may_be_started_from_is_in_the_fingerprint"),
    weak("files of variables are not in the fingerprint", COMPOSE, "        others = {path.name for pattern in OTHER_FILES for path in folder.glob(pattern)} - {*PROJECT_FILES}\n", "        others: set[str] = set()\n", f"{UNIT_RUNNERS}/test_compose_reads.py::test_whatever_a_project_may_be_started_from_is_in_the_fingerprint"),
    weak("a socket ends a drill", "runners/upkeep/drill_copying.py", " or _is_of_a_program(path)}", "}", f"{UNIT_RUNNERS}/test_drill_copying.py::test_sockets_and_pipes_of_running_programs_are_left_out"),
    weak("an image fills the copy by itself", "runners/clients/scratch_postgres.py", "        hidden=(OWN_INIT,),\n", "        hidden=(),\n", "tests/integration/dumps/test_own_init.py::test_an_image_that_fills_a_new_cluster_restores_its_own_dump"),
    weak("a copy without the libraries of production", "runners/clients/scratch_postgres.py", "    needed = needed_of(scratch.recipe.command)\n", "    needed: dict[str, str] = {}\n", "tests/integration/dumps/test_own_init.py::test_the_copy_keeps_what_restoring_needs_of_the_servers_command"),
    weak("whatever a tag means by now", "runners/actions/infrastructure.py", "    if known is None or not says_how_it_ran(wanted.image, known) or is_as_it_ran(docker, wanted.image, known):\n", "    if True:\n", "tests/integration/actions/test_exact_images.py::test_the_edition_that_ran_comes_back"),
    weak("no digests in a backup", "runners/clients/inventory_reader.py", "\"digest\": digest_of(engine, known.image, known.image_id)}", "\"digest\": \"\"}", "tests/integration/actions/test_exact_images.py::test_the_edition_that_ran_comes_back"),
    weak("health answers 200", "runners/clients/health.py", "    if answer.is_success:\n", "    if answer.status_code == 200:\n", f"{UNIT_RUNNERS}/test_health_urls.py::test_any_2xx_is_healthy_also_behind_redirects_of_the_same_host"),
    weak("health follows no redirect", "runners/clients/health.py", "                if following is None:\n", "                if True:\n", f"{UNIT_RUNNERS}/test_health_urls.py::test_any_2xx_is_healthy_also_behind_redirects_of_the_same_host"),
    weak("schedules are the default site's", "runners/upkeep/scheduled_backups.py", "    if site not in (schedule.sites or (configuration.default_site,)):\n", "    if site != configuration.default_site:\n", f"{RUNNERS}/test_routines.py::test_the_default_sites_worker_makes_backups_and_those_that_dr_yml_names"),
    weak("a database is never in a folder", "core/base/names.py", "    return \"/\" in place\n", "    return False\n", f"{UNIT_CORE}/test_store_folders.py::test_a_path_is_meant_from_the_projects_on"),
    weak("folders are not swapped by renaming", "runners/clients/volume_mover.py", "        plain = all(volume.is_plain for volume in found) and len(beside) <= 1\n", "        plain = bool(found) and all(volume.is_plain for volume in found) and len(beside) <= 1\n", "tests/integration/binds/test_postgres_in_a_folder.py::test_the_restored_data_takes_the_place_of_the_folder_and_gives_it_back"),
    weak("what keeps data is stopped with the others", "runners/actions/compose.py", "    keeping = {name for name, one in services.items() if any(found.keeps_data for found in docker.containers(one))}\n", "    keeping = set[str]()\n", f"{ACTIONS}/test_start_stop.py::test_what_keeps_data_is_stopped_after_those_that_need_it"),
    weak("a health check is waited for", "runners/clients/health.py", "container.health != \"starting\":\n            return False\n", "container.health != \"starting\" or True:\n            return False\n", f"{ACTIONS}/test_start_stop.py::test_what_is_healthy_is_not_waited_for"),
    weak("what starts without files is stopped by them", "runners/actions/compose.py", "    by_engine = [one for one in services.values() if one.project not in hooked]\n", "    by_engine, hooked = list[Service](), {one.project for one in services.values()}\n", f"{ACTIONS}/test_start_stop.py::test_files_that_are_lost_keep_nothing_from_being_stopped_and_started"),
    weak("one container of several is enough", "runners/clients/compose.py", "        return bool(everything.scaled or everything.unread)\n", "        return False\n", f"{ACTIONS}/test_start_stop.py::test_of_several_containers_of_a_service_a_missing_one_is_made"),
    weak("whatever ends is waited for", "runners/clients/start_stop.py", "        if cancelled():\n", "        if False:\n", f"{ACTIONS}/test_start_stop.py::test_stop_ends_the_wait_for_a_service_that_does_not_end"),
)
# fmt: on
