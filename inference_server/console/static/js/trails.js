// Where the vehicles have been: lines, the frames on them, and where each vehicle is now. Streets are not drawn
// otherwise: nothing is fetched from outside.
import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { vehicleIcon } from "./marks.js";
import { read } from "./texts.js";

const GAP_S = 60;
const GAP_M = 150;
const ALL_AGAIN_MS = 60000;
const PAUSE_MS = 2000;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Trails {
  constructor(map, onDrawn) {
    this.map = map;
    this.onDrawn = onDrawn;
    this.canvas = L.canvas({ padding: 0.3, tolerance: 5 });
    this.lines = L.layerGroup().addTo(map);
    this.dots = L.layerGroup().addTo(map);
    this.vehicles = L.layerGroup().addTo(map);
    this.forget();
    this.isBusy = false;
    this.isWanted = false;
  }

  forget() {
    this.cameras = new Map(); // camera -> frame id -> point
    this.newest = "";
    this.completeAt = Date.now();
  }

  bounds() {
    return L.latLngBounds([...this.cameras.values()].flatMap((points) => [...points.values()].map((p) => [p.lat, p.lon])));
  }

  // One request at a time, with a pause after each: a drive brings many frames a second.
  async update() {
    if (this.isBusy) {
      this.isWanted = true;
      return;
    }
    this.isBusy = true;
    try {
      const isWhole = !this.newest || Date.now() - this.completeAt > ALL_AGAIN_MS;
      const answer = await read(`/console/map/trail.json${isWhole ? "" : `?since=${encodeURIComponent(this.newest)}`}`);
      if (isWhole) {
        this.forget();
      }
      this.take(answer);
      this.draw();
      this.onDrawn();
    } finally {
      setTimeout(() => {
        this.isBusy = false;
        if (this.isWanted) {
          this.isWanted = false;
          this.update();
        }
      }, PAUSE_MS);
    }
  }

  take({ cameras, points }) {
    for (const [frame, camera, at, lon, lat, isAnalysed] of points) {
      const name = cameras[camera];
      if (!this.cameras.has(name)) {
        this.cameras.set(name, new Map());
      }
      this.cameras.get(name).set(frame, { frame, at, ms: Date.parse(at), lat, lon, isAnalysed });
      this.newest = at > this.newest ? at : this.newest;
    }
  }

  draw() {
    [this.lines, this.dots, this.vehicles].forEach((layer) => layer.clearLayers());
    for (const [camera, found] of this.cameras) {
      const points = [...found.values()].sort((a, b) => a.ms - b.ms);
      stretches(points).forEach((part) => this.drawLine(part));
      points.forEach((point) => this.drawDot(point));
      this.drawVehicle(camera, points);
    }
  }

  drawLine(points) {
    const places = points.map((p) => [p.lat, p.lon]);
    const style = { renderer: this.canvas, interactive: false, color: colour("--trail"), weight: 3, opacity: 0.55 };
    L.polyline(places, style).addTo(this.lines);
  }

  drawDot(point) {
    const style = point.isAnalysed
      ? { radius: 2.2, color: colour("--trail"), fillColor: colour("--trail"), fillOpacity: 1, weight: 0 }
      : { radius: 2.6, color: colour("--trail-dim"), fillColor: colour("--paper"), fillOpacity: 1, weight: 1.2 };
    const dot = L.circleMarker([point.lat, point.lon], { renderer: this.canvas, ...style }).addTo(this.dots);
    dot.on("click", () => document.dispatchEvent(new CustomEvent("console:frame", { detail: { id: point.frame } })));
  }

  drawVehicle(camera, points) {
    const last = points.at(-1);
    const before = points.findLast((p) => this.map.distance(p, last) > 2);
    const icon = vehicleIcon(before ? bearingDeg(before, last) : 0);
    L.marker(last, { icon, interactive: true, keyboard: false, zIndexOffset: 400 })
      .bindTooltip(camera, { direction: "top", offset: [0, -10] })
      .addTo(this.vehicles);
  }
}

function stretches(points) {
  const parts = [];
  points.forEach((point, at) => {
    const last = points[at - 1];
    const isGap = !last || point.ms - last.ms > GAP_S * 1000 || L.CRS.Earth.distance(L.latLng(last), L.latLng(point)) > GAP_M;
    if (isGap) {
      parts.push([]);
    }
    parts.at(-1).push(point);
  });
  return parts;
}

function bearingDeg(from, to) {
  const east = (to.lon - from.lon) * Math.cos((to.lat * Math.PI) / 180);
  return (Math.atan2(east, to.lat - from.lat) * 180) / Math.PI;
}
