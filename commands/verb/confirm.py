"""`confirm` writes down what only a person can say is so; readiness asks for it again after 90 days."""

from collections.abc import Mapping

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Reply, Request
from drbot.commands.speech.parser import Words, plain
from drbot.core.base.errors import UserError
from drbot.core.site.confirmations import Subject
from drbot.core.site.people import Person
from drbot.core.text.messages import either, phrase
from drbot.store.records import confirmations

THANKS: Mapping[Subject, str] = {
    Subject.REACHABLE: phrase("Noted: you can be reached. You are asked again in 90 days."),
    Subject.ROSTER: phrase("Noted: the roster is right. It is asked again in 90 days."),
    Subject.KEY: phrase("Noted: the key of full backups is kept elsewhere. It is asked again in 90 days."),
}


def confirm(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Raises UserError for anything else."""
    given = plain(words.rest[0]) if words.rest else ""
    if given not in set(Subject):
        raise UserError(
            phrase("You wanted to confirm something."),
            phrase("It can be {subjects}.", subjects=either(tuple(Subject))),
            phrase("For example: /dr confirm reachable"),
        )
    with context.database.write() as tx:
        confirmations.said(tx, Subject(given), person.id)
    return Reply(text=THANKS[Subject(given)])
