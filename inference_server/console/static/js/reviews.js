// The review page: a picture, a question, one key.
import { beginDrawing, closeUp, drawnBox, endDrawing, isDrawing, nudge, overlay } from "./review-box.js";
import { answered, current, fill, give, skip, takeBack } from "./review-queue.js";
import { text } from "./texts.js";
import { say } from "./toast.js";

const element = (id) => document.getElementById(id);
const dialog = element("window");
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let left = Number(element("waiting").dataset.count);

function count(by) {
  left = Math.max(left + by, 0);
  element("waiting").textContent = text("script.review_waiting", { count: left });
}

function facts(item) {
  element("asked").textContent = text(`script.review_asked_${item.kind}`, { label: item.label });
  for (const place of element("facts").querySelectorAll("[data-fact]")) {
    const value = item[place.dataset.fact];
    place.replaceChildren(value === null ? "–" : String(value));
    if (place.dataset.fact === "case" && item.case) {
      const link = document.createElement("a");
      link.href = `/console/cases/${encodeURIComponent(item.case)}`;
      link.textContent = item.case.slice(0, 8);
      place.replaceChildren(link);
    }
  }
  for (const button of document.querySelectorAll("[data-class]")) {
    button.disabled = button.dataset.class === item.class_name;
  }
}

// Shows the current item. `since` is when the key was pressed: how long the person waited is kept as a measure.
async function show(since = null) {
  await fill();
  const item = current();
  element("drawing").hidden = true;
  element("undo").disabled = !answered.length;
  element("nothing").hidden = item !== null;
  for (const button of document.querySelectorAll("[data-answer], #draw, #next")) {
    button.disabled = item === null;
  }
  if (!item) {
    element("picture").replaceChildren();
    element("close-up").replaceChildren();
    element("asked").textContent = "";
    element("facts").hidden = true;
    return;
  }
  await item.ready;
  element("facts").hidden = false;
  element("picture").replaceChildren(item.image, overlay(item));
  element("close-up").replaceChildren(closeUp(item));
  item.image.alt = text("script.review_alt", { label: item.label });
  facts(item);
  element("review").dataset.item = item.id;
  if (since !== null) {
    // the second frame begins when the first one has been painted
    requestAnimationFrame(() => requestAnimationFrame(() => performance.measure("review-next", { start: since })));
  }
}

function answer(fields) {
  const since = performance.now();
  const item = current();
  if (!item || element("review").dataset.item !== item.id) {
    return; // nobody answers what is not on the screen yet
  }
  element("said").textContent = text(`script.review_said_${fields.verdict}`, { label: item.label });
  give(fields, () => {
    say(text("script.review_refused"));
    count(1);
    show();
  });
  count(-1);
  show(since);
}

async function undo() {
  if (!answered.length) {
    return;
  }
  try {
    const now = await takeBack();
    count(1);
    element("said").textContent = text("script.review_undone", { label: now.label });
    if (now.case_state !== null && now.case_state !== "review") {
      say(text("script.review_case_stays"));
    }
    await show();
  } catch {
    say(text("script.failed"));
  }
}

function draw() {
  if (current()) {
    beginDrawing();
    element("drawing").hidden = false;
  }
}

function stopDrawing() {
  endDrawing();
  element("drawing").hidden = true;
}

function drawingKey(event) {
  if (event.key in ARROWS) {
    nudge(...ARROWS[event.key], event.shiftKey);
  } else if (event.key === "Enter") {
    answer({ verdict: "redraw", box: drawnBox().map((side) => side.toFixed(1)).join(",") });
  } else if (event.key === "Escape" || event.key === "b") {
    stopDrawing();
  } else {
    return;
  }
  event.preventDefault();
}

function next() {
  const since = performance.now();
  skip();
  show(since);
}

const reclassify = (button) => button.disabled || answer({ verdict: "reclassify", class_name: button.dataset.class });

const ACTIONS = {
  y: () => answer({ verdict: "confirm" }),
  n: () => answer({ verdict: "reject" }),
  b: draw,
  u: undo,
  ArrowRight: next,
  "?": () => dialog.showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || dialog.open) {
    return;
  }
  if (isDrawing()) {
    drawingKey(event);
    return;
  }
  const button = /^[a-z1-9]$/.test(event.key) && document.querySelector(`[data-key="${event.key}"]`);
  const action = ACTIONS[event.key] ?? (button ? () => reclassify(button) : null);
  if (action && !event.repeat) {
    event.preventDefault();
    action();
  }
}

function onClick(event) {
  const button = event.target.closest("button");
  if (button?.dataset.answer) {
    answer({ verdict: button.dataset.answer });
  } else if (button?.dataset.class) {
    reclassify(button);
  }
}

document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
element("draw").addEventListener("click", draw);
element("next").addEventListener("click", next);
element("undo").addEventListener("click", undo);
element("show-keys").addEventListener("click", () => dialog.showModal());
count(0);
await show().catch(() => say(text("script.failed")));
document.body.dataset.ready = "1";
