// Slack's mrkdwn as DOM nodes: `&amp; &lt; &gt;` are the only escapes, `<…>` the only links and mentions.
import { clockTime, dates, element } from "./dom.js";
import { emojiOf } from "./emoji.js";
import { channelName, openChannel, personName, state } from "./state.js";
import { say } from "./words.js";

const ESCAPES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
export const unescape = (text) => text.replace(/&(?:lt|gt|amp);/g, (entity) => ESCAPES[entity]);

// Order matters: what is code is not looked into, and a mention wins over a style.
const TOKEN =
  /```\n?([\s\S]+?)\n?```|`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+\-]+(?:::[a-z0-9-]+)?):|(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*[^_\s])_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*[^~\s])~(?![\w~])|([▓█]*[░▒]+|[▓█]{3,})/g;

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    nodes.push(unescape(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const [whole, fence, code, angle, emoji, bold, italic, strike, bar] = match;
    if (fence !== undefined) nodes.push(element("pre", {}, unescape(fence)));
    else if (code !== undefined) nodes.push(element("code", {}, unescape(code)));
    else if (angle !== undefined) nodes.push(reference(angle));
    else if (emoji !== undefined) nodes.push(emojiNode(emoji));
    else if (bold !== undefined) nodes.push(element("strong", {}, inline(bold)));
    else if (italic !== undefined) nodes.push(element("em", {}, inline(italic)));
    else if (strike !== undefined) nodes.push(element("s", {}, inline(strike)));
    else if (bar.length >= 3) nodes.push(meter(bar));
    else nodes.push(whole);
  }
  nodes.push(unescape(text.slice(end)));
  return nodes;
}

// A bar of blocks is drawn as one: fonts disagree about those characters.
export function meter(bar) {
  const full = bar.replace(/[░▒]/g, "");
  return element("span", { class: "meter" }, element("b", {}, full), bar.slice(full.length));
}

export function emojiNode(name) {
  const symbol = emojiOf(name);
  return symbol ? element("span", { class: "emoji", title: `:${name}:`, role: "img", "aria-label": name }, symbol) : `:${name}:`;
}

function reference(inside) {
  const [target, ...rest] = inside.split("|");
  const label = rest.length ? unescape(rest.join("|")) : "";
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!date^")) return element("time", {}, dateText(target, label));
  if (target.startsWith("!subteam^")) return element("span", { class: "mention" }, label || "@group");
  if (target.startsWith("!")) return element("span", { class: "mention broadcast" }, `@${target.slice(1)}`);
  return /^[a-z][a-z0-9+.-]*:/i.test(target) ? link(unescape(target), label) : unescape(`<${inside}>`);
}

export function mention(id, label) {
  const mine = id === state.me;
  return element("span", { class: mine ? "mention me" : "mention", dataset: { user: id } }, `@${personName(id) || label || id}`);
}

function channelLink(id, label) {
  const name = channelName(id) || label || id;
  return element("button", { class: "mention", type: "button", onclick: () => openChannel(id) }, `#${name.replace(/^#/, "")}`);
}

export function link(target, label) {
  const here = /\/archives\/([A-Z0-9]+)\/p(\d{10})(\d{6})/.exec(target);
  if (here) return element("a", { href: "#", onclick: (event) => { event.preventDefault(); openChannel(here[1], `${here[2]}.${here[3]}`); } }, label || say("Message"));
  const safe = /^(https?:|mailto:)/i.test(target);
  if (!safe) return element("span", {}, label || target);
  return element("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, label || target.replace(/^mailto:/, ""));
}

function dateText(target, fallback) {
  const [, seconds, format = ""] = target.split("^");
  const moment = new Date(Number(seconds) * 1000);
  if (Number.isNaN(moment.getTime())) return fallback;
  const day = moment.toLocaleDateString(dates, { day: "numeric", month: "short", year: "numeric" });
  const full = moment.toLocaleTimeString([], { hour12: false });
  const words = { date: day, date_num: moment.toISOString().slice(0, 10), time: clockTime(seconds), time_secs: full };
  return format.replace(/\{([a-z_]+)\}/g, (_, name) => words[name] ?? (name.startsWith("date") ? day : fallback));
}

/** Nodes of a whole mrkdwn text: quotes become blockquotes, line breaks stay (the style keeps white space). */
export function mrkdwn(text = "") {
  const parts = text.split(/(```[\s\S]+?```)/);
  return parts.flatMap((part, index) => {
    if (part.startsWith("```") && part.length > 6) return inline(part);
    return quotes(index > 0 ? part.replace(/^\n/, "") : part);
  });
}

function quotes(text) {
  const nodes = [];
  let plain = [];
  let quoted = [];
  const flushPlain = () => {
    if (plain.length) nodes.push(...inline(plain.join("\n")));
    plain = [];
  };
  const flushQuoted = () => {
    if (quoted.length) nodes.push(element("blockquote", {}, inline(quoted.join("\n"))));
    quoted = [];
  };
  for (const line of text.split("\n")) {
    const match = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (match) {
      flushPlain();
      quoted.push(match[1]);
    } else {
      flushQuoted();
      plain.push(line);
    }
  }
  flushPlain();
  flushQuoted();
  return nodes;
}

export function plainText(text = "", emoji = true) {
  if (!emoji) return [unescape(text)];
  return text.split(/:([a-z0-9_+\-]+):/).map((part, index) => (index % 2 ? emojiNode(part) : unescape(part)));
}

/** A composition text object of Block Kit, or a bare string. */
export function textObject(text) {
  if (!text) return [];
  if (typeof text === "string") return plainText(text);
  return text.type === "mrkdwn" ? mrkdwn(text.text) : plainText(text.text, text.emoji !== false);
}
