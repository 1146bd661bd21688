// What can be typed next, for completion. The app's words come with the state; its parser decides, this only spares typing.

const starting = (items, start) => items.filter((item) => item.word.startsWith(start.toLowerCase()) && item.word !== start.toLowerCase());

/** Completions of the text before the caret: `{start, items}`, `start` being where the completed word begins. */
export function completions(text, { commands = [], words = [], people = [], channels = [] } = {}) {
  const start = text.search(/\S*$/);
  const word = text.slice(start);
  if (text.startsWith("/")) {
    const [command, verb, ...more] = text.trimStart().split(/\s+/);
    if (verb === undefined)
      return { start: 0, items: commands.filter((item) => item.command.startsWith(command)).map((item) => ({ word: item.command, usage: item.usage_hint, about: item.description })) };
    if (more.length === 0) return { start, items: starting(words, word) };
    const choices = words.find((candidate) => candidate.word === verb)?.choices[more.length - 1];
    if (choices?.length) return { start, items: starting(choices, word) };
  }
  if (word.startsWith("@")) return { start, items: starting(people.map((person) => ({ word: `@${person.name}`, about: person.real_name })), word) };
  if (word.startsWith("#") && word.length > 1) return { start, items: starting(channels.map((channel) => ({ word: `#${channel.name}`, about: channel.topic })), word) };
  return { start, items: [] };
}
