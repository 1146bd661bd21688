"""A host with a compose project on it, and everything a test puts there: real containers, volumes and folders."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drbot.runners.clients.docker_engine import DockerEngine

WHOLE = "find . -printf '%P %y %m %u %l %T@\\n' | sort && find . -type f -exec md5sum {} + | sort"
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]


@dataclass(kw_only=True)
class Host:
    """A host, and what must come of a recovery onto it."""

    docker: DockerEngine
    name: str  # of its compose project
    folder: Path  # of all projects
    image: str
    labels: Mapping[str, str] = field(default_factory=dict)  # of everything that is put there
    data: str = ""  # name of the volume that dr.yml names
    app: str = "app"  # name of the service that dr.yml names
    ports: Mapping[str, int] = field(default_factory=dict)  # of the services that dr.yml names
    closing: list[Callable[[], None]] = field(default_factory=list)  # what is no container is ended by these
    mounts: tuple[str, ...] = ()  # what the backup tells that its compose files mount
    expected: set[str] = field(default_factory=set)  # names of all that must be put aside
    refused: str = ""  # what must be said instead

    @property
    def api(self) -> Any:
        """Docker's own client."""
        return self.docker.client

    def volume_name(self, key: str) -> str:
        """What the volume of this key is called."""
        return self.data if key == "data" and self.data else f"{self.name}_{key}"

    def volume(self, key: str, files: Mapping[str, str], **labels: str) -> str:
        """A volume with files in it."""
        name = self.volume_name(key)
        self.docker.create_volume(name, {**self.labels, **labels})
        self.shell(name, "".join(f"printf %s '{text}' > '{path}'; " for path, text in files.items()))
        return name

    def shell(self, volume: str, script: str) -> str:
        """What a script says in this volume."""
        words = ["-c", f"cd /v; {script}"]
        mounts = {volume: {"bind": "/v"}}
        return str(
            self.api.containers.run(self.image, words, entrypoint="sh", remove=True, user="0", volumes=mounts).decode()
        )

    def container(
        self, service: str = "app", *, wrote: str = "", started: bool = True, project: str = "", **made: Any
    ) -> str:
        """A container of the project, with something in its own layer."""
        service = self.app if service == "app" and not project else service
        labels = {"project": project or self.name, "service": service, "oneoff": "False"}
        container = self.api.containers.create(
            self.image, SLEEP[1:], entrypoint=SLEEP[0], name=f"{project or self.name}-{service}-1", user="0",
            labels={**self.labels, **{f"com.docker.compose.{key}": value for key, value in labels.items()}}, **made,
        )  # fmt: skip
        if wrote or started:
            container.start()
        if wrote:
            assert container.exec_run(["sh", "-c", f"printf %s '{wrote}' > /root/written"]).exit_code == 0
        if not started:
            container.stop(timeout=5)
        return str(container.name)

    def files(self, files: Mapping[str, str]) -> None:
        """In the folder of the projects."""
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def picture(self) -> dict[str, Any]:
        """Everything on the host that a recovery could touch, byte by byte."""
        return {
            "folder": tree(self.folder),
            "volumes": {one.name: self.shell(one.name, WHOLE).strip() for one in self._volumes()},
            "containers": {one.name: self._container(one) for one in self.containers()},
        }

    def _volumes(self) -> list[Any]:
        return [one for one in self.api.volumes.list() if one.name.startswith(self.name) and "_before_" not in one.name]

    def containers(self) -> list[Any]:
        """Running or not."""
        return list(self.api.containers.list(all=True, filters={"name": f"^/?{self.name}"}, ignore_removed=True))

    def _container(self, one: Any) -> dict[str, Any]:
        inspected = one.attrs
        diff = [change["Path"] for change in one.diff() or () if change["Path"].startswith("/root")]
        wrote = one.get_archive("/root/written")[0] if "/root/written" in diff or _has(one, "/root/written") else ()
        kept = ("Cmd", "Entrypoint", "Env", "User", "WorkingDir")
        return {
            "running": inspected["State"]["Running"],
            "mounts": sorted((m["Destination"], m.get("Name") or m["Source"], m["RW"]) for m in inspected["Mounts"]),
            "networks": sorted(inspected["NetworkSettings"]["Networks"]),
            "restart": inspected["HostConfig"]["RestartPolicy"]["Name"],
            "made of": {key: inspected["Config"].get(key) for key in kept},
            "wrote": hashlib.sha256(b"".join(wrote)[512:1024]).hexdigest(),
            "compose": {k: v for k, v in inspected["Config"]["Labels"].items() if k.startswith("com.docker.compose")},
        }


def _has(container: Any, path: str) -> bool:
    try:
        container.get_archive(path)
    except Exception:  # noqa: BLE001 - Docker's word for "no such file"
        return False
    return True


def tree(folder: Path) -> dict[str, str]:
    """Path → kind, mode, content."""
    if folder.is_symlink():
        return {"": f"link to {folder.readlink()}"}
    found = {}
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        state = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else hashed(path) if path.is_file() else ""
        found[str(path.relative_to(folder))] = f"{state.st_mode:o} {state.st_uid} {content}"
    return found


def hashed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
