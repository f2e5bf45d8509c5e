// The open case: it has its own address, so it can be reloaded, shared and left with the browser's back button.
import { fitBoxes, showBoxes } from "./boxes.js";
import { markOpen, rowOf, stepFrom } from "./list.js";

const pane = document.getElementById("case");
let boxesShown = true;

const article = () => pane.querySelector("article.case");
export const openId = () => article()?.dataset.case ?? null;
const addressOf = (id) => `/console/cases/${encodeURIComponent(id)}`;

export async function openCase(id, { remember = true, focus = true } = {}) {
  await window.htmx.ajax("GET", addressOf(id), { target: "#case", swap: "innerHTML" });
  if (!pane.childElementCount) {
    return; // the server did not answer; the list stays
  }
  if (remember && location.pathname !== addressOf(id)) {
    history.pushState({}, "", addressOf(id));
  }
  settle(focus);
  pane.scrollTop = 0;
}

export function closeCase({ remember = true } = {}) {
  const id = openId();
  if (!document.body.classList.contains("has-case")) {
    return;
  }
  pane.replaceChildren();
  document.body.classList.remove("has-case");
  if (remember) {
    history.pushState({}, "", "/console");
  }
  markOpen(null);
  announce(null);
  (id && rowOf(id) ? rowOf(id) : document.getElementById("list")).focus();
}

export function step(by) {
  const row = stepFrom(by);
  if (!row) {
    return;
  }
  if (openId()) {
    openCase(row.dataset.case);
  } else {
    row.focus();
  }
}

// After the list has changed: show the open case anew if it has changed, unless somebody is writing in it.
export function refreshIfChanged() {
  const id = openId();
  const row = id ? rowOf(id) : null;
  const isBusy = pane.querySelector("#reason")?.value || pane.querySelector(".notice");
  if (id && !isBusy && row?.dataset.version !== article().dataset.version) {
    openCase(id, { remember: false, focus: false });
  }
}

function settle(focus) {
  document.body.classList.add("has-case");
  fitBoxes(pane);
  showBoxes(boxesShown);
  markOpen(openId());
  announce(openId());
  if (focus) {
    pane.querySelector("#case-heading")?.focus({ preventScroll: true });
  }
}

function announce(id) {
  const grids = (article()?.dataset.grids ?? "").split(" ").filter(Boolean);
  document.dispatchEvent(new CustomEvent("console:case", { detail: { id, grids } }));
}

function onClick(event) {
  if (event.metaKey || event.ctrlKey || event.button) {
    return;
  }
  const link = event.target.closest("a[data-case]");
  if (link) {
    event.preventDefault();
    document.getElementById("window").close();
    openCase(link.dataset.case);
  } else if (event.target.closest("[data-close]")) {
    event.preventDefault();
    closeCase();
  } else if (event.target.closest("[data-step]")) {
    step(Number(event.target.closest("[data-step]").dataset.step));
  }
}

function onAddress() {
  const id = /^\/console\/cases\/([^/]+)$/.exec(location.pathname)?.[1];
  if (id) {
    openCase(decodeURIComponent(id), { remember: false });
  } else {
    closeCase({ remember: false });
  }
}

export function startCase() {
  document.addEventListener("click", onClick);
  window.addEventListener("popstate", onAddress);
  pane.addEventListener("change", (event) => {
    if (event.target.id === "show-boxes") {
      boxesShown = event.target.checked;
      showBoxes(boxesShown);
    }
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target === pane && event.detail.requestConfig?.verb === "post") {
      settle(false);
    }
  });
  if (openId()) {
    settle(false);
  }
}
