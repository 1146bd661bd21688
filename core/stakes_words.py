"""What is at stake, in words: each kind of act says its own truth, in English and Japanese (core/stakes.py)."""

from collections.abc import Mapping

from core.plan import Plan
from core.stakes import Act, KeepKind, Keeps, Loss, LossKind, ProofKind
from core.words import Text, duration, size


def _text(english: str, japanese: str) -> Text:
    return {"en": english, "ja": japanese}


ACTS: Mapping[Act, Text] = {
    Act.NOTHING: _text("nothing is replaced", "置き換えなし"),
    Act.RESTORE: _text("restore from a backup", "バックアップからの復元"),
    Act.UNDO: _text("undo, back to the kept data", "保管した元のデータに戻す"),
    Act.REPLACE_HOST: _text("replace the data of a host", "ホストのデータの置き換え"),
    Act.CHANGE_DNS: _text("DNS change, users are moved", "DNS の変更 (利用者の移動)"),
    Act.GIVE_UP: _text("delete kept data for good", "保管データの完全な削除"),
    Act.SEVERAL: _text("several replacements", "複数の置き換え"),
}
"""What is asked, for a headline."""

APPROVE: Mapping[Act, Text] = {
    Act.NOTHING: _text("Approve…", "承認…"),
    Act.RESTORE: _text("Approve restore…", "復元を承認…"),
    Act.UNDO: _text("Approve undo…", "元に戻すことを承認…"),
    Act.REPLACE_HOST: _text("Approve replacing the host…", "ホストの置き換えを承認…"),
    Act.CHANGE_DNS: _text("Approve DNS change…", "DNS の変更を承認…"),
    Act.GIVE_UP: _text("Approve deleting kept data…", "保管データの削除を承認…"),
    Act.SEVERAL: _text("Approve several replacements…", "複数の置き換えを承認…"),
}
"""The button that opens the dialog; Slack allows 75 letters."""

APPROVE_TITLE: Mapping[Act, Text] = {
    Act.NOTHING: _text("Approve", "承認"),
    Act.RESTORE: _text("Approve restore", "復元の承認"),
    Act.UNDO: _text("Approve undo", "元に戻す承認"),
    Act.REPLACE_HOST: _text("Approve host replacement", "ホスト置き換えの承認"),
    Act.CHANGE_DNS: _text("Approve DNS change", "DNS 変更の承認"),
    Act.GIVE_UP: _text("Approve deletion", "完全な削除の承認"),
    Act.SEVERAL: _text("Approve replacements", "複数の置き換えの承認"),
}
"""Title and button of the dialog; Slack allows 24 letters."""

REPLACED: Mapping[Act, Text] = {
    Act.CHANGE_DNS: _text("Will be changed", "変更するもの"),
    Act.GIVE_UP: _text("Will be DELETED for good", "完全に削除するもの"),
}
"""The label of what is destroyed, where it is not "will be replaced"."""

LOOKED: Mapping[ProofKind, Text] = {
    ProofKind.CHECKED: _text("✅ Checked {ago} ago: {checks} passed", "✅ {ago}前に確認済み: {checks} 項目合格"),
    ProofKind.BESIDE: _text(
        "✅ PROVEN: restored beside production {ago} ago, {checks} passed",
        "✅ 検証済み: {ago}前に本番の横へ復元し、{checks} 項目合格",
    ),
    ProofKind.KEPT: _text(
        "☑️ The kept data was there {ago} ago. Whether it is good shows only when it is in place: it may be the "
        "damaged data of before",
        "☑️ 保管データの存在を {ago}前に確認。正常かどうかは戻すまで分かりません (壊れた元データの可能性があります)",
    ),
    ProofKind.DOWNLOADED: _text(
        "☑️ The backup arrived whole {ago} ago ({checks} passed). NOT restored yet: that comes after this host's data "
        "was put aside",
        "☑️ バックアップを {ago}前に完全に取得 ({checks} 項目合格)。復元はまだで、ホストのデータを退避した後に行います",
    ),
    ProofKind.RAISED: _text(
        "✅ PROVEN: the system was raised in the new place and passed its checks {ago} ago",
        "✅ 検証済み: 新しい拠点でシステムが稼働し、{ago}前に検査に合格",
    ),
    ProofKind.HEALTHY: _text(
        "✅ PROVEN: production answered without it {ago} ago, {checks} passed",
        "✅ 検証済み: 保管データなしで本番が正常 ({ago}前、{checks} 項目合格)",
    ),
}
"""What was seen, once it was."""

NOT_PROVEN: Text = _text(
    "⚠ NOT PROVEN: this plan proves nothing before it replaces",
    "⚠ 未検証: 置き換えの前に確かめる手順がありません",
)


