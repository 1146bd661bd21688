"""Nothing takes data or users away without a permit: every place in the worker that removes, renames, overwrites, stops
or redirects is known here, with what it asks for. A new one fails this test until somebody has thought about it.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.actions import ACTIONS
from drbot.core.site.site import Certificate, Dns, Provision
from drbot.runners.actions.registry import REGISTRY
from drbot.runners.clients import kept_containers, own_folder
from drbot.runners.clients.certbot import Certbot
from drbot.runners.clients.compose import Compose, Watch
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.helper import Mount
from drbot.runners.clients.machines import Ec2
from drbot.runners.clients.name_service import NameService, Record
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.restic_helper import ResticHelper
from drbot.runners.clients.terraform import Terraform
from drbot.runners.clients.volume_mover import Move, VolumeMover
from drbot.runners.foundation import permit as permits
from drbot.runners.foundation.permit import OwnWork, Permit
from tests.permits import permit

FOLDER = Path(permits.__file__).parent.parent
SHARP = {
    "remove_volume",
    "remove_container",
    "stop",
    "kill",
    "rmtree",
    "unlink",
    "rename",
    "rmdir",
    "write_bytes",
    "write_text",
    "extract",
    "extractall",
    "change_resource_record_sets",
    "terminate_instances",
    "delete_object",
    "put_object",
    "move",
    "replace",
    "forget",
    "restore",
    "know_again",
}
"""Calls of libraries that take something away or write over it; the last three are restic's; one removes locks."""

