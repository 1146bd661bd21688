// Channels with their unread marks, the app's Home, and the switch between people.
import { acting } from "./dialog.js";
import { drawOnce, element, icon, keepRows, replace } from "./dom.js";
import { keepingFocus } from "./focus.js";
import { avatar } from "./messages.js";
import { become, openChannel, openHome, people, personName, state, unread } from "./state.js";
import { say } from "./words.js";

function channelRow(channel, news) {
  const here = state.open.channel === channel.id;
  const classes = ["row", here && "here", news.count && !here && "unread", channel.is_archived && "archived"].filter(Boolean).join(" ");
  const name = channel.is_im ? personName(channel.user) : channel.name;
  return element("li", {}, element("button", {
    class: classes, type: "button", dataset: { keep: channel.id, channel: channel.name }, title: name,
    "aria-current": here ? "page" : null, onclick: () => openChannel(channel.id) },
    channel.is_im ? avatar(channel.user, true) : icon(channel.is_private ? "lock" : "hash"),
    element("span", { class: "name" }, name),
    news.mentions && !here ? element("span", { class: "count", "aria-label": say("{count} unread for you", { count: news.mentions }) }, String(news.mentions)) : null));
}

function personSwitch() {
  return element("fieldset", { class: "people" }, element("legend", {}, say("Act as")),
    people().map((person) => element("label", { class: person.id === state.me ? "person here" : "person", title: person.is_restricted ? say("{name}, a guest", { name: person.real_name }) : person.real_name },
      element("input", { type: "radio", name: "person", value: person.id, checked: person.id === state.me, dataset: { keep: `person-${person.id}` },
        onchange: () => choose(person.id) }),
      avatar(person.id, true), element("span", {}, person.is_restricted ? say("Guest") : person.real_name))));
}

async function choose(id) {
  sessionStorage.setItem("drbot-person", id);
  await acting(() => become(id));
}

const newestFirst = (one, other) => other.created - one.created || other.name.localeCompare(one.name);
const isIncident = (channel) => /^(dr|drill)-\d{4}/.test(channel.name) || /^dr-\d+-l\d/.test(channel.name);

function appRow() {
  const connected = state.app.connections > 0;
  const presence = connected ? say("The bot is connected") : say("The bot is not connected");
  const here = state.open.kind === "home";
  return element("li", {}, element("button", {
    class: here ? "row here" : "row", type: "button", dataset: { keep: "home" }, onclick: openHome, "aria-current": here ? "page" : null },
    element("span", { class: "avatar small app" }, icon("ring")), element("span", { class: "name" }, state.app.name || "drbot"),
    element("span", { class: connected ? "presence on" : "presence", role: "img", "aria-label": presence, title: presence })));
}

function rowsOf(title, channels) {
  if (!channels.length) return [];
  const heading = { key: title, facts: title, build: () => element("li", { class: "group", role: "presentation" }, element("h2", {}, title)) };
  return [heading, ...channels.map((channel) => {
    const news = unread(channel);
    const facts = [channel.name, channel.is_archived, channel.is_private, news, state.open.channel === channel.id, state.me];
    return { key: channel.id, facts, build: () => channelRow(channel, news) };
  })];
}

export function renderSidebar() {
  const [header, list, switcher] = ["side-header", "side-list", "side-people"].map((id) => document.getElementById(id));
  const all = [...state.channels.values()];
  const channels = all.filter((channel) => !channel.is_im);
  const open = channels.filter((channel) => isIncident(channel) && !channel.is_archived).sort(newestFirst);
  const archived = channels.filter((channel) => channel.is_archived).sort(newestFirst);
  const ordinary = channels.filter((channel) => !isIncident(channel) && !channel.is_archived);
  const direct = all.filter((channel) => channel.is_im && channel.messages.length);
  const app = [
    { key: "Apps", facts: "", build: () => element("li", { class: "group", role: "presentation" }, element("h2", {}, say("Apps"))) },
    { key: "app", facts: [state.app.name, state.app.connections > 0, state.open.kind], build: appRow }];
  drawOnce(header, [state.team, state.online], () => replace(header, element("span", { class: "app-mark" }, icon("ring")),
    element("div", {}, element("strong", {}, say(state.team.name)), element("small", {}, state.online ? say("local, nothing leaves this machine") : say("reconnecting…")))));
  keepingFocus(list, () => keepRows(list, [
    ...rowsOf(say("Incidents"), open), ...rowsOf(say("Channels"), ordinary), ...app, ...rowsOf(say("Direct messages"), direct), ...rowsOf(say("Archived"), archived)]));
  drawOnce(switcher, [state.me, people()], () => keepingFocus(switcher, () => replace(switcher, personSwitch())));
}
