// What can be taken away: the address, the picture as PNG or SVG, its numbers as CSV; and larger type for a projector.

// The numbers of a picture as rows, the first one names the columns.
function tableOf({ plane, bars }) {
  if (plane) {
    return [["curve", plane.x.name, "value"], ...plane.curves.flatMap(({ name, pairs }) => (
      name ? pairs.map(([x, y]) => [name, x, y]) : []
    ))];
  }
  return [["label", ...bars.series.map(({ name }) => name)],
    ...bars.labels.map((label, i) => [label, ...bars.series.map(({ values }) => values[i])])];
}

function csvOf(rows) {
  const cell = (x) => (/[",\n]/.test(x) ? `"${String(x).replaceAll('"', '""')}"` : String(x));
  return rows.map((cells) => cells.map(cell).join(",")).join("\n") + "\n";
}

// An SVG with the styles that it takes from the page written into it.
function styled(svg) {
  const copy = svg.cloneNode(true), taken = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray",
    "stroke-linejoin", "font-size", "font-family", "font-weight", "paint-order"];
  const from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of taken) to[i].setAttribute(name, style.getPropertyValue(name));
    to[i].removeAttribute("class");
  });
  return copy;
}

// Write sizes and places into an element of an SVG.
function placed(element, lengths) {
  for (const [name, length] of Object.entries(lengths)) element.setAttribute(name, fixed(length));
  return element;
}

// From the page to the units of a picture: how long a pixel is, and where a box is.
function unitsOf(svg) {
  const { left, top, width } = svg.getBoundingClientRect(), unit = svg.viewBox.baseVal.width / width;
  const inside = (box) => ({
    x: unit * (box.x - left), y: unit * (box.y - top), width: unit * box.width, height: unit * box.height,
  });
  return { unit, inside };
}

// Write the legend below a picture into a copy of it, where it stands on the page; how far down the copy then reaches.
function addLegend(svg, copy) {
  const { unit, inside } = unitsOf(svg);
  let bottom = svg.viewBox.baseVal.height;
  for (const item of svg.parentElement.querySelectorAll(".legend li")) {
    const key = item.querySelector("svg"), words = document.createRange(), style = getComputedStyle(item);
    words.selectNodeContents(item);
    words.setStartAfter(key);
    const { x, y, height } = inside(words.getBoundingClientRect());
    copy.append(placed(styled(key), inside(key.getBoundingClientRect())));
    copy.insertAdjacentHTML("beforeend", '<text dominant-baseline="central"></text>');
    const text = placed(copy.lastChild, { x, y: y + height / 2, "font-size": unit * parseFloat(style.fontSize) });
    text.textContent = words.toString();
    text.setAttribute("font-family", style.fontFamily);
    text.setAttribute("fill", style.color);
    bottom = Math.max(bottom, y + height);
  }
  return bottom;
}

// A picture as a file of its own, with its legend, and wide enough for names that reach over its edge.
function svgOf(svg) {
  const copy = styled(svg), tall = Math.ceil(addLegend(svg, copy)) + 4, { inside } = unitsOf(svg);
  const texts = [...svg.querySelectorAll("text")].map((text) => inside(text.getBoundingClientRect()));
  const left = Math.floor(Math.min(0, ...texts.map(({ x }) => x))) - 4;
  const right = Math.ceil(Math.max(svg.viewBox.baseVal.width, ...texts.map(({ x, width }) => x + width))) + 4;
  const hatch = document.getElementById("hatch").cloneNode(true), ground = getComputedStyle(document.body);
  hatch.querySelector("path").setAttribute("stroke", "#888");
  copy.prepend(hatch);
  copy.setAttribute("viewBox", `${left} 0 ${right - left} ${tall}`);
  placed(copy, { width: right - left, height: tall });
  for (const name of ["tabindex", "role", "aria-labelledby"]) copy.removeAttribute(name);
  copy.insertAdjacentHTML("afterbegin", '<rect width="100%" height="100%"/>');
  placed(copy.firstChild, { x: left }).setAttribute("fill", ground.backgroundColor);
  return new XMLSerializer().serializeToString(copy);
}

const dataOf = (type, text) => `data:${type};charset=utf-8,${encodeURIComponent(text)}`;

// The same in pixels, two for each of the page, as the address of the file. The policy lets pictures come from data: and
// from nowhere else, which is all that this takes.
async function pngOf(svg) {
  const image = new Image(), canvas = document.createElement("canvas");
  image.src = dataOf("image/svg+xml", svgOf(svg));
  await image.decode();
  [canvas.width, canvas.height] = [2 * image.width, 2 * image.height];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}

(() => {
  const named = (id) => document.getElementById(id);

  function save(name, address) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
  }

  const say = (text) => { named("copied").textContent = text; };

  // The address as it was copied keeps an entry of its own: going back leads to it.
  async function copy() {
    Story.remember();
    const address = location.href;
    history.pushState(null, "", Story.address());
    try {
      await navigator.clipboard.writeText(address);
      say("The link was copied.");
    } catch {
      say("This browser does not let the page copy: the link is in the address bar.");
    }
  }

  async function savePixels() {
    try {
      save(`${Story.scene}.png`, await pngOf(Story.svg));
    } catch {
      say("This browser does not turn the picture into pixels: save it as SVG.");
    }
  }

  named("copy").addEventListener("click", copy);
  named("png").addEventListener("click", savePixels);
  named("picture").addEventListener("click", () => {
    save(`${Story.scene}.svg`, dataOf("image/svg+xml", svgOf(Story.svg)));
  });
  named("csv").addEventListener("click", () => save(`${Story.scene}.csv`, dataOf("text/csv", csvOf(Story.table))));
  named("large").addEventListener("click", () => {
    const on = document.documentElement.classList.toggle("large");
    named("large").setAttribute("aria-pressed", String(on));
    Story.draw();
    if (Story.isFree()) Free.draw();
  });
})();
