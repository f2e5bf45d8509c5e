// The one dialog: keys, a frame, an enlarged picture. The browser itself closes it with Esc and keeps the focus in it.
import { fitBoxes } from "./boxes.js";

const dialog = document.getElementById("window");
const body = document.getElementById("window-body");

function show(kind) {
  dialog.dataset.kind = kind;
  fitBoxes(body);
  dialog.setAttribute("aria-label", body.querySelector("h2")?.textContent ?? body.querySelector("img")?.alt ?? "");
  if (!dialog.open) {
    dialog.showModal();
  }
}

export const isOpen = () => dialog.open;

export function showKeys() {
  body.replaceChildren(document.getElementById("keys-help").content.cloneNode(true));
  show("keys");
}

async function showFrame(id) {
  await window.htmx.ajax("GET", `/console/frames/${encodeURIComponent(id)}`, { target: "#window-body", swap: "innerHTML" });
  show("frame");
}

function showPicture(link) {
  const figure = link.closest("figure").cloneNode(true);
  const plain = document.createElement("div");
  plain.className = "picture";
  plain.append(...figure.querySelector(".picture").childNodes);
  figure.querySelector(".picture").replaceWith(plain);
  body.replaceChildren(figure);
  show("picture");
}

export function startWindows() {
  document.getElementById("show-keys").addEventListener("click", showKeys);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-frame], a[data-enlarge]");
    if (event.target === dialog) {
      dialog.close();
    } else if (link && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      if (link.dataset.frame) {
        showFrame(link.dataset.frame);
      } else {
        showPicture(link);
      }
    }
  });
  document.addEventListener("console:frame", (event) => showFrame(event.detail.id));
}
