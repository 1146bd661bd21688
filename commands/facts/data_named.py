"""Which data of a site is meant by the words behind `level2`: "redis", "files uploads", "settings"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drbot.commands.speech.messages import Choice
from drbot.commands.speech.parser import plain, printable
from drbot.commands.speech.refusal import Refusal
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.site.data_kinds import LOST, WORDS, DataKind, kinds_of
from drbot.core.site.site import Site
from drbot.core.text.messages import listed, phrase

CHOICES = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    kind: DataKind
    files: str = ""  # which entry of `files` in dr.yml

    @property
    def words(self) -> str:
        return f"{self.kind.value} {self.files}".strip()

    @property
    def text(self) -> str:
        if not self.files:
            return LOST[self.kind]
        return phrase("{what}: {names}", what=LOST[self.kind], names=self.files)


def data_named(site: Site, words: Sequence[str], again: Callable[[str], str]) -> tuple[Data | None, list[str]]:
    """What the first words name, and the words behind; None: nothing. `again`: the command with other words for it.
    Raises Refusal for what this site does not have, and where a choice has to be made.
    """
    kind = WORDS.get(plain(words[0]).rstrip(":：,")) if words else None
    if kind is None:
        return None, list(words)
    if kind not in kinds_of(site) and len(words) > 1:  # a sentence that begins so: nothing keeps it from being declared
        return None, list(words)
    if kind not in kinds_of(site):
        raise Refusal(
            phrase("You named {data}.", data=kind.value),
            phrase("dr.yml names none for this site."),
            phrase("Choose from: {names}.", names=listed(one.value for one in kinds_of(site))),
        )
    left = list(words[1:])
    if kind is not DataKind.FILES:
        return Data(kind=kind), left
    return _files(site, left, again)


def _files(site: Site, left: list[str], again: Callable[[str], str]) -> tuple[Data, list[str]]:
    named = left[0].rstrip(":：,") if left else ""
    if named in site.files:
        return Data(kind=DataKind.FILES, files=named), left[1:]
    if len(site.files) == 1:
        return Data(kind=DataKind.FILES, files=site.files[0]), left
    raise Refusal(
        phrase("Which files? {names}.", names=listed(site.files)),
        did_you_mean(printable(named), site.files) if named else "",
        phrase("Example: /dr {example}", example=again(f"files {site.files[0]}")),
        choices=tuple(Choice(label=name, command=again(f"files {name}")) for name in site.files[:CHOICES]),
    )


def data_choices(site: Site, again: Callable[[str], str]) -> tuple[Choice, ...]:
    """One for each thing that this site has."""
    found: list[Choice] = []
    for kind in kinds_of(site):
        every = [Data(kind=kind, files=name) for name in site.files] if kind is DataKind.FILES else [Data(kind=kind)]
        found += [Choice(label=one.text, command=again(one.words)) for one in every]
    return tuple(found[:CHOICES])
