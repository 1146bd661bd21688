"""What is at stake, in words: each kind of act says its own truth (core/runs/stakes.py)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from drbot.core.runs.centre_words import answers_text
from drbot.core.runs.plan import Plan
from drbot.core.runs.stakes import UNUSED, Act, KeepKind, Keeps, KeptData, Loss, LossKind, ProofKind, aside_by
from drbot.core.runs.state_words import sentence_of
from drbot.core.site.occupants import occupants_text
from drbot.core.text.messages import clauses, closed, duration, filled, listed, phrase, sentences
from drbot.core.text.words import clock, size

ACTS: Mapping[Act, str] = {
    Act.NOTHING: phrase("nothing is replaced"),
    Act.RESTORE: phrase("restore from a backup"),
    Act.UNDO: phrase("undo, back to the kept data"),
    Act.REPLACE_HOST: phrase("replace the data of a host"),
    Act.CHANGE_DNS: phrase("DNS change, users are moved"),
    Act.LEAD_BACK: phrase("DNS change, users are moved back"),
    Act.GIVE_UP: phrase("delete kept data for good"),
    Act.GIVE_BACK: phrase("give a rented machine back"),
    Act.SETTINGS: phrase("a changed dr.yml"),
    Act.OTHER: phrase("replacement"),
}
"""What is asked, for a headline."""


class Approve(NamedTuple):
    """Words for saying yes: the button that opens the dialog (Slack allows 75 letters), and the dialog's own (24)."""

    button: str
    title: str


APPROVE: Mapping[Act, Approve] = {
    Act.NOTHING: Approve(phrase("Approve…"), phrase("Approve")),
    Act.RESTORE: Approve(phrase("Approve restore…"), phrase("Approve restore")),
    Act.UNDO: Approve(phrase("Approve undo…"), phrase("Approve undo")),
    Act.REPLACE_HOST: Approve(phrase("Approve replacing the host's data…"), phrase("Approve replacing data")),
    Act.CHANGE_DNS: Approve(phrase("Approve DNS change…"), phrase("Approve DNS change")),
    Act.LEAD_BACK: Approve(phrase("Approve moving users back…"), phrase("Approve moving back")),
    Act.GIVE_UP: Approve(phrase("Approve deleting kept data…"), phrase("Approve deletion")),
    Act.GIVE_BACK: Approve(phrase("Approve giving the machine back…"), phrase("Approve giving back")),
    Act.SETTINGS: Approve(phrase("Approve changed dr.yml…"), phrase("Approve changed dr.yml")),
    Act.OTHER: Approve(phrase("Approve replacement…"), phrase("Approve replacement")),
}

REPLACED: Mapping[Act, str] = {
    Act.CHANGE_DNS: phrase("Will be changed"),
    Act.LEAD_BACK: phrase("Will be changed"),
    Act.GIVE_UP: phrase("Will be DELETED for good"),
    Act.GIVE_BACK: phrase("Will be GIVEN BACK for good"),
}
"""The label of what is destroyed, where it is not "will be replaced"."""

BY: Mapping[Act, str] = {
    Act.CHANGE_DNS: phrase("Data at the new site"),
    Act.LEAD_BACK: phrase("What answers there"),
    Act.GIVE_UP: phrase("In its place"),
    Act.GIVE_BACK: phrase("In its place"),
    Act.SETTINGS: phrase("In its place"),
}
"""The label of what comes in its place, where it is not "by"."""

CHANGED: str = phrase("Changed in dr.yml since last agreed (or first seen)")
"""The label of each line of `Plan.changed`."""

CHANGED_TOO: str = phrase("Changed in dr.yml since last agreed (or first seen), your yes includes it")
"""The same where somebody is asked: once the yes is used, this dr.yml is what two people have agreed to."""

UNDER_SETTINGS: str = phrase(
    "nothing by this approval. It lets the plan fetch, build, start or rent what dr.yml names now"
)
"""What is replaced by a request about dr.yml."""

ASKED_AGAIN: str = phrase(
    "none: read below what changed. What this plan replaces later needs a request for approval of its own"
)
"""What proves such a request."""

LOOKED: Mapping[ProofKind, str] = {
    ProofKind.CHECKED: phrase("✅ Checked at {when}: {checks}"),
    ProofKind.BESIDE: phrase("✅ PROVEN: restored beside production at {when}, {checks}"),
    ProofKind.KEPT: phrase(
        "☑️ The kept data was there at {when}. Whether it is good shows only once it is in place: it may be the "
        "earlier, damaged data"
    ),
    ProofKind.DOWNLOADED: phrase(
        "☑️ The backup arrived whole at {when} ({checks}). NOT restored yet: nothing is restored before this "
        "host's data is put aside"
    ),
    ProofKind.RAISED: phrase("✅ PROVEN: the system was brought up at the new site and passed its checks at {when}"),
    ProofKind.HEALTHY: phrase("✅ PROVEN: production answered without it at {when}, {checks}"),
    ProofKind.ASKED: phrase(
        "☑️ Where DNS points and what answers there was checked again at {when}. Nobody has checked whether the "
        "data there is good"
    ),
    ProofKind.UNLED: phrase("✅ PROVEN: no DNS name pointed at it at {when}, {checks}"),
}
"""What was seen, once it was. Cards stay as they are for minutes, so they say when and not how long ago."""

