// What can be taken away: the address, the picture as SVG, its numbers as CSV; and larger type for a projector.

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

// A picture as a file of its own: the styles that it takes from the page written into it.
function svgOf(svg) {
  const copy = svg.cloneNode(true), taken = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray",
    "stroke-linejoin", "font-size", "font-family", "font-weight", "paint-order"];
  const from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of taken) to[i].setAttribute(name, style.getPropertyValue(name));
    to[i].removeAttribute("class");
  });
  const hatch = document.getElementById("hatch").cloneNode(true);
  hatch.querySelector("path").setAttribute("stroke", "#888");
  copy.prepend(hatch);
  copy.setAttribute("width", svg.viewBox.baseVal.width);
  for (const name of ["tabindex", "role", "aria-labelledby"]) copy.removeAttribute(name);
  const box = svg.viewBox.baseVal, ground = getComputedStyle(document.body).backgroundColor;
  copy.insertAdjacentHTML("afterbegin", `<rect width="${box.width}" height="${box.height}" fill="${ground}"/>`);
  return new XMLSerializer().serializeToString(copy);
}

(() => {
  const named = (id) => document.getElementById(id);

  function save(name, type, text) {
    const link = document.createElement("a");
    link.href = `data:${type};charset=utf-8,${encodeURIComponent(text)}`;
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

  named("copy").addEventListener("click", copy);
  named("picture").addEventListener("click", () => save(`${Story.scene}.svg`, "image/svg+xml", svgOf(Story.svg)));
  named("csv").addEventListener("click", () => save(`${Story.scene}.csv`, "text/csv", csvOf(Story.table)));
  named("large").addEventListener("click", () => {
    const on = document.documentElement.classList.toggle("large");
    named("large").setAttribute("aria-pressed", String(on));
    Story.draw();
    if (Story.isFree()) Free.draw();
  });
})();
