// The page of tips without a place: a click on the map fills the form, and what is typed on WGS84 is shown on the map.
import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { Grids } from "./grids.js";
import { ANYWHERE, addControls, newMap } from "./map-base.js";

const DIGITS = 6; // of a degree: some 11 cm
const form = document.getElementById("placing");

function placeMap(fields) {
  const map = newMap(document.getElementById("map"));
  addControls(map);
  const grids = new Grids(map);
  const place = L.layerGroup().addTo(map);

  function show() {
    place.clearLayers();
    const at = [fields.lat.value, fields.lon.value].map(Number.parseFloat);
    if (fields.datum.value === "wgs84" && at.every(Number.isFinite)) {
      L.circleMarker(at, { radius: 7, className: "radius-shape", interactive: false }).addTo(place);
    }
  }

  map.on("click", ({ latlng }) => {
    fields.lat.value = latlng.lat.toFixed(DIGITS);
    fields.lon.value = latlng.lng.toFixed(DIGITS);
    fields.datum.value = "wgs84"; // as the map
    show();
  });
  form.addEventListener("input", show);
  show();
  return grids.load().then((count) => map.fitBounds(count ? grids.bounds() : ANYWHERE, { animate: false }));
}

if (form) {
  await placeMap(form.elements);
}
document.body.dataset.ready = "";
