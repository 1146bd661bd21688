// The interactive elements of Block Kit. A `surface` is what they stand on: a message, a modal or the App Home.
//   surface.name    unique on the page, for ids and radio groups
//   surface.values  Map "block_id/action_id" → what is filled in, as control.md's values
//   surface.act(block, item, value)  sends a block action; resolves when the app acknowledged it
import { element, icon } from "./dom.js";
import { confirmDialog } from "./dialog.js";
import { textObject } from "./mrkdwn.js";
import { state } from "./state.js";

const keyOf = (block, item) => `${block.block_id}/${item.action_id}`;
const wordsOf = (text) => (typeof text === "string" ? text : (text?.text ?? ""));

const current = (surface, block, item) => surface.values.get(keyOf(block, item)) ?? initial(item);

function remember(surface, block, item, value) {
  surface.values.set(keyOf(block, item), value);
  const dispatches = block.type !== "input" || block.dispatch_action;
  if (dispatches && !item.type.endsWith("_input")) send(surface, block, item, value);
}

function send(surface, block, item, value, node) {
  node?.classList.add("busy");
  node?.setAttribute("aria-busy", "true");
  return surface.act(block, item, value).finally(() => {
    node?.classList.remove("busy");
    node?.removeAttribute("aria-busy");
  });
}

function initial(item) {
  if (item.initial_option) return item.initial_option.value;
  if (item.initial_options) return item.initial_options.map((option) => option.value);
  return item.initial_value ?? item.initial_user ?? item.initial_date ?? item.initial_time;
}

/** Initial values count as filled in, as in Slack; called for every block before it is shown. */
export function takeInitial(surface, block) {
  for (const item of [block.element, block.accessory, ...(block.type === "actions" ? (block.elements ?? []) : [])]) {
    if (!item?.action_id || item.type === "button" || item.type === "overflow") continue;
    const key = keyOf(block, item);
    if (!surface.values.has(key) && initial(item) !== undefined) surface.values.set(key, initial(item));
  }
}

function button(surface, block, item) {
  const label = textObject(item.text);
  const kind = ["button", item.style].filter(Boolean).join(" ");
  const described = item.accessibility_label;
  const dataset = { action: item.action_id ?? "" };
  const press = async () => {
    if (item.confirm && !(await confirmDialog(item.confirm))) return;
    await send(surface, block, item, item.value, node);
  };
  const node = item.url && /^https?:/i.test(item.url)
    ? element("a", { class: kind, href: item.url, target: "_blank", rel: "noopener noreferrer", dataset, "aria-label": described, onclick: press }, label)
    : element("button", { class: kind, type: "button", dataset, "aria-label": described, onclick: press }, label);
  return node;
}

const groupsOf = (item) => item.option_groups ?? [{ options: item.options ?? [] }];

function select(surface, block, item, chosen, choose) {
  const optionNode = (option) => element("option", { value: option.value, selected: option.value === chosen }, wordsOf(option.text));
  const groups = groupsOf(item).map((group) =>
    group.label ? element("optgroup", { label: wordsOf(group.label) }, group.options.map(optionNode)) : group.options.map(optionNode));
  const change = async (event) => {
    if (!item.confirm || (await confirmDialog(item.confirm))) choose(event.target.value);
  };
  const invitation = element("option", { value: "", disabled: true, selected: chosen === undefined, hidden: true }, wordsOf(item.placeholder) || "Choose…");
  return element("span", { class: "select" },
    element("select", { dataset: { action: item.action_id }, "aria-label": wordsOf(item.placeholder) || null, onchange: change }, invitation, groups),
    icon("chevron"));
}

const staticSelect = (surface, block, item) =>
  select(surface, block, item, current(surface, block, item), (value) => remember(surface, block, item, value));

function usersSelect(surface, block, item) {
  const options = [...state.users.values()].filter((user) => !user.is_bot).map((user) => ({ value: user.id, text: user.real_name }));
  return staticSelect(surface, block, { ...item, options });
}

const overflow = (surface, block, item) =>
  select(surface, block, { ...item, placeholder: "More…" }, undefined, (value) => send(surface, block, item, value));

function choices(kind) {
  return (surface, block, item) => {
    const chosen = new Set([current(surface, block, item)].flat().filter((value) => value !== undefined));
    const change = (event) => {
      if (kind === "radio") chosen.clear();
      if (event.target.checked) chosen.add(event.target.value);
      else chosen.delete(event.target.value);
      remember(surface, block, item, kind === "radio" ? event.target.value : [...chosen]);
    };
    const choice = (option) => element("label", { class: "choice" },
      element("input", { type: kind, dataset: { keep: `${item.action_id}=${option.value}` }, name: `${surface.name}/${keyOf(block, item)}`, value: option.value, checked: chosen.has(option.value), onchange: change }),
      element("span", {}, textObject(option.text), option.description ? element("small", {}, textObject(option.description)) : null));
    return element("div", { class: "choices", role: kind === "radio" ? "radiogroup" : "group", dataset: { action: item.action_id } },
      groupsOf(item).flatMap((group) => group.options).map(choice));
  };
}

function textInput(type) {
  return (surface, block, item) => {
    const properties = {
      dataset: { action: item.action_id, focus: item.focus_on_load ? "first" : "" },
      placeholder: wordsOf(item.placeholder),
      maxlength: item.max_length ? String(item.max_length) : null,
      oninput: (event) => surface.values.set(keyOf(block, item), event.target.value),
      onkeydown: (event) => {
        if (event.key !== "Enter" || item.multiline || !block.dispatch_action) return;
        event.preventDefault();
        send(surface, block, item, event.target.value);
      },
    };
    const node = item.multiline ? element("textarea", { ...properties, rows: "4" }) : element("input", { ...properties, type });
    node.value = current(surface, block, item) ?? "";
    return node;
  };
}

const moment = (type) => (surface, block, item) => {
  const node = element("input", { type, dataset: { action: item.action_id }, onchange: (event) => remember(surface, block, item, event.target.value) });
  node.value = current(surface, block, item) ?? "";
  return node;
};

export const image = (item) =>
  element("img", { class: "picture", src: /^https?:|^\//.test(item.image_url ?? "") ? item.image_url : "", alt: item.alt_text ?? "", loading: "lazy" });

const ELEMENTS = {
  button,
  static_select: staticSelect,
  users_select: usersSelect,
  radio_buttons: choices("radio"),
  checkboxes: choices("checkbox"),
  multi_static_select: choices("checkbox"),
  plain_text_input: textInput("text"),
  number_input: textInput("number"),
  email_text_input: textInput("email"),
  url_text_input: textInput("url"),
  datepicker: moment("date"),
  timepicker: moment("time"),
  overflow,
  image: (_, __, item) => image(item),
};

export function interactive(surface, block, item) {
  const build = ELEMENTS[item.type];
  return build ? build(surface, block, item) : element("span", { class: "unknown" }, `This page cannot show “${item.type}”.`);
}
