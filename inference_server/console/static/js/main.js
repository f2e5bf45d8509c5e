// The desk, put together. Each part lives in a module of its own; they speak through a few events on the document.
import { openCase, refreshIfChanged, startCase } from "./case.js";
import { startKeys } from "./keys.js";
import { refreshLive, startList } from "./list.js";
import { startLive } from "./live.js";
import { CaseMap } from "./map.js";
import { text } from "./texts.js";
import { say, startToast } from "./toast.js";
import { startWindows } from "./windows.js";

const map = new CaseMap(document.getElementById("map"));

document.addEventListener("console:case", (event) => {
  map.select(event.detail.id, event.detail.grids);
  if (event.detail.id) {
    map.reveal(event.detail.id);
  }
});
document.addEventListener("console:open", (event) => openCase(event.detail.id));
document.addEventListener("console:filtered", () => map.loadCases().catch(() => say(text("script.failed"))));
document.addEventListener("console:listed", refreshIfChanged);

startToast();
startList();
startCase();
startWindows();
startKeys(map);
await map.start().catch(() => say(text("script.failed")));
startLive(
  () => {
    refreshLive();
    map.loadCases({ markNew: true }).catch(() => {}); // the next event brings them
  },
  () => map.trails.update().catch(() => {}),
);
document.body.dataset.ready = "1";
