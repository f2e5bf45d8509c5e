// The map: no tiles, a plain ground with the city's grids, the vehicles' trails and the cases.
import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { filterQuery } from "./list.js";
import { caseIcon, northSign } from "./marks.js";
import { read, text } from "./texts.js";
import { Trails } from "./trails.js";

const NAMES_FROM_ZOOM = 15;
const WHOLE_IDS_FROM_ZOOM = 18;
const SEQUENCE_DIGITS = 3; // a grid's id ends with its number in its community
const MOST_NAMED_GRIDS = 600;
const CASE_ZOOM = 20;
const WHOLE_ZOOM = 18;
const ANYWHERE = [[30.2, 120.1], [30.32, 120.22]]; // Hangzhou, until there is something to show

export class CaseMap {
  constructor(element) {
    this.map = L.map(element, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, maxZoom: 21, minZoom: 8 });
    this.map.fitBounds(ANYWHERE);
    this.map.createPane("grids").classList.add("grids-pane"); // under the trails
    this.grids = L.geoJSON(null, { pane: "grids", style: { className: "grid-shape" }, interactive: false }).addTo(this.map);
    this.names = L.layerGroup().addTo(this.map);
    this.cases = new Map(); // id -> { feature, marker }
    this.trails = new Trails(this.map, () => this.followGrowth());
    this.radius = L.layerGroup().addTo(this.map);
    this.selected = null;
    this.isFirst = true;
    this.isUntouched = true; // until somebody moves the map, it shows all there is
    for (const name of ["wheel", "mousedown", "touchstart", "keydown"]) {
      element.addEventListener(name, () => (this.isUntouched = false), { passive: true, capture: true });
    }
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", text("script.map_label"));
    this.addControls();
    this.map.on("zoomend", () => this.showNames());
    new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(element);
  }

  addControls() {
    L.control.zoom({ zoomInTitle: text("script.zoom_in"), zoomOutTitle: text("script.zoom_out"), position: "topleft" }).addTo(this.map);
    const north = L.control({ position: "topright" });
    north.onAdd = () => northSign(text("script.north"));
    north.addTo(this.map);
    L.control.scale({ imperial: false, maxWidth: 140, position: "topright" }).addTo(this.map);
    this.note = L.control({ position: "bottomright" });
    this.note.onAdd = () => L.DomUtil.create("div", "map-note");
    this.note.addTo(this.map);
    this.say("");
  }

  say(words) {
    this.note.getContainer().textContent = words;
    this.note.getContainer().hidden = !words;
  }

  async start() {
    await Promise.all([this.loadGrids(), this.loadCases(), this.trails.update()]);
    this.showAll();
    this.isFirst = false;
    this.select(this.selected);
  }

  async loadGrids() {
    const found = await read("/console/map/grids.json");
    this.grids.clearLayers().addData(found);
    this.names.clearLayers();
    if (found.features.length <= MOST_NAMED_GRIDS) {
      this.grids.eachLayer((layer) => this.addName(layer));
    }
    this.showNames();
    if (!found.features.length) {
      this.say(text("script.no_grids"));
    }
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

  async loadCases({ markNew = false } = {}) {
    const found = await read(`/console/map/cases.json?${filterQuery()}`);
    const wanted = new Map(found.features.map((feature) => [feature.id, feature]));
    for (const [id, { marker }] of this.cases) {
      if (!wanted.has(id)) {
        marker.remove();
        this.cases.delete(id);
      }
    }
    wanted.forEach((feature, id) => this.put(id, feature, markNew));
    if (found.has_more) {
      this.say(text("script.too_many", { count: found.features.length }));
    }
    this.select(this.selected);
    this.followGrowth();
  }

  put(id, feature, markNew) {
    const known = this.cases.get(id);
    const [lon, lat] = feature.geometry.coordinates;
    if (known && JSON.stringify(known.feature) === JSON.stringify(feature)) {
      return;
    }
    const icon = caseIcon(feature.properties, { isNew: !known && markNew, isSelected: id === this.selected });
    if (known) {
      known.feature = feature;
      known.marker.setLatLng([lat, lon]).setIcon(icon);
      return;
    }
    const marker = L.marker([lat, lon], { icon, keyboard: false, riseOnHover: true }).addTo(this.map);
    marker.bindTooltip(() => text(`class.${feature.properties.class_name}`), { direction: "top", offset: [0, -10] });
    marker.on("click", () => document.dispatchEvent(new CustomEvent("console:open", { detail: { id } })));
    this.cases.set(id, { feature, marker });
  }

  select(id, grids = this.selectedGrids ?? []) {
    const before = this.selected;
    this.selected = id;
    this.selectedGrids = grids;
    this.radius.clearLayers();
    for (const name of new Set([before, id])) {
      const known = this.cases.get(name);
      known?.marker.setIcon(caseIcon(known.feature.properties, { isSelected: name === id })).setZIndexOffset(name === id ? 1000 : 0);
    }
    this.grids.eachLayer((layer) => {
      const isCandidate = id !== null && grids.length > 1 && grids.includes(layer.feature.id);
      layer.getElement()?.classList.toggle("is-candidate", isCandidate);
      if (isCandidate) {
        layer.bringToFront();
      }
    });
    const known = this.cases.get(id);
    if (known) {
      const [lon, lat] = known.feature.geometry.coordinates;
      const style = { className: "radius-shape", interactive: false };
      L.circle([lat, lon], { radius: known.feature.properties.radius_m, ...style }).addTo(this.radius);
    }
  }

  // Into view, without moving more than needed.
  reveal(id) {
    const known = this.cases.get(id);
    if (known && !this.isFirst) {
      this.map.invalidateSize({ pan: false });
      this.map.panInside(known.marker.getLatLng(), { paddingTopLeft: [60, 60], paddingBottomRight: [60, this.legendHeight() + 40] });
    }
  }

  legendHeight() {
    return document.querySelector(".legend").offsetHeight;
  }

  goToCase(id) {
    const known = this.cases.get(id);
    if (known) {
      this.isUntouched = false;
      this.map.setView(known.marker.getLatLng(), Math.max(this.map.getZoom(), CASE_ZOOM), { animate: false });
      this.reveal(id);
    }
  }

  // A drive leads out of the picture: as long as nobody has moved the map, it is widened.
  followGrowth() {
    const bounds = this.bounds();
    const isOutside = bounds.isValid() && !this.map.getBounds().contains(bounds);
    if (this.isUntouched && !this.isFirst && this.selected === null && isOutside) {
      this.showAll();
    }
  }

  bounds() {
    return L.latLngBounds([...this.cases.values()].map(({ marker }) => marker.getLatLng())).extend(this.trails.bounds());
  }

  showAll() {
    const bounds = this.bounds();
    const wanted = bounds.isValid() ? bounds : this.grids.getBounds();
    if (wanted.isValid()) {
      const padding = { paddingTopLeft: [60, 40], paddingBottomRight: [40, this.legendHeight() + 36] };
      this.map.fitBounds(wanted, { ...padding, maxZoom: WHOLE_ZOOM, animate: false });
    }
  }
}