NOT_PROVEN: str = phrase("⚠ NOT PROVEN: this plan replaces without proving anything first")


def proven_text(proof: ProofKind, at: datetime, checks: int, missed: Sequence[str]) -> str:
    """What had been seen at this moment, by so many checks. `missed`: checks of a part that did not pass."""
    words = LOOKED.get(proof)
    if words is None:
        return NOT_PROVEN
    if missed:
        return phrase(
            "⚠ Done at {when}, but NOT everything passed: {names}. It counts as done all the same",
            when=clock(at),
            names=listed(missed),
        )
    return filled(words, when=clock(at), checks=_passed(checks))


def _passed(checks: int) -> str:
    if not checks:
        return phrase("no check was run")
    return phrase("1 check passed") if checks == 1 else phrase("{count} checks passed", count=checks)


def loss_text(loss: Loss) -> str:
    """What is lost, in time, rows and bytes; why not where it could not be counted."""
    return _LOSSES[loss.kind](loss)


def _nothing(loss: Loss) -> str:
    return phrase("none")


def _unknown(loss: Loss) -> str:
    return phrase("unknown: drbot did not count it")


def _since_backup(loss: Loss) -> str:
    """Names come last: a long list of them is cut at its end."""
    if not loss.gone:
        return _written_after(loss)
    gone = phrase("ALL of these, which no step of this plan is known to bring back: {names}", names=listed(loss.gone))
    if loss.since is None:
        return gone
    if loss.uncounted:  # a sentence of its own, which may end with a full stop
        return sentences(closed(_written_after(loss)), gone)
    return phrase("{rest}; and {gone}", rest=_written_after(loss), gone=gone)


def _after_backup(loss: Loss) -> str:
    moment = _moment(loss.since) or "-"
    if not loss.seconds:
        return phrase("everything written after {moment}", moment=moment)
    return phrase(
        "everything written after {moment} ({duration} before this plan was made)",
        moment=moment,
        duration=duration(loss.seconds),
    )


def _written_after(loss: Loss) -> str:
    written = _after_backup(loss)
    if loss.rows is None:
        return _uncounted(written, loss)
    more = phrase("the tables that grew held {rows} more than in the backup", rows=_rows(loss.rows))
    return phrase("{what}; {more}", what=written, more=_with_moment(more, loss))


def _keys_since_backup(loss: Loss) -> str:
    written = _after_backup(loss)
    then = loss.keys_then if loss.keys_then is not None else "?"
    if loss.keys is None:
        why = loss.uncounted or phrase("unknown")
        return phrase(
            "{what}; the backup holds {then} keys, those of now could not be counted: {why}",
            what=written,
            then=then,
            why=why,
        )
    now = phrase("Redis held {keys} keys, the backup holds {then}", keys=loss.keys, then=then)
    return phrase("{what}; {more}", what=written, more=_with_moment(now, loss))


def _files_since_backup(loss: Loss) -> str:
    return phrase("{what}, in these files", what=_after_backup(loss))


def _other_since_swap(loss: Loss) -> str:
    moment = _moment(loss.since)
    return (
        phrase("everything written since the swap ({moment})", moment=moment)
        if moment
        else phrase("everything written since the swap (at an unknown time)")
    )


def _since_swap(loss: Loss) -> str:
    written = _other_since_swap(loss)
    if loss.rows is None:
        return _uncounted(written, loss)
    if (loss.rows, loss.removed) == (0, 0):  # None: nobody counted
        so_far = _with_moment(phrase("{what}: no row so far", what=written), loss)
        return phrase("{what}; what is written after that is lost too", what=so_far)
    much = phrase("{rows} ({size})", rows=_rows(loss.rows), size=size(loss.bytes or 0))
    counted = phrase("{what}: {much}, and what is written after that", what=written, much=_with_moment(much, loss))
    if loss.removed is None:
        return phrase("{what}; {more}", what=counted, more=phrase("deletions could not be counted"))
    if not loss.removed:
        return counted
    removed = phrase("changes or deletions of {rows} that existed before", rows=_rows(loss.removed))
    return phrase("{what}; {more}", what=counted, more=removed)


def _since_aside(loss: Loss) -> str:
    moment = _moment(loss.since)
    return (
        phrase(
            "all that the recovery brought to this host, and all written on it since ({moment}): the host goes back to "
            "the data that it had before",
            moment=moment,
        )
        if moment
        else phrase(
            "all that the recovery brought to this host, and all written on it since (at an unknown time): the host "
            "goes back to the data that it had before"
        )
    )