PERMIT = {  # ask for a Permit, before anything else
    "clients/compose.py:stop",
    "clients/compose.py:restart",
    "clients/compose.py:recreate",
    "clients/docker_engine.py:remove_volume",
    "clients/docker_engine.py:remove_emptied_volume",
    "clients/docker_engine.py:remove_container",
    "clients/host_folders.py:remove_emptied_volume",
    "clients/kept_containers.py:make_again",
    "clients/kept_containers.py:stop",
    "clients/kept_containers.py:remove",
    "clients/machines.py:give_back",
    "clients/name_service.py:change",
    "clients/own_folder.py:copy_back",
    "clients/own_folder.py:set_aside",
    "clients/start_stop.py:stop",
    "clients/terraform.py:destroy",
    "clients/own_folder.py:remove_kept",
    "clients/own_folder.py:without_mark",
    "clients/kept_containers.py:forget",
    "clients/volume_mover.py:move",
    "clients/volume_mover.py:put_aside",
    "clients/volume_mover.py:remove_kept_volume",
}
OWN = {  # ask for OwnWork, and look at a mark on the thing itself
    "clients/docker_engine.py:remove_own_volume": "the label of the volume",
    "clients/git.py:clone": "the mark in the folder",
    "clients/machines.py:end": "the tag of the machine",
    "clients/own_folder.py:make_own": "the mark in the folder",
    "clients/own_folder.py:mark": "writes the mark",
    "clients/server_files.py:carry": "the label of the volume",
    "clients/server_files.py:bring_back": "the label of the volume",
    "clients/server_files.py:tidy": "the label of the volume",
}
BEHIND = {  # reached only through one of the above
    "clients/docker_engine.py:_remove_volume": {"remove_volume", "remove_emptied_volume", "remove_own_volume"},
    "clients/own_folder.py:_sign": {"mark", "copy_back"},
    "clients/start_stop.py:tell_to_end": {"stop"},
    "clients/docker_engine.py:_remove_container": {"remove_container", "remove_helper"},
}
OF_FOLDERS = {  # the same for what is a folder
    "clients/host_folders.py:_remove_volume": "looks at the mark of the folder",
    "clients/host_folders.py:_forget": "the mark, an empty volume",
}
FILLS = {  # write into what the run has made: these places alone call each, and look at the mark before
    "clients/fetched.py:put_settings": {"actions/restoring.py:put_settings"},
    "clients/fetched.py:put_file": {"actions/restoring.py:put_settings"},
    "clients/fetched.py:put_folder": {"actions/file_sets.py:put_folder"},
    "clients/fetched.py:put_volume": {"actions/file_sets.py:fill_volume"},
    "actions/file_sets.py:unpack_folder": {"actions/file_sets.py:put_folder"},
    "actions/file_sets.py:unpack_volume": {"actions/file_sets.py:fill_volume"},
    "actions/restoring.py:fill_redis": {"actions/restoring.py:restore_redis", "actions/beside.py:redis"},
}
LOOKS = {"require_own", "renew", "prepare_volume", "made_beside"}  # raise unless the run itself has made it
ELSEWHERE = {  # never the system's: what drbot itself has made, by its place
    "actions/evidence.py:keep_service": "drbot's home",
    "actions/evidence.py:keep_disk": "drbot's home",
    "actions/evidence.py:keep_cluster": "drbot's home",
    "actions/fetching.py:fetch": "drbot's home: downloads, by the mark inside",
    "foundation/private_folder.py:write": "drbot's home",
    "second_factor/totp_secrets.py:_make": "drbot's home",
    "own_state/bootstrap.py:written": "files that this very call has made, when what follows them fails",
    "backups/dump_at_hand.py:dump_named": "drbot's home: what other runs have fetched, untouched for a day",
    "backups/dump_at_hand.py:let_go": "drbot's home: what this run has fetched, once it is restored",
    "backups/make_dump.py:back_up_postgres": "the new backup",
    "upkeep/following.py:look": "the receiver of WAL and its slot, both drbot's",
    "backups/prove.py:restore_redis": "a volume of its own that goes with its container",
    "backups/prove.py:clear": "drbot's home: what an earlier proof has fetched",
    "upkeep/proving.py:_bench": "drbot's home: what this proof has fetched",
    "backups/make_full.py:take": "a snapshot that is no backup, by its tag",
    "backups/make_full.py:back_up_full": "what was made for the new backup, in a folder that is claimed for it",
    "clients/backup_store.py:write_manifest": "the new backup",
    "clients/backup_store.py:remove_old": "backups beyond `keep`, when a newer good one is there",
    "clients/dump_store.py:remove_old": "dumps of this system and site beyond `keep`, when newer ones are there",
    "clients/fetched.py:take_in": "drbot's home: what an archive was unpacked to, in the folder of this run",
    "clients/fetched.py:_prepare": "drbot's home: what has rotted in the recoveries' own repository, and locks there",
    "clients/fetched.py:only": "drbot's home: what other recoveries have fetched, once this one's is there",
    "clients/full_store.py:remove_old": "full backups of this system and site beyond `keep`, when newer ones are there",
    "clients/archive_files.py:put": "what the clone, or the same archive, has put there, in a folder of this run",
    "clients/restic_helper.py:portable": "drbot's home: a copy of the program",
    "clients/object_store.py:resume": "the download",
    "clients/object_store.py:write": "copies of drbot's state",
    "clients/object_store.py:download": "the download",
    "clients/object_store.py:remove": "copies of drbot's state",
    "clients/engine_lock.py:_remove": "the lock itself, by its id",
    "clients/certbot.py:install": "the certificate, and what was there stays beside it",
    "clients/name_service.py:require_right_to_change": "removes a record that cannot exist",
    "clients/scratch_postgres.py:stop_cleanly": "a helper of drbot",
    "clients/sandbox.py:carry": "its own two programs, of which the second has ended",
    "clients/sandbox.py:remove": "a drill's own engine with its volume and its folder, by their name",
    "upkeep/drill_run.py:end_all": "the rows about what a drill's engine kept, which is gone",
    "main.py:serve_drill": "the doorbell of a drill",
    "clients/own_folder.py:in_place": "what is new, into a place where nothing is",
}
DRILLS = {  # look first whether the engine is a drill's own, by its label
    "clients/breaking.py:stop",
    "clients/breaking.py:spoil",
    "clients/breaking.py:wipe",
}
CALLERS = {  # actions: they hand on the permit that they were given
    "actions/compose.py:_stop_at_once",
    "actions/drill.py:break_copy",
    "actions/giving_up.py:give_up",
    "actions/setting_aside.py:keep",
    "actions/setting_aside.py:set_aside",
    "actions/volume.py:exchange",
    "execution/executor.py:_stop",
}


