// A box drawn anew: with the mouse, or with the arrow keys (with Shift they change its size).
const SVG = "http://www.w3.org/2000/svg";
const STEP_SHARE = 0.005; // of the picture's width
const LEAST_PX = 4;

let frame = null; // the overlay, its size in pixels of the picture, and the box [x1, y1, x2, y2]
let draft = null;

export const isDrawing = () => draft !== null;
export const drawnBox = () => draft;

const clamp = (value, most) => Math.min(Math.max(value, 0), most);

function place(rect, [x1, y1, x2, y2]) {
  for (const [name, value] of Object.entries({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 })) {
    rect.setAttribute(name, value);
  }
}

export function overlay(item) {
  const svg = document.createElementNS(SVG, "svg");
  const width = item.width_px ?? item.image.naturalWidth;
  const height = item.height_px ?? item.image.naturalHeight;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("class", "boxes is-fitted");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("class", "box");
  place(rect, item.box);
  svg.append(rect);
  frame = { svg, rect, width, height, box: item.box };
  draft = null;
  svg.addEventListener("pointerdown", pull);
  return svg;
}

// The box and what is around it, large.
export function closeUp(item) {
  const [x1, y1, x2, y2] = item.box;
  const side = Math.max(x2 - x1, (y2 - y1) * 1.5, 60) * 1.8;
  const [left, top] = [(x1 + x2 - side) / 2, (y1 + y2 - side / 1.5) / 2];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${left} ${top} ${side} ${side / 1.5}`);
  const image = document.createElementNS(SVG, "image");
  image.setAttribute("href", item.picture);
  image.setAttribute("width", frame.width);
  image.setAttribute("height", frame.height);
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("class", "box");
  place(rect, item.box);
  svg.append(image, rect);
  return svg;
}

export function beginDrawing() {
  draft = [...frame.box];
  frame.rect.classList.add("is-drawn");
}

export function endDrawing() {
  draft = null;
  frame.rect.classList.remove("is-drawn");
  place(frame.rect, frame.box);
}

export function nudge(dx, dy, isResizing) {
  const step = frame.width * STEP_SHARE;
  const [x1, y1, x2, y2] = draft;
  const wide = x2 - x1;
  const high = y2 - y1;
  if (isResizing) {
    draft = [x1, y1, clamp(Math.max(x2 + dx * step, x1 + LEAST_PX), frame.width), clamp(Math.max(y2 + dy * step, y1 + LEAST_PX), frame.height)];
  } else {
    const left = clamp(x1 + dx * step, frame.width - wide);
    const top = clamp(y1 + dy * step, frame.height - high);
    draft = [left, top, left + wide, top + high];
  }
  place(frame.rect, draft);
}

function spot(event) {
  const here = new DOMPoint(event.clientX, event.clientY).matrixTransform(frame.svg.getScreenCTM().inverse());
  return [clamp(here.x, frame.width), clamp(here.y, frame.height)];
}

function pull(event) {
  if (!isDrawing()) {
    return;
  }
  event.preventDefault();
  frame.svg.setPointerCapture(event.pointerId);
  const [x0, y0] = spot(event);
  const follow = (moved) => {
    const [x, y] = spot(moved);
    draft = [Math.min(x0, x), Math.min(y0, y), Math.max(x0, x), Math.max(y0, y)];
    place(frame.rect, draft);
  };
  const release = () => frame.svg.removeEventListener("pointermove", follow);
  frame.svg.addEventListener("pointermove", follow);
  frame.svg.addEventListener("pointerup", release, { once: true });
}
