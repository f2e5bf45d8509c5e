// Lays the boxes over their picture: they are in its pixels, so the overlay takes the picture's size as its own.
export function fitBoxes(root) {
  for (const picture of root.querySelectorAll(".picture")) {
    const image = picture.querySelector("img");
    const overlay = picture.querySelector("svg.boxes");
    if (!image || !overlay) {
      continue;
    }
    const fit = () => {
      overlay.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
      overlay.classList.add("is-fitted");
    };
    if (image.complete && image.naturalWidth) {
      fit();
    } else {
      image.addEventListener("load", fit, { once: true });
    }
  }
}

export function showBoxes(shown) {
  document.body.classList.toggle("no-boxes", !shown);
  const tick = document.getElementById("show-boxes");
  if (tick) {
    tick.checked = shown;
  }
}

export function toggleBoxes() {
  showBoxes(document.body.classList.contains("no-boxes"));
}
