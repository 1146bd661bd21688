// Puts the parts together: one render of everything after each change, cheap because rows that stay the same are kept.
import { click, joinChannel, openHomeTab } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { channelTarget, composer, threadTarget } from "./composer.js";
import { acting, note } from "./dialog.js";
import { drawOnce, element, icon, replace } from "./dom.js";
import { keepingFocus } from "./focus.js";
import { renderHints } from "./hints.js";
import { renderMessages } from "./messages.js";
import { prepareModal, renderModal } from "./modal.js";
import { link, mrkdwn, plainText } from "./mrkdwn.js";
import { become, currentChannel, mainMessages, markRead, openPanel, personName, replies, state, subscribe } from "./state.js";
import { renderSidebar } from "./sidebar.js";
import { ids, language, notice, say } from "./words.js";

const byId = (id) => document.getElementById(id);
const box = composer("message", channelTarget);
const threadBox = composer("reply", threadTarget);
const FIRST = Object.values(ids)[0]; // who the page is before anybody chose
let shownChannel = "";

const atBottom = (node) => node.scrollHeight - node.scrollTop - node.clientHeight < 80;
const title = (channel) => (channel.is_im ? personName(channel.user) : channel.name);

function renderHeader(channel) {
  const { name, topic, members, pins, bookmarks } = channel;
  drawOnce(byId("header"), [name, topic, members, pins, bookmarks, state.panel?.kind], () => drawHeader(channel));
}

function drawHeader(channel) {
  const pins = channel.pins?.length ?? 0;
  const pinsButton = pins ? element("button", {
    class: state.panel?.kind === "pins" ? "pill on" : "pill", type: "button", dataset: { keep: "pins" }, title: say("Keep the pinned messages in view"),
    onclick: () => openPanel(state.panel?.kind === "pins" ? null : { kind: "pins" }) }, icon("pin"), say("{count} pinned", { count: pins })) : null;
  keepingFocus(byId("header"), () => replace(byId("header"),
    element("button", { class: "round burger", type: "button", title: say("Channels"), dataset: { keep: "burger" }, onclick: () => document.body.classList.toggle("sidebar-open") }, icon("menu", say("Channels"))),
    element("h1", {}, channel.is_im ? null : icon(channel.is_private ? "lock" : "hash"), title(channel)),
    element("div", { class: "topic", title: channel.topic }, mrkdwn(channel.topic)),
    pinsButton,
    channel.members?.length ? element("span", { class: "pill plain", title: channel.members.map(personName).join(", ") }, icon("people"), String(channel.members.length)) : null));
  byId("bookmarks").hidden = !channel.bookmarks?.length;
  replace(byId("bookmarks"), (channel.bookmarks ?? []).map((bookmark) =>
    element("span", { class: "bookmark" }, bookmark.emoji ? plainText(bookmark.emoji) : icon("link"), link(bookmark.link ?? "", bookmark.title))));
}

function renderChannel() {
  const channel = currentChannel();
  byId("channel").hidden = !channel;
  if (!channel) return;
  const list = byId("messages");
  const scroller = byId("scroller");
  const arrived = shownChannel !== `${state.me}/${channel.id}`;
  const stick = arrived || atBottom(scroller);
  renderHeader(channel);
  renderMessages(list, mainMessages(channel), channel);
  renderFoot(channel);
  const wanted = state.goTo && list.querySelector(`[data-ts="${state.goTo}"]`);
  state.goTo = null;
  if (wanted) wanted.scrollIntoView({ block: "start" });
  else if (stick) scroller.scrollTop = scroller.scrollHeight;
  if (arrived) box.field.focus();
  shownChannel = `${state.me}/${channel.id}`;
  if (document.visibilityState === "visible") markRead(channel);
}

function renderFoot(channel) {
  const member = channel.is_member || channel.is_im;
  byId("composer-place").hidden = !member || channel.is_archived;
  byId("not-member").hidden = member && !channel.is_archived;
  drawOnce(byId("not-member"), [channel.id, channel.is_archived, member], () => replace(byId("not-member"), channel.is_archived
    ? element("span", {}, say("This channel is archived: it can be read, not written to."))
    : [element("span", {}, say("You are looking at {channel}.", { channel: `#${channel.name}` })),
      element("button", { class: "button primary", type: "button", onclick: () => acting(() => joinChannel({ user: state.me, channel: channel.id })) }, say("Join channel"))]));
  box.refresh(say("Message {name}", { name: channel.is_im ? title(channel) : `#${channel.name}` }));
  renderHints(box.type);
}

