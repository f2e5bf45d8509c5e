// What every map here is: no tiles, a plain ground, our own controls.
import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { northSign } from "./marks.js";
import { text } from "./texts.js";

export const ANYWHERE = [[30.2, 120.1], [30.32, 120.22]]; // Hangzhou, until there is something to show

export function newMap(element) {
  const map = L.map(element, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, maxZoom: 21, minZoom: 8 });
  map.fitBounds(ANYWHERE);
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", text("script.map_label"));
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(element);
  return map;
}

export function addControls(map) {
  L.control.zoom({ zoomInTitle: text("script.zoom_in"), zoomOutTitle: text("script.zoom_out"), position: "topleft" }).addTo(map);
  const north = L.control({ position: "topright" });
  north.onAdd = () => northSign(text("script.north"));
  north.addTo(map);
  L.control.scale({ imperial: false, maxWidth: 140, position: "topright" }).addTo(map);
}