def _with_moment(what: str, loss: Loss) -> str:
    if loss.counted_at is None:
        return what
    return phrase("{what}, counted at {moment}", what=what, moment=clock(loss.counted_at))


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment is not None else ""


def _kept_data(loss: Loss) -> str:
    if loss.bytes is None:
        return phrase("the kept data itself, for good: /dr undo cannot bring it back any more")
    return phrase(
        "the kept data itself, {size}, for good: /dr undo cannot bring it back any more", size=size(loss.bytes)
    )


def _uncounted(what: str, loss: Loss) -> str:
    if not loss.uncounted:
        return phrase("{what} (rows were not counted)", what=what)
    return phrase("{what}; rows could not be counted: {why}", what=what, why=loss.uncounted)


def _rows(count: int) -> str:
    return phrase("1 row") if count == 1 else phrase("{count} rows", count=count)


def _left_behind(loss: Loss) -> str:
    return phrase(
        "nothing is deleted, but what users wrote since the DNS change ({moment}) does NOT move with them: it "
        "stays where they are now. They get the data at the other place, as it was left there",
        moment=_moment(loss.since) or phrase("at an unknown time"),
    )


def _machine(loss: Loss) -> str:
    return phrase("everything on the machine's disk, for good: nothing brings it back")


_LOSSES: Mapping[LossKind, Callable[[Loss], str]] = {
    LossKind.NOTHING: _nothing,
    LossKind.SINCE_BACKUP: _since_backup,
    LossKind.KEYS_SINCE_BACKUP: _keys_since_backup,
    LossKind.FILES_SINCE_BACKUP: _files_since_backup,
    LossKind.SINCE_SWAP: _since_swap,
    LossKind.OTHER_SINCE_SWAP: _other_since_swap,
    LossKind.SINCE_ASIDE: _since_aside,
    LossKind.KEPT_DATA: _kept_data,
    LossKind.LEFT_BEHIND: _left_behind,
    LossKind.MACHINE: _machine,
    LossKind.UNKNOWN: _unknown,
}


def keeps_text(keeps: Keeps) -> str:
    """What there is to go back to, as half a sentence."""
    return filled(KEEPS[keeps.kind], names=listed(keeps.names))


def kept_sentence(keeps: Keeps) -> str:
    """The same as a sentence; "" where nothing is kept."""
    return sentence_of(keeps_text(keeps)) if keeps else ""


# Names come last: a long list of them is cut at its end.
KEEPS: Mapping[KeepKind, str] = {
    KeepKind.NOTHING: phrase("nothing"),
    KeepKind.VOLUME: phrase("the old data is kept in {names}"),
    KeepKind.ASIDE: phrase(
        "all of it is kept on this host; while the incident is open, /dr undo brings it back as it was. "
        "Kept as: {names}"
    ),
    KeepKind.IN_PLACE: phrase("the data in place until now is kept in {names}"),
    KeepKind.RECORDS: phrase(
        "/dr lead-back points DNS back at any time, when two people approve; data written in the meantime does "
        "not move with it. DNS before the change: {names}"
    ),
}

PUT_THERE = frozenset({"postgres.restore", "redis.restore", "files.restore"})
"""What fills a host after it was cleared."""


def sound_text(plan: Plan) -> str:
    """That what is replaced worked, and when that was seen: people vote later. "" = nothing to say."""
    seen = phrase("Seen at {moment}.", moment=clock(plan.surveyed_at))
    return sentences(plan.stakes.sound, seen) if plan.stakes.sound else ""


def replacement_text(plan: Plan, backup: str) -> str:
    """What comes in its place; `backup` is what is said of the plan's backup."""
    kept = plan.stakes.kept
    if plan.stakes.act in UNUSED:
        return phrase("nothing")
    if plan.stakes.act is Act.LEAD_BACK:
        return answers_text(plan.stakes)
    if kept is not None:
        return phrase("the data {kept}", kept=kept_text(kept))
    if plan.aside:
        return _back_text(plan)
    if plan.stakes.act is Act.REPLACE_HOST and not any(step.do in PUT_THERE for step in plan.steps):
        return phrase("nothing that this plan puts there")
    return backup


def _back_text(plan: Plan) -> str:
    names = clauses(occupants_text(plan.aside, kept=True))
    return phrase("this host as {run} put it aside: {names}", run=aside_by(plan.steps), names=names)


def kept_text(kept: KeptData) -> str:
    """Where it is, since when, and whose; what nobody knows is said to be unknown. The volume comes first: production's
    own has nearly the same name, and nobody may take it for what is deleted.
    """
    moment = _moment(kept.since)
    whose = f"DR-{kept.incident}" if kept.incident is not None else phrase("of an unknown incident")
    said = phrase(
        "kept in {volume} {since} ({incident}), put aside from {original}",
        volume=kept.volume,
        since=phrase("since {moment}", moment=moment) if moment else phrase("since an unknown time"),
        incident=whose,
        original=kept.original,
    )
    return said if kept.size is None else listed([said, size(kept.size)])
