// What the page itself says, in the language of this workspace: English stands in the code, as everywhere in drbot.
// said.js is made by the workspace (page_words.py).
import { ids, language, notice, said } from "./said.js";

export { ids, language, notice };

/** A sentence with its `{names}` filled in. */
export const say = (english, values = {}) => sayWith(english, values).join("");

/** The same as a list, for sentences around elements. */
export const sayWith = (english, values) =>
  (said[english] ?? english).split(/(\{\w+\})/).filter(Boolean).map((part) => (part.startsWith("{") ? values[part.slice(1, -1)] ?? part : part));
