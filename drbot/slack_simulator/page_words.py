"""What the page says around the messages, in the language of whoever started this Slack: buttons, headings, hints. The
page asks for each by its English (`page/js/words.js`).
"""

import json

from drbot.core.text.messages import phrase, say
from drbot.slack_simulator.state import State

PAGE_WORDS: tuple[str, ...] = (
    phrase("(edited)"),
    phrase("(optional)"),
    phrase("1 reply"),
    phrase("Act as"),
    phrase("App"),
    phrase("Apps"),
    phrase("Archived"),
    phrase("As {person}, type {words}"),
    phrase("Cancel"),
    phrase("Channel"),
    phrase("Channels"),
    phrase("Choose…"),
    phrase("Close"),
    phrase("Completions"),
    phrase("Direct messages"),
    phrase("Do not show this again"),
    phrase("Done"),
    phrase("Download {name}"),
    phrase("Failed"),
    phrase(
        "Follow the pinned board. When votes are needed, act as {second}, then as {third} (bottom left), and press "
        "Approve. At the end answer as {first}, and resolve."
    ),
    phrase("Guest"),
    phrase("Home"),
    phrase("In progress"),
    phrase("Incidents"),
    phrase("Join channel"),
    phrase("Keep the pinned messages in view"),
    phrase("Last at {time}"),
    phrase("Local workspace"),
    phrase("Message"),
    phrase("Message {name}"),
    phrase("Messages"),
    phrase("New"),
    phrase("Only visible to you"),
    phrase("Pinned"),
    phrase("Pinned to the channel"),
    phrase("React with 📌: add it to the timeline"),
    phrase("Read it here"),
    phrase("Reply in thread"),
    phrase("Reply…"),
    phrase("Send"),
    phrase("Shortcuts"),
    phrase("Shortcuts for this message"),
    phrase("The app has not shown anything here yet."),
    phrase("The bot is connected"),
    phrase("The bot is not connected"),
    phrase("The bot is not connected: commands will not be answered."),
    phrase("The connection to the workspace was cut. If nothing happened, try again."),
    phrase("The recovery has a channel of its own: open {channel} on the left."),
    phrase("The workspace answered {status}."),
    phrase("The workspace does not answer. Trying again…"),
    phrase("The workspace does not answer: {why}. Is it still running?"),
    phrase("This channel is archived: it can be read, not written to."),
    phrase("This page cannot show “{type}”."),
    phrase("Thread"),
    phrase("Thread or pinned messages"),
    phrase("Today"),
    phrase("Waiting"),
    phrase("Workspace"),
    phrase("Yesterday"),
    phrase("You are looking at {channel}."),
    phrase("local, nothing leaves this machine"),
    phrase("reconnecting…"),
    phrase("{command} for commands · {key} to send"),
    phrase("{count} pinned"),
    phrase("{count} replies"),
    phrase("{count} unread for you"),
    phrase("{done} of {count}"),
    phrase("{name}, a guest"),
    phrase("{names} reacted with {emoji}"),
)


def script_of(state: State) -> str:
    """The module that the page imports: its language, English → what is said, who is there by name, and what stands
    above everything.
    """
    said = {str(words): say(words, state.language) for words in PAGE_WORDS}
    names = {person.name: person.id for person in state.people.values() if not person.is_bot}
    notice = {"text": say(state.notice, state.language), "serious": state.is_serious}
    made = {"language": state.language, "said": said, "ids": names, "notice": notice}
    return "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in made.items())
