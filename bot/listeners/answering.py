"""A verb done for a request, and its answer shown: a dialog where one is asked for, else the reply."""

from datetime import UTC, datetime
from typing import Any

from drbot.bot.blocks.dialogs import declare_dialog, text_dialog
from drbot.bot.blocks.vote_dialog import vote_dialog
from drbot.bot.listeners.responder import Responder, SlackRequest
from drbot.commands.dispatch import dispatch
from drbot.commands.speech.messages import DialogRequest
from drbot.commands.verb.approve import dialog_of
from drbot.core.approvals.approval import EntryPoint


def answer(responder: Responder, slack_request: SlackRequest, verb_text: str) -> None:
    """Dispatch what was typed or pressed. Raises UserError."""
    reply = dispatch(responder.context, responder.request(slack_request, verb_text, entry_point=EntryPoint.COMMAND))
    if reply.dialog is not None and slack_request.trigger:
        responder.show(
            slack_request, dialog_for(responder, slack_request, reply.dialog), in_place_of=slack_request.view
        )
        return
    responder.tell(slack_request, reply)


def dialog_for(responder: Responder, slack_request: SlackRequest, wanted: DialogRequest) -> dict[str, Any]:
    """The view of a dialog. Raises UserError when this person could not use it anyway."""
    language = responder.language(slack_request)
    if wanted.kind == "vote" and wanted.request is not None:
        account = responder.accounts.as_far_as_known(slack_request.user, fresh=True)
        at = datetime.now(UTC)
        facts = dialog_of(responder.context, wanted.request, responder.person(slack_request), account=account, at=at)
        return vote_dialog(facts, "approve", language, at)
    if wanted.kind == "declare":
        configuration = responder.context.configuration
        site = wanted.values.get("site", "") or configuration.default_site
        sites = {name: responder.context.site(name) for name in configuration.sites}
        return declare_dialog(sites, site, language, wanted.values, slack_request.channel)
    return text_dialog(wanted.kind, wanted.incident or 0, language, wanted.values)
