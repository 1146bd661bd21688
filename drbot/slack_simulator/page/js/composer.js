// The message box: Enter sends, Shift+Enter breaks the line, `/` completes commands, Tab or Enter takes a completion.
import { sendCommand, sendMessage } from "./api.js";
import { completions } from "./completions.js";
import { acting } from "./dialog.js";
import { element, icon, replace } from "./dom.js";
import { globalMenu } from "./shortcuts.js";
import { currentChannel, people, place, state, changed } from "./state.js";
import { say, sayWith } from "./words.js";

/** A message box; `target()` says where it sends to: `{channel, thread_ts?}`. */
export function composer(name, target) {
  const list = element("ul", { class: "completions", id: `${name}-completions`, role: "listbox", "aria-label": say("Completions"), hidden: true });
  const field = element("textarea", { rows: "1", id: name, autocomplete: "off", spellcheck: "false", role: "combobox",
    "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" });
  const button = element("button", { class: "send", type: "submit", title: say("Send") }, icon("send", say("Send")));
  const tools = element("span", { class: "tools" });
  const form = element("form", { class: "composer" }, list, field, element("div", { class: "under" }, tools,
    element("small", { class: "tip" }, sayWith("{command} for commands · {key} to send", { command: element("kbd", {}, "/dr"), key: element("kbd", {}, "Enter") })), button));
  let offered = { start: 0, items: [] };
  let chosen = -1;
  const history = [];
  let recalled = 0;

  function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 160)}px`;
    button.disabled = !field.value.trim();
  }

  function offer() {
    offered = completions(field.value.slice(0, field.selectionStart), {
      commands: state.app.commands, words: state.app.completions, people: people(), channels: [...state.channels.values()].filter((channel) => !channel.is_im) });
    chosen = offered.items.length ? 0 : -1;
    show();
  }

  function show() {
    list.hidden = offered.items.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    replace(list, offered.items.map((item, index) =>
      element("li", { id: `${list.id}-${index}`, role: "option", "aria-selected": String(index === chosen), class: index === chosen ? "chosen" : null,
        onmousedown: (event) => { event.preventDefault(); take(index); } },
        element("strong", {}, item.word), item.usage ? element("code", {}, item.usage) : null, element("span", {}, item.about ?? ""))));
    if (chosen >= 0) {
      field.setAttribute("aria-activedescendant", `${list.id}-${chosen}`);
      list.children[chosen].scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  }

  function take(index) {
    const end = field.selectionStart;
    field.setRangeText(`${offered.items[index].word} `, offered.start, end, "end");
    fit();
    offer();
  }

  function hide() {
    offered = { start: 0, items: [] };
    chosen = -1;
    show();
  }

  async function send() {
    const text = field.value.trim();
    if (!text) return;
    history.push(text);
    recalled = history.length;
    field.value = "";
    hide();
    fit();
    const body = { user: state.me, text, ...target() };
    const answer = await acting(() => (text.startsWith("/") ? sendCommand(body) : sendMessage(body)));
    if (answer === null && !field.value) field.value = text;
    if (answer?.message) place(answer.message);
    fit();
    changed();
  }

  function recall(step) {
    recalled = Math.max(0, Math.min(history.length, recalled + step));
    field.value = history[recalled] ?? "";
    fit();
  }

  // A complete word is not completed further: Enter then sends. Otherwise Enter takes the offer only after arrows chose it.
  function onKey(event) {
    if (event.isComposing) return;
    const open = !list.hidden;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      chosen = (chosen + step + offered.items.length) % offered.items.length;
      offered.byArrow = true;
      show();
    } else if (open && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      take(Math.max(0, chosen));
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      hide();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (open && offered.byArrow) take(chosen);
      else send();
    } else if (!open && event.key === "ArrowUp" && !field.value.trim()) recall(-1);
    else if (!open && event.key === "ArrowDown" && recalled < history.length) recall(1);
  }

  field.addEventListener("keydown", onKey);
  field.addEventListener("input", () => { fit(); offer(); });
  field.addEventListener("blur", hide);
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  fit();

  const drawn = { node: form, field };
  drawn.refresh = (placeholder) => {
    field.placeholder = placeholder;
    field.setAttribute("aria-label", placeholder);
    if (!tools.children.length) replace(tools, globalMenu());
  };
  drawn.type = (text) => {
    field.value = text;
    field.focus();
    fit();
    offer();
  };
  return drawn;
}

export const channelTarget = () => ({ channel: currentChannel()?.id });
export const threadTarget = () => ({ channel: currentChannel()?.id, thread_ts: state.panel?.ts });
