"""A verb done for a visit, and its answer shown: a dialog where one is asked for, else the reply."""

from datetime import UTC, datetime
from typing import Any

from drbot.bot.blocks.dialogs import declare_dialog, text_dialog
from drbot.bot.blocks.vote_dialog import vote_dialog
from drbot.bot.office import Office, Visit
from drbot.commands.approve import dialog_of
from drbot.commands.dispatch import dispatch
from drbot.commands.messages import DialogRequest
from drbot.core.approval import Door


def answer(office: Office, visit: Visit, verb_text: str) -> None:
    """Dispatch what was typed or pressed. Raises UserError."""
    reply = dispatch(office.context, office.request(visit, verb_text, door=Door.COMMAND))
    if reply.dialog is not None and visit.trigger:
        office.show(visit, dialog_for(office, visit, reply.dialog), in_place_of=visit.view)
        return
    office.tell(visit, reply)


def dialog_for(office: Office, visit: Visit, wanted: DialogRequest) -> dict[str, Any]:
    """The view of a dialog. Raises UserError when this person could not use it anyway."""
    language = office.language(visit)
    if wanted.kind == "vote" and wanted.request is not None:
        account = office.accounts.as_far_as_known(visit.user, fresh=True)
        at = datetime.now(UTC)
        facts = dialog_of(office.context, wanted.request, office.person(visit), account=account, at=at)
        return vote_dialog(facts, "approve", language, at)
    if wanted.kind == "declare":
        configuration = office.context.configuration
        site = wanted.values.get("site", "") or configuration.default_site
        return declare_dialog(configuration.sites, site, language, wanted.values, visit.channel)
    return text_dialog(wanted.kind, wanted.incident or 0, language, wanted.values.get("text", ""))
