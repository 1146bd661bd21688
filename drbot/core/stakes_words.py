"""What is at stake, in words: each kind of act says its own truth, in English and Japanese (core/stakes.py)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from drbot.core.centre_words import answers_text
from drbot.core.occupants import occupants_text
from drbot.core.plan import Plan
from drbot.core.stakes import UNUSED, Act, KeepKind, Keeps, KeptData, Loss, LossKind, ProofKind, aside_by
from drbot.core.words import Text, clock, duration, size


def _text(english: str, japanese: str) -> Text:
    return {"en": english, "ja": japanese}


ACTS: Mapping[Act, Text] = {
    Act.NOTHING: _text("nothing is replaced", "置き換えなし"),
    Act.RESTORE: _text("restore from a backup", "バックアップからの復元"),
    Act.UNDO: _text("undo, back to the kept data", "保管した元のデータに戻す"),
    Act.REPLACE_HOST: _text("replace the data of a host", "ホストのデータの置き換え"),
    Act.CHANGE_DNS: _text("DNS change, users are moved", "DNS の変更 (利用者の移動)"),
    Act.LEAD_BACK: _text("DNS change, users are led back", "DNS を以前の向き先へ戻す (利用者の移動)"),
    Act.GIVE_UP: _text("delete kept data for good", "保管データの完全な削除"),
    Act.GIVE_BACK: _text("give a rented machine back", "借りたマシンの返却"),
    Act.SETTINGS: _text("a changed dr.yml", "変更された dr.yml"),
    Act.OTHER: _text("replacement", "置き換え"),
}
"""What is asked, for a headline."""

APPROVE: Mapping[Act, Text] = {
    Act.NOTHING: _text("Approve…", "承認…"),
    Act.RESTORE: _text("Approve restore…", "復元を承認…"),
    Act.UNDO: _text("Approve undo…", "元のデータに戻すことを承認…"),
    Act.REPLACE_HOST: _text("Approve replacing the host's data…", "ホストのデータの置き換えを承認…"),
    Act.CHANGE_DNS: _text("Approve DNS change…", "DNS の変更を承認…"),
    Act.LEAD_BACK: _text("Approve leading users back…", "利用者を戻すことを承認…"),
    Act.GIVE_UP: _text("Approve deleting kept data…", "保管データの削除を承認…"),
    Act.GIVE_BACK: _text("Approve giving the machine back…", "マシンの返却を承認…"),
    Act.SETTINGS: _text("Approve changed dr.yml…", "dr.yml の変更を承認…"),
    Act.OTHER: _text("Approve replacement…", "置き換えを承認…"),
}
"""The button that opens the dialog; Slack allows 75 letters."""

APPROVE_TITLE: Mapping[Act, Text] = {
    Act.NOTHING: _text("Approve", "承認"),
    Act.RESTORE: _text("Approve restore", "復元の承認"),
    Act.UNDO: _text("Approve undo", "元のデータに戻す承認"),
    Act.REPLACE_HOST: _text("Approve replacing data", "ホストのデータ置き換えの承認"),
    Act.CHANGE_DNS: _text("Approve DNS change", "DNS 変更の承認"),
    Act.LEAD_BACK: _text("Approve leading back", "利用者を戻す承認"),
    Act.GIVE_UP: _text("Approve deletion", "完全な削除の承認"),
    Act.GIVE_BACK: _text("Approve giving back", "マシン返却の承認"),
    Act.SETTINGS: _text("Approve changed dr.yml", "dr.yml の変更の承認"),
    Act.OTHER: _text("Approve replacement", "置き換えの承認"),
}
"""Title and button of the dialog; Slack allows 24 letters."""

REPLACED: Mapping[Act, Text] = {
    Act.CHANGE_DNS: _text("Will be changed", "変更するもの"),
    Act.LEAD_BACK: _text("Will be changed", "変更するもの"),
    Act.GIVE_UP: _text("Will be DELETED for good", "完全に削除するもの"),
    Act.GIVE_BACK: _text("Will be GIVEN BACK for good", "返却するもの (元に戻せません)"),
}
"""The label of what is destroyed, where it is not "will be replaced"."""

BY: Mapping[Act, Text] = {
    Act.CHANGE_DNS: _text("Data in the new place", "新しい拠点のデータ"),
    Act.LEAD_BACK: _text("What answers there", "向き先での応答"),
    Act.GIVE_UP: _text("In its place", "代わりに入るもの"),
    Act.GIVE_BACK: _text("In its place", "代わりに入るもの"),
    Act.SETTINGS: _text("In its place", "代わりに入るもの"),
}
"""The label of what comes in its place, where it is not "by"."""

CHANGED: Text = _text(
    "Changed in dr.yml since last agreed (or first seen)",
    "前回の承認後 (なければ初回の計画後) に変わった dr.yml の設定",
)
"""The label of each line of `Plan.changed`."""

CHANGED_TOO: Text = _text(
    "Changed in dr.yml since last agreed (or first seen), your yes includes it",
    "前回の承認後 (なければ初回の計画後) に変わった dr.yml の設定、今回の承認に含まれます",
)
"""The same where somebody is asked: once the yes is used, this dr.yml is what two people have agreed to."""

UNDER_SETTINGS: Text = _text(
    "nothing by this yes. It lets the plan fetch, build, start or rent what dr.yml names now",
    "この承認では何も置き換えません。現在の dr.yml が指定するものの取得・構築・起動と、マシンの調達を許可します",
)
"""What is replaced by a request about dr.yml."""

ASKED_AGAIN: Text = _text(
    "none: read below what changed. What this plan replaces later is asked for by a request of its own",
    "なし: 下の dr.yml の変更点をご確認ください。後で置き換えるものは、別の依頼で承認を求めます",
)
"""What proves such a request."""

LOOKED: Mapping[ProofKind, Text] = {
    ProofKind.CHECKED: _text("✅ Checked at {when}: {checks}", "✅ {when} に確認: {checks}"),
    ProofKind.BESIDE: _text(
        "✅ PROVEN: restored beside production at {when}, {checks}",
        "✅ 検証済み: {when} に本番とは別に復元し、{checks}",
    ),
    ProofKind.KEPT: _text(
        "☑️ The kept data was there at {when}. Whether it is good shows only when it is in place: it may be the "
        "damaged data of before",
        "☑️ 保管データの存在を {when} に確認。正常かどうかは戻すまで分かりません (壊れた元データの可能性があります)",
    ),
    ProofKind.DOWNLOADED: _text(
        "☑️ The backup arrived whole at {when} ({checks}). NOT restored yet: nothing is, before this host's data "
        "was put aside",
        "☑️ バックアップを {when} に完全に取得 ({checks})。復元はまだで、ホストのデータを退避するまで行いません",
    ),
    ProofKind.RAISED: _text(
        "✅ PROVEN: the system was raised in the new place and passed its checks at {when}",
        "✅ 検証済み: {when} に新しい拠点でシステムが稼働し、検査に合格",
    ),
    ProofKind.HEALTHY: _text(
        "✅ PROVEN: production answered without it at {when}, {checks}",
        "✅ 検証済み: {when} に保管データなしで本番が正常、{checks}",
    ),
    ProofKind.ASKED: _text(
        "☑️ Where the names lead and what answers there was asked again at {when}. Nobody has looked whether the data "
        "there is good",
        "☑️ 向き先と応答を {when} に再確認。そこにあるデータが正常かどうかは確認していません",
    ),
    ProofKind.UNLED: _text(
        "✅ PROVEN: no name led to it at {when}, {checks}",
        "✅ 検証済み: {when} に DNS の向き先でないことを確認、{checks}",
    ),
}
"""What was seen, once it was. Cards stay as they are for minutes, so they say when and not how long ago."""

NOT_PROVEN: Text = _text(
    "⚠ NOT PROVEN: this plan proves nothing before it replaces",
    "⚠ 未検証: 置き換えの前に確かめる手順がありません",
)


def proven_text(proof: ProofKind, at: datetime, checks: int, missed: Sequence[str]) -> Text:
    """What had been seen at this moment, by so many checks. `missed`: checks of a part that did not pass."""
    words = LOOKED.get(proof)
    if words is None:
        return NOT_PROVEN
    when, names = clock(at), ", ".join(missed)
    if missed:
        return _text(
            f"⚠ Done at {when}, but NOT everything passed: {names}. It counts as done all the same",
            f"⚠ {when} に完了しましたが、不合格の検査があります: {names} (不合格のまま完了扱い)",
        )
    counted = f"{checks} check{'s' * (checks != 1)} passed" if checks else "no check was asked"
    return _text(
        words["en"].format(when=when, checks=counted),
        words["ja"].format(when=when, checks=f"{checks} 項目合格" if checks else "検査なし"),
    )


def loss_text(loss: Loss) -> Text:
    """What is lost, in time, rows and bytes; why not where it could not be counted."""
    return _LOSSES[loss.kind](loss)


def _nothing(loss: Loss) -> Text:
    return _text("none", "なし")


def _unknown(loss: Loss) -> Text:
    return _text("unknown: drbot did not count it", "不明 (drbot は計測していません)")


def _since_backup(loss: Loss) -> Text:
    """Names come last: a long list of them is cut at its end."""
    if not loss.gone:
        return _written_after(loss)
    names = ", ".join(loss.gone)
    english = f"ALL that no step of this plan is known to bring back: {names}"
    japanese = f"この計画で戻ると確認できていないデータのすべて: {names}"
    if loss.since is None:
        return _text(english, japanese)
    rest = _written_after(loss)
    return _text(f"{rest['en']}; and {english}", f"{rest['ja']}。加えて、{japanese}")


def _written_after(loss: Loss) -> Text:
    moment = f"{loss.since:%Y-%m-%d %H:%M} UTC" if loss.since is not None else "-"
    seconds = loss.seconds or 0.0
    before = f" ({duration(seconds)} before this plan was made)" if seconds else ""
    japanese_before = f" (計画作成の {duration(seconds, 'ja')}前)" if seconds else ""
    english = f"everything written after {moment}{before}"
    japanese = f"{moment}{japanese_before} より後に書き込まれたすべて"
    if loss.rows is None:
        return _uncounted(english, japanese, loss)
    return _text(
        f"{english}; production held {_rows(loss.rows)} more than the backup{_at(loss)['en']}",
        f"{japanese}。本番はバックアップより {loss.rows:,} 行多い{_at(loss)['ja']}",
    )


def _since_swap(loss: Loss) -> Text:
    moment = f"{loss.since:%Y-%m-%d %H:%M} UTC" if loss.since is not None else ""
    english = f"everything written since the swap ({moment or 'at an unknown time'})"
    japanese = f"元のデータを外した時点 ({moment or '日時不明'}) より後に書き込まれたすべて"
    if loss.rows is None:
        return _uncounted(english, japanese, loss)
    english += f": {_rows(loss.rows)} ({size(loss.bytes or 0)}){_at(loss)['en']}, and what is written after that"
    as_of = f"、{clock(loss.counted_at)} 時点" if loss.counted_at is not None else ""
    japanese += f": {loss.rows:,} 行 ({size(loss.bytes or 0)}{as_of})。以後の書き込みも失われます"
    if loss.removed is None:
        return _text(f"{english}; deletions could not be counted", f"{japanese}。削除された行は計測不可")
    if loss.removed:
        english += f"; changes or deletions of {_rows(loss.removed)} of before"
        japanese += f"。その前からある {loss.removed:,} 行の変更・削除も取り消されます"
    return _text(english, japanese)


def _at(loss: Loss) -> Text:
    if loss.counted_at is None:
        return _text("", "")
    return _text(f", counted at {clock(loss.counted_at)}", f" ({clock(loss.counted_at)} 時点)")


def _kept_data(loss: Loss) -> Text:
    how_much = "" if loss.bytes is None else f", {size(loss.bytes)}"
    return _text(
        f"the kept data itself{how_much}, for good: /dr undo cannot bring it back any more",
        f"保管データ自体{how_much.replace(', ', '、')}。完全に削除され、以後 /dr undo でも戻せません",
    )


def _uncounted(english: str, japanese: str, loss: Loss) -> Text:
    why = loss.uncounted.rstrip(".")
    if not why:
        return _text(f"{english} (rows were not counted)", f"{japanese} (行数は数えていません)")
    return _text(f"{english}; rows could not be counted: {why}", f"{japanese} (行数は計測不可: {why})")


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _left_behind(loss: Loss) -> Text:
    moment = f"{loss.since:%Y-%m-%d %H:%M} UTC" if loss.since is not None else ""
    return _text(
        f"nothing is deleted, but what users wrote since the names were led ({moment or 'at an unknown time'}) does "
        "NOT come along: it stays where they are now. They get the data that lies at the other place, as it was left",
        f"削除はしませんが、向き先の変更 ({moment or '日時不明'}) 後の書き込みは移りません (現在の拠点に残ります)。"
        "利用者には、戻り先に残っている当時のデータが表示されます",
    )


def _machine(loss: Loss) -> Text:
    return _text(
        "everything on the machine's disk, for good: nothing brings it back",
        "マシンのディスクにあるすべて。元に戻す方法はありません",
    )


_LOSSES = {
    LossKind.NOTHING: _nothing,
    LossKind.SINCE_BACKUP: _since_backup,
    LossKind.SINCE_SWAP: _since_swap,
    LossKind.KEPT_DATA: _kept_data,
    LossKind.LEFT_BEHIND: _left_behind,
    LossKind.MACHINE: _machine,
    LossKind.UNKNOWN: _unknown,
}


def keeps_text(keeps: Keeps) -> Text:
    """What there is to go back to, as half a sentence."""
    names = ", ".join(keeps.names)
    words = KEEPS[keeps.kind]
    return _text(words["en"].format(names=names), words["ja"].format(names=names))


# Names come last: a long list of them is cut at its end.
KEEPS: Mapping[KeepKind, Text] = {
    KeepKind.NOTHING: _text("nothing", "なし"),
    KeepKind.VOLUME: _text("the old data is kept in the volume {names}", "元のデータをボリューム {names} に保管"),
    KeepKind.ASIDE: _text(
        "all of it is kept on this host; while the incident is open, /dr undo brings it back as it was. "
        "Kept as: {names}",
        "すべてこのホストに保管し、インシデントの解決前なら /dr undo で元の状態に戻せます。保管名: {names}",
    ),
    KeepKind.IN_PLACE: _text(
        "the data in place until now is kept in the volume {names}", "現在のデータを {names} に保管"
    ),
    KeepKind.RECORDS: _text(
        "/dr lead-back leads the names back at any time, when two people agree; what was written meanwhile does not "
        "come along. They led before the change: {names}",
        "/dr lead-back でいつでも戻せます (二人の承認が必要。その間の書き込みは移りません)。変更前の向き先: {names}",
    ),
}

PUT_THERE = frozenset({"postgres.restore", "redis.restore", "files.restore"})
"""What fills a host after it was cleared."""


def replacement_text(plan: Plan, backup: Text) -> Text:
    """What comes in its place; `backup` is what is said of the plan's backup."""
    kept = plan.stakes.kept
    if plan.stakes.act in UNUSED:
        return _text("nothing", "なし")
    if plan.stakes.act is Act.LEAD_BACK:
        return answers_text(plan.stakes)
    if kept is not None:
        what = kept_text(kept)
        return _text(f"the data {what['en']}", what["ja"])
    if plan.aside:
        return _back_text(plan)
    if plan.stakes.act is Act.REPLACE_HOST and not any(step.do in PUT_THERE for step in plan.steps):
        return _text("nothing that this plan puts there", "この計画で復元するものはありません")
    return backup


def _back_text(plan: Plan) -> Text:
    lines = occupants_text(plan.aside)
    by = aside_by(plan.steps)
    return _text(
        f"this host as {by} put it aside: {'; '.join(line['en'] for line in lines)}",
        f"{by} が退避する前のこのホスト: {'; '.join(line['ja'] for line in lines)}",
    )


def kept_text(kept: KeptData) -> Text:
    """Where it is, since when, and whose; what nobody knows is said to be unknown. The volume comes first: production's
    own has nearly the same name, and nobody may take it for what is deleted.
    """
    moment = f"{kept.since:%Y-%m-%d %H:%M} UTC" if kept.since is not None else ""
    incident = f"DR-{kept.incident}" if kept.incident is not None else ""
    much = "" if kept.size is None else f", {size(kept.size)}"
    return _text(
        f"kept in {kept.volume} since {moment or 'an unknown time'} ({incident or 'of an unknown incident'}), "
        f"put aside from {kept.original}{much}",
        f"{kept.volume} に保管したデータ ({f'{moment} から' if moment else '日時不明'}、"
        f"{incident or 'インシデント不明'}、元は {kept.original}{much.replace(', ', '、')})",
    )
