"""How the engine of a drill is shut in: it is root of a user namespace, and nobody on the host.

Whatever happens inside, a privileged container too, has no right on production's host: no capability counts there, its
ids are nobody's, no block device is there, and its files are the image's, its own volume and the shared folders. Once
it listens, its socket is taken out of everything that a container can be given.
"""

import os
from contextlib import suppress
from pathlib import Path

FIRST_ID, IDS = 0x70000000, 0x0FFFFFFF
"""On the host. 0 inside is the first; no user of a host and no other range of ids is up there."""
SOCKETS, STATE = "socket", "/var/lib/docker"
GIVEN = "/run/given"  # the same again, where the namespace may look: it is nobody in our folder
NAMESPACE = "/run/inside"  # the number of a process in it
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SYS_ADMIN")
"""Of the script that makes the namespace, which keeps none of them."""
UNCONFINED = (
    "seccomp=unconfined",
    "apparmor=unconfined",
    "label=disable",
)  # for mounts inside; each container has its own
PROGRAMS = ("chown", "ip", "ln", "mkdir", "mount", "nsenter", "pivot_root", "readlink", "rmdir", "sleep", "umount",
            "unshare")  # fmt: skip

# $1: our folder; the others: what of it is shared. The kernel lets a namespace mount /proc and /sys only where nothing
# hides a part of them, so both are mounted whole first. Mapped before it runs: who has no name loses every capability.
OUTSIDE = rf"""
set -eu
mount --make-rprivate /
mkdir -p /run/cgroup
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -o remount,rw /sys
chown {FIRST_ID}:{FIRST_ID} {STATE} "$1/{SOCKETS}"
for one in "$1/{SOCKETS}" "$@"; do
  [ "$one" != -- ] || break
  [ "$one" != "$1" ] || continue
  mkdir -p "{GIVEN}$one"
  mount --bind "$one" "{GIVEN}$one"
done
unshare -U sleep 60 &
until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/$$/ns/user)" ]; do
  kill -0 $!
  sleep 0.05
done
echo "0 {FIRST_ID} {IDS}" > /proc/$!/uid_map
echo "0 {FIRST_ID} {IDS}" > /proc/$!/gid_map
echo $$ > {NAMESPACE}
exec nsenter -t $! -U -S 0 -G 0 unshare -m -n -u -i -p -f sh -c "$INSIDE" sh "$@"
"""
# A root of its own, so that what this container was given is not there at all.
INSIDE = rf"""
set -eu
root=/tmp/root
mkdir -p $root
mount -t tmpfs -o mode=755 tmpfs $root
for one in /*; do
  case $one in /proc | /sys | /dev | /run | /tmp | /var) continue ;; esac
  if [ -L "$one" ]; then
    ln -s "$(readlink "$one")" "$root$one"
  elif [ -d "$one" ]; then
    mkdir "$root$one"
    mount --rbind "$one" "$root$one"
  fi
done
for one in proc sys dev/pts dev/shm run/{SOCKETS} tmp old {STATE.lstrip("/")}; do mkdir -p "$root/$one"; done
ln -s /run $root/var/run
ln -s pts/ptmx $root/dev/ptmx
ln -s /proc/self/fd $root/dev/fd
for one in null zero full random urandom tty; do
  : > "$root/dev/$one"
  mount --bind "/dev/$one" "$root/dev/$one"
done
mount --bind /dev/pts $root/dev/pts
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount --rbind /run/cgroup $root/sys/fs/cgroup
mount --bind {STATE} $root{STATE}
mount --bind "{GIVEN}$1/{SOCKETS}" $root/run/{SOCKETS}
shift
while [ "$1" != -- ]; do
  mkdir -p "$root$1"
  mount --bind "{GIVEN}$1" "$root$1"
  shift
done
shift
cd $root
pivot_root . old
umount -l /old
rmdir /old
ip link set lo up
"$@" --rootless --host=unix:///run/{SOCKETS}/docker.sock &
until [ -S /run/{SOCKETS}/docker.sock ]; do
  kill -0 $!
  sleep 0.05
done
umount -l /run/{SOCKETS}
wait $!
"""


def command(folder: Path, shared: tuple[Path, ...], *engine: str) -> list[str]:
    """For a shell in the container around the engine, which has `folder` under the same path."""
    return ["-c", OUTSIDE, "sh", str(folder), *map(str, shared), "--", *engine]


def within(*words: str) -> tuple[str, ...]:
    """A command in the container, in the network of the engine and with its rights."""
    return ("sh", "-c", f'exec nsenter -t "$(cat {NAMESPACE})" -U -n -S 0 -G 0 "$@"', "sh", *words)


def hand_over(folder: Path) -> None:
    """Give what the worker has put there to the same users inside. Who is root inside may change it meanwhile, so no
    link is followed: everything is reached from the folder above it.
    """
    for _, folders, files, at in os.fwalk(folder):
        for name in (".", *folders, *files):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=at, follow_symlinks=False)
                owner, group = _inside(found.st_uid), _inside(found.st_gid)
                if (owner, group) != (found.st_uid, found.st_gid):
                    os.chown(name, owner, group, dir_fd=at, follow_symlinks=False)


def _inside(number: int) -> int:
    return number + FIRST_ID if number < IDS else number
