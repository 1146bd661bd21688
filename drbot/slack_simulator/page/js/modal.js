// The person's open view, as a real <dialog>: focus stays inside, Escape closes.
import { click, closeView, submitView } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { acting } from "./dialog.js";
import { append, element, icon } from "./dom.js";
import { keepingFocus } from "./focus.js";
import { textObject } from "./mrkdwn.js";
import { changed, state } from "./state.js";
import { say } from "./words.js";

const dialog = () => document.getElementById("modal");
const filled = new Map();  // view id → values; kept while the view is open
const FIELD = ".content :is(input, textarea, select)";
let shown = "";
let errors = {};

function nested(values) {
  const tree = {};
  for (const [key, value] of values) {
    const [block, action] = [key.slice(0, key.lastIndexOf("/")), key.slice(key.lastIndexOf("/") + 1)];
    (tree[block] ??= {})[action] = value;
  }
  return tree;
}

function surfaceOf(view) {
  if (!filled.has(view.id)) filled.set(view.id, new Map());
  const values = filled.get(view.id);
  return {
    name: view.id, values, errors: { ...view.errors, ...errors },
    act: (block, item, value) => acting(() => click({
      user: state.me, view_id: view.id, block_id: block.block_id, action_id: item.action_id, value, values: nested(values) })),
  };
}

async function submit(view, event) {
  event.preventDefault();
  const pressed = dialog().querySelector("[type=submit]");
  pressed?.classList.add("busy");
  const answer = await acting(() => submitView({ user: state.me, view_id: view.id, values: nested(filled.get(view.id) ?? new Map()) }));
  pressed?.classList.remove("busy");
  if (!answer) return;
  errors = answer.errors ?? {};
  state.views = answer.views;
  shown = "";
  renderModal();
  dialog().querySelector("[aria-invalid]")?.focus();
  changed();
}

async function leave(view) {
  const answer = await acting(() => closeView({ user: state.me, view_id: view.id }));
  if (answer) state.views = answer.views;
  changed();
}

function draw(view) {
  const submitLabel = view.submit ? textObject(view.submit) : "";
  const form = element("form", { novalidate: true, onsubmit: (event) => submit(view, event) },
    element("header", {},
      element("span", { class: "app-mark" }, icon("ring")), element("h2", { id: "modal-title" }, textObject(view.title)),
      element("button", { class: "round", type: "button", title: say("Close"), onclick: () => leave(view) }, icon("close", say("Close")))),
    element("div", { class: "content" }, renderBlocks(surfaceOf(view), view.blocks)),
    element("footer", {},
      element("button", { class: "button", type: "button", dataset: { keep: "close" }, onclick: () => leave(view) },
        view.close ? textObject(view.close) : view.submit ? say("Cancel") : say("Close")),
      view.submit ? element("button", { class: "button primary", type: "submit", dataset: { keep: "submit" } }, submitLabel) : null));
  dialog().replaceChildren();
  append(dialog(), form);
}

export function renderModal() {
  const node = dialog();
  const view = state.views.at(-1);
  if (!view) {
    shown = "";
    filled.clear();
    if (node.open) node.close();
    return;
  }
  const signature = JSON.stringify([view.id, view.blocks, view.title, view.submit, view.close, view.errors, errors]);
  if (signature === shown) return;
  if (!shown.startsWith(`["${view.id}"`)) errors = shown === "" ? errors : {};
  shown = signature;
  const hadFields = node.open && node.querySelector(FIELD) !== null;
  keepingFocus(node, () => draw(view));
  if (!node.open) node.showModal();
  // Also when a "one moment" view became the real one: a person can type at once.
  if (!hadFields && !node.contains(document.activeElement?.closest(FIELD))) {
    (node.querySelector("[data-focus=first]") ?? node.querySelector(FIELD) ?? node.querySelector("[type=submit]"))
      ?.focus({ preventScroll: true }); // a warning stands first, as in Slack
  }
}

export function prepareModal() {
  dialog().addEventListener("cancel", (event) => {
    event.preventDefault();
    const view = state.views.at(-1);
    if (view) leave(view);
  });
}
