"""A `Reply` of a verb as Slack messages: the sentence, its tables, a long text, and buttons for what comes next.

Nothing is left out: what one message does not hold is in the next one, and what several do not hold is a file.
"""

from drbot.bot.blocks.elements import MARKDOWN, SECTION, TEXT, Block, choice_buttons, escape, section
from drbot.bot.blocks.tables import line_texts, table_lines
from drbot.commands.speech.messages import Reply
from drbot.core.text.messages import say
from drbot.core.text.visible import visible
from drbot.core.text.words import cut

PAGE = 8000
"""Letters of one message beside its sentence and buttons: Slack takes about 13,000."""
BLOCKS = 40  # Slack: 50
MOST_PAGES = 3
MARKDOWN_PAGE = MARKDOWN - 4000


def reply_text(reply: Reply, language: str) -> str:
    """What notifications and old clients show."""
    return escape(cut(say(reply.text, language), TEXT - 500)) or "drbot"


def reply_blocks(reply: Reply, language: str) -> list[Block]:
    """The blocks of a reply in a place that is one, such as a dialog."""
    return [block for page in reply_pages(reply, language) for block in page]


def reply_pages(reply: Reply, language: str) -> list[list[Block]]:
    """The blocks of each message; nothing a person typed is parsed as Slack's own syntax. The buttons come last."""
    pages: list[list[Block]] = [[section(reply_text(reply, language))]]
    letters = 0
    for block, length in _parts(reply, language):
        if letters and (letters + length > PAGE or len(pages[-1]) >= BLOCKS):
            pages.append([])
            letters = 0
        pages[-1].append(block)
        letters += length
    pages = _shown(pages, keeps_end=reply.ends_last)
    pages[-1] += choice_buttons(reply.choices, language)
    return pages


def is_long(reply: Reply, language: str) -> bool:
    """Whether more messages would be needed than people read: all of it goes into a file."""
    return sum(length for _, length in _parts(reply, language)) > PAGE * MOST_PAGES


def whole_text(reply: Reply, language: str) -> str:
    """All of it, for a file."""
    lines = [say(reply.text, language)]
    for table in reply.tables:
        lines += ["", *line_texts(table, language)]
    return visible("\n".join([*lines, *(["", reply.markdown] if reply.markdown else [])]))


def _shown(pages: list[list[Block]], *, keeps_end: bool) -> list[list[Block]]:
    """As many as people read: the first ones, or the last ones behind the sentence."""
    if len(pages) <= MOST_PAGES:
        return pages
    if not keeps_end:
        return pages[:MOST_PAGES]
    sentence, *_ = pages[0]
    return [[sentence], *pages[1 - MOST_PAGES :]]


def _parts(reply: Reply, language: str) -> list[tuple[Block, int]]:
    found = []
    for table in reply.tables:
        for text in _joined(table_lines(table, language), SECTION):
            found.append((section(text), len(text)))
    if reply.markdown:
        for text in _joined(visible(reply.markdown).splitlines(), MARKDOWN_PAGE):
            found.append(({"type": "markdown", "text": text}, len(text)))
    return found


def _joined(lines: list[str], limit: int) -> list[str]:
    """Whole lines in texts of at most so many letters; a longer line is cut."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= limit:
            texts[-1] += f"\n{line}"
        else:
            texts.append(cut(line, limit))
    return [text for text in texts if text.strip()]
