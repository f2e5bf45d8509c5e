// The city's unit grids on a map, under everything else, with names that fit how near it is.
import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { read } from "./texts.js";

const NAMES_FROM_ZOOM = 15;
const WHOLE_IDS_FROM_ZOOM = 18;
const SEQUENCE_DIGITS = 3; // a grid's id ends with its number in its community
const MOST_NAMED_GRIDS = 600;

export class Grids {
  constructor(map) {
    this.map = map;
    map.createPane("grids").classList.add("grids-pane"); // under the trails
    this.layer = L.geoJSON(null, { pane: "grids", style: { className: "grid-shape" }, interactive: false }).addTo(map);
    this.names = L.layerGroup().addTo(map);
    map.on("zoomend", () => this.showNames());
  }

  // How many there are.
  async load() {
    const found = await read("/console/map/grids.json");
    this.layer.clearLayers().addData(found);
    this.names.clearLayers();
    if (found.features.length <= MOST_NAMED_GRIDS) {
      this.layer.eachLayer((layer) => this.addName(layer));
    }
    this.showNames();
    return found.features.length;
  }

  addName(layer) {
    const { id, properties } = layer.feature;
    const label = document.createElement("span");
    const [short, whole] = [document.createElement("span"), document.createElement("span")];
    [short.className, short.textContent] = ["short", properties.name || id.slice(-SEQUENCE_DIGITS)];
    [whole.className, whole.textContent] = ["whole", id];
    label.append(short, whole);
    const icon = L.divIcon({ html: label, className: "grid-name", iconSize: [120, 14] });
    L.marker(layer.getBounds().getCenter(), { icon, interactive: false, keyboard: false }).addTo(this.names);
  }

  showNames() {
    const { classList } = this.map.getContainer();
    classList.toggle("far-out", this.map.getZoom() < NAMES_FROM_ZOOM);
    classList.toggle("close-by", this.map.getZoom() >= WHOLE_IDS_FROM_ZOOM);
  }

  bounds() {
    return this.layer.getBounds();
  }

  // Those among which a case's place is not certain.
  mark(ids) {
    this.layer.eachLayer((layer) => {
      const isCandidate = ids.includes(layer.feature.id);
      layer.getElement()?.classList.toggle("is-candidate", isCandidate);
      if (isCandidate) {
        layer.bringToFront();
      }
    });
  }
}
