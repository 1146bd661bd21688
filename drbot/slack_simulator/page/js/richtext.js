// `rich_text` blocks, also inside the tasks of a plan: lines of text, the only kind drbot writes.
import { element } from "./dom.js";
import { meter } from "./mrkdwn.js";

const words = (part) => part.text.split(/([▓█]*[░▒]+|[▓█]{3,})/).map((word, index) => (index % 2 ? meter(word) : word));

export const richText = (block) => block.elements.map((line) => element("div", { class: "line" }, line.elements.map(words)));
