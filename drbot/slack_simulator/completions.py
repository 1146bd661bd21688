"""What the page offers while a command is typed. This Slack knows no app's words: whoever starts it tells them."""

from dataclasses import asdict, dataclass

from drbot.slack_simulator.records import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """A word, what is typed after it, and what it is for."""

    word: str
    usage: str = ""
    about: str = ""
    choices: tuple[tuple["Completion", ...], ...] = ()  # by place: the first are offered right behind the word

    def as_seen(self) -> Json:
        return asdict(self)
