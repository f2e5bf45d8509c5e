// The keyboard. Keys do nothing while somebody writes, and none needs Ctrl or Alt.
import { toggleBoxes } from "./boxes.js";
import { closeCase, openCase, openId, step } from "./case.js";
import { focusedRow, stepFrom } from "./list.js";
import { isOpen, showKeys } from "./windows.js";

const isField = (element) => element.matches("input:not([type=checkbox]), select, textarea");
const inMap = (element) => element.closest("#map") !== null;

function openFocused(event) {
  if (event.target.matches("body, #list")) {
    const row = focusedRow() ?? stepFrom(0);
    if (row) {
      openCase(row.dataset.case);
    }
  }
}

function onEscape(event) {
  if (isOpen()) {
    return; // the dialog closes itself
  }
  if (event.target.id === "filter-text" && event.target.value === "") {
    event.target.blur();
  } else if (!isField(event.target) || event.target.closest("#case")) {
    closeCase();
  }
}

export function startKeys(map) {
  const actions = {
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    m: () => map.goToCase(openId() ?? focusedRow()?.dataset.case),
    f: () => map.showAll(),
    b: () => toggleBoxes(),
    "/": () => document.getElementById("filter-text").focus(),
    "?": () => showKeys(),
    Enter: openFocused,
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      onEscape(event);
      return;
    }
    const action = actions[event.key];
    const isTaken = event.ctrlKey || event.altKey || event.metaKey || isField(event.target) || isOpen();
    if (!action || isTaken || (event.key.startsWith("Arrow") && inMap(event.target))) {
      return;
    }
    if (event.key !== "Enter") {
      event.preventDefault();
    }
    action(event);
  });
}
