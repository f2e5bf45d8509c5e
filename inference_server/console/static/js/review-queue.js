// What is still to be answered, with the next pictures loaded and decoded before anybody asks for them; and the way of
// answers to the server, one after the other, behind the person's back.
import { read } from "./texts.js";

const AHEAD = 3;
const FEW = 8;
const root = document.getElementById("review");

let waiting = [];
let cursor = null;
let isWhole = false;
let fetching = null;
const met = new Set();
let sending = Promise.resolve();

export const current = () => waiting[0] ?? null;
export const answered = [];

function decoded(item) {
  if (!item.image) {
    item.image = new Image();
    item.image.src = item.picture;
    item.image.alt = "";
    item.ready = item.image.decode().catch(() => {}); // a broken picture shows as one; the question stays
  }
  return item;
}

function look() {
  waiting.slice(0, AHEAD + 1).forEach(decoded);
}

async function more() {
  const address = new URLSearchParams();
  if (root.dataset.kind) {
    address.set("kind", root.dataset.kind);
  }
  if (cursor) {
    address.set("cursor", cursor);
  }
  const page = await read(`/console/reviews/items.json?${address}`);
  for (const item of page.items.filter((one) => !met.has(one.id))) {
    met.add(item.id);
    waiting.push(item);
  }
  cursor = page.next ?? cursor;
  isWhole = page.next === null;
  look();
}

// Resolves once there is something to show, or nothing is left.
export async function fill() {
  if (waiting.length < FEW && !isWhole) {
    fetching ??= more().finally(() => {
      fetching = null;
    });
    if (!waiting.length) {
      await fetching;
    }
  }
  look();
}

export function skip() {
  const item = waiting.shift();
  if (item) {
    waiting.push(item);
  }
  look();
}

async function post(address, fields) {
  const body = new URLSearchParams({ form_token: root.dataset.formToken, ...fields });
  const answer = await fetch(address, { method: "POST", body, credentials: "same-origin" });
  if (answer.status === 401) {
    location.assign("/console/login");
  }
  if (!answer.ok) {
    throw new Error(`${address}: ${answer.status}`);
  }
  return answer.json();
}

// The answer goes on its way; the next item is there at once. `onFault` is told where the server did not take it.
export function give(fields, onFault) {
  const item = waiting.shift();
  answered.push(item);
  look();
  sending = sending.then(() => post(`/console/reviews/${encodeURIComponent(item.id)}`, fields)).catch((fault) => {
    answered.splice(answered.indexOf(item), 1);
    waiting.unshift(item);
    onFault(fault);
  });
}

// The last answer taken back: its item is the current one again, once the server has said so.
export async function takeBack() {
  await sending;
  const item = answered.at(-1);
  if (!item) {
    return null;
  }
  const now = await post(`/console/reviews/${encodeURIComponent(item.id)}/undo`, {});
  answered.pop();
  waiting.unshift(decoded(item));
  return now;
}
