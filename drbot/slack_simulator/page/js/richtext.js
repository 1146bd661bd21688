// `rich_text` blocks, also inside the tasks of a plan.
import { element } from "./dom.js";
import { channelLink, emojiNode, link, mention, meter } from "./mrkdwn.js";

function styled(node, style = {}) {
  if (style.code) node = element("code", {}, node);
  if (style.bold) node = element("strong", {}, node);
  if (style.italic) node = element("em", {}, node);
  if (style.strike) node = element("s", {}, node);
  return node;
}

const PARTS = {
  text: (part) => part.text.split(/([▓█]*[░▒]+|[▓█]{3,})/).map((word, index) => (index % 2 ? meter(word) : word)),
  link: (part) => link(part.url, part.text),
  user: (part) => mention(part.user_id),
  channel: (part) => channelLink(part.channel_id),
  emoji: (part) => emojiNode(part.name),
  usergroup: (part) => element("span", { class: "mention" }, `@${part.usergroup_id}`),
  broadcast: (part) => element("span", { class: "mention broadcast" }, `@${part.range}`),
  date: (part) => part.fallback ?? new Date(part.timestamp * 1000).toLocaleString(),
  color: (part) => element("code", {}, part.value),
};

const inline = (parts = []) => parts.map((part) => styled(PARTS[part.type]?.(part) ?? "", part.style));

const GROUPS = {
  rich_text_section: (group) => element("div", { class: "line" }, inline(group.elements)),
  rich_text_preformatted: (group) => element("pre", {}, inline(group.elements)),
  rich_text_quote: (group) => element("blockquote", {}, inline(group.elements)),
  rich_text_list: (group) =>
    element(group.style === "ordered" ? "ol" : "ul", { class: `depth-${group.indent ?? 0}`, start: group.offset ? group.offset + 1 : undefined },
      (group.elements ?? []).map((item) => element("li", {}, inline(item.elements)))),
};

export const richText = (block) => (block?.elements ?? []).map((group) => GROUPS[group.type]?.(group));
