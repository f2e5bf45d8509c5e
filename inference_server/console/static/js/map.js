// The map: no tiles, a plain ground with the city's grids, the vehicles' trails and the cases.
import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { Grids } from "./grids.js";
import { filterQuery } from "./list.js";
import { addControls, newMap } from "./map-base.js";
import { caseIcon } from "./marks.js";
import { read, text } from "./texts.js";
import { Trails } from "./trails.js";

const CASE_ZOOM = 20;
const WHOLE_ZOOM = 18;

export class CaseMap {
  constructor(element) {
    this.map = newMap(element);
    this.grids = new Grids(this.map);
    this.cases = new Map(); // id -> { feature, marker }
    this.trails = new Trails(this.map, () => this.followGrowth());
    this.radius = L.layerGroup().addTo(this.map);
    this.selected = null;
    this.isFirst = true;
    this.isUntouched = true; // until somebody moves the map, it shows all there is
    for (const name of ["wheel", "mousedown", "touchstart", "keydown"]) {
      element.addEventListener(name, () => (this.isUntouched = false), { passive: true, capture: true });
    }
    this.addControls();
  }

  addControls() {
    addControls(this.map);
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
    if (!(await this.grids.load())) {
      this.say(text("script.no_grids"));
    }
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
    this.grids.mark(id !== null && grids.length > 1 ? grids : []);
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
    const wanted = bounds.isValid() ? bounds : this.grids.bounds();
    if (wanted.isValid()) {
      const padding = { paddingTopLeft: [60, 40], paddingBottomRight: [40, this.legendHeight() + 36] };
      this.map.fitBounds(wanted, { ...padding, maxZoom: WHOLE_ZOOM, animate: false });
    }
  }
}
