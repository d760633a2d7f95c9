// Pictures with axes: curves in a plane, and bars. A picture is described by an object and drawn as SVG; what it says
// at a place is kept in svg.spots, for probe.js.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// A power of ten as it stands at an axis.
function powerOfTen(k) {
  if (k >= -2 && k <= 3) return String(10 ** k);
  return `10${k < 0 ? "⁻" : ""}${[...String(Math.abs(k))].map((digit) => SUPERSCRIPTS[digit]).join("")}`;
}

// A whole number with its thousands apart.
function grouped(n) {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

// How large the type is that the reader chose, as a multiple of the usual.
function typeScale() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

// The ticks of an axis: { at, text }.
function ticksOf({ from, to, log }) {
  if (!log) {
    const step = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 5, 10, 20, 25].find((size) => (to - from) / size <= 6);
    const first = Math.ceil(from / step);
    return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => {
      const at = (first + i) * step;
      return { at, text: String(Math.round(at * 100) / 100) };
    });
  }
  const found = [];
  for (let k = Math.ceil(Math.log10(from) - 1e-9); k <= Math.log10(to) + 1e-9; k++) {
    found.push({ at: 10 ** k, text: powerOfTen(k) });
  }
  return found;
}

// Texts that do not run into one another: each is moved up, or down from the top, until it is free.
function layout(top, bottom, size) {
  const boxes = [];
  return (text, css, x, y, anchor = "start") => {
    const width = 0.66 * size * text.length, left = { start: x, middle: x - width / 2, end: x - width }[anchor];
    const free = (at) => boxes.every(([l, r, other]) => left > r + 4 || left + width < l - 4
      || Math.abs(at - other) >= 1.36 * size);
    const start = Math.min(bottom - 4, Math.max(top + size, y));
    const places = [...Array(60).keys()].flatMap((i) => [start - 4 * i, start + 4 * i]);
    const at = places.find((place) => place >= top + size && place <= bottom - 4 && free(place)) ?? start;
    boxes.push([left, left + width, at]);
    return `<text class="said ${css}" x="${fixed(x)}" y="${fixed(at)}" text-anchor="${anchor}">${text}</text>`;
  };
}

// The frame of a picture: its sizes, and its parts that are the same for all.
function frameOf(svg, { left, right }) {
  const u = typeScale(), width = Math.max(260, svg.parentNode.clientWidth);
  // No higher than leaves room for a title above it, on a projector's screen too.
  const most = Math.max(240, 0.62 * innerHeight), usual = Math.min(Math.max(250, width * 0.6), 440) * Math.min(u, 1.25);
  const tall = Math.round(Math.min(most, usual));
  const box = { u, width, height: tall, left: left * u, right: width - right * u, top: 12 * u, bottom: tall - 44 * u };
  svg.setAttribute("viewBox", `0 0 ${width} ${tall}`);
  svg.setAttribute("height", tall);
  return box;
}

function axisTitles({ u, left, right, top, bottom, height }, x, y) {
  const middle = (top + bottom) / 2;
  return `<text class="title" x="${fixed((left + right) / 2)}" y="${fixed(height - 6 * u)}" text-anchor="middle">${x}` +
    `</text><text class="title" transform="translate(${fixed(13 * u)} ${fixed(middle)}) rotate(-90)" ` +
    `text-anchor="middle">${y}</text>`;
}

