// A first visitor's next move, said in one line above the message box; each step leads to the next, and it can be put away.
import { drawOnce, element, icon, replace } from "./dom.js";
import { people, state } from "./state.js";
import { say, sayWith } from "./words.js";

const incidents = () => [...state.channels.values()].filter((channel) => /^(dr|drill)-\d{4}/.test(channel.name) && !channel.is_archived);
const latest = () => incidents().sort((one, other) => other.created - one.created)[0];

function steps(type) {
  const [first, second, third] = people().map((person) => person.real_name);
  const open = latest();
  const words = state.team.first_words;
  if (!open) return sayWith("As {person}, type {words}", {
    person: first, words: element("button", { class: "try", type: "button", onclick: () => type(words) }, words) });
  if (state.open.channel !== open.id) return sayWith("The recovery has a channel of its own: open {channel} on the left.", { channel: element("strong", {}, `#${open.name}`) });
  return sayWith("Follow the pinned board. When votes are needed, act as {second}, then as {third} (bottom left), and press Approve. At the end answer as {first}, and resolve.",
    { first, second, third });
}

export function renderHints(type) {
  const node = document.getElementById("hints");
  const away = localStorage.getItem("drbot-hints") === "away";
  node.hidden = away || state.open.kind !== "channel";
  if (node.hidden) return;
  drawOnce(node, [state.open, latest()?.id, people().length], () => replace(node, icon("bulb"), element("p", {}, steps(type)),
    element("button", { class: "round", type: "button", title: say("Do not show this again"), onclick: () => { localStorage.setItem("drbot-hints", "away"); node.hidden = true; } },
      icon("close", say("Do not show this again")))));
}
