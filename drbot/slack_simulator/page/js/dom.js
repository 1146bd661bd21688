// Building elements. Text only ever enters the page as text nodes: nothing a bot or a person wrote is parsed as HTML.
import { language, say } from "./words.js";

export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export function replace(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

/** Draws into `node` only when `facts` changed: a row redrawn between press and release of the mouse would lose the click. */
export function drawOnce(node, facts, draw) {
  const signature = JSON.stringify(facts);
  if (node.signature === signature) return;
  node.signature = signature;
  draw();
}

/** Makes `node` hold `rows` (`{key, facts, build}`), keeping each element whose key and facts are the same.
 *  What stays is not even moved: taking a node out and in again loses its focus and restarts its animations. */
export function keepRows(node, rows) {
  const known = new Map([...node.children].map((child) => [child.dataset.key, child]));
  const wanted = rows.map(({ key, facts, build }) => {
    const signature = JSON.stringify(facts);
    const kept = known.get(key);
    if (kept?.signature === signature) return kept;
    const fresh = build();
    fresh.dataset.key = key;
    fresh.signature = signature;
    return fresh;
  });
  const staying = new Set(wanted);
  [...node.children].filter((child) => !staying.has(child)).forEach((child) => child.remove());
  wanted.forEach((child, index) => {
    if (node.children[index] !== child) node.insertBefore(child, node.children[index] ?? null);
  });
}

const SHAPES = {
  hash: ["M9 3 7 21", "M17 3l-2 18", "M4 8h17", "M3 16h17"],
  lock: ["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  home: ["M4 11l8-7 8 7", "M6 9.5V20h12V9.5"],
  thread: ["M5 5h14v11H10l-5 4z"],
  pin: ["M9 4h6l-1 6 3 3H7l3-3z", "M12 13v7"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  send: ["M5 12 4 5l16 7-16 7 1-7z", "M5 12h8"],
  file: ["M7 3h7l4 4v14H7z", "M14 3v4h4"],
  download: ["M12 4v11", "M7 11l5 5 5-5", "M5 20h14"],
  link: ["M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1", "M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1"],
  eye: ["M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6z", "M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4"],
  people: ["M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6", "M3 19c0-3 3-5 6-5s6 2 6 5", "M16 6a3 3 0 0 1 0 5", "M17 14c2.5.6 4 2.5 4 5"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  bolt: ["M13 3 5 13.5h6L10 21l9-11h-6.5z"],
  bulb: ["M9 18h6", "M10 21h4", "M8.5 15a6 6 0 1 1 7 0c-.6.5-.9 1-1 1.5h-5c-.1-.5-.4-1-1-1.5z"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  cross: ["M7.5 7.5l9 9", "M16.5 7.5l-9 9"],
  chevron: ["M9 6l6 6-6 6"],
  ring: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18", "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8", "M5.6 5.6 9.2 9.2", "M14.8 14.8l3.6 3.6", "M18.4 5.6 14.8 9.2", "M9.2 14.8 5.6 18.4"],
};

export function icon(name, label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  for (const shape of SHAPES[name] ?? []) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

/** How days are written here. */
export const dates = language === "en" ? "en-GB" : language;

export function clockTime(ts) {
  return new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

export function dayName(ts) {
  const then = new Date(Number(ts) * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(then).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return say("Today");
  if (days === 1) return say("Yesterday");
  return then.toLocaleDateString(dates, { weekday: "long", day: "numeric", month: "long" });
}

export function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
