"""How long the recoveries of drills took, as a picture: a column for each drill, its time against the goal.

matplotlib draws it. It is large, and a host that recovers needs no pictures: where it is missing, whoever asks is told.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drbot.commands.speech.refusal import Refusal
from drbot.core.runs.drill import Drill, DrillEnd
from drbot.core.site.level import Level
from drbot.core.site.site import Targets
from drbot.core.text.messages import duration, phrase, say

if TYPE_CHECKING:  # imported where something is drawn
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontEntry, FontProperties

NAME = "drills.png"
MOST = 16  # drills; more could not be read
TOLD = frozenset({DrillEnd.PASSED, DrillEnd.MISSED, DrillEnd.FAILED})
HOUR, DAY = 3600, 86_400
TICKS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 7 * DAY)  # seconds
LOOKS: Mapping[Level, tuple[str, str]] = {
    Level.SERVICE: ("#0072b2", "o"),
    Level.DATABASE: ("#e69f00", "s"),
    Level.HOST: ("#009e73", "^"),
    Level.DATACENTRE: ("#cc79a7", "D"),
}
"""Colours that people who see few colours tell apart, and shapes."""
RED, GREY = "#c0182b", "#555555"
NO_LETTERS = "Last Resort"  # a font that has a box for everything

TITLE: str = phrase("RTO of the drills: from the break to the last check")
AXIS: str = phrase("Drills, the newest on the right (UTC)")
SCALE: str = phrase("RTO (logarithmic)")
BAD: str = phrase("goal missed, or not recovered")
NEVER: str = phrase("not recovered")


def picture_of(known: Sequence[Drill], targets: Targets) -> Callable[[str], bytes]:
    """What draws it in a language. `known`: the newest first. Raises UserError where nothing can be drawn."""
    shown = [one for one in known if one.end in TOLD][:MOST][::-1]
    tried = phrase("No picture was drawn.")
    if not shown:
        raise Refusal(tried, phrase("No drill went to its end yet."), phrase("/dr drills shows the others."))
    if find_spec("matplotlib") is None:
        why = phrase("matplotlib is not installed where this drbot runs.")
        raise Refusal(tried, why, phrase("pip install matplotlib there, or read the table: /dr drills"))
    return partial(drawn, shown, targets.rto)


def drawn(shown: Sequence[Drill], goal: float, language: str, fonts: Iterable["FontEntry"] | None = None) -> bytes:
    """The PNG, in English where no font has the language's letters: boxes would tell nothing. `goal`: seconds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = tuple(fonts_in() if fonts is None else fonts)
    font = font_with(known, "".join(_words(shown, goal, language)))
    if font is None:
        language, font = "en", font_with(known, "".join(_words(shown, goal, "en")))
    figure = Figure(figsize=(max(8.0, 2.0 + 0.75 * len(shown)), 5.0), dpi=144, layout="constrained")
    FigureCanvasAgg(figure)
    _Chart(shown=shown, goal=goal, language=language, file=font).draw(figure.subplots())
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def fonts_in(folders: Sequence[str] | None = None, known: Iterable["FontEntry"] | None = None) -> Iterator["FontEntry"]:
    """Those that are there now; matplotlib remembers (`known`) those of its first day. `folders`: None = all."""
    from matplotlib.font_manager import findSystemFonts, fontManager, get_font, ttfFontProperty

    there = {one.fname: one for one in (fontManager.ttflist if known is None else known) if Path(one.fname).is_file()}
    yield from there.values()
    for file in set(findSystemFonts(folders)) - there.keys():
        with suppress(OSError, RuntimeError, NotImplementedError):  # no font, or none that can be drawn with
            yield ttfFontProperty(get_font(file))


def font_with(fonts: Iterable["FontEntry"], letters: str) -> str | None:
    """The file of an upright font that has all of them, plain ones first; None: there is none."""
    from matplotlib.font_manager import get_font

    def rank(one: "FontEntry") -> tuple[bool, bool, str]:
        return one.name != "DejaVu Sans", not {"Sans", "Gothic"} & set(one.name.split()), one.fname

    upright = [one for one in fonts if one.style == "normal" and str(one.weight) in {"400", "normal", "regular"}]
    wanted = {ord(letter) for letter in letters if not letter.isspace()}
    for one in sorted((one for one in upright if not one.name.startswith(NO_LETTERS)), key=rank):
        if all(get_font(one.fname).get_char_index(letter) for letter in wanted):
            return one.fname
    return None


