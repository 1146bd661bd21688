// The `plan` block: a calm checklist. One line a task; what it did and said is a tap away, and open where it matters now.
import { element, icon } from "./dom.js";
import { plainText } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { say } from "./words.js";

const STATUS = {
  pending: { label: say("Waiting") },
  in_progress: { label: say("In progress") },
  complete: { label: say("Done"), mark: "check" },
  error: { label: say("Failed"), mark: "cross" },
};

// What a person opened or closed stays so while the board is redrawn under their hands, as in Slack: under the same block_id.
const opened = new Map();

function task(surface, item, blockId) {
  const status = STATUS[item.status] ? item.status : "pending";
  const mark = element("span", { class: "mark", role: "img", "aria-label": STATUS[status].label },
    STATUS[status].mark ? icon(STATUS[status].mark) : null);
  const title = element("span", { class: "title" }, plainText(item.title));
  const more = [item.details, item.output].filter(Boolean).map((part, index) =>
    element("div", { class: index || !item.details ? "output" : "details" }, richText(part)));
  if (!more.length) return element("li", { class: `task ${status}` }, element("div", { class: "row" }, mark, title));
  const key = `${surface.name}/${blockId}/${item.task_id}`;
  const open = opened.get(key) ?? ["error", "in_progress"].includes(status);
  const row = element("summary", { class: "row" }, mark, title, icon("chevron"));
  const box = element("details", { open }, row, element("div", { class: "more" }, more));
  row.addEventListener("click", () => opened.set(key, !box.open));
  return element("li", { class: `task ${status}` }, box);
}

export function plan(surface, block) {
  const tasks = block.tasks ?? [];
  const done = tasks.filter((item) => item.status === "complete").length;
  const failed = tasks.some((item) => item.status === "error");
  const share = tasks.length ? Math.round((100 * done) / tasks.length) : 0;
  const bar = element("i");
  bar.style.width = `${share}%`;
  return element("section", { class: failed ? "checklist failed" : "checklist", "aria-label": block.title },
    element("header", {}, element("strong", {}, plainText(block.title)),
      element("span", { class: "count" }, say("{done} of {count}", { done, count: tasks.length }))),
    element("div", { class: "progress", role: "progressbar", "aria-valuenow": String(share), "aria-valuemin": "0", "aria-valuemax": "100" }, bar),
    element("ol", {}, tasks.map((item) => task(surface, item, block.block_id))));
}
