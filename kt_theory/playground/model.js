// The state of the page, and what follows from it: the teacher, the bounds, the sample, the students and their risks.

const LEARNERS = ["CE_sgl", "ADD_sgl", "CE_ptl", "SEL_ptl", "CE_ful"];
const PROTOCOLS = { hard: ["CE_sgl", "ADD_sgl"], partial: ["CE_ptl", "SEL_ptl"], soft: ["CE_ful"] };
const MOST_SAMPLES = 1e6;

// --- The state ---------------------------------------------------------------------------------------------

const FAMILIES = {
  0: { name: "Instance 0: half uniform, half one label" },
  1: { name: "Instance 1: hard for hard labels", moves: true },
  2: { name: "Instance 2: hard for partial soft labels", moves: true },
  3: { name: "Instance 3: hard for soft labels", moves: true },
  heavy: { name: "One heavy label", shape: "Mass of the heavy label" },
  support: { name: "Some labels impossible", shape: "Share of the labels that are possible" },
};

// What each entry of the state may be. A whole number has first and last, any other has its choices.
const FIELDS = {
  family: { initial: "0", choices: Object.keys(FAMILIES) },
  S: { initial: 6, first: 1, last: 40 },
  A: { initial: 6, first: 2, last: 30 },
  n: { initial: 60, first: 1, last: MOST_SAMPLES },
  shape: { initial: 50, first: 2, last: 98 }, // per cent
  seed: { initial: 1, first: 1, last: 999 },
  shown: { initial: MOST_SAMPLES, first: 0, last: MOST_SAMPLES }, // MOST_SAMPLES: all there are
  input: { initial: 1, first: 1, last: 40 },
  curves: { initial: "fixed", choices: ["fixed", "moving"] },
  hard: { initial: "on", choices: ["on", "off"] },
  partial: { initial: "on", choices: ["on", "off"] },
  soft: { initial: "on", choices: ["on", "off"] },
};

// Where the free scene starts: on an instance that moves with n, its curves without bounds.
const FREE_START = {
  family: "2", S: 10, A: 10, n: 1000, shape: 50, seed: 1, shown: 1000, input: 1, curves: "moving", hard: "off",
  partial: "off", soft: "off",
};

// What an address that leaves it out means.
function initialState() {
  return Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, field.initial]));
}

// The state with what depends on other entries brought within them.
function settled(state) {
  return { ...state, shown: Math.min(state.shown, state.n), input: Math.min(state.input, state.S) };
}

// A state from the part of an address after #, and a note for each thing that was not understood.
function readState(hash) {
  const state = initialState(), notes = [];
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : null;
    const value = field && !field.choices ? Number(text) : text;
    if (!field) notes.push(`there is no setting “${name.slice(0, 20)}”`);
    else if (field.choices ? field.choices.includes(text)
      : /^\d{1,7}$/.test(text) && value >= field.first && value <= field.last) state[name] = value;
    else notes.push(`${name} cannot be “${text.slice(0, 20)}”, so it is ${field.initial}`);
  }
  for (const [name, most, what] of [["shown", "n", "samples"], ["input", "S", "inputs"]]) {
    if (state[name] > state[most] && state[name] !== FIELDS[name].initial) {
      notes.push(`${name} cannot be ${state[name]}: there are ${state[most]} ${what}`);
    }
  }
  return { state: settled(state), notes };
}

function writeState(state) {
  return "#" + new URLSearchParams(Object.keys(FIELDS).map((name) => [name, state[name]]));
}

// --- The teacher -------------------------------------------------------------------------------------------

// The least n that an instance which moves with n allows.
function leastSamples({ family, S, A }) {
  const light = Math.floor((A - 1) / 2), even = A - A % 2;
  if (family === "1") return Math.max(1, Math.ceil(S * even / 16));
  if (family === "2") return Math.max(1, S * light - 1);
  if (family === "3") return Math.max(1, S * light - 1, S - 2);
  return 1;
}

// One row of the teacher; `turn` says which label is the heavy one, or the first possible one.
function teacherRow({ family, S, A, shape }, n, turn) {
  const row = new Float64Array(A);
  if (family === "0") {
    row.fill(0.5 / A);
    row[turn % A] += 0.5;
  } else if (family === "1") {
    const even = A - A % 2, gap = 0.25 * Math.sqrt(S * even / n);
    for (let a = 0; a < even; a++) row[a] = (a % 2 ? 1 - gap : 1 + gap) / even;
  } else if (family === "2" || family === "3") {
    const light = Math.floor((A - 1) / 2);
    for (let j = 0; j < light; j++) row[2 * j] = S / (n + 1);
    row[2 * light] = 1 - S * light / (n + 1);
  } else if (family === "heavy") {
    row.fill((1 - shape / 100) / (A - 1));
    row[turn % A] = shape / 100;
  } else {
    const possible = Math.max(1, Math.round(A * shape / 100));
    for (let j = 0; j < possible; j++) row[(turn + j) % A] = 1 / possible;
  }
  return row;
}

