"""`kept` lists the old data that is kept, and offers exactly what `undo` and `give-up` would do now."""

from sqlalchemy import Connection

from drbot.commands.context import CommandContext, current_run
from drbot.commands.grammar import Words
from drbot.commands.machines import give_back_choices, machines_table, names_of
from drbot.commands.messages import Choice, Reply, Request, Table, text
from drbot.commands.undo import undoable
from drbot.core.people import Person
from drbot.core.run import RunState
from drbot.core.words import Text, ago, cut, duration, size
from drbot.store import incidents, machines
from drbot.store import kept as keeping
from drbot.store.kept import Kept


def kept(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Size and age of everything kept; of one incident if one is named."""
    with context.database.read() as conn:
        there = keeping.list_of(conn, None)
        if words.incident is not None:
            there = [one for one in there if one.incident == words.incident]
        back = {one.id for one in there if comes_back(context, conn, one)}
        rented, names = machines.list_of(conn, words.incident), names_of(conn, context.configuration)
        busy = {one.incident for one in rented if one.incident is not None and _is_busy(conn, one.incident)}
    tables = (machines_table(rented, context.configuration, names, request.at),) if rented else ()
    give_back = give_back_choices(rented, context.configuration, names, busy)
    if not there:
        said = text("No old data is kept.", "保管データはありません。")
        return Reply(text=_with_rented(said, len(rented)), tables=tables, choices=give_back)
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
        text=_with_rented(
            text(
                f"Old data that is kept: {len(there)}. drbot never deletes it by itself; giving it up needs two "
                "people.",
                f"保管データ: {len(there)} 件。drbot が勝手に削除することはなく、削除には二人の承認が必要です。",
            ),
            len(rented),
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
            *tables,
        ),
        choices=(
            *(choice for one in there for choice in choices_about(one, comes_back=one.id in back)),
            *give_back,
        ),
    )


def _with_rented(said: Text, count: int) -> Text:
    """What is rented costs every hour, so it is said beside what is kept."""
    if not count:
        return said
    more = text(
        f" Rented machines: {count}. They are paid for until two people agree to give them back.",
        f"借りているマシン: {count} 台。二人の承認で返却するまで課金されます。",
    )
    return {language: words + more[language] for language, words in said.items()}


def _is_busy(conn: Connection, incident: int) -> bool:
    """Whether `give-back` would refuse, because a run is in progress."""
    run = current_run(conn, incidents.get(conn, incident))
    return run is not None and not run.is_over and run.state is not RunState.BLOCKED


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
    undo = Choice(label=text(f"Undo {incident}", f"{incident} を元のデータに戻す"), command=f"undo {incident}")
    much = "" if one.size_bytes is None else f" ({size(one.size_bytes)})"
    away = Choice(
        label=text(f"Delete {cut(one.volume, 40)} for good…{much}", f"{cut(one.volume, 40)} を完全に削除…{much}"),
        command=f"give-up {incident} {one.volume}",
        style="danger",
    )
    return (undo, away) if comes_back else (away,)