// Draw curves. x and y are { title, from, to, log }; `curves` are { css, pairs, label, name, kind, dots }; `points` are
// { css, x, y, name, low }; `lines` are { x } or { y }; `notes` are { css, text, short, x, y, anchor };
// `guides` are triangles { css, x, y, slope, to }.
function drawPlane(svg, { x: xs, y: ys, curves, points = [], lines = [], notes = [], guides = [] }) {
  const longest = Math.max(0, ...curves.map(({ label }) => (label ?? "").length));
  const box = frameOf(svg, { left: 58, right: longest ? 16 + 7.2 * longest : 14 });
  const { u, left, right, top, bottom } = box, size = 12 * u;
  const along = ({ from, to, log }, value) => (
    log ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from)
  );
  const x = (value) => left + (right - left) * along(xs, value);
  const y = (value) => bottom - (bottom - top) * along(ys, value);
  // A risk that has fallen to 1e-300 would be drawn far below the frame, where some browsers take no coordinate.
  const drawable = (pairs) => pairs.filter(([, r]) => (ys.log ? r > 0 : r >= 0))
    .map(([n, r]) => [n, ys.log ? Math.max(r, 1e-40) : r]);
  const line = (pairs) => pairs.map(([n, r], i) => `${i ? "L" : "M"}${fixed(x(n))} ${fixed(y(r))}`).join("");
  const back = [], inside = [], front = [], said = layout(top, bottom, size), spots = [];
  let taken = -Infinity;
  for (const { at, text } of ticksOf(xs)) {
    back.push(`<path class="grid" d="M${fixed(x(at))} ${fixed(top)}V${fixed(bottom)}"/>`);
    // On a narrow chart numbers would run into one another.
    const half = 0.32 * size * text.length;
    if (x(at) - half < taken + 6) continue;
    taken = x(at) + half;
    back.push(`<text x="${fixed(x(at))}" y="${fixed(bottom + 19 * u)}" text-anchor="middle">${text}</text>`);
  }
  for (const { at, text } of ticksOf(ys)) {
    back.push(`<path class="grid" d="M${fixed(left)} ${fixed(y(at))}H${fixed(right)}"/>`);
    back.push(`<text x="${fixed(left - 6 * u)}" y="${fixed(y(at) + 4 * u)}" text-anchor="end">${text}</text>`);
  }
  for (const at of lines) {
    const across = "x" in at ? "" : `M${fixed(left)} ${fixed(y(at.y))}H${fixed(right)}`;
    const d = across || `M${fixed(x(at.x))} ${fixed(top)}V${fixed(bottom)}`;
    inside.push(`<path class="now" d="${d}"/>`);
  }
  for (const { css, x: from, y: level, slope, to, above } of guides) {
    const [start, end] = [`${fixed(x(from))} ${fixed(y(level))}`, level * (to / from) ** slope];
    const legs = above ? `H${fixed(x(to))}V${fixed(y(end))}` : `V${fixed(y(end))}H${fixed(x(to))}`;
    inside.push(`<path class="guide ${css}" d="M${start}${legs}z"/>`);
  }
  const labels = [];
  for (const { css, pairs, label, name, kind = "curve", dots } of curves) {
    const good = drawable(pairs), shown = good.filter(([, r]) => y(r) <= bottom + 1 && y(r) >= top - 1);
    inside.push(`<path class="${kind} ${css}" d="${line(good)}"/>`);
    for (const [n, r] of dots ? good.filter((_, i) => i % dots === 1) : []) {
      inside.push(mark(css, x(n), y(r), 3.5 * u, "dot"));
    }
    for (const [n, r] of name ? shown : []) {
      spots.push({ x: x(n), y: y(r), say: `${name}: ${shortly(r)} at ${xs.name} = ${grouped(n)}` });
    }
    if (label && shown.length) labels.push([css, label, ...shown.at(-1)]);
  }
  labels.sort((one, other) => y(one[3]) - y(other[3]));
  for (const [css, label, n, r] of labels) front.push(said(label, css, x(n) + 11 * u, y(r) + 4 * u));
  for (const { css, text, short = text, x: n, y: r, anchor, dx = 0, dy = -9 } of notes) {
    front.push(said(box.width < 600 * u ? short : text, css, x(n) + dx * u, y(r) + dy * u, anchor));
  }
  for (const { css, x: n, y: r, name, low } of points) {
    const at = low || y(r) > bottom ? bottom - 2 : y(r);
    front.push(mark(css, x(n), at, 7 * u, low || y(r) > bottom ? "point low" : "point"));
    if (name) spots.push({ x: x(n), y: at, say: `${name}: ${shortly(r)}` });
  }
  svg.spots = spots;
  // An svg inside cuts off what leaves the frame.
  const [w, h] = [fixed(right - left), fixed(bottom - top)], corner = `${fixed(left)} ${fixed(top)}`;
  const frame = `x="${fixed(left)}" y="${fixed(top)}" width="${w}" height="${h}" viewBox="${corner} ${w} ${h}"`;
  svg.innerHTML = `${back.join("")}<svg ${frame}>${inside.join("")}</svg>` +
    `<path class="axis" d="M${fixed(left)} ${fixed(top)}V${fixed(bottom)}H${fixed(right)}"/>${front.join("")}` +
    axisTitles(box, xs.title, ys.title);
}

// Draw groups of bars. `series` are { css, name, values }, `labels` name the groups, `hidden` are the groups to hatch.
function drawBars(svg, { labels, series, y: ys, xTitle, hidden = [] }) {
  const box = frameOf(svg, { left: 58, right: 10 });
  const { u, left, right, top, bottom } = box;
  const y = (value) => bottom - (bottom - top) * value / ys.to, group = (right - left) / labels.length;
  const wide = Math.min(26 * u, 0.84 * group / series.length), parts = [], spots = [];
  for (const { at, text } of ticksOf({ ...ys, from: 0 })) {
    parts.push(`<path class="grid" d="M${fixed(left)} ${fixed(y(at))}H${fixed(right)}"/>`);
    parts.push(`<text x="${fixed(left - 6 * u)}" y="${fixed(y(at) + 4 * u)}" text-anchor="end">${text}</text>`);
  }
  labels.forEach((label, i) => {
    const middle = left + (i + 0.5) * group, start = middle - wide * series.length / 2;
    if (hidden.includes(i)) {
      const [corner, w] = [`${fixed(middle - group / 2)} ${fixed(top)}`, fixed(group)];
      parts.push(`<path class="hidden" d="M${corner}h${w}V${fixed(bottom)}h-${w}z"/>`);
    }
    series.forEach(({ css, name, values }, j) => {
      const at = y(Math.min(ys.to, values[i]));
      const d = `M${fixed(start + j * wide)} ${fixed(at)}h${fixed(wide - 1)}V${fixed(bottom)}h${fixed(1 - wide)}z`;
      parts.push(`<path class="bar ${css}" d="${d}"/>`);
      spots.push({ x: start + (j + 0.5) * wide, y: at, say: `${label}, ${name}: ${shortly(values[i])}` });
    });
    parts.push(`<text x="${fixed(middle)}" y="${fixed(bottom + 19 * u)}" text-anchor="middle">${label}</text>`);
  });
  svg.spots = spots;
  svg.innerHTML = parts.join("") +
    `<path class="axis" d="M${fixed(left)} ${fixed(top)}V${fixed(bottom)}H${fixed(right)}"/>` +
    axisTitles(box, xTitle, ys.title);
}
