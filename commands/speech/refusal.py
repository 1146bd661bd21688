"""A refusal: what was tried, why it was not done, what to do now."""

from drbot.commands.speech.messages import Choice, Reply
from drbot.core.base.errors import UserError


class Refusal(UserError):  # noqa: N818 - the word people use
    """A `UserError`, of whole sentences, that may offer what can be done instead."""

    def __init__(
        self, tried: str, why: str, todo: str = "", *, choices: tuple[Choice, ...] = (), code: str = ""
    ) -> None:
        super().__init__(tried, why, todo)
        self.choices = choices
        self.code = code


def reply_of(error: UserError) -> Reply:
    """The calm answer to whoever asked; only they see it."""
    choices, code = (error.choices, error.code) if isinstance(error, Refusal) else ((), "")
    return Reply(text=str(error), choices=choices, ok=False, code=code)
