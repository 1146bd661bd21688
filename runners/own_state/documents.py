"""dr.yml and the folder with further runbooks, byte by byte, as they travel with drbot's own state."""

from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = "dr.yml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    configuration: Path | None
    runbooks: Path | None

    def texts(self) -> dict[str, str]:
        """By the names they have in a copy. Raises OSError."""
        found = {CONFIGURATION: self.configuration} if self.configuration and self.configuration.is_file() else {}
        if self.runbooks and self.runbooks.is_dir():
            found |= {f"runbooks/{path.name}": path for path in sorted(self.runbooks.glob("*.yml"))}
        return {name: as_text(path.read_bytes()) for name, path in found.items()}

    def folder(self) -> str | None:
        """Of the runbooks, from where dr.yml lies."""
        if self.configuration is None or self.runbooks is None:
            return None
        beside = self.configuration.parent
        return str(self.runbooks.relative_to(beside) if self.runbooks.is_relative_to(beside) else self.runbooks)


def as_text(data: bytes) -> str:
    """Also of bytes that are no UTF-8: one such file keeps no copy from being made."""
    return data.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
