"""`kept` lists the old data that undo could bring back."""

from commands.context import CommandContext
from commands.grammar import Words
from commands.messages import Choice, Reply, Request, Table, text
from core.people import Person
from core.words import ago, duration, size
from store import kept as keeping


def kept(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Size and age of everything kept; of one incident if one is named."""
    with context.database.read() as conn:
        there = [one for one in keeping.list_of(conn, None) if one.removed_at is None]
    if words.incident is not None:
        there = [one for one in there if one.incident == words.incident]
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
        )
        for one in there
    )
    return Reply(
        text=text(
            f"Old data that is kept: {len(there)}. /dr undo brings it back; drbot never deletes it by itself.",
            f"保管中の旧データ: {len(there)} 件。/dr undo で戻せます。drbot が勝手に削除することはありません。",
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
                ),
            ),
        ),
        choices=tuple(
            Choice(label=text(f"Undo DR-{number}", f"DR-{number} を元に戻す"), command=f"undo DR-{number}")
            for number in dict.fromkeys(one.incident for one in there)
        ),
    )
