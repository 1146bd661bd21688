"""`kept` lists the old data that is kept, and offers exactly what `undo` and `give-up` would do now."""

from sqlalchemy import Connection

from commands.context import CommandContext, current_run
from commands.grammar import Words
from commands.messages import Choice, Reply, Request, Table, text
from commands.undo import undoable
from core.people import Person
from core.words import Text, ago, cut, duration, size
from store import incidents
from store import kept as keeping
from store.kept import Kept


def kept(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Size and age of everything kept; of one incident if one is named."""
    with context.database.read() as conn:
        there = keeping.list_of(conn, None)
        if words.incident is not None:
            there = [one for one in there if one.incident == words.incident]
        back = {one.id for one in there if comes_back(context, conn, one)}
    if not there:
        return Reply(text=text("No old data is kept.", "保管中の旧データはありません。"))
    rows = tuple(
        (
            f"DR-{one.incident}",
            one.volume,
            one.original,
            "?" if one.size_bytes is None else size(one.size_bytes),
            text(
                f"{duration(ago(one.created_at, request.at).total_seconds())} ago",
                f"{duration(ago(one.created_at, request.at).total_seconds(), 'ja')}前",
            ),
            BY_UNDO if one.id in back else BY_HAND,
        )
        for one in there
    )
    return Reply(
        text=text(
            f"Old data that is kept: {len(there)}. drbot never deletes it by itself; giving it up needs two people.",
            f"保管中の旧データ: {len(there)} 件。drbot が勝手に削除することはなく、削除には二人の承認が必要です。",
        ),
        tables=(
            Table(
                rows=rows,
                header=(
                    text("Incident", "インシデント"),
                    text("Kept as", "保管名"),
                    text("Was", "元の名前"),
                    text("Size", "サイズ"),
                    text("Kept since", "保管開始"),
                    text("Comes back", "戻し方"),
                ),
            ),
        ),
        choices=tuple(choice for one in there for choice in choices_about(one, comes_back=one.id in back)),
    )


BY_UNDO: Text = text("by /dr undo", "/dr undo")
BY_HAND: Text = text("by hand", "手作業")


def comes_back(context: CommandContext, conn: Connection, one: Kept) -> bool:
    """Whether `undo` would bring exactly this back now."""
    incident = incidents.get(conn, one.incident)
    found = undoable(context.configuration, incident, current_run(conn, incident), keeping.list_of(conn))
    return bool(found) and found[-1].id == one.id


def choices_about(one: Kept, *, comes_back: bool) -> tuple[Choice, ...]:
    """What can be done about one piece of kept data."""
    incident = f"DR-{one.incident}"
    undo = Choice(label=text(f"Undo {incident}", f"{incident} を元に戻す"), command=f"undo {incident}")
    much = "" if one.size_bytes is None else f" ({size(one.size_bytes)})"
    away = Choice(
        label=text(f"Delete {cut(one.volume, 40)} for good…{much}", f"{cut(one.volume, 40)} を完全に削除…{much}"),
        command=f"give-up {incident} {one.volume}",
        style="danger",
    )
    return (undo, away) if comes_back else (away,)
