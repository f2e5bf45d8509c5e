// Server-sent events. They only say that something has changed; the page then asks for it as it always does.
import { seen, text } from "./texts.js";

const sign = document.getElementById("live");
const words = document.getElementById("live-text");
const AGAIN_MS = 3000;

function show(state) {
  sign.dataset.state = state;
  words.textContent = text(`script.live_${state}`);
}

export function startLive(onCases, onTrail) {
  let last = seen;
  let wasLost = false;
  const connect = () => {
    const source = new EventSource(`/console/live?seen=${encodeURIComponent(last)}`);
    source.addEventListener("open", () => {
      show("on");
      if (wasLost) {
        wasLost = false; // what was asked for while the server was away may not have come
        onCases();
        onTrail();
      }
    });
    source.addEventListener("changed", (event) => {
      const [cases, trail] = last.split(".");
      const now = JSON.parse(event.data);
      last = event.lastEventId;
      if (now.cases !== cases) {
        onCases();
      }
      if (now.trail !== trail) {
        onTrail();
      }
    });
    source.addEventListener("error", () => {
      show("off");
      wasLost = true;
      if (source.readyState === EventSource.CLOSED) {
        source.close();
        again();
      }
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  };
  // A browser gives up after an answer that is no stream: ask whether it was the session that ended.
  const again = async () => {
    const answer = await fetch("/console/list?shown=1", { credentials: "same-origin" }).catch(() => null);
    if (answer?.status === 401) {
      show("ended");
    } else {
      setTimeout(connect, AGAIN_MS);
    }
  };
  connect();
}