// The problem that a state describes: rho, the teacher's rows, and the inputs that are alike counted together. Below
// the least n of an instance it is that of the least n.
function problemOf(state, samples = state.n) {
  const { S } = state, n = Math.max(samples, leastSamples(state));
  const rho = new Float64Array(S).fill(state.family === "3" ? 1 / (n + 1) : 1 / S);
  if (state.family === "3") rho[S - 1] = 1 - (S - 1) / (n + 1);
  const teacher = [...rho.keys()].map((s) => teacherRow(state, n, s));
  // In each family the rows are alike up to the order of their labels.
  const row = labelClasses(teacher[0]), inputs = [];
  const rare = state.family === "3" ? S - 1 : 0;
  if (rare) inputs.push({ times: rare, rho: rho[0], row });
  inputs.push({ times: S - rare, rho: rho[S - 1], row });
  return { n, rho, teacher, inputs };
}

// A row as the formulas want it: how many labels there are of each of its positive probabilities.
function labelClasses(row) {
  const p = [...new Set(row)].filter((x) => x > 0);
  const k = p.map((x) => row.filter((y) => y === x).length);
  return { k: [k[0], k[1] ?? 0], p: [p[0], p[1] ?? 0], zeros: row.filter((x) => x === 0).length };
}

// Whether the settings are outside the domain of the family, in words; empty if they are not.
function domainNote(state) {
  const least = leastSamples(state), name = `Instance ${state.family}`;
  if (state.family === "2" && state.A < 3) return `${name} needs at least 3 labels. With 2, the first one is certain.`;
  if (state.n >= least) return "";
  return `${name} with S = ${state.S} and A = ${state.A} needs n ≥ ${least}. ` +
    `The teacher shown is the one that it has at n = ${least}.`;
}

// Expected risks of all learners after n samples of the state's teacher.
function risksOf(state) {
  const problem = problemOf(state);
  return Object.fromEntries(LEARNERS.map((name) => [name, expectedRisks(problem, name, [state.n])[0]]));
}

// --- The bounds of the paper, on the worst expected risk; NaN outside their regimes -----------------------------

const BOUNDS = {
  hard: {
    lower: (n, S, A) => {
      const even = S * (A - A % 2);
      return 4 * n >= even ? Math.exp(-0.5) / 16 * Math.sqrt(even / n) : NaN;
    },
    upper: (n, S, A) => 0.5 * Math.sqrt(S * A / n) + Math.sqrt(S / n),
  },
  partial: {
    lower: (n, S, A) => {
      const pairs = S * Math.floor((A - 1) / 2);
      return A >= 3 && n >= pairs - 1 ? pairs / 2 * onceMissed(n) : NaN;
    },
    upper: (n, S, A) => 8 * S * A / (9 * n) + S * A / (n + 1),
  },
  soft: {
    lower: (n, S) => (S >= 2 && n >= S ? (S - 1) / 2 * onceMissed(n) : NaN),
    upper: (n, S) => 4 * S / (9 * n),
  },
};

// x (1 - x)^n at x = 1 / (n + 1).
function onceMissed(n) {
  return Math.exp(n * Math.log1p(-1 / (n + 1))) / (n + 1);
}

function boundsOf({ n, S, A }) {
  return Object.fromEntries(Object.entries(BOUNDS).map(([protocol, { lower, upper }]) => (
    [protocol, { lower: lower(n, S, A), upper: upper(n, S, A) }]
  )));
}

// --- The sample ----------------------------------------------------------------------------------------------

