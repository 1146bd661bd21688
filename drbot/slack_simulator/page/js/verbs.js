// What can be typed after `/dr`, for completion. The bot's parser decides; this only spares typing.

const LEVELS = [
  { word: "level1", about: "One service is down: restart it" },
  { word: "level2", about: "The database is damaged: restore it from a backup" },
  { word: "level3", about: "The host is lost: rebuild the whole system" },
  { word: "level4", about: "The data centre is lost: move to another one" },
];
const DECISIONS = [
  { word: "retry", about: "Run the step again" },
  { word: "done", about: "It has happened: go on" },
  { word: "undo", about: "Take back what it did" },
  { word: "stop", about: "Stop the recovery here" },
];

// `after` is how many words stand between the verb and the choices: `settle <step> retry`.
export const VERBS = [
  { word: "declare", usage: "level1…level4 [service:] [what]", about: "Open an incident", choices: LEVELS },
  { word: "status", usage: "", about: "Where the recovery stands" },
  { word: "approve", usage: "", about: "Read what will be replaced, and approve it" },
  { word: "deny", usage: "why", about: "Say no, with the reason" },
  { word: "phone", usage: "person approve|deny code why", about: "Count a vote that is read over the phone" },
  { word: "break-glass", usage: "", about: "One person alone, only on the recovery host" },
  { word: "enrol", usage: "[code]", about: "Set up your authenticator for approvals" },
  { word: "roster", usage: "[accept seal]", about: "Who may approve, and what is proposed" },
  { word: "stop", usage: "[why]", about: "Stop the recovery safely" },
  { word: "list", usage: "[all]", about: "Open incidents" },
  { word: "level", usage: "level1…level4 [why]", about: "Change the level of this incident", choices: LEVELS },
  { word: "plan", usage: "[level1…level4]", about: "Look and show a plan; change nothing", choices: LEVELS },
  { word: "takeover", usage: "why", about: "Another drbot holds the target and is dead" },
  { word: "settle", usage: "[step] retry|done|undo|stop", about: "Decide about a step nobody is sure of", choices: DECISIONS, after: 1 },
  { word: "answer", usage: "[step] answer", about: "Answer a question of the recovery" },
  { word: "undo", usage: "", about: "Go back to the data from before the recovery" },
  { word: "lead-back", usage: "", about: "Lead the names back to where they led; needs two approvals" },
  { word: "kept", usage: "", about: "Old data that was kept and machines that are rented" },
  { word: "give-up", usage: "<volume>", about: "Delete kept old data for good; needs two approvals" },
  { word: "give-back", usage: "<machine>", about: "Give a rented machine back; needs two approvals" },
  { word: "recover", usage: "[backup NAME]", about: "Start the recovery again, or with another backup" },
  { word: "restart", usage: "", about: "Start the services again after a stop, on the data in place" },
  { word: "discard", usage: "", about: "Give up what was prepared; production stays as it is" },
  { word: "update", usage: "[text]", about: "Tell the stakeholders" },
  { word: "resolve", usage: "[summary]", about: "Write the report and close" },
  { word: "report", usage: "", about: "The report so far" },
  { word: "timeline", usage: "", about: "What happened, line by line" },
  { word: "whoami", usage: "", about: "Who you are to drbot and what you may do" },
  { word: "help", usage: "[verb]", about: "What can be typed here" },
];

const starting = (items, start) => items.filter((item) => item.word.startsWith(start.toLowerCase()) && item.word !== start.toLowerCase());

/** Completions of the text before the caret: `{start, items}`, `start` being where the completed word begins. */
export function completions(text, { commands = [], people = [], channels = [] } = {}) {
  const start = text.search(/\S*$/);
  const word = text.slice(start);
  if (text.startsWith("/")) {
    const [command, ...words] = text.trimStart().split(/\s+/);
    if (words.length === 0)
      return { start: 0, items: commands.filter((item) => item.command.startsWith(command)).map((item) => ({ word: item.command, usage: item.usage_hint, about: item.description })) };
    if (words.length === 1) return { start, items: starting(VERBS, word) };
    const verb = VERBS.find((candidate) => candidate.word === words[0]);
    if (verb?.choices && words.length === 2 + (verb.after ?? 0)) return { start, items: starting(verb.choices, word) };
  }
  if (word.startsWith("@")) return { start, items: starting(people.map((person) => ({ word: `@${person.name}`, about: person.real_name })), word) };
  if (word.startsWith("#") && word.length > 1) return { start, items: starting(channels.map((channel) => ({ word: `#${channel.name}`, about: channel.topic })), word) };
  return { start, items: [] };
}
