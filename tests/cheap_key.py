"""restic makes its keys slow to try on purpose, a third of a second each time a repository is opened, and tests open
thousands. The same key, sealed again with the cheapest parameters, as restic's design document describes its files.
"""

import hashlib
import json
import os
import shlex
import shutil
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

CHEAP = {"N": 2, "r": 8, "p": 1}
IV_BYTES, MAC_BYTES = 16, 16
MEMORY_BYTES = 256 << 20
WRAPPER = """#!/bin/sh
case " $* " in
*" init "*)
    {restic} "$@" || exit $?
    if [ -d "$RESTIC_REPOSITORY" ]; then exec {python} {this}; fi ;;
*) exec {restic} "$@" ;;
esac
"""


@contextmanager
def cheap_keys(folder: Path) -> Iterator[None]:
    """Meanwhile every repository that is made in a folder has such a key; `folder`: for a file of our own."""
    restic, before = shutil.which("restic"), os.environ["PATH"]
    wrapper = folder / "restic"
    words = {"restic": restic or "", "python": sys.executable, "this": __file__}
    wrapper.write_text(WRAPPER.format(**{name: shlex.quote(word) for name, word in words.items()}))
    wrapper.chmod(0o755)
    os.environ["PATH"] = f"{folder}:{before}"
    yield
    os.environ["PATH"] = before


def make_cheap(repository: Path, password: str = "") -> None:
    """Of a repository in a folder with one key."""
    (path,) = (repository / "keys").iterdir()
    known = json.loads(path.read_text())
    salt = b64decode(known["salt"])
    master = _opened(b64decode(known["data"]), _derived(password, salt, known))
    cheap = {**known, **CHEAP}
    cheap["data"] = b64encode(_sealed(master, _derived(password, salt, cheap))).decode()
    text = json.dumps(cheap).encode()
    path.unlink()
    (repository / "keys" / hashlib.sha256(text).hexdigest()).write_bytes(text)


def _derived(password: str, salt: bytes, cost: dict[str, int]) -> bytes:
    """32 bytes for AES, then Poly1305's two halves."""
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost["N"], r=cost["r"], p=cost["p"], dklen=64, maxmem=MEMORY_BYTES
    )


def _opened(data: bytes, key: bytes) -> bytes:
    return _stream(data[IV_BYTES:-MAC_BYTES], key, data[:IV_BYTES])


def _sealed(data: bytes, key: bytes) -> bytes:
    iv = os.urandom(IV_BYTES)
    hidden = _stream(data, key, iv)
    nonce = Cipher(algorithms.AES(key[32:48]), modes.ECB()).encryptor().update(iv)  # noqa: S305 - Poly1305-AES is that
    return iv + hidden + Poly1305.generate_tag(key[48:64] + nonce, hidden)


def _stream(data: bytes, key: bytes, iv: bytes) -> bytes:
    return Cipher(algorithms.AES(key[:32]), modes.CTR(iv)).encryptor().update(data)


if __name__ == "__main__":
    make_cheap(Path(os.environ["RESTIC_REPOSITORY"]), os.environ.get("RESTIC_PASSWORD", ""))
