// Standard markdown, as `markdown` blocks and files carry it: headings, lists, tables, quotes, code, links.
import { element } from "./dom.js";
import { emojiNode, link, mention } from "./mrkdwn.js";

const TOKEN =
  /`([^`]+)`|\*\*(.+?)\*\*|__(.+?)__|(?<![\w*])\*([^*\n]+)\*|(?<!\w)_([^_\n]+)_(?!\w)|~~(.+?)~~|\[([^\]]+)\]\(([^)\s]+)\)|<@([A-Z0-9]+)>|<(https?:[^>\s]+)>|:([a-z0-9_+\-]+):|\\([\\`*_{}[\]()#+\-.!|>~])/g;

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    nodes.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    const [, code, bold, bold2, italic, italic2, strike, label, target, user, bare, emoji, escaped] = match;
    if (code !== undefined) nodes.push(element("code", {}, code));
    else if (bold ?? bold2) nodes.push(element("strong", {}, inline(bold ?? bold2)));
    else if (italic ?? italic2) nodes.push(element("em", {}, inline(italic ?? italic2)));
    else if (strike) nodes.push(element("s", {}, inline(strike)));
    else if (label) nodes.push(link(target, label));
    else if (user) nodes.push(mention(user));
    else if (bare) nodes.push(link(bare));
    else if (emoji) nodes.push(emojiNode(emoji));
    else nodes.push(escaped);
  }
  nodes.push(text.slice(end));
  return nodes;
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());

function table(lines) {
  const [head, , ...rows] = lines.map(cells);
  return element("div", { class: "table" }, element("table", {},
    element("thead", {}, element("tr", {}, head.map((cell) => element("th", {}, inline(cell))))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, inline(cell))))))));
}

const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;

function list(lines) {
  const tag = /^\s*\d/.test(lines[0]) ? "ol" : "ul";
  return element(tag, {}, lines.map((line) => {
    const [, , text] = ITEM.exec(line);
    const box = /^\[([ xX])\] (.*)$/.exec(text);
    const depth = Math.floor(/^\s*/.exec(line)[0].length / 2);
    return element("li", { class: depth ? `depth-${Math.min(depth, 3)}` : undefined },
      box ? [box[1] === " " ? "☐ " : "☑ ", inline(box[2])] : inline(text));
  }));
}

// Each kind takes the lines it understands from the front; the first that takes some wins.
const KINDS = [
  [/^\s*$/, () => null],
  [/^#{1,6} /, (lines) => element(`h${Math.min(6, lines[0].indexOf(" ") + 2)}`, {}, inline(lines[0].replace(/^#+ /, ""))), 1],
  [/^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/, () => element("hr"), 1],
  [/^\s*\|.*\|\s*$/, (lines) => (lines.length > 1 ? table(lines) : element("p", {}, inline(lines[0])))],
  [/^> ?/, (lines) => element("blockquote", {}, markdown(lines.map((line) => line.replace(/^> ?/, "")).join("\n")))],
  [ITEM, (lines) => list(lines)],
];

export function markdown(text = "") {
  const nodes = [];
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  while (lines.length) {
    if (lines[0].startsWith("```")) {
      const close = lines.findIndex((line, index) => index > 0 && line.startsWith("```"));
      const taken = lines.splice(0, close < 0 ? lines.length : close + 1);
      nodes.push(element("pre", {}, taken.slice(1, close < 0 ? undefined : -1).join("\n")));
      continue;
    }
    const [pattern, build, limit = Infinity] = KINDS.find(([start]) => start.test(lines[0])) ?? [];
    const taken = [];
    if (pattern) while (lines.length && taken.length < limit && pattern.test(lines[0])) taken.push(lines.shift());
    else while (lines.length && !lines[0].startsWith("```") && !KINDS.some(([start]) => start.test(lines[0]))) taken.push(lines.shift());
    const node = pattern ? build(taken) : element("p", {}, inline(taken.join("\n")));
    if (node) nodes.push(node);
  }
  return nodes;
}