// Mulberry32: uniform numbers in [0, 1) that depend on the seed alone.
function uniforms(seed) {
  let a = Math.imul(seed, 0x9E3779B1);
  return () => {
    a = (a + 0x6D2B79F5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Where u falls when [0, 1) is cut in pieces of these lengths. A piece of length 0 is never met.
function place(u, lengths) {
  let last = 0;
  for (let i = 0; i < lengths.length; i++) {
    if (lengths[i] === 0) continue;
    if (u < lengths[i]) return i;
    u -= lengths[i];
    last = i;
  }
  return last;
}

// All samples of a state, in their order: input s and label a as the number s A + a.
function sampleOf(state, problem = problemOf(state)) {
  const uniform = uniforms(state.seed), sample = new Uint16Array(state.n);
  for (let i = 0; i < state.n; i++) {
    const s = place(uniform(), problem.rho);
    sample[i] = s * state.A + place(uniform(), problem.teacher[s]);
  }
  return sample;
}

// How often each pair is among the first `shown` samples.
function countsOf(state, sample, shown = state.shown) {
  const counts = Array.from({ length: state.S }, () => new Int32Array(state.A));
  for (let i = 0; i < shown; i++) counts[Math.floor(sample[i] / state.A)][sample[i] % state.A] += 1;
  return counts;
}

// --- The students --------------------------------------------------------------------------------------------

// Row by row (counts, teacher) -> student, for a visited input; an unvisited one gets the uniform row.
const STUDENTS = {
  CE_sgl: (counts) => scaled(Float64Array.from(counts)),
  ADD_sgl: (counts) => {
    const c = added(counts.reduce((sum, x) => sum + x, 0), counts.length);
    return scaled(Float64Array.from(counts, (x) => x + c));
  },
  CE_ptl: (counts, teacher) => scaled(teacher.map((p, a) => p * counts[a])),
  SEL_ptl: (counts, teacher) => {
    // A student takes 1 - (seen mass). The page knows the teacher and adds the unseen labels up: in the end an exact 0,
    // and no rounding where the unseen labels are alike.
    const unseen = teacher.filter((_, a) => !counts[a]), alike = unseen.every((p) => p === unseen[0]);
    const share = alike ? unseen[0] : unseen.reduce((sum, p) => sum + p, 0) / unseen.length;
    return teacher.map((p, a) => (counts[a] ? p : share));
  },
  CE_ful: (counts, teacher) => Float64Array.from(teacher),
};

function scaled(weights) {
  const total = weights.reduce((sum, x) => sum + x, 0);
  return weights.map((x) => x / total);
}

function studentOf(learner, problem, counts) {
  return problem.teacher.map((row, s) => (
    counts[s].some((c) => c > 0) ? STUDENTS[learner](counts[s], row) : new Float64Array(row.length).fill(1 / row.length)
  ));
}

// The total variation between a student and the teacher, averaged under rho.
function riskOf(student, problem) {
  let risk = 0;
  student.forEach((row, s) => {
    let off = 0;
    row.forEach((q, a) => { off += Math.abs(q - problem.teacher[s][a]); });
    risk += problem.rho[s] * off / 2;
  });
  return risk;
}

// --- The self-audit ------------------------------------------------------------------------------------------

// What the samples alone show of a student's risk: each is left out in turn and is a fresh one to the student of the
// others. The mean, without bias, and the standard error of its distance to the risk; null without a sample, and for
// learners whose records do not say.
function selfAudit(learner, problem, counts) {
  const left = LEFT_OUT[learner], n = counts.flatMap((row) => [...row]).reduce((sum, c) => sum + c, 0);
  if (!left || n === 0) return null;
  // Those seen once are missed when they are left out; those seen twice say how far the sum is off.
  const once = counts.flatMap((row, s) => left(row, problem.teacher[s], 1));
  const twice = counts.flatMap((row, s) => left(row, problem.teacher[s], 2));
  const squares = (z) => z.reduce((sum, x) => sum + x * x, 0);
  return { risk: once.reduce((sum, x) => sum + x, 0) / n, error: Math.sqrt(squares(once) + 2 * squares(twice)) / n };
}

// Row by row (counts, teacher, times) -> (1 - q / p)+ of the labels seen so often, q the student's without them; at the
// soft level the distance of a row seen so often from a uniform one.
const LEFT_OUT = {
  SEL_ptl: (counts, teacher, times) => {
    const unseen = teacher.filter((_, a) => !counts[a]), missing = unseen.reduce((sum, p) => sum + p, 0);
    return [...teacher].filter((_, a) => counts[a] === times)
      .map((p) => Math.max(0, 1 - (1 + missing / p) / (unseen.length + 1)));
  },
  CE_ful: (counts, teacher, times) => (
    counts.reduce((sum, c) => sum + c, 0) !== times ? []
      : [teacher.reduce((sum, p) => sum + Math.abs(p - 1 / teacher.length), 0) / 2]
  ),
};
