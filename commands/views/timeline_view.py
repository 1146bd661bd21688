"""The last hours of PostgreSQL as people choose a moment from them: a picture of bars, and what has deleted much."""

from collections.abc import Iterator, Mapping, Sequence

from drbot.commands.facts.moment_named import to_option
from drbot.commands.speech.messages import Choice, Reply, Table
from drbot.core.site.wal import moment_name, to_the_second
from drbot.core.site.wal_timeline import Event, Timeline, What, buckets
from drbot.core.text.messages import phrase, sentences
from drbot.core.text.visible import visible

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 48  # bars: they fit a terminal, and a line of Slack
BUTTONS = 5

WORDS: Mapping[What, str] = {
    What.DATABASE: phrase("database dropped"),
    What.DROP: phrase("dropped (DROP TABLE)"),
    What.TRUNCATE: phrase("emptied (TRUNCATE)"),
    What.REWRITE: phrase("written anew (ALTER TABLE, VACUUM FULL, or a view that was refreshed)"),
    What.ALTER: phrase("changed (ALTER TABLE)"),
}
NOTHING: str = phrase("Nothing that deleted or changed much was found.")


def timeline_reply(timeline: Timeline, behind: str = "") -> Reply:
    """`behind`: "site=west " where it is not of the default site."""
    reachable = [one for one in timeline.events if one.reachable]
    picture = Table(rows=tuple(_picture(timeline)), title=phrase("Commits, UTC"))
    header = (phrase("Committed (UTC)"), phrase("What"), phrase("Of"), phrase("Just before it"))
    events = Table(header=header, rows=tuple(map(_row, timeline.events)))
    newest = max(reachable, key=lambda one: one.at, default=None)
    return Reply(
        text=sentences(
            phrase(
                "PostgreSQL from {since} to {until} UTC: {count} commits.",
                since=to_the_second(timeline.since),
                until=to_the_second(timeline.until),
                count=f"{sum(timeline.minutes.values()):,}",
            ),
            *timeline.doubts,
            *([] if timeline.events else [NOTHING]),
            *([_how(written(newest), behind)] if newest else []),
        ),
        tables=(picture, events) if timeline.events else (picture,),
        choices=tuple(_choices(reachable, behind)),
    )


def written(event: Event) -> str:
    """Its moment, as `to` and --to take it."""
    return to_option(moment_name(event.moment))


def _how(moment: str, behind: str) -> str:
    return phrase(
        "Go back to before the last one: /dr declare level2 {behind}to {moment}. Look first: drbot copy --to {moment}",
        moment=moment,
        behind=behind,
    )


def _picture(timeline: Timeline) -> Iterator[tuple[str, str]]:
    parts = buckets(timeline, WIDTH)
    most = max(parts)
    bars = "".join(BARS[(one * len(BARS) - 1) // most] if one else "·" for one in parts)
    yield f"{timeline.since:%H:%M}–{timeline.until:%H:%M}", bars
    if timeline.minutes:
        minute, count = max(timeline.minutes.items(), key=lambda one: one[1])
        yield phrase("Most in a minute"), phrase("{count} at {time}", count=f"{count:,}", time=f"{minute:%H:%M}")


def _row(event: Event) -> tuple[str, ...]:
    said = written(event) if event.reachable else phrase("cannot be reached")
    if event.what is What.DATABASE and event.reachable:  # whose files went before
        said = phrase("{moment}; the commit before it is lost too", moment=said)
    return f"{event.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], _what(event), _of(event.names), said


def _what(event: Event) -> str:
    if event.what is What.DELETE:
        return phrase("{rows} rows deleted", rows=f"{event.rows:,}")
    if event.what is What.UPDATE:
        return phrase("{rows} rows changed", rows=f"{event.rows:,}")
    return WORDS[event.what]


def _of(names: Sequence[str]) -> str:
    """One line: people name their tables as they like."""
    first = visible(names[0]).replace("\n", "\\n").replace("\t", "\\t") if names else "?"
    return first if len(names) < 2 else phrase("{name} and {count} more", name=first, count=len(names) - 1)


def _choices(reachable: Sequence[Event], behind: str) -> Iterator[Choice]:
    """A button shows the plan; it begins nothing."""
    moments = dict.fromkeys(written(one) for one in sorted(reachable, key=lambda one: one.at, reverse=True))
    for moment in list(moments)[:BUTTONS]:
        label = phrase("Plan: back to {time}", time=f"{moment[11:].removesuffix('Z')} UTC")
        yield Choice(label=label, command=f"plan {behind}level2 to {moment}")
