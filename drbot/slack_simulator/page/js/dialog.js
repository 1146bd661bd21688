// Small windows of the page itself: the confirm dialog of an element, a file's preview, and the note at the bottom.
import { element, icon } from "./dom.js";
import { markdown } from "./markdown.js";
import { textObject } from "./mrkdwn.js";

/** Resolves to whether the person agreed. Escape and the backdrop mean no. */
export function confirmDialog(confirm) {
  return new Promise((resolve) => {
    const dialog = element("dialog", { class: "window confirm", "aria-labelledby": "confirm-title" });
    const close = (agreed) => () => {
      dialog.returnValue = agreed ? "yes" : "";
      dialog.close(dialog.returnValue);
    };
    dialog.append(
      element("header", {}, element("h2", { id: "confirm-title" }, textObject(confirm.title))),
      element("div", { class: "content" }, textObject(confirm.text)),
      element("footer", {},
        element("button", { class: "button", type: "button", onclick: close(false) }, textObject(confirm.deny ?? "Cancel")),
        element("button", { class: `button ${confirm.style ?? "primary"}`, type: "button", dataset: { confirm: "yes" }, onclick: close(true) },
          textObject(confirm.confirm ?? "Yes"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export async function preview(file) {
  const text = await (await fetch(file.url)).text();
  const formatted = /\.(md|markdown)$/.test(file.name);
  const dialog = element("dialog", { class: "window preview", "aria-label": file.name },
    element("header", {}, element("h2", {}, file.title || file.name),
      element("a", { class: "round", href: file.url, download: file.name, title: "Download" }, icon("download", "Download")),
      element("button", { class: "round", type: "button", title: "Close", onclick: () => dialog.close() }, icon("close", "Close"))),
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
