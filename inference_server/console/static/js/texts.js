// What the server wrote into the page for its scripts: texts in the operator's language, and the first signature.
const page = JSON.parse(document.getElementById("page-data").textContent);

export const seen = page.seen;
export const classes = page.classes;

export function text(key, values = {}) {
  const found = page.texts[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function letterOf(className) {
  return text(`mark.${className}`).startsWith("mark.") ? className.slice(0, 1).toUpperCase() : text(`mark.${className}`);
}

// JSON from our own server; a session that has ended leads to the login page.
export async function read(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (answer.status === 401) {
    location.assign("/console/login");
  }
  if (!answer.ok) {
    throw new Error(`${address}: ${answer.status}`);
  }
  return answer.json();
}