@cache
def functions() -> tuple[tuple[str, ast.FunctionDef], ...]:
    """Every function of the worker, as "folder/file.py:name"."""
    return tuple(
        (f"{path.relative_to(FOLDER)}:{node.name}", node)
        for path in sorted(FOLDER.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    )


def calls(function: ast.FunctionDef) -> set[str]:
    """Names of the methods it calls; `replace` only with one argument, as a path has it."""
    return {
        call.func.attr
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and not (call.func.attr == "replace" and (len(call.args) != 1 or call.keywords))
    }


def parameters(function: ast.FunctionDef) -> set[str]:
    """The types that its parameters are annotated with."""
    every = (*function.args.args, *function.args.kwonlyargs)
    return {ast.unparse(argument.annotation) for argument in every if argument.annotation is not None}


def test_every_place_that_takes_something_away_is_known() -> None:
    sharp = {name for name, function in functions() if calls(function) & SHARP}

    assert sharp - PERMIT - OWN.keys() - BEHIND.keys() - FILLS.keys() - ELSEWHERE.keys() - DRILLS - CALLERS == set()


def test_the_lists_name_nothing_that_is_gone() -> None:
    known = {name for name, _ in functions()}

    assert PERMIT | OWN.keys() | BEHIND.keys() | FILLS.keys() | ELSEWHERE.keys() | DRILLS | CALLERS <= known


@pytest.mark.parametrize("name", sorted(PERMIT))
def test_what_needs_a_permit_asks_for_it_before_anything_else(name: str) -> None:
    (function,) = (node for other, node in functions() if other == name)
    first = next(part for part in function.body if not _is_docstring(part))

    assert "Permit" in parameters(function)
    assert ast.unparse(first).startswith("permit.require("), ast.unparse(first)


@pytest.mark.parametrize("name", sorted(DRILLS))
def test_what_breaks_a_copy_looks_first_where_it_is(name: str) -> None:
    (function,) = (node for other, node in functions() if other == name)
    first = next(part for part in function.body if not _is_docstring(part))

    assert ast.unparse(first) == "self._require_drill()"


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_is_for_own_work_asks_for_that(name: str) -> None:
    (function,) = (node for other, node in functions() if other == name)

    assert "OwnWork" in parameters(function)


@pytest.mark.parametrize("name", sorted(BEHIND))
def test_what_stands_behind_a_permit_is_reached_through_it_alone(name: str) -> None:
    file, _, inner = name.partition(":")
    callers = {
        other.partition(":")[2]
        for other, function in functions()
        if other.startswith(f"{file}:") and other != name and _names(function, inner)
    }
    elsewhere = [
        other
        for other, function in functions()
        if not other.startswith(f"{file}:") and _names(function, inner) and other not in OF_FOLDERS
    ]

    assert callers == BEHIND[name] and not elsewhere


@pytest.mark.parametrize("name", sorted(FILLS))
def test_what_fills_is_called_by_whoever_has_looked_at_the_mark(name: str) -> None:
    filling = dict(functions())[name]
    is_method = bool(filling.args.args) and filling.args.args[0].arg == "self"
    callers = {
        other: lines
        for other, function in functions()
        if (lines := [line for line, called in calls_of(function, is_method) if called == filling.name])
    }
    looks = {
        caller: [line for line, called in calls_of(dict(functions())[caller], False) if called in LOOKS]
        for caller in callers
    }

    assert callers.keys() == FILLS[name]
    assert all(min(looks[caller]) < min(lines) for caller, lines in callers.items())


def calls_of(function: ast.FunctionDef, is_method: bool) -> Iterator[tuple[int, str]]:
    """Line and name of every call of a method, or of a function."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and is_method:
            yield call.lineno, call.func.attr
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not is_method:
            yield call.lineno, call.func.id


def test_only_one_module_can_build_a_permit() -> None:
    users = {path.name for path in FOLDER.rglob("*.py") if "ISSUER" in path.read_text()}

    assert users == {"permit.py", "issuing.py"}
    for kind in (Permit, OwnWork):
        values: Any = {name: "x" for name in kind.__dataclass_fields__ if name != "issuer"}
        with pytest.raises(TypeError, match="only runners/execution/issuing"):
            kind(**values, issuer=object())


def test_every_action_that_destroys_interrupts_or_asks_says_what_it_takes_away() -> None:
    sharp = {name for name, action in ACTIONS.items() if action.effect == "destroy" or action.interrupts or action.asks}

    assert set(REGISTRY.subjects) == sharp


WATCH = Watch(bounds=Bounds(cancelled=lambda: False), on_line=lambda line: None)
NOWHERE = "unix:///nowhere/docker.sock"


@pytest.mark.parametrize("method", ["stop", "restart", "recreate"])
def test_services_are_interrupted_by_a_permit_for_them_only(method: str, tmp_path: Path) -> None:
    compose = Compose(tmp_path, NOWHERE)

    with pytest.raises(PermanentError, match="Nobody approved that swap touches service postgres/postgres"):
        getattr(compose, method)("postgres", ["postgres"], permit(*permits.services("redis", ["redis"])), WATCH)


@pytest.mark.parametrize("method", ["remove_volume", "remove_emptied_volume"])
def test_volumes_are_removed_by_a_permit_for_them_only(method: str) -> None:
    engine = DockerEngine(NOWHERE)
    other = permit(permits.volume("redis_data"), permits.emptied("redis_data"))

    with pytest.raises(PermanentError, match="Nobody approved"):
        getattr(engine, method)("postgres_data", other)


def test_a_container_is_stopped_and_removed_by_a_permit_for_exactly_this_one() -> None:
    """Another one of the same name is another: it came after people agreed."""
    engine, other = DockerEngine(NOWHERE), permit(permits.container("auth-1", "0d7e"))

    with pytest.raises(PermanentError, match="Nobody approved that swap touches container auth-1 93fa"):
        kept_containers.stop(engine, "93fa", "auth-1", other)
    with pytest.raises(PermanentError, match="Nobody approved that swap touches container auth-1 93fa"):
        engine.remove_container("93fa", "auth-1", other)


def test_a_volume_is_swapped_by_a_permit_for_it_only() -> None:
    move = Move(
        volume="postgres_data", replacement="copy", keeper="old", brings_back=False, image="x", labels={},
        cancelled=lambda: False,
    )  # fmt: skip

    with pytest.raises(PermanentError, match="Nobody approved"):
        VolumeMover(DockerEngine(NOWHERE)).move(move, permit(permits.volume("redis_data")))


def test_a_machine_is_given_back_by_a_permit_for_it_only(tmp_path: Path) -> None:
    settings, other = Provision(image="ami-1", terraform=tmp_path), permit(permits.machine("i-2"))

    with pytest.raises(PermanentError, match="Nobody approved"):
        Ec2(settings).give_back("i-1", other, frozenset())
    with pytest.raises(PermanentError, match="Nobody approved"):
        bounds = Bounds(cancelled=lambda: False)
        Terraform(settings, "terraform").destroy(other, "i-1", (), {}, bounds, lambda line: None)


def test_names_lead_where_was_approved_only() -> None:
    names = NameService(Dns(zone="example.com.", names=("www.example.com",)))
    elsewhere = {"www.example.com": Record(addresses=("203.0.113.66",), ttl=60)}

    with pytest.raises(PermanentError, match="Nobody approved"):
        names.change(elsewhere, permit(permits.name("www.example.com", ("198.51.100.1",))))


def test_a_folder_is_put_aside_by_a_permit_for_it_only(tmp_path: Path) -> None:
    (tmp_path / "system").mkdir()

    with pytest.raises(PermanentError, match="Nobody approved"):
        own_folder.set_aside(
            tmp_path / "system", tmp_path / "kept", permit(permits.folder(tmp_path / "other")), home=Path("/nowhere")
        )

    assert (tmp_path / "system").is_dir()


@pytest.mark.parametrize("writes", [False, True])
def test_a_helper_with_restic_can_write_only_where_it_is_told(writes: bool) -> None:
    """The repository that is read from, and restic itself, are not to be changed by what runs as root."""
    order = ResticHelper(
        engine=DockerEngine(NOWHERE), image="x", labels={}, tool=Path("/tool"), repository=Path("/backups"),
        mounts=(Mount(source="uploads", target="/target/uploads", read_only=not writes),), writes=writes,
        secrets={}, cancelled=lambda: False,
    )._order(["restore"])  # fmt: skip

    assert {mount.source for mount in order.mounts if not mount.read_only} == (
        {"uploads", "/backups"} if writes else set()
    )
    assert order.network == "none"


def test_what_is_backed_up_is_only_read() -> None:
    mounts = [
        call
        for name, function in functions()
        if name.startswith("backups/make_full.py:")
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Mount"
    ]

    assert len(mounts) == 3
    assert all("read_only=True" in map(ast.unparse, mount.keywords) for mount in mounts)


def test_a_certificate_that_was_there_stays_beside_the_new_one(tmp_path: Path) -> None:
    certbot = _certbot(tmp_path)
    (tmp_path / "front").mkdir()
    (tmp_path / "front" / "fullchain.pem").write_text("of before")

    certbot.install(tmp_path / "front")

    kept = [path.read_text() for path in (tmp_path / "front").glob("fullchain.pem.before-*")]
    assert kept == ["of before"]
    assert (tmp_path / "front" / "fullchain.pem").read_text() == "new"


def _certbot(folder: Path) -> Certbot:
    certbot = Certbot(Certificate(names=("www.example.com",), email="ops@example.com"), folder / "certbot")
    certbot.issued.mkdir(parents=True)
    for name in ("fullchain.pem", "privkey.pem"):
        (certbot.issued / name).write_text("new")
    return certbot


def _is_docstring(part: ast.stmt) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)


def _names(function: ast.FunctionDef, inner: str) -> bool:
    found: Any = (node for node in ast.walk(function) if isinstance(node, (ast.Name, ast.Attribute)))
    return any((node.id if isinstance(node, ast.Name) else node.attr) == inner for node in found)
