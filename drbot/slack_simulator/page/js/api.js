// The control API (control.md), one function a path. Every failure becomes an Error with a sentence for the reader.
import { say } from "./words.js";

async function answer(response) {
  const body = await response.json().catch(() => ({ ok: false, message: say("The workspace answered {status}.", { status: response.status }) }));
  if (!body.ok) throw new Error(body.message ?? body.error ?? say("The workspace answered {status}.", { status: response.status }));
  return body;
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Reading is tried again: Chromium cuts requests whenever Docker adds or removes a network of this machine.
async function get(path, query = {}, signal, attempts = 4) {
  try {
    return await answer(await fetch(`/control/${path}?${new URLSearchParams(query)}`, { signal, cache: "no-store" }));
  } catch (error) {
    if (!(error instanceof TypeError) || attempts <= 1 || signal?.aborted) throw error;
    await pause(200);
    return get(path, query, signal, attempts - 1);
  }
}

// Acting is not: nobody knows whether a request that was cut had arrived.
async function post(path, body) {
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    return await answer(await fetch(`/control/${path}`, request));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(say("The connection to the workspace was cut. If nothing happened, try again."), { cause: error });
  }
}

export const readState = (user) => get("state", user ? { user } : {});
export const readFeed = (user, after, signal) => get("feed", { user, after, seconds: 20 }, signal);
export const readChannel = (user, channel) => get("channel", { user, channel });
export const sendCommand = (body) => post("command", body);
export const sendMessage = (body) => post("message", body);
export const click = (body) => post("click", body);
export const submitView = (body) => post("submit", body);
export const closeView = (body) => post("close_view", body);
export const openHomeTab = (user) => post("home", { user });
export const react = (body) => post("reaction", body);
export const runShortcut = (body) => post("shortcut", body);
export const joinChannel = (body) => post("join", body);
