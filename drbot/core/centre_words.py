"""What two people read before names are led back or a rented machine is given back, in both languages."""

from collections.abc import Mapping, Sequence

from drbot.core.stakes import NameMove, RentedMachine, Stakes, Users
from drbot.core.words import Text


def _text(english: str, japanese: str) -> Text:
    return {"en": english, "ja": japanese}


THERE, HERE = _text("where users will be led", "戻り先"), _text("where they are led now", "現在の向き先")


def answers_text(stakes: Stakes) -> Text:
    """At every address, where users are led to first; one that does not answer is said loudly."""
    there = {address for move in stakes.moves for address in move.to}
    lines = sorted(stakes.answers, key=lambda one: one.address not in there)
    english, japanese = [], []
    for one in lines:
        where = THERE if one.address in there else HERE
        mark = "✅" if one.answers else "⚠"
        english.append(f"{mark} {one.address} ({where['en']}): {one.said}")
        japanese.append(f"{mark} {one.address} ({where['ja']}): {one.said}")
    return _text("; ".join(english) or "nobody was asked", "、".join(japanese) or "未確認")


def move_text(move: NameMove, known: Mapping[str, str]) -> Text:
    """From where to where one name is led; also what somebody else changed, and what a name server says otherwise.
    `known`: address → the site that dr.yml has there.
    """
    now, to = _places(move.now, known), _places(move.to, known)
    english = f"{move.name}: from {now or 'nowhere'} to {to}"
    japanese = f"{move.name}: {now or 'なし'} から {to} へ"
    if move.led and tuple(sorted(move.led)) != move.now:
        english += f". SOMEBODY ELSE CHANGED IT: drbot had led it to {_places(move.led, known)}"
        japanese += f"。drbot 以外による変更あり: drbot は {_places(move.led, known)} へ向けていました"
    if move.told is None:
        english += ". No name server could be asked"
        japanese += "。ネームサーバーは応答なし"
    elif move.told != move.now:
        english += f". A name server still tells users {', '.join(move.told) or 'nothing'}"
        japanese += f"。ネームサーバーの応答は {', '.join(move.told) or 'なし'}"
    return _text(english, japanese)


def _places(addresses: Sequence[str], known: Mapping[str, str]) -> str:
    return ", ".join(f"{one} ({known[one]})" if one in known else one for one in addresses)


USERS: Mapping[Users, Text] = {
    Users.NEVER: _text("drbot never led users there", "drbot が利用者を向けたことはありません"),
    Users.ONCE: _text(
        "users were led there, and what they wrote there exists NOWHERE ELSE",
        "利用者を向けたことがあり、その間の書き込みはこのマシンにしかありません",
    ),
    Users.UNKNOWN: _text(
        "this worker does not remember whether users were led there; what they wrote there would exist NOWHERE ELSE",
        "利用者を向けたことがあるかは不明です。書き込みがあればこのマシンにしかありません",
    ),
}


def machine_text(one: RentedMachine) -> Text:
    """Which machine, since when, and what goes with it."""
    what = ", ".join(part for part in (one.type, one.region, *one.addresses) if part)
    since = f"{one.since:%Y-%m-%d %H:%M} UTC" if one.since is not None else ""
    whose = f"DR-{one.incident}" if one.incident is not None else ""
    users = USERS[one.users]
    english = (
        f"the machine {one.machine} of {one.site} ({what or 'no more is known'}), rented since "
        f"{since or 'an unknown time'}{f' for {whose}' * bool(whose)}, with everything on it; {users['en']}"
    )
    japanese = (
        f"{one.site} のマシン {one.machine} ({what or '詳細不明'})、"
        f"借用開始 {since or '不明'}{f' ({whose})' * bool(whose)}、中のデータも含む。{users['ja']}"
    )
    if one.kept:
        english += f". Kept data on it goes too: {', '.join(one.kept)}"
        japanese += f"。保管データも失われます: {', '.join(one.kept)}"
    if one.by == "terraform":
        english += f". Terraform destroys: {', '.join(one.resources) or 'nothing'}"
        japanese += f"。Terraform が削除するもの: {', '.join(one.resources) or 'なし'}"
    return _text(english, japanese)
