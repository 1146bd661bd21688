"""The words of every decision about a vote, keyed by its code."""

from collections.abc import Mapping

from drbot.core.text.messages import phrase

REFUSALS: Mapping[str, str] = {
    "not_live": phrase("Not counted: this request has ended ({state})."),
    "expired": phrase("Not counted: the time to vote ended at {when}."),
    "roster_fault": phrase("Not counted: no gate can open. {fault}"),
    "not_as_sealed": phrase(
        "Do not vote: what drbot's database shows is not the plan that votes are for. Somebody may have changed it. "
        "End this with /dr stop, find out who writes to that database, then plan anew with /dr recover."
    ),
    "unknown_person": phrase(
        "Not counted: this account belongs to nobody on the roster in force. A change of dr.yml is in force once "
        "two people have accepted it: /dr roster"
    ),
    "account": phrase("Not counted: only active full members of this workspace may vote, no guests and no bots."),
    "not_approver": phrase("Not counted: you are not an approver. Approvers: {approvers}."),
    "requester": phrase("Not counted: you asked for this, so others must approve it: {approvers}."),
    "old_plan": phrase(
        "Not counted: that is not the seal of the current plan. The plan changed, or the seal was mistyped: look "
        "at the plan again."
    ),
    "wrong_target": phrase('Not counted: you typed "{typed}"; the target is "{target}".'),
    "no_reason": phrase("Not counted: give a reason. It goes into the report."),
    "too_new": phrase(
        "Not counted: you, your role, account or key are new on the roster; your vote counts from {when}."
    ),
    "needs_code": phrase("Not counted: a one-time code from your authenticator is needed. No code yet? /dr enrol"),
    "wrong_code": phrase(
        "Not counted: that code is wrong or was used before. After five wrong codes, codes are locked here."
    ),
    "locked": phrase(
        "Not counted: five codes typed here were wrong, so codes are no longer accepted here. They still are "
        "elsewhere. To unlock, on the worker's host: drbot dr key unlock"
    ),
    "paused": phrase(
        "Not counted: too many wrong codes from terminals. Wait half an hour or more, or approve in Slack, "
        "by phone or with your own key now."
    ),
    "not_enrolled": phrase(
        "Not counted: you have no authenticator enrolled at this site's worker. /dr enrol sets one up."
    ),
    "already_enrolled": phrase(
        "Not done: you already have an authenticator. If it is lost, remove it on the worker's host: drbot dr "
        "key forget"
    ),
    "unchecked": phrase("Not counted: no worker of this site answered, so your code could not be checked. Try again."),
    "needs_key": phrase(
        "Not counted: at a terminal you vote with your own key. Name its file with --key or DRBOT_KEY."
    ),
    "needs_phone_code": phrase(
        "Not counted: that code was not made by this person for this request, this seal and this decision."
    ),
    "break_glass_off": phrase("Not done: the policy forbids break-glass (dr.yml, approvals, break_glass)."),
    "break_glass_host": phrase(
        "Not done: break-glass works only in a terminal on the recovery host, as the user the worker runs as."
    ),
    "break_glass_keeps": phrase("Not done: this plan keeps no old data, so one person alone may not start it."),
    "no_rule": phrase("Not done: name the rule that you override (--rule)."),
    "twice": phrase("Already counted at {when}."),
}

COUNTED: Mapping[str, str] = {
    "approved": phrase("Counted: {have} of {need}."),
    "granted": phrase("Counted: {have} of {need}. Approved."),
    "held": phrase("Break-glass: nothing starts before {when}. Until then any one approver can stop it by denying."),
    "denied": phrase("Denied. The request is not carried out; one denial is enough."),
}
