// The list of cases: filter, figures, focus, and what is new in it.
import { text } from "./texts.js";

const list = document.getElementById("list");
const form = document.getElementById("filter");
const news = document.getElementById("news");
let openCase = null;
let known = new Set();
let typing = 0;

export const rows = () => [...list.querySelectorAll(".row")];
export const rowOf = (id) => list.querySelector(`.row[data-case="${CSS.escape(id)}"]`);
export const focusedRow = () => rows().find((row) => row === document.activeElement) ?? null;
export const filterQuery = () => new URLSearchParams(new FormData(form)).toString();

export function refreshList() {
  window.htmx.trigger(form, "refresh");
}

export function markOpen(id) {
  openCase = id;
  for (const row of rows()) {
    if (row.dataset.case === id) {
      row.setAttribute("aria-current", "true");
      row.scrollIntoView({ block: "nearest" });
    } else {
      row.removeAttribute("aria-current");
    }
  }
}

// The row `step` further than the one that is open or focused; the first where none is.
export function stepFrom(step) {
  const all = rows();
  const at = all.findIndex((row) => (openCase ? row.dataset.case === openCase : row === document.activeElement));
  return at < 0 ? (all[0] ?? null) : (all[at + step] ?? null);
}

// Why frames were dropped; who sees some districts only is not shown it.
function showWhy(isOpen) {
  const why = document.querySelector("#frames details");
  if (why) {
    why.open = isOpen;
  }
}

function setState(state) {
  form.elements.state.value = state;
  form.elements.shown.value = "100";
  changed();
}

function changed() {
  refreshList();
  document.dispatchEvent(new CustomEvent("console:filtered"));
}

function afterUpdate() {
  const before = known;
  known = new Set(rows().map((row) => row.dataset.case));
  const added = [...known].filter((id) => !before.has(id));
  if (list.dataset.wasLive === "1" && added.length) {
    added.forEach((id) => rowOf(id).classList.add("is-new"));
    news.textContent = text("script.new_cases", { count: added.length });
  }
  delete list.dataset.wasLive;
  markOpen(openCase);
}

export function startList() {
  known = new Set(rows().map((row) => row.dataset.case));
  form.addEventListener("input", () => {
    clearTimeout(typing);
    form.elements.shown.value = "100";
    typing = setTimeout(changed, 180);
  });
  form.addEventListener("submit", () => document.dispatchEvent(new CustomEvent("console:filtered")));
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#frames")) {
      showWhy(false);
    }
    const figure = event.target.closest("#figures a[data-state]");
    if (figure && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      setState(figure.dataset.state);
    } else if (event.target.closest("#more")) {
      form.elements.shown.value = String(Number(form.elements.shown.value) + 200);
      refreshList();
    }
  });
  list.addEventListener("error", (event) => event.target.classList?.add("is-missing"), true);
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === list) {
      list.dataset.openWhy = document.querySelector("#frames details")?.open ? "1" : "";
    }
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target === list) {
      showWhy(list.dataset.openWhy === "1");
      afterUpdate();
      document.dispatchEvent(new CustomEvent("console:listed"));
    }
  });
}

export function refreshLive() {
  list.dataset.wasLive = "1";
  refreshList();
}