def proven_text(proof: ProofKind, seconds: float, checks: int) -> Text:
    """What has been seen `seconds` ago, by so many checks."""
    words = LOOKED.get(proof)
    if words is None:
        return NOT_PROVEN
    counted = f"{checks} check{'s' * (checks != 1)}"
    return _text(
        words["en"].format(ago=duration(seconds), checks=counted),
        words["ja"].format(ago=duration(seconds, "ja"), checks=checks),
    )


def loss_text(loss: Loss) -> Text:
    """What is lost, in time, rows and bytes; why not where it could not be counted."""
    return _LOSSES[loss.kind](loss)


def _nothing(loss: Loss) -> Text:
    return _text("none", "なし")


def _since_backup(loss: Loss) -> Text:
    seconds = loss.seconds or 0.0
    english = f"everything written in the last {duration(seconds)} before the outage"
    japanese = f"障害前 {duration(seconds, 'ja')}の間に書き込まれたすべて"
    if loss.rows is None:
        return _uncounted(english, japanese, loss)
    return _text(
        f"{english}; production holds {loss.rows:,} rows more than the backup",
        f"{japanese} (本番はバックアップより {loss.rows:,} 行多い)",
    )


def _since_swap(loss: Loss) -> Text:
    seconds = loss.seconds or 0.0
    if loss.rows is None:
        english = f"everything written in the {duration(seconds)} since the swap"
        return _uncounted(english, f"入れ替え後 {duration(seconds, 'ja')}の間に書き込まれたすべて", loss)
    if not loss.rows and not loss.removed:
        return _text(
            f"nothing was written in the {duration(seconds)} since the swap: 0 rows, counted",
            f"入れ替え後 {duration(seconds, 'ja')}の書き込みは 0 行 (計測済み)",
        )
    english = f"{_rows(loss.rows)} ({size(loss.bytes or 0)}) written in the {duration(seconds)} since the swap"
    japanese = f"入れ替え後 {duration(seconds, 'ja')}に書き込まれた {loss.rows:,} 行 ({size(loss.bytes or 0)})"
    if loss.removed:
        english += f"; {_rows(loss.removed)} of before were changed or deleted"
        japanese += f"、変更・削除された {loss.removed:,} 行"
    return _text(english, japanese)


def _kept_data(loss: Loss) -> Text:
    how_much = "" if loss.bytes is None else f", {size(loss.bytes)}"
    return _text(
        f"the kept data itself{how_much}, for good: /dr undo cannot bring it back any more",
        f"保管データ自体{how_much.replace(', ', '、')}。以後 /dr undo では戻せません",
    )


def _uncounted(english: str, japanese: str, loss: Loss) -> Text:
    why = loss.uncounted.rstrip(".")
    if not why:
        return _text(f"{english} (rows were not counted)", f"{japanese} (行数は数えていません)")
    return _text(f"{english}; rows could not be counted: {why}", f"{japanese} (行数は計測不可: {why})")


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


_LOSSES = {
    LossKind.NOTHING: _nothing,
    LossKind.SINCE_BACKUP: _since_backup,
    LossKind.SINCE_SWAP: _since_swap,
    LossKind.KEPT_DATA: _kept_data,
}


def keeps_text(keeps: Keeps) -> Text:
    """What there is to go back to, as half a sentence."""
    names = ", ".join(keeps.names)
    return _text(_KEEPS[keeps.kind]["en"].format(names=names), _KEEPS[keeps.kind]["ja"].format(names=names))


_KEEPS: Mapping[KeepKind, Text] = {
    KeepKind.NOTHING: _text("nothing", "なし"),
    KeepKind.VOLUME: _text("the old data is kept in the volume {names}", "元のデータをボリューム {names} に保管"),
    KeepKind.ASIDE: _text("the data of the host is kept in the volumes {names}", "ホストのデータを {names} に保管"),
    KeepKind.IN_PLACE: _text(
        "the data in place until now is kept in the volume {names}", "現在のデータを {names} に保管"
    ),
    KeepKind.RECORDS: _text(
        "where the names lead now is in the plan, and they can be led back: {names}",
        "現在の DNS の向き先は計画に記録され、戻せます: {names}",
    ),
}


def replacement_text(plan: Plan, backup: Text) -> Text:
    """What comes in its place; `backup` is what is said of the plan's backup."""
    kept = plan.stakes.kept
    if plan.stakes.act is Act.GIVE_UP:
        return _text("nothing", "なし")
    if kept is not None:
        moment = f"{kept.since:%Y-%m-%d %H:%M} UTC"
        much = "" if kept.size is None else f", {size(kept.size)}"
        return _text(
            f"the data kept since {moment} (DR-{kept.incident}) in {kept.volume}{much}",
            f"{moment} から保管しているデータ (DR-{kept.incident})、{kept.volume}{much.replace(', ', '、')}",
        )
    return backup
