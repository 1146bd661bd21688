// Small windows of the page itself: a file's preview, and the note at the bottom.
import { element, icon } from "./dom.js";
import { markdown } from "./markdown.js";
import { say } from "./words.js";

export async function preview(file) {
  const text = await (await fetch(file.url)).text();
  const formatted = /\.(md|markdown)$/.test(file.name);
  const dialog = element("dialog", { class: "window preview", "aria-label": file.name },
    element("header", {}, element("h2", {}, file.title || file.name),
      element("a", { class: "round", href: file.url, download: file.name, title: say("Download {name}", file) }, icon("download", say("Download {name}", file))),
      element("button", { class: "round", type: "button", title: say("Close"), onclick: () => dialog.close() }, icon("close", say("Close")))),
    element("div", { class: "content" },
      formatted ? element("article", { class: "block markdown" }, markdown(text)) : element("pre", {}, text.slice(0, 200_000))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let timer;

/** A sentence at the bottom of the page, above any dialog: what just failed, and why. */
export function note(sentence) {
  const place = document.getElementById("note");
  place.textContent = sentence;
  place.hidePopover();
  place.showPopover();
  clearTimeout(timer);
  timer = setTimeout(() => place.hidePopover(), 8000);
}

/** Runs an action of the page; what goes wrong is shown to the person who acted. */
export async function acting(action) {
  try {
    const answer = await action();
    if (answer?.error) note(answer.error);
    return answer;
  } catch (error) {
    note(error.message);
    return null;
  }
}
