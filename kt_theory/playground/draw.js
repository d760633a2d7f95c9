// Marks, numbers in few letters, and tables as heat maps. All pictures are SVG, written as text.

const MARKS = { CE_sgl: "circle", ADD_sgl: "pointing down", CE_ptl: "square", SEL_ptl: "triangle", CE_ful: "diamond" };
const OF_PROTOCOL = { hard: "CE_sgl", partial: "SEL_ptl", soft: "CE_ful" }; // whose colour its bounds have

// A number in few letters.
function shortly(x) {
  if (x === undefined) return "…";
  if (Number.isNaN(x)) return "–";
  if (x === 0) return "0";
  return x >= 0.00095 ? x.toPrecision(3) : x.toExponential(1).replace("-", "−");
}

function mark(learner, x, y, r, name) {
  const shape = {
    circle: `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
    square: `M${-0.9 * r} ${-0.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}z`,
    triangle: `M0 ${-1.2 * r}L${1.15 * r} ${0.85 * r}H${-1.15 * r}z`,
    "pointing down": `M0 ${1.2 * r}L${1.15 * r} ${-0.85 * r}H${-1.15 * r}z`,
    diamond: `M0 ${-1.25 * r}L${1.25 * r} 0L0 ${1.25 * r}L${-1.25 * r} 0z`,
  }[MARKS[learner]];
  return `<path class="${name} ${learner}" transform="translate(${fixed(x)} ${fixed(y)})" d="${shape}"/>`;
}

function fixed(x) {
  return String(Math.round(x * 100) / 100);
}

// --- Tables ----------------------------------------------------------------------------------------------------

const SHADES = 12, TABLE_WIDTH = 200;

// Draw a table. value(s, a) is in [0, 1], or null where it is hidden; text(s, a) is written where there is room.
// `picked` is the row looked at, `last` the cell [s, a] to be framed, or null. The values are said under a pointer.
function drawTable(svg, S, A, value, text, picked, last, says = (s, a) => shortly(value(s, a))) {
  const height = Math.min(240, Math.max(56, 22 * S)), w = TABLE_WIDTH / A, h = height / S;
  const size = Math.min(12, 0.62 * h, 0.4 * w), written = [];
  // The root makes small probabilities visible; what is not 0 gets a shade.
  const shade = (x) => (x > 0 ? Math.max(1, Math.round(SHADES * Math.sqrt(x))) : 0);
  const paths = Array.from({ length: SHADES + 1 }, () => []), hidden = [];
  for (let s = 0; s < S; s++) {
    for (let a = 0; a < A; a++) {
      const x = value(s, a), cell = `M${fixed(a * w)} ${fixed(s * h)}h${fixed(w)}v${fixed(h)}h${fixed(-w)}z`;
      if (x === null) hidden.push(cell);
      else if (x > 0) paths[shade(x)].push(cell);
      if (size >= 9.5 && x !== null) {
        const at = `x="${fixed((a + 0.5) * w)}" y="${fixed((s + 0.5) * h + size * 0.36)}"`;
        // How dark the cell is under the text: what that means for its colour depends on the theme.
        const under = shade(x) > 8 ? "strong" : shade(x) > 6 ? "middle" : "faint";
        written.push(`<text ${at} class="${under}">${text(s, a)}</text>`);
      }
    }
  }
  const shades = paths.map((cells, i) => (
    cells.length ? `<path class="shade" fill-opacity="${fixed(i / SHADES)}" d="${cells.join("")}"/>` : ""
  ));
  const frame = ([s, a], width, name) => (
    `<rect class="${name}" x="${fixed(a * w)}" y="${fixed(s * h)}" width="${fixed(width)}" height="${fixed(h)}"/>`
  );
  svg.setAttribute("viewBox", `-1.5 -1.5 ${TABLE_WIDTH + 3} ${height + 3}`);
  svg.innerHTML = `<rect class="ground" width="${TABLE_WIDTH}" height="${height}"/>` +
    (hidden.length ? `<path class="hidden" d="${hidden.join("")}"/>` : "") + shades.join("") +
    (picked === null ? "" : frame([picked, 0], TABLE_WIDTH, "picked")) + (last ? frame(last, w, "last") : "") +
    `<g font-size="${fixed(size)}">${written.join("")}</g>`;
  svg.spots = [];
  for (let s = 0; s < S; s++) {
    for (let a = 0; a < A; a++) {
      const x = value(s, a), at = `input ${s + 1}, label ${a + 1}`;
      svg.spots.push({ x: (a + 0.5) * w, y: (s + 0.5) * h, say: `${at}: ${x === null ? "hidden" : says(s, a)}` });
    }
  }
}
