// Shortcuts of the app: the global ones beside the message box, the others on a message.
import { runShortcut } from "./api.js";
import { acting } from "./dialog.js";
import { element, icon } from "./dom.js";
import { state } from "./state.js";
import { say } from "./words.js";

const named = (type) => (state.app.shortcuts ?? []).filter((shortcut) => shortcut.type === type);

function menu(label, symbol, shortcuts, where) {
  if (!shortcuts.length) return null;
  const box = element("details", { class: "menu" });
  const run = (shortcut) => {
    box.open = false;
    acting(() => runShortcut({ user: state.me, callback_id: shortcut.callback_id, ...where }));
  };
  box.append(element("summary", { class: "round", title: label }, icon(symbol, label)),
    element("div", { class: "items", role: "menu" }, shortcuts.map((shortcut) =>
      element("button", { type: "button", role: "menuitem", title: shortcut.description, onclick: () => run(shortcut) }, shortcut.name))));
  box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) box.open = false; });
  return box;
}

export const messageMenu = (message) => menu(say("Shortcuts for this message"), "bolt", named("message"), { channel: message.channel, ts: message.ts });
export const globalMenu = () => menu(say("Shortcuts"), "bolt", named("global"), {});
