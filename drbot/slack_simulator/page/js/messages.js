// A message and the list of them. Rows are kept and only redrawn when their message changed, so that a live board does
// not disturb a reader, a selection or a focus elsewhere.
import { click, react } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { acting, preview } from "./dialog.js";
import { clockTime, dayName, element, fileSize, icon, keepRows } from "./dom.js";
import { emojiOf } from "./emoji.js";
import { keepingFocus } from "./focus.js";
import { mrkdwn } from "./mrkdwn.js";
import { openPanel, people, personName, replies, state } from "./state.js";
import { messageMenu } from "./shortcuts.js";
import { say } from "./words.js";

const COLOURS = ["#2f7a6b", "#a85a2a", "#5b5fc7", "#a2466f", "#4a7a2c", "#2c6ca8"];

export function avatar(id, small = false) {
  const user = state.users.get(id);
  const size = small ? "avatar small" : "avatar";
  if (user?.is_bot) return element("span", { class: `${size} app`, "aria-hidden": "true" }, icon("ring"));
  const node = element("span", { class: size, "aria-hidden": "true" }, (personName(id) || "?").slice(0, 1).toUpperCase());
  node.style.background = COLOURS[Math.max(0, people().findIndex((person) => person.id === id)) % COLOURS.length];
  return node;
}

function surfaceOf(message) {
  const values = new Map();
  return {
    name: message.ts, values,
    act: (block, item, value) => acting(() => click({
      user: state.me, channel: message.channel, ts: message.ts, block_id: block.block_id, action_id: item.action_id, value })),
  };
}

const READABLE = /^text\/|json|yaml/;

function fileCard(file) {
  const details = element("span", { class: "about" }, element("strong", {}, file.title || file.name),
    element("small", {}, `${file.name} · ${fileSize(file.size ?? 0)}`));
  const body = READABLE.test(file.mimetype ?? "") || /\.(md|log|txt|json|ya?ml)$/.test(file.name)
    ? element("button", { class: "open", type: "button", title: say("Read it here"), onclick: () => acting(() => preview(file)) }, icon("file"), details)
    : element("span", { class: "open" }, icon("file"), details);
  return element("div", { class: "file" }, body,
    element("a", { class: "round", href: file.url, download: file.name, title: say("Download {name}", file) }, icon("download", say("Download {name}", file))));
}

function reaction(message, item) {
  const mine = item.users.includes(state.me);
  return element("button", {
    class: mine ? "reaction mine" : "reaction", type: "button", title: say("{names} reacted with {emoji}", { names: item.users.map(personName).join(", "), emoji: `:${item.name}:` }),
    "aria-pressed": String(mine),
    onclick: () => acting(() => react({ user: state.me, channel: message.channel, ts: message.ts, name: item.name, remove: mine })),
  }, emojiOf(item.name) ?? `:${item.name}:`, " ", String(item.users.length));
}

function threadLink(message, channel) {
  const answers = replies(channel, message.ts);
  const count = Math.max(answers.length, message.reply_count ?? 0);
  if (!count) return null;
  const faces = [...new Set(answers.map((answer) => answer.user))].slice(0, 4).map((id) => avatar(id, true));
  const last = answers.at(-1);
  return element("button", { class: "thread-link", type: "button", dataset: { keep: `thread-${message.ts}` }, onclick: () => openPanel({ kind: "thread", ts: message.ts }) },
    faces, element("span", { class: "count" }, count === 1 ? say("1 reply") : say("{count} replies", { count })),
    last ? element("small", {}, say("Last at {time}", { time: clockTime(last.ts) })) : null);
}

function toolbar(message) {
  const pinned = () => acting(() => react({ user: state.me, channel: message.channel, ts: message.ts, name: "pushpin" }));
  return element("div", { class: "toolbar", role: "toolbar", "aria-label": say("Message") },
    element("button", { class: "round", type: "button", title: say("React with 📌: add it to the timeline"), onclick: pinned }, icon("pin", say("React with 📌: add it to the timeline"))),
    element("button", { class: "round", type: "button", title: say("Reply in thread"), onclick: () => openPanel({ kind: "thread", ts: message.thread_ts ?? message.ts }) },
      icon("thread", say("Reply in thread"))),
    messageMenu(message));
}

function row(message, channel, look) {
  const time = element("time", { title: new Date(Number(message.ts) * 1000).toLocaleString() }, clockTime(message.ts));
  if (message.subtype?.startsWith("channel_"))
    return element("li", { class: "system" }, time, element("span", {},
      message.text.startsWith(`<@${message.user}`) ? null : [element("strong", {}, personName(message.user)), " "], mrkdwn(message.text)));
  const classes = ["message", look.compact && "compact", message.ephemeral && "ephemeral", look.pinned && "pinned"].filter(Boolean).join(" ");
  const blocks = message.blocks?.length
    ? renderBlocks(surfaceOf(message), message.blocks)
    : element("div", { class: "blocks" }, message.text ? element("div", { class: "block section" }, element("div", { class: "body" }, element("div", { class: "text" }, mrkdwn(message.text)))) : null);
  const isApp = state.users.get(message.user)?.is_bot;
  return element("li", { class: classes, dataset: { ts: message.ts } },
    message.ephemeral ? element("div", { class: "flag" }, icon("eye"), say("Only visible to you")) : null,
    look.pinned ? element("div", { class: "flag" }, icon("pin"), say("Pinned to the channel")) : null,
    look.compact ? element("span", { class: "gutter" }, time) : avatar(message.user),
    element("div", { class: "main" },
      look.compact ? null : element("div", { class: "who" }, element("strong", {}, personName(message.user) || message.user), isApp ? element("span", { class: "badge" }, say("App")) : null, time),
      blocks,
      message.edited ? element("small", { class: "edited" }, say("(edited)")) : null,
      message.files?.length ? element("div", { class: "files" }, message.files.map(fileCard)) : null,
      message.reactions?.length ? element("div", { class: "reactions" }, message.reactions.map((item) => reaction(message, item))) : null,
      look.inThread ? null : threadLink(message, channel)),
    message.ephemeral ? null : toolbar(message));
}

function looks(messages, channel, inThread) {
  return messages.map((message, index) => {
    const before = messages[index - 1];
    const pinned = !inThread && channel.pins?.includes(message.ts);
    const compact = !!before && before.user === message.user && !before.subtype && !channel.pins?.includes(before.ts) && !message.ephemeral && !before.ephemeral && !pinned &&
      Number(message.ts) - Number(before.ts) < 300 && dayName(before.ts) === dayName(message.ts) && state.firstUnread !== message.ts;
    return { compact, pinned, inThread };
  });
}

/** Draws `messages` into the list `node`, keeping every row whose message and look are the same. */
export function renderMessages(node, messages, channel, { inThread = false } = {}) {
  const look = looks(messages, channel, inThread);
  const rows = [];
  messages.forEach((message, index) => {
    const day = dayName(message.ts);
    if (!inThread && (index === 0 || dayName(messages[index - 1].ts) !== day))
      rows.push({ key: `day-${day}`, facts: day, build: () => element("li", { class: "day" }, element("span", {}, day)) });
    if (!inThread && state.firstUnread === message.ts)
      rows.push({ key: "new", facts: "new", build: () => element("li", { class: "new" }, element("span", {}, say("New"))) });
    const answers = inThread ? 0 : replies(channel, message.ts).length;
    rows.push({ key: `${channel.id}-${message.ts}`, facts: [message, look[index], answers, state.me], build: () => row(message, channel, look[index]) });
  });
  keepingFocus(node, () => keepRows(node, rows));
}
