"""A `Reply` of a verb as a Slack message: the sentence, its tables, a long text, and buttons for what comes next."""

from drbot.bot.blocks.elements import MARKDOWN, TEXT, Block, choice_buttons, escape, section
from drbot.bot.blocks.tables import table_block
from drbot.commands.speech.messages import Reply
from drbot.core.text.messages import say
from drbot.core.text.visible import visible
from drbot.core.text.words import cut

TABLES = 12


def reply_text(reply: Reply, language: str) -> str:
    """What notifications and old clients show."""
    return escape(cut(say(reply.text, language), TEXT - 500)) or "drbot"


def reply_blocks(reply: Reply, language: str) -> list[Block]:
    """The blocks of a reply; nothing a person typed is parsed as Slack's own syntax."""
    blocks = [section(reply_text(reply, language))]
    for table in reply.tables[:TABLES]:
        blocks += table_block(table, language, limit=2500 if len(reply.tables) < 4 else 800)
    if reply.markdown:
        blocks.append({"type": "markdown", "text": cut(visible(reply.markdown), MARKDOWN - 4000)})
    return [*blocks, *choice_buttons(reply.choices, language)]
