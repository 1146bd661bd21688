// Block Kit, the kinds drbot uses: one function a kind, found in one table.
import { element, icon } from "./dom.js";
import { image, interactive, takeInitial } from "./elements.js";
import { markdown } from "./markdown.js";
import { textObject } from "./mrkdwn.js";
import { plan, taskCard } from "./plan.js";
import { richText } from "./richtext.js";

function section(surface, block) {
  const body = element("div", { class: "body" },
    block.text ? element("div", { class: "text" }, textObject(block.text)) : null,
    block.fields ? element("div", { class: "fields" }, block.fields.map((field) => element("div", { class: "field" }, textObject(field)))) : null);
  return [body, block.accessory ? element("div", { class: "accessory" }, interactive(surface, block, block.accessory)) : null];
}

function input(surface, block) {
  const item = block.element;
  const node = interactive(surface, block, item);
  const error = surface.errors?.[block.block_id];
  const id = `${surface.name}-${block.block_id}`;
  const field = node.matches("input, textarea, select") ? node : node.querySelector("select");
  if (field) {
    field.id = id;
    if (error) field.setAttribute("aria-invalid", "true");
    if (error) field.setAttribute("aria-describedby", `${id}-error`);
  } else node.setAttribute("aria-label", block.label?.text ?? "");
  return [
    element(field ? "label" : "div", { class: "label", for: field ? id : undefined }, textObject(block.label),
      block.optional ? element("span", { class: "optional" }, " (optional)") : null),
    node,
    error ? element("p", { class: "field-error", id: `${id}-error`, role: "alert" }, error) : null,
    block.hint ? element("p", { class: "hint" }, textObject(block.hint)) : null,
  ];
}

const contextPart = (part) => (part.type === "image" ? image(part) : element("span", {}, textObject(part)));

function table(block) {
  const cell = (tag, value) => element(tag, {}, value?.type === "rich_text" ? richText(value) : textObject(value));
  const [head, ...rows] = block.rows ?? [];
  return element("table", {}, element("thead", {}, element("tr", {}, (head ?? []).map((value) => cell("th", value)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((value) => cell("td", value))))));
}

const BLOCKS = {
  header: (_, block) => element("h3", {}, textObject(block.text)),
  section,
  divider: () => element("hr"),
  context: (_, block) => (block.elements ?? []).map(contextPart),
  actions: (surface, block) => (block.elements ?? []).map((item) => interactive(surface, block, item)),
  plan,
  task_card: taskCard,
  rich_text: (_, block) => richText(block),
  markdown: (_, block) => markdown(block.text),
  image: (_, block) => [block.title ? element("div", { class: "caption" }, textObject(block.title)) : null, image(block)],
  input,
  alert: (_, block) => [icon("alert"), element("div", {}, textObject(block.text))],
  table: (_, block) => table(block),
};

export function renderBlock(surface, block) {
  const build = BLOCKS[block.type];
  takeInitial(surface, block);
  const tag = block.type === "rich_text" || block.type === "markdown" ? "article" : "div";
  const node = element(tag, { class: `block ${block.type}`, dataset: { block: block.block_id ?? "" } });
  if (block.type === "alert") {
    node.classList.add(`level-${block.level ?? "default"}`);
    node.setAttribute("role", "status");
  }
  const content = build ? build(surface, block) : element("span", { class: "unknown" }, `This page cannot show “${block.type}”.`);
  node.append(...[content].flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export function renderBlocks(surface, blocks = []) {
  return element("div", { class: "blocks" }, blocks.map((block) => renderBlock(surface, block)));
}