def _words(shown: Sequence[Drill], goal: float, language: str) -> list[str]:
    times = [duration(one.rto_seconds) for one in shown if one.rto_seconds is not None]
    said = (TITLE, AXIS, SCALE, BAD, NEVER, _goal(goal), *times, *map(duration, TICKS), *map(_level, Level))
    return [say(one, language) for one in said] + [_column(one) for one in shown]


def _goal(goal: float) -> str:
    return phrase("goal: {time}", time=duration(goal))


def _level(level: Level) -> str:
    return phrase("level {level}: {what}", level=int(level), what=level.text)


def _column(drill: Drill) -> str:
    return f"{drill.name}\n{drill.asked_at:%Y-%m-%d}\n{drill.asked_at:%H:%M}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chart:
    """One picture. `file`: of its font; None = whichever the library has."""

    shown: Sequence[Drill]
    goal: float
    language: str
    file: str | None

    def draw(self, axes: "Axes") -> None:
        for level in Level:
            self._level(axes, level)
        self._bad(axes)
        self._goal(axes)
        self._scales(axes)
        axes.set_title(say(TITLE, self.language), loc="left", fontproperties=self._font(12), pad=12)
        axes.legend(prop=self._font(9), loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=2, frameon=False)

    def _font(self, points: int) -> "FontProperties":
        from matplotlib.font_manager import FontProperties

        return FontProperties(fname=self.file, size=points)

    def _level(self, axes: "Axes", level: Level) -> None:
        """Its times, joined by a line, each with its figure; what was not recovered stands at the top."""
        there = [(place, one) for place, one in enumerate(self.shown) if one.level is level]
        if not there:
            return
        colour, shape = LOOKS[level]
        look: dict[str, Any] = {"color": colour, "marker": shape, "markersize": 8.0, "linewidth": 1.2}
        measured = [(place, one.rto_seconds) for place, one in there if one.rto_seconds is not None]
        places, heights = [place for place, _ in measured], [seconds for _, seconds in measured]
        axes.plot(places, heights, label=say(_level(level), self.language), **look)
        for place, one in there:
            axes.plot([place], [self._height(one)], **look)
            said = NEVER if one.rto_seconds is None else duration(one.rto_seconds)
            axes.annotate(
                say(said, self.language),
                (place, self._height(one)),
                xytext=(0, 10),
                textcoords="offset points",
                ha="center",
                fontproperties=self._font(9),
            )

    def _height(self, drill: Drill) -> float:
        return self._top / 2 if drill.rto_seconds is None else drill.rto_seconds

    def _bad(self, axes: "Axes") -> None:
        """A red cross over what did not pass."""
        wrong = [(place, one) for place, one in enumerate(self.shown) if one.end is not DrillEnd.PASSED]
        if wrong:
            places, heights = [place for place, _ in wrong], [self._height(one) for _, one in wrong]
            label = say(BAD, self.language)
            axes.plot(places, heights, color=RED, marker="x", markersize=15, mew=2, linestyle="", label=label)

    def _goal(self, axes: "Axes") -> None:
        axes.axhline(self.goal, color=GREY, linestyle="--", linewidth=1.2)
        axes.annotate(
            say(_goal(self.goal), self.language),
            (1.0, self.goal),
            xycoords=axes.get_yaxis_transform(),
            xytext=(5, -3),
            textcoords="offset points",
            color=GREY,
            fontproperties=self._font(9),
        )

    @property
    def _top(self) -> float:
        """Seconds, with room for what was not recovered above the goal."""
        return 4 * max(self.goal, *(one.rto_seconds or 0.0 for one in self.shown), 1.0)

    def _scales(self, axes: "Axes") -> None:
        bottom = min([self.goal, *(max(one.rto_seconds, 1.0) for one in self.shown if one.rto_seconds is not None)]) / 2
        axes.set_yscale("log")
        axes.set_ylim(bottom, self._top)
        ticks = [one for one in TICKS if bottom <= one <= self._top]
        axes.set_yticks(ticks, [say(duration(one), self.language) for one in ticks], fontproperties=self._font(9))
        axes.set_yticks([], minor=True)
        axes.set_xticks(range(len(self.shown)), [_column(one) for one in self.shown], fontproperties=self._font(8))
        axes.set_xlim(-0.6, len(self.shown) - 0.4)
        axes.set_xlabel(say(AXIS, self.language), fontproperties=self._font(9), labelpad=8)
        axes.set_ylabel(say(SCALE, self.language), fontproperties=self._font(9))
        axes.grid(axis="y", color="#dddddd", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
