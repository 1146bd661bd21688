// The interactive elements of Block Kit that drbot uses. A `surface` is what they stand on: a message, a modal or the App Home.
//   surface.name    unique on the page, for ids
//   surface.values  Map "block_id/action_id" → what is filled in, as control.md's values
//   surface.act(block, item, value)  sends a block action; resolves when the app acknowledged it
import { element, icon } from "./dom.js";
import { textObject } from "./mrkdwn.js";
import { say } from "./words.js";

const keyOf = (block, item) => `${block.block_id}/${item.action_id}`;
const wordsOf = (text) => text?.text ?? "";

const initial = (item) => item.initial_option?.value ?? item.initial_value;

/** Initial values count as filled in, as in Slack; called for every input before it is shown. */
export function takeInitial(surface, block) {
  const key = keyOf(block, block.element);
  if (!surface.values.has(key) && initial(block.element) !== undefined) surface.values.set(key, initial(block.element));
}

export function button(surface, block, item) {
  const press = () => {
    node.classList.add("busy");
    node.setAttribute("aria-busy", "true");
    return surface.act(block, item, item.value).finally(() => {
      node.classList.remove("busy");
      node.removeAttribute("aria-busy");
    });
  };
  const node = element("button", { class: ["button", item.style].filter(Boolean).join(" "), type: "button", dataset: { action: item.action_id ?? "" }, onclick: press },
    textObject(item.text));
  return node;
}

function select(surface, block, item) {
  const chosen = surface.values.get(keyOf(block, item));
  const optionNode = (option) => element("option", { value: option.value, selected: option.value === chosen }, wordsOf(option.text));
  const invitation = element("option", { value: "", disabled: true, selected: chosen === undefined, hidden: true }, say("Choose…"));
  const change = (event) => surface.values.set(keyOf(block, item), event.target.value);
  return element("span", { class: "select" },
    element("select", { dataset: { action: item.action_id }, onchange: change }, invitation, item.options.map(optionNode)),
    icon("chevron"));
}

function textInput(surface, block, item) {
  const properties = {
    dataset: { action: item.action_id },
    maxlength: item.max_length ? String(item.max_length) : null,
    oninput: (event) => surface.values.set(keyOf(block, item), event.target.value),
  };
  const node = item.multiline ? element("textarea", { ...properties, rows: "4" }) : element("input", { ...properties, type: "text" });
  node.value = surface.values.get(keyOf(block, item)) ?? "";
  return node;
}

export const field = (surface, block, item) =>
  (item.type === "static_select" ? select : textInput)(surface, block, item);
