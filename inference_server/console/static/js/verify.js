// The page of verifications: a slider between the two photographs, and answers by single keys.
import { fitBoxes, toggleBoxes } from "./boxes.js";

const slider = document.getElementById("slider");
const split = document.getElementById("split");
const dialog = document.getElementById("window");

function show() {
  slider.style.setProperty("--split", `${split.value}%`);
}

function step(by) {
  const links = [...document.querySelectorAll("a[data-queued]")];
  const here = links.findIndex((link) => link.getAttribute("aria-current") === "page");
  const next = links[here < 0 ? 0 : here + by];
  if (next) {
    location.assign(next.href);
  }
}

function slide(by) {
  if (split) {
    split.value = Number(split.value) + by;
    show();
  }
}

const submitWith = (id) => document.getElementById(id)?.click();

const actions = {
  y: () => submitWith("yes"),
  n: () => submitWith("no"),
  u: () => document.getElementById("undo")?.requestSubmit(),
  j: () => step(1),
  k: () => step(-1),
  b: () => toggleBoxes(),
  "?": () => dialog.showModal(),
  ArrowLeft: () => slide(-5),
  ArrowRight: () => slide(5),
};

document.addEventListener("keydown", (event) => {
  const isWriting = event.target.matches("input:not([type=range]), textarea, select");
  const isTaken = event.ctrlKey || event.altKey || event.metaKey || event.repeat || isWriting || dialog.open;
  const action = actions[event.key];
  if (!action || isTaken || (event.key.startsWith("Arrow") && event.target === split)) {
    return;
  }
  event.preventDefault();
  action();
});

document.getElementById("show-keys").addEventListener("click", () => dialog.showModal());
if (split) {
  split.addEventListener("input", show);
  show();
}
fitBoxes(document);
document.body.dataset.ready = "1";
