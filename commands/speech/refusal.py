"""A refusal in both languages: what was tried, why it was not done, what to do now."""

from drbot.commands.speech.messages import Choice, Reply, text
from drbot.core.errors import UserError
from drbot.core.japanese import spoken
from drbot.core.words import Text

NOTHING: Text = {"en": "", "ja": ""}


class Refusal(UserError):  # noqa: N818 - the word people use
    """A `UserError` that also speaks Japanese and may offer what can be done instead."""

    def __init__(
        self, tried: Text, why: Text, todo: Text = NOTHING, *, choices: tuple[Choice, ...] = (), code: str = ""
    ) -> None:
        super().__init__(tried["en"], why["en"], todo["en"])
        self.japanese = "".join((tried["ja"], why["ja"], todo["ja"]))
        self.choices = choices
        self.code = code


def reply_of(error: UserError) -> Reply:
    """The calm answer to whoever asked; only they see it."""
    japanese = error.japanese if isinstance(error, Refusal) else spoken(str(error))["ja"]
    choices, code = (error.choices, error.code) if isinstance(error, Refusal) else ((), "")
    return Reply(text=text(str(error), japanese), choices=choices, ok=False, code=code)
