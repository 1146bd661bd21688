// Redrawing must not take the keyboard away from a person: the focus and the caret are put back where they were.

const nameOf = (node) => node?.dataset?.action ?? node?.dataset?.keep;

export function keepingFocus(root, draw) {
  const active = document.activeElement;
  const name = root.contains(active) ? nameOf(active) : undefined;
  const caret = name !== undefined && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
  const peers = () => [...root.querySelectorAll("[data-action], [data-keep]")].filter((node) => nameOf(node) === name);
  const place = name === undefined ? -1 : peers().indexOf(active);
  draw();
  if (name === undefined || root.contains(active)) return;
  const next = peers()[place] ?? peers()[0];
  if (!next) return;
  next.focus({ preventScroll: true });
  try {
    if (caret && caret[0] !== null) next.setSelectionRange(...caret);
  } catch {
    // Number and date inputs have no caret to put back.
  }
}
