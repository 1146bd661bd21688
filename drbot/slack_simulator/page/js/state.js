// What the page knows: one object, changed only here, followed by whoever subscribed.
import { readChannel, readFeed, readState } from "./api.js";

export const state = {
  me: "", app: { name: "drbot", commands: [], completions: [], shortcuts: [], connections: 0 }, team: { name: "" },
  users: new Map(), channels: new Map(), views: [], home: null,
  open: { kind: "channel", channel: "" }, panel: null, online: true, firstUnread: null, goTo: null,
};

const listeners = [];
let waiting = false;

export const subscribe = (listener) => listeners.push(listener);

/** Tells the listeners, once for many changes that come together. */
export function changed() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    listeners.forEach((listener) => listener());
  }, 15);
}

// ---- reading marks: kept per person in this browser, since the workspace keeps none

const marks = JSON.parse(localStorage.getItem("drbot-read") ?? "{}");
const since = (localStorage["drbot-since"] ??= String(Date.now() / 1000));
const readUpTo = (channel, person = state.me) => marks[person]?.[channel] ?? since;

const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;
export const mainMessages = (channel) => channel.messages.filter((message) => !isReply(message));
export const replies = (channel, ts) => channel.messages.filter((message) => isReply(message) && message.thread_ts === ts);

export function unread(channel) {
  const fresh = mainMessages(channel).filter((message) =>
    Number(message.ts) > Number(readUpTo(channel.id)) && message.user !== state.me && !message.subtype);
  const calls = fresh.filter((message) => JSON.stringify([message.text, message.blocks]).includes(`<@${state.me}>`));
  return { count: fresh.length, mentions: channel.is_im ? fresh.length : calls.length, first: fresh[0]?.ts ?? null };
}

export function markRead(channel) {
  const last = channel.messages.at(-1)?.ts;
  if (!last || Number(last) <= Number(readUpTo(channel.id))) return;
  (marks[state.me] ??= {})[channel.id] = last;
  localStorage.setItem("drbot-read", JSON.stringify(marks));
}

// ---- names

export const people = () => [...state.users.values()].filter((user) => !user.is_bot && !user.deleted && user.team_id === state.team.id);
export const personName = (id) => state.users.get(id)?.real_name || state.users.get(id)?.name || "";
export const channelName = (id) => state.channels.get(id)?.name ?? "";
export const currentChannel = () => state.channels.get(state.open.channel);

// ---- where the reader is

/** Shows a channel; with `ts`, that message of it. */
export function openChannel(id, ts = null) {
  const channel = state.channels.get(id);
  if (!channel) return;
  state.goTo = ts;
  state.open = { kind: "channel", channel: id };
  state.panel = null;
  state.firstUnread = unread(channel).first;
  document.body.classList.remove("sidebar-open");
  changed();
}

export function openHome() {
  state.open = { kind: "home", channel: "" };
  state.panel = null;
  document.body.classList.remove("sidebar-open");
  changed();
}

export function openPanel(panel) {
  state.panel = panel;
  changed();
}

// ---- reading the workspace

function take(answer) {
  state.seq = answer.seq;
  state.app = answer.app;
  state.team = answer.team;
  state.users = new Map(answer.users.map((user) => [user.id, user]));
  state.channels = new Map(answer.channels.map((channel) => [channel.id, channel]));
  state.views = answer.views;
  state.home = answer.home;
  const stillThere = state.open.kind === "home" || state.channels.has(state.open.channel);
  if (!stillThere) openChannel(firstChannel());
}

function firstChannel() {
  const channels = [...state.channels.values()];
  return (channels.find((channel) => channel.name.endsWith("-ops")) ?? channels[0])?.id;
}

export function place(message) {
  const channel = state.channels.get(message.channel);
  if (!channel) return;
  const index = channel.messages.findIndex((known) => known.ts === message.ts);
  if (index >= 0) channel.messages[index] = message;
  else {
    channel.messages.push(message);
    channel.messages.sort((one, other) => Number(one.ts) - Number(other.ts));
  }
}

const CHANGES = {
  message: (change) => place(change.message),
  message_deleted: (change) => {
    const channel = state.channels.get(change.channel);
    if (channel) channel.messages = channel.messages.filter((message) => message.ts !== change.ts);
  },
  channel: async (change) => {
    const person = state.me;
    const answer = await readChannel(person, change.channel).catch(() => null);
    if (person !== state.me) return;
    if (answer) state.channels.set(answer.channel.id, answer.channel);
    else state.channels.delete(change.channel);
  },
  views: (change) => { if (change.user === state.me) state.views = change.views; },
  home: (change) => { if (change.user === state.me) state.home = change.home; },
  connections: (change) => { state.app.connections = change.connections; },
};

let following = new AbortController();
let latest = 0;

/** Becomes `person` (an id) and follows what that person sees, for ever; a later call takes over. */
export async function become(person) {
  const turn = ++latest;
  const answer = await readState(person);
  if (turn !== latest) return;
  following.abort();
  following = new AbortController();
  state.me = person;
  state.panel = null;
  take(answer);
  if (state.open.kind === "channel") state.firstUnread = unread(currentChannel()).first;
  changed();
  follow(following.signal);
}

async function follow(signal) {
  while (!signal.aborted) {
    try {
      const answer = await readFeed(state.me, state.seq, signal);
      // Too old to be remembered, or the workspace was started anew.
      const whole = answer.reset || answer.seq < state.seq ? await readState(state.me) : null;
      if (signal.aborted) return;
      if (whole) take(whole);
      for (const change of answer.changes) {
        await CHANGES[change.kind]?.(change);
        if (signal.aborted) return;
      }
      if (!whole) state.seq = answer.seq;
      if (whole || answer.changes.length || !state.online) changed();
      state.online = true;
    } catch {
      if (signal.aborted) return;
      if (state.online) changed();
      state.online = false;
      // A long poll that was cut is asked again after a breath; the banner clears with the first answer.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
