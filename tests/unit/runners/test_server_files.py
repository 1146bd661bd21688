"""What of an old server's files is carried over, from what the look at its volume printed."""

from drbot.core.site.old_server import OldServer, notes_of
from drbot.runners.clients.server_command import needed_of, settings_in
from drbot.runners.clients.server_files import old_server_of

SAID = [
    ["version", "15"],
    ["setting", "work_mem"],
    ["setting", "max_connections"],
    ["path", "include 'extra.conf'"],
    ["path", "include_dir 'conf.d'"],
    ["path", "ssl_cert_file = 'tls.crt'"],
    ["path", "ssl_ca_file = '/etc/ssl/ca.crt'"],
    ["file", "1", "postgresql.conf"],
    ["file", "2", "pg_hba.conf"],
    ["file", "3", "postgresql.auto.conf"],
    ["file", "4", "conf.d/a.conf"],
    ["file", "5", "tls.crt"],
    ["file", "6", "somebody.conf"],
    ["file", "7", "../outside.conf"],
    ["file", "8", "a;b.conf"],
    ["unreadable", "server.key"],
]


def test_files_that_the_server_reads_are_carried_and_no_others() -> None:
    found = old_server_of("data", SAID, frozenset())

    assert found.files == {
        "postgresql.conf": "1", "pg_hba.conf": "2", "postgresql.auto.conf": "3", "conf.d/a.conf": "4", "tls.crt": "5",
    }  # fmt: skip
    assert found.left == ("extra.conf (cannot be read)", "server.key (cannot be read)")
    assert found.settings == ("max_connections", "work_mem")


def test_what_the_compose_files_command_sets_is_not_carried() -> None:
    command = ("postgres", "-c", "max_connections=200", "--hba-file=/etc/hba", "-cconfig_file=/etc/postgresql.conf")

    found = old_server_of("data", SAID, frozenset(settings_in(command)))

    assert settings_in(command).keys() == {"max_connections", "hba_file", "config_file"}
    assert not {"postgresql.conf", "pg_hba.conf"} & set(found.files)
    assert found.settings == ("work_mem",)


def test_approvers_read_what_comes_with_the_copy_what_does_not_and_what_is_lost() -> None:
    found = old_server_of("data", SAID, frozenset())

    assert list(notes_of(None)) == []
    copied, left = notes_of(found)
    assert copied.startswith("Not in a dump, copied from the old volume: ALTER SYSTEM (max_connections, work_mem), ")
    assert left == "Not in a dump, and not carried over: extra.conf (cannot be read), server.key (cannot be read)."
    (lost,) = notes_of(OldServer(volume="data", readable=False))
    assert "pg_hba.conf" in lost and "set anew" in lost


def test_a_command_is_read_word_by_word_and_inside_a_shells_script() -> None:
    script = "exec postgres -c work_mem=1MB --shared-preload-libraries='a, b' -c cron.database_name=app"
    in_shell = ("sh", "-c", script)

    assert settings_in(in_shell) == {
        "work_mem": "1MB", "shared_preload_libraries": "a, b", "cron.database_name": "app",
    }  # fmt: skip
    assert needed_of(in_shell) == {"shared_preload_libraries": "a, b", "cron.database_name": "app"}
    assert settings_in(("postgres -c work_mem=1MB",)) == {"work_mem": "1MB"}
    assert settings_in(("postgres", "-c", "shared_preload_libraries=a, b", "-c", "work_mem=1", "-c", "work_mem=2")) == {
        "shared_preload_libraries": "a, b", "work_mem": "2",
    }  # fmt: skip
    assert settings_in(("postgres", "PGOPTIONS=x", "-D", "/a b", "sh -c 'open")) == {}
