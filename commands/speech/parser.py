"""The one parser of `/dr …` and `drbot dr …`: text in, `Words` out. Pure; raises nothing but UserError."""

import difflib
import unicodedata
from dataclasses import dataclass

from drbot.commands.speech.messages import Choice
from drbot.commands.speech.refusal import Refusal
from drbot.commands.speech.verbs import VERBS
from drbot.core.runs.incident import incident_number
from drbot.core.site.level import Level, parse_level
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut

LONGEST = 3000  # characters; more is a pasted log, not a command


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What somebody typed, taken apart."""

    verb: str
    rest: tuple[str, ...] = ()  # the words behind the verb, without the address
    incident: int | None = None  # "DR-7" as an address
    mentioned: int | None = None  # "DR-7" in the middle of free text: only a hint

    @property
    def text(self) -> str:
        return " ".join(self.rest)

    def after(self, count: int) -> str:
        return " ".join(self.rest[count:])


def parse(typed: str) -> Words:
    """The words of a command; no words at all mean the menu. Raises UserError with the nearest verb."""
    words = clean(typed).split()
    if words and words[0].lower() in {"/dr", "dr"}:
        words = words[1:]
    incident = None
    if words and (incident := incident_number(plain(words[0]))) is not None:
        words = words[1:]
    if not words:
        return Words(verb="menu" if incident is None else "status", incident=incident)
    verb = verb_of(words[0])
    return _addressed(verb, words[1:], incident)


def _addressed(verb: str, rest: list[str], incident: int | None) -> Words:
    numbers = [incident_number(plain(word)) for word in rest]
    places = [place for place, number in enumerate(numbers) if number is not None]
    free_text = VERBS[verb].free_text
    if incident is None and places and (places[0] == 0 or not free_text):
        place = places[0]
        incident = numbers[place]
        rest = rest[:place] + rest[place + 1 :]
        places = []
    mentioned = numbers[places[0]] if places else None
    return Words(verb=verb, rest=tuple(rest), incident=incident, mentioned=mentioned)


def clean(typed: str) -> str:
    """The text without control and invisible direction characters. Raises UserError when it is too long."""
    if len(typed) > LONGEST:
        raise Refusal(
            phrase("That was not read."),
            phrase("It has {count} characters; a command has at most {most}.", count=len(typed), most=LONGEST),
            phrase("Put logs into the channel instead."),
        )
    spaced = "".join(" " if letter.isspace() else letter for letter in typed)
    return "".join(letter for letter in spaced if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


def plain(word: str) -> str:
    """A word as a keyboard without an input method types it: full-width letters become ordinary ones."""
    return unicodedata.normalize("NFKC", word).lower()


def verb_of(word: str) -> str:
    """The verb that is meant. Raises UserError with the nearest one."""
    verb = plain(word).lstrip("/")
    if verb in VERBS:
        return verb
    if verb in {"?", "-h", "--help"}:
        return "help"
    near = difflib.get_close_matches(verb, VERBS, 1, 0.6) if len(verb) > 2 else []
    shown = printable(word)
    raise Refusal(
        phrase('"{word}" is not a /dr command.', word=shown),
        phrase('Did you mean "{near}"?', near=near[0]) if near else "",
        phrase("/dr help lists them all."),
        choices=tuple(Choice(label=f"/dr {name}", command=name) for name in (*near, "help")),
    )


def level_of(word: str, example: str) -> Level:
    """The level that is meant. Raises UserError with the nearest one and an example of the command that was typed."""
    return parse_level(printable(unicodedata.normalize("NFKC", word)), example)


def printable(word: str, longest: int = 40) -> str:
    """What somebody typed, short enough and harmless enough to be repeated to them."""
    shown = word.replace("{", "(").replace("}", ")").replace("<", "(").replace(">", ")")
    return cut(shown, longest)
