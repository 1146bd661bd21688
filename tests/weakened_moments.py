"""What keeps a recovery to a moment true, made weaker in one place at a time: rows of `python -m tests.mutations`."""

from tests.weakening import weak

CHOICE, MOMENTS, WAL = "runners/backups/choose_moment.py", "runners/backups/moments.py", "core/site/wal.py"
REAL, NAMED = "tests/integration/actions/test_moments.py", "tests/unit/commands/test_moment_named.py"
PURE = "tests/unit/core/test_wal.py"

# fmt: off
OF_MOMENTS = (
    weak("a base backup that was replaced after the seal", CHOICE, "        if base.digest != backup.sha256:\n", "        if False:\n", f"{REAL}::test_a_plan_is_good_for_the_very_base_backup_that_it_was_made_for"),
    weak("WAL that went after the seal", CHOICE, "        if missing := archive.gap_since(base):\n", "        if missing := None:\n", f"{REAL}::test_a_plan_is_good_for_the_very_base_backup_that_it_was_made_for"),
    weak("the newest base backup instead of the sealed one", CHOICE, "if self.place_of(one) == backup.place), None)", "), None)", f"{REAL}::test_a_plan_is_good_for_the_very_base_backup_that_it_was_made_for"),
    weak("a base backup of another version", CHOICE, "if self.server_major is not None and", "if False and", f"{REAL}::test_what_another_major_version_has_received_is_refused"),
    weak("a moment without what must be there", "runners/backups/restore_moment.py", "        if wrong := faults(backup, rows):\n", "        if wrong := []:\n", f"{REAL}::test_a_moment_without_what_must_be_there_is_refused"),
    weak("an end that nobody has seen received", MOMENTS, "            if not goal.is_all_there:\n", "            if False:\n", f"{REAL}::test_without_a_later_commit_the_end_is_no_moment_that_nobody_has_seen_received"),
    weak("a moment after all that was received", MOMENTS, "    if moment is not None and newest + SECOND < moment:", "    if False:", f"{REAL}::test_a_moment_that_was_not_received_is_refused"),
    weak("a base backup whose bytes nobody reads", MOMENTS, 'pg_verifybackup --quiet --no-parse-wal "$2"\n', "", f"{REAL}::test_a_file_of_a_base_backup_that_somebody_has_changed_is_refused"),
    weak("a base backup of other data", WAL, "ours = [one for one in self.bases if one.series == series]", "ours = list(self.bases)", PURE),
    weak("a series that was begun later", WAL, "for one in begun if moment is None or one[0] <= moment", "for one in begun", PURE),
    weak("a moment that is still to come", "commands/facts/moment_named.py", "    if moment is not None and moment > clock.now:\n", "    if False:\n", NAMED),
    weak("a moment of other data", "commands/facts/moment_named.py", "    if data is not None and data.kind is not DataKind.POSTGRES:\n", "    if False:\n", NAMED),
    weak("everything received for rows that somebody deleted", "runners/actions/site_target.py", "lambda: self._clients.postgres.fault() is not None", "lambda: True", "tests/integration/actions/test_following.py::test_a_backup_is_planned_for_data_that_is_wrong_and_everything_received_for_a_server_that_is_lost"),
    weak("a drill that receives", "core/site/drill_site.py", 'model_copy(update={"continuous": None})', "model_copy()", "tests/unit/core/test_drill_site.py"),
)
