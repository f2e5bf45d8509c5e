// The symbol of a case on the map: the same shapes, colours and letters as in the list and the legend.
import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { letterOf } from "./texts.js";

const NS = "http://www.w3.org/2000/svg";
const ENDED = new Set(["closed", "void", "rejected"]);
const SIZE_PX = 24;

function svg(name, attributes, ...children) {
  const element = document.createElementNS(NS, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.append(...children);
  return element;
}

function symbol(className) {
  const shape = document.getElementById(`shape-${className}`) ? className : "other";
  return svg(
    "svg",
    { class: `mark mark-${className}`, width: SIZE_PX, height: SIZE_PX, viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("use", { href: `#shape-${shape}` }),
    svg("text", { x: 12, y: 12.5, "text-anchor": "middle", "dominant-baseline": "central" }, letterOf(className)),
  );
}

export function caseIcon({ class_name: className, state }, { isNew, isSelected }) {
  const classes = ["case-mark"];
  classes.push(...(state === "review" ? ["in-review"] : ENDED.has(state) ? ["has-ended"] : []));
  classes.push(...(isNew ? ["is-new"] : []), ...(isSelected ? ["is-selected"] : []));
  const wrap = document.createElement("div");
  wrap.append(symbol(className));
  return L.divIcon({
    html: wrap,
    className: classes.join(" "),
    iconSize: [SIZE_PX, SIZE_PX],
    iconAnchor: [SIZE_PX / 2, SIZE_PX / 2],
  });
}

export function vehicleIcon(headingDeg) {
  const arrow = svg("path", { d: "M13 2 21 23 13 18 5 23Z", transform: `rotate(${headingDeg} 13 13)` });
  const wrap = document.createElement("div");
  wrap.append(svg("svg", { width: 26, height: 26, viewBox: "0 0 26 26", "aria-hidden": "true" }, arrow));
  return L.divIcon({ html: wrap, className: "vehicle-mark", iconSize: [26, 26], iconAnchor: [13, 13] });
}

export function northSign(letter) {
  const sign = document.createElement("div");
  sign.className = "north";
  sign.append(svg("svg", { width: 14, height: 18, viewBox: "0 0 14 18", "aria-hidden": "true" }, svg("path", { d: "M7 0 13 18 7 14 1 18Z" })), letter);
  return sign;
}
