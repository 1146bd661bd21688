"""Runs in a helper container: files as people and programs leave them, into each folder /m/NUMBER."""

import os

NAMES = (
    "plain.txt", "契約 書.pdf", " leading and trailing ", "-rf", "new\nline", ".hidden", "ü" * 60,
    "quote's \"two\" $HOME", "2026/11/photo.raw", "2026/11/30/x", "n" * 200,
)  # fmt: skip
OWNERS = ((1000, 1000), (33, 33), (0, 0), (999, 4242))
MODES = (0o644, 0o600, 0o640, 0o4755, 0o444)


def write(root: str) -> None:
    for at, name in enumerate(NAMES):
        path = os.path.join(root, "kept", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(f"{root} {name}\n".encode() * (20_000 if name.endswith("raw") else at))
        os.chown(path, *OWNERS[at % len(OWNERS)])
        os.chmod(path, MODES[at % len(MODES)])
    os.mkdir(f"{root}/kept/empty", 0o710)
    os.chown(f"{root}/kept/empty", 1000, 33)
    os.symlink("2026/11/photo.raw", f"{root}/kept/newest")
    os.symlink("/nowhere/at all", f"{root}/kept/dangling")
    os.link(f"{root}/kept/plain.txt", f"{root}/kept/hard link")


for number in os.listdir("/m"):
    write(f"/m/{number}")