function renderPanel() {
  const channel = currentChannel();
  const panel = channel ? state.panel : null;
  byId("panel").hidden = !panel;
  document.body.classList.toggle("panel-open", !!panel);
  if (!panel) return;
  const thread = panel.kind === "thread";
  drawOnce(byId("panel-header"), [panel, channel.id], () => replace(byId("panel-header"), element("h2", {}, thread ? say("Thread") : say("Pinned")), element("small", {}, `#${title(channel)}`),
    element("button", { class: "round", type: "button", title: say("Close"), onclick: () => openPanel(null) }, icon("close", say("Close")))));
  const shown = thread
    ? [...channel.messages.filter((message) => message.ts === panel.ts), ...replies(channel, panel.ts)]
    : channel.messages.filter((message) => channel.pins.includes(message.ts));
  const scroller = byId("panel-scroller");
  const stick = thread && (byId("panel").dataset.shown !== panel.ts || atBottom(scroller));
  renderMessages(byId("panel-messages"), shown, channel, { inThread: true });
  byId("reply-place").hidden = !thread || channel.is_archived;
  threadBox.refresh(say("Reply…"));
  if (stick) scroller.scrollTop = scroller.scrollHeight;
  byId("panel").dataset.shown = panel.ts ?? "pins";
}

let homeShown = "";

function renderHome() {
  const open = state.open.kind === "home";
  byId("home").hidden = !open;
  if (!open) {
    homeShown = "";
    return;
  }
  if (homeShown === "") acting(() => openHomeTab(state.me));
  const signature = JSON.stringify([state.me, state.home?.blocks]);
  if (signature === homeShown) return;
  homeShown = signature;
  const view = state.home;
  const surface = { name: "home", values: new Map(), act: (block, item, value) => acting(() => click({
    user: state.me, view_id: view.id, block_id: block.block_id, action_id: item.action_id, value })) };
  keepingFocus(byId("home"), () => replace(byId("home"),
    element("header", {}, element("button", { class: "round burger", type: "button", title: say("Channels"), onclick: () => document.body.classList.toggle("sidebar-open") }, icon("menu", say("Channels"))),
      element("span", { class: "avatar app" }, icon("ring")), element("h1", {}, state.app.name), element("span", { class: "badge" }, say("App")), element("span", { class: "tab" }, say("Home"))),
    element("div", { class: "content" }, view ? renderBlocks(surface, view.blocks) : element("p", { class: "empty" }, say("The app has not shown anything here yet.")))));
}

function render() {
  renderSidebar();
  renderChannel();
  renderHome();
  renderPanel();
  renderModal();
  byId("offline").hidden = state.online && state.app.connections > 0;
  byId("offline").textContent = state.online
    ? say("The bot is not connected: commands will not be answered.") : say("The workspace does not answer. Trying again…");
  const channel = currentChannel();
  document.title = `${channel ? `#${title(channel)}` : state.app.name} · ${say(state.team.name)}`;
}

const closeSidebar = () => document.body.classList.remove("sidebar-open"); // only a narrow window opens it

function onKey(event) {
  if (event.key === "Escape") closeSidebar();
  if (event.key === "Escape" && state.panel && !document.querySelector("dialog[open]") && document.activeElement?.getAttribute("aria-expanded") !== "true") openPanel(null);
}

/** What stands in index.html, in the language of the workspace. */
function furnish() {
  document.documentElement.lang = language;
  byId("notice").hidden = !notice.text;
  byId("notice").textContent = notice.text;
  byId("notice").classList.toggle("serious", notice.serious);
  document.querySelectorAll("[aria-label]").forEach((node) => node.setAttribute("aria-label", say(node.getAttribute("aria-label"))));
}

async function start() {
  furnish();
  byId("composer-place").append(box.node);
  byId("reply-place").append(threadBox.node);
  prepareModal();
  subscribe(render);
  document.addEventListener("keydown", onKey);
  document.querySelector("main").addEventListener("click", (event) => { if (!event.target.closest(".burger")) closeSidebar(); });
  const asked = new URLSearchParams(location.search).get("as");
  const person = asked ? ids[asked] : sessionStorage.getItem("drbot-person");
  try {
    await become(person ?? FIRST).catch(() => become(FIRST));
  } catch (error) {
    note(say("The workspace does not answer: {why}. Is it still running?", { why: error.message }));
  }
}

start();
