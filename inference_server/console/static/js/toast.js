// A word about what did not work, for some seconds.
import { text } from "./texts.js";

const SHOWN_MS = 6000;
const toast = document.getElementById("toast");
let hiding = 0;

export function say(words) {
  toast.textContent = words;
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => {
    toast.hidden = true;
  }, SHOWN_MS);
}

export function startToast() {
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.body.addEventListener(name, () => say(text("script.failed")));
  }
}
