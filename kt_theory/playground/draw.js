// The pictures: tables as heat maps, risks as curves. All are SVG, written as text.

const MARKS = { CE_sgl: "circle", ADD_sgl: "pointing down", CE_ptl: "square", SEL_ptl: "triangle", CE_ful: "diamond" };
const OF_PROTOCOL = { hard: "CE_sgl", partial: "SEL_ptl", soft: "CE_ful" }; // whose colour its bounds have

// A number in few letters.
function shortly(x) {
  if (x === undefined) return "…";
  if (Number.isNaN(x)) return "–";
  if (x === 0) return "0";
  return x >= 0.00095 ? x.toPrecision(3) : x.toExponential(1).replace("-", "−");
}

// --- Tables ----------------------------------------------------------------------------------------------------

const SHADES = 12, TABLE_WIDTH = 200;

// Draw a table. value(s, a) is in [0, 1], or null where it is hidden; text(s, a) is written where there is room.
// `picked` is the row looked at, `last` the cell [s, a] to be framed, or null.
function drawTable(svg, S, A, value, text, picked, last) {
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
}

function fixed(x) {
  return String(Math.round(x * 100) / 100);
}

// --- The chart -------------------------------------------------------------------------------------------------

const LOWEST = 1e-5, HIGHEST = 2;

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

// Draw the curves. `curves` is {learner: Map of n to risk}, `points` {learner: risk} of the markers at `at`.
function drawChart(svg, { state, curves, points, at }) {
  const width = Math.max(280, svg.parentNode.clientWidth), height = Math.round(Math.min(460, 180 + width * 0.45));
  const left = 46, right = width - 12, top = 12, bottom = height - 40;
  const x = (n) => left + (right - left) * Math.log(n) / Math.log(MOST_SAMPLES);
  const y = (r) => top + (bottom - top) * Math.log(HIGHEST / r) / Math.log(HIGHEST / LOWEST);
  const line = (pairs) => pairs.map(([n, r], i) => `${i ? "L" : "M"}${fixed(x(n))} ${fixed(y(r))}`).join("");
  // A risk that has fallen to 1e-300 would be drawn far below the frame, at a coordinate that some browsers do not take.
  const drawable = (pairs) => pairs.filter(([, r]) => r > 0).map(([n, r]) => [n, Math.max(r, 1e-40)]);
  const parts = [];
  for (const n of [1, 10, 100, 1000, 5000]) {
    const anchor = n === MOST_SAMPLES ? "end" : "middle";
    parts.push(`<path class="grid" d="M${fixed(x(n))} ${top}V${bottom}"/>`);
    // On a narrow chart the last two numbers would run into one another.
    if (n === 1000 && right - x(n) < 56) continue;
    parts.push(`<text x="${fixed(x(n))}" y="${bottom + 19}" text-anchor="${anchor}">${n}</text>`);
  }
  for (let k = 0; k >= -5; k--) {
    const name = k < -3 ? `1e−${-k}` : 10 ** k;
    parts.push(`<path class="grid" d="M${left} ${fixed(y(10 ** k))}H${right}"/>`);
    parts.push(`<text x="${left - 6}" y="${fixed(y(10 ** k) + 4)}" text-anchor="end">${name}</text>`);
  }
  parts.push(`<text x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">number of samples n</text>`);
  const inside = [`<path class="now" d="M${fixed(x(state.n))} ${top}V${bottom}"/>`];
  const everywhere = [...Array(61).keys()].map((i) => MOST_SAMPLES ** (i / 60));
  for (const [protocol, sides] of Object.entries(BOUNDS)) {
    if (state[protocol] !== "on") continue;
    for (const [side, bound] of Object.entries(sides)) {
      const pairs = everywhere.map((n) => [n, bound(n, state.S, state.A)]).filter(([, r]) => r > 0);
      inside.push(`<path class="bound ${side} ${OF_PROTOCOL[protocol]}" d="${line(pairs)}"/>`);
    }
  }
  for (const name of LEARNERS) {
    const pairs = drawable([...curves[name]].sort((one, other) => one[0] - other[0]));
    inside.push(`<path class="curve ${name}" d="${line(pairs)}"/>`);
    pairs.filter((_, i) => i % 3 === 1).forEach(([n, r]) => inside.push(mark(name, x(n), y(r), 3.5, "dot")));
  }
  const drawn = LEARNERS.filter((name) => at >= 1 && points[name] !== undefined).map((name) => {
    const low = points[name] < LOWEST;
    return mark(name, x(at), low ? bottom - 2 : y(points[name]), 7, low ? "point low" : "point");
  });
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  const frame = `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/>`;
  svg.innerHTML = `<clipPath id="frame">${frame}</clipPath>${parts.join("")}` +
    `<g clip-path="url(#frame)">${inside.join("")}</g>` +
    `<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>${drawn.join("")}`;
}

// The legend of the chart, as items of a list.
function legendItems(state) {
  const sample = (inside) => `<svg class="key" viewBox="0 0 30 14" aria-hidden="true">${inside}</svg>`;
  const items = LEARNERS.map((name) => (
    sample(`<path class="curve ${name}" d="M1 7H29"/>${mark(name, 15, 7, 4, "dot")}`) + `${name}, expected`
  ));
  items.push(sample(mark("CE_sgl", 15, 7, 6, "point")) + "risk of the sample drawn");
  for (const [protocol, learner] of Object.entries(OF_PROTOCOL)) {
    if (state[protocol] !== "on") continue;
    const line = (side, y) => `<path class="bound ${side} ${learner}" d="M1 ${y}H29"/>`;
    items.push(sample(line("upper", 3) + line("lower", 11)) + `${protocol}, upper and lower bound`);
  }
  return items.map((item) => `<li>${item}</li>`).join("");
}
