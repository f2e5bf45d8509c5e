// The desk, put together. Each part lives in a module of its own; they speak through a few events on the document.
import { openCase, refreshIfChanged, startCase } from "./case.js";
import { startKeys } from "./keys.js";
import { refreshLive, startList } from "./list.js";
import { startLive } from "./live.js";
import { CaseMap } from "./map.js";
import { text } from "./texts.js";
import { startWindows } from "./windows.js";

const map = new CaseMap(document.getElementById("map"));

document.addEventListener("console:case", (event) => {
  map.select(event.detail.id, event.detail.grids);
  if (event.detail.id) {
    map.reveal(event.detail.id);
  }
});
document.addEventListener("console:open", (event) => openCase(event.detail.id));
document.addEventListener("console:filtered", () => map.loadCases());
document.addEventListener("console:listed", refreshIfChanged);

startList();
startCase();
startWindows();
startKeys(map);
await map.start().catch(() => map.say(text("script.failed")));
startLive(
  () => {
    refreshLive();
    map.loadCases({ markNew: true });
  },
  () => map.trails.update(),
);
document.body.dataset.ready = "1";
