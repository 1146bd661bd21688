// Block Kit, the kinds drbot uses: one function a kind, found in one table.
import { element } from "./dom.js";
import { button, field, takeInitial } from "./elements.js";
import { markdown } from "./markdown.js";
import { textObject } from "./mrkdwn.js";
import { plan } from "./plan.js";
import { richText } from "./richtext.js";
import { say } from "./words.js";

function input(surface, block) {
  takeInitial(surface, block);
  const node = field(surface, block, block.element);
  const error = surface.errors?.[block.block_id];
  const id = `${surface.name}-${block.block_id}`;
  const filled = node.matches("input, textarea") ? node : node.querySelector("select");
  filled.id = id;
  if (error) filled.setAttribute("aria-invalid", "true");
  if (error) filled.setAttribute("aria-describedby", `${id}-error`);
  return [
    element("label", { class: "label", for: id }, textObject(block.label),
      block.optional ? element("span", { class: "optional" }, ` ${say("(optional)")}`) : null),
    node,
    error ? element("p", { class: "field-error", id: `${id}-error`, role: "alert" }, error) : null,
    block.hint ? element("p", { class: "hint" }, textObject(block.hint)) : null,
  ];
}

const BLOCKS = {
  header: (_, block) => element("h3", {}, textObject(block.text)),
  section: (_, block) => element("div", { class: "text" }, textObject(block.text)),
  divider: () => element("hr"),
  context: (_, block) => block.elements.map((part) => element("span", {}, textObject(part))),
  actions: (surface, block) => block.elements.map((item) => button(surface, block, item)),
  plan,
  rich_text: (_, block) => richText(block),
  markdown: (_, block) => markdown(block.text),
  input,
};

export function renderBlock(surface, block) {
  const build = BLOCKS[block.type];
  const tag = block.type === "rich_text" || block.type === "markdown" ? "article" : "div";
  const node = element(tag, { class: `block ${block.type}`, dataset: { block: block.block_id ?? "" } });
  const content = build ? build(surface, block) : element("span", { class: "unknown" }, say("This page cannot show “{type}”.", { type: block.type }));
  node.append(...[content].flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export function renderBlocks(surface, blocks = []) {
  return element("div", { class: "blocks" }, blocks.map((block) => renderBlock(surface, block)));
}
