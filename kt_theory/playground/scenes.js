// What the scenes say and draw. A scene is { id, name, control, view }: `control` is the one thing to move, a label
// with its stops, the one shown first, how a stop is written and its name in an address; view(value) gives { title,
// words, formula, picture, numbers }. Risks of teachers that a formula describes are computed by exact.js, the others
// are in NUMBERS.

const WORDS = {
  CE_sgl: "answer", SEL_ptl: "answer, probability", CE_ptl: "answer, probability", CE_ful: "whole row",
};

// Stops on a logarithmic scale, whole numbers, each power of ten among them.
function logarithmic(from, to, perDecade) {
  const last = Math.round(perDecade * Math.log10(to / from));
  return [...new Set([...Array(last + 1).keys()].map((i) => Math.round(from * 10 ** (i / perDecade))))];
}

// The slope of a curve at n, in log-log axes: over a tenth to both sides.
function slopeAt(risk, n) {
  const below = Math.max(1, Math.floor(n / 1.1)), above = Math.max(n + 1, Math.ceil(1.1 * n));
  return Math.log(risk(above) / risk(below)) / Math.log(above / below);
}

function slopeText(x) {
  return Number.isFinite(x) ? x.toFixed(2).replace("-", "−") : "–";
}

// The exact risk of a learner at n of a state's teacher, each computed once; `moving` is the instance's n, if not n.
const RISKS = new Map();
function riskOfState(state, learner, n, moving = n) {
  const { family, S, A, shape } = { ...initialState(), ...state };
  const key = [family, S, A, shape, learner, n, moving].join();
  if (!RISKS.has(key)) RISKS.set(key, expectedRisks(problemOf({ family, S, A, shape, n: moving }), learner, [n])[0]);
  return RISKS.get(key);
}

// Curves of a teacher that stays as it is, on a grid; the risks and the slopes at n.
function studied(state, learners, grid, n) {
  return learners.map((name) => {
    const risk = (m) => riskOfState(state, name, m, 1);
    return { name, pairs: grid.map((m) => [m, risk(m)]), now: risk(n), slope: slopeAt(risk, n) };
  });
}

const ofCurve = ({ name, pairs }, label = name) => ({ css: name, name, label, pairs });

// --- The scenes ----------------------------------------------------------------------------------------------

const SCENES = [
  {
    id: "english",
    name: "English",
    control: {
      label: "How close the copy has to be", stops: NUMBERS.next_word.targets, initial: 0.1,
      show: (x) => `risk ${x}`, count: "target",
    },
    view(target) {
      const { targets, least, curves, S, A } = NUMBERS.next_word, at = targets.indexOf(target);
      const need = Object.fromEntries(Object.entries(least).map(([name, found]) => [name, found[at]]));
      const each = (make) => Object.keys(curves).map(make);
      return {
        title: `To copy the next word of English to within ${target}: ${grouped(need.CE_sgl)} plain answers, or ` +
          `${grouped(need.SEL_ptl)} with their probability, or ${grouped(need.CE_ful)} whole rows`,
        words: `Whole rows are best: one tells all ${A} probabilities of an input, a plain answer is one draw. Teacher: ` +
          `which of ${A} words follows each of ${S}, by counts of web pages. SEL_ptl is simulated, the others are exact.`,
        formula: Formulas.distance,
        picture: {
          plane: {
            x: { title: "number of samples n", name: "n", from: 1, to: 1e6, log: true },
            y: { title: "expected risk (total variation)", from: 0.01, to: 1, log: true },
            curves: each((name) => ({ ...ofCurve({ name, pairs: curves[name] }, ""), dots: 3 })),
            lines: [{ y: target }],
            points: each((name) => (
              { css: name, x: need[name], y: target, name: `${name}, n = ${grouped(need[name])}` }
            )),
            notes: each((name) => ({
              // Above and below in turn: on a phone the numbers are close.
              css: name, x: need[name], y: target, text: grouped(need[name]),
              ...(name === "SEL_ptl" ? { dx: 9, dy: -6 } : { anchor: "middle", dy: 24 }),
            })).concat([
              { css: "CE_ful", x: 270, y: 0.014, text: "CE_ful: whole rows", short: "CE_ful", dx: 8 },
              { css: "SEL_ptl", x: 22000, y: 0.014, text: "SEL_ptl: probabilities", short: "SEL_ptl", dx: 8 },
              { css: "CE_sgl", x: 9e5, y: 0.058, text: "CE_sgl: plain answers", short: "CE_sgl", anchor: "end" },
            ]),
          },
        },
        numbers: {
          head: ["Student", "A sample tells", `Samples for ${target}`],
          rows: each((name) => [name, WORDS[name], grouped(need[name])]),
        },
      };
    },
  },
  {
    id: "row",
    name: "One row",
    control: {
      label: "Answers that were read", stops: [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 1000], initial: 13,
      show: grouped, count: "n",
    },
    view(n) {
      const { word, names, p } = NUMBERS.row;
      const counts = countsOfRow(p, n), rest = p.length - names.length;
      const teacher = { teacher: [p], rho: [1] };
      const students = ["CE_sgl", "SEL_ptl", "CE_ful"].map((name) => [name, studentOf(name, teacher, [counts])[0]]);
      const short = (q) => [...q.slice(0, names.length), q.slice(names.length).reduce((sum, x) => sum + x, 0)];
      return {
        title: `After “${word}”: ${grouped(n)} plain answer${n === 1 ? " leaves" : "s leave"} an error of ` +
          `${shortly(riskOf([students[0][1]], teacher))}, one whole row leaves none`,
        words: "CE_sgl counts answers, SEL_ptl keeps each probability that it was told and spreads the rest evenly, " +
          "CE_ful has the row from the first sample on.",
        formula: Formulas.distance,
        picture: {
          bars: {
            labels: [...names, "others"], xTitle: `the word after “${word}” (others: ${rest} words)`,
            y: { title: "probability", to: 0.8 },
            series: [{ css: "teacher", name: "teacher", values: short(p) },
              ...students.map(([name, q]) => ({ css: name, name, values: short(q) }))],
          },
        },
        numbers: {
          head: ["Student", "A sample tells", "Risk of this sample"],
          rows: students.map(([name, q]) => [name, WORDS[name], shortly(riskOf([q], teacher))]),
        },
      };
    },
  },
  {
    id: "look",
    name: "One look",
    control: { label: "Samples n", stops: logarithmic(1, 1000, 10), initial: 20, show: grouped, count: "n" },
    state: { family: "0", S: 10, A: 10 },
    view(n) {
      const { S } = this.state, grid = logarithmic(1, 1000, 8);
      const students = studied(this.state, ["CE_sgl", "SEL_ptl", "CE_ful"], grid, n);
      const met = S * (1 - (1 - 1 / S) ** n);
      return {
        title: `One look is enough: after ${grouped(n)} samples ${shortly(met)} of ${S} whole rows are exact on average, ` +
          "counts are not",
        words: "A whole row is exact once its input was met, a probability once its label was met; a frequency needs " +
          "many looks. The teacher stands still, so two curves fall faster than any power of n.",
        formula: Formulas.missed,
        picture: { plane: planeOf(students, n, { to: 1000, lowest: 1e-4, slopes: true }) },
        numbers: slopesTable(students, n),
      };
    },
  },
  {
    id: "weighting",
    name: "Weighting",
    control: {
      label: "Probability of the likeliest of 10 labels", stops: [...Array(17).keys()].map((i) => 10 + 5 * i),
      initial: 40,
      show: (x) => `${x} %`, count: "shape",
    },
    state: { family: "heavy", S: 1, A: 10 },
    view(shape) {
      const state = { ...this.state, shape }, n = 1000;
      const students = studied(state, ["CE_sgl", "CE_ptl", "SEL_ptl"], logarithmic(1, 1000, 8), n);
      const bias = biasOf(problemOf({ ...initialState(), ...state })), stays = bias > 1e-9;
      return {
        title: stays
          ? `Weighting by probability is wrong: the error stays at ${shortly(bias)}, however many answers you buy`
          : "Weighting by probability does no harm to a uniform row only",
        words: "CE_ptl multiplies the cross-entropy of a drawn label by its probability: likely labels are counted " +
          "twice, once when drawn and once by weight. SEL_ptl is told the same and copies it.",
        formula: Formulas.square,
        picture: {
          plane: planeOf(students, n, {
            to: 1000, lowest: 1e-3, slopes: ["CE_sgl"],
            notes: stays ? [{ css: "CE_ptl", x: 60, y: bias, text: "this bias stays", dy: -12 }] : [],
          }),
        },
        numbers: {
          head: ["Student", "A sample tells", "Risk at 1,000", "In the limit"],
          rows: students.map(({ name, now }) => (
            [name, WORDS[name], shortly(now), name === "CE_ptl" ? shortly(bias) : "0"]
          )),
        },
      };
    },
  },
  {
    id: "unseen",
    name: "Unseen",
    control: { label: "Samples n", stops: logarithmic(1, 100, 12), initial: 22, show: grouped, count: "n" },
    // Four labels of probability 1/21, four impossible ones, and one with the rest.
    state: { family: "2", S: 1, A: 9, seed: 9 },
    view(n) {
      const fixed = problemOf({ ...initialState(), ...this.state, n: 20 });
      const p = [...fixed.teacher[0]], counts = countsOfRow(p, n, this.state.seed);
      const q = [...studentOf("SEL_ptl", fixed, [counts])[0]], cut = 0.2;
      const unseen = p.map((_, a) => a).filter((a) => !counts[a]), rare = unseen.filter((a) => p[a] > 0);
      const mass = rare.reduce((sum, a) => sum + p[a], 0);
      const expected = p.reduce((sum, x) => sum + x * Math.exp(n * Math.log1p(-x)), 0);
      return {
        title: rare.length
          ? `The label nobody saw: ${n} samples missed ${rare.length} of 4 rare labels, and no student can know which`
          : `After ${n} samples every rare label was seen: what is left is told exactly`,
        words: "Hatched: labels not drawn yet. Four labels are rare, four are impossible, and SEL_ptl has to give all " +
          "that it did not see the same share of what is missing. A label of probability 1/n is missed by n samples " +
          "with probability 0.37.",
        formula: Formulas.unseen,
        picture: {
          bars: {
            labels: p.map((x, a) => (x > cut ? "rest" : String(a + 1))),
            xTitle: "label (the tall one goes beyond the axis)",
            y: { title: "probability", to: 0.1 }, hidden: unseen,
            series: [{ css: "teacher", name: "teacher", values: p }, { css: "SEL_ptl", name: "SEL_ptl", values: q }],
          },
        },
        numbers: {
          head: ["SEL_ptl", "This sample", "Expected"],
          rows: [
            ["mass nobody saw", shortly(mass), shortly(expected)],
            ["risk", shortly(riskOf([q], fixed)), shortly(expectedRisks(fixed, "SEL_ptl", [n])[0])],
          ],
        },
      };
    },
  },
  {
    id: "rates",
    name: "Rates",
    control: { label: "Samples n", stops: logarithmic(10, 1e6, 12), initial: 1000, show: grouped, count: "n" },
    state: { S: 10, A: 10 },
    families: { CE_sgl: "1", SEL_ptl: "2", CE_ful: "3" },
    view(n) {
      const grid = logarithmic(10, 1e6, 4);
      const students = Object.entries(this.families).map(([name, family]) => {
        const risk = (m) => riskOfState({ ...this.state, family }, name, m);
        const least = leastSamples({ ...this.state, family });
        const pairs = grid.filter((m) => m >= least).map((m) => [m, risk(m)]);
        return { name, pairs, now: n >= least ? risk(n) : NaN, slope: n >= 1.2 * least ? slopeAt(risk, n) : NaN };
      });
      return {
        title: "A teacher that moves with n: plain answers have slope −1/2, probabilities and whole rows have −1",
        words: "At each n each student faces an instance that is hard for its protocol. Ten times the samples divide " +
          "the error by 3.2 or by 10; a whole row saves a factor of the order of A, at the same slope.",
        formula: Formulas.rates,
        picture: {
          plane: {
            ...planeOf(students, n, { from: 10, to: 1e6, lowest: 1e-7 }),
            guides: [
              { css: "CE_sgl", x: 1e4, to: 1e5, y: 0.075, slope: -0.5, above: true },
              { css: "SEL_ptl", x: 1e4, to: 1e5, y: 0.0021, slope: -1, above: true },
              { css: "CE_ful", x: 1e4, to: 1e5, y: 0.00015, slope: -1 },
            ],
            notes: [
              { css: "CE_sgl", x: 3e4, y: 0.075, text: "slope −1/2", dx: 0, dy: -8 },
              { css: "SEL_ptl", x: 3e4, y: 0.0021, text: "slope −1", dy: -8 },
              { css: "CE_ful", x: 3e4, y: 0.000015, text: "slope −1", dy: 20, anchor: "end" },
            ],
          },
        },
        numbers: slopesTable(students, n),
      };
    },
  },
  {
    id: "topk",
    name: "Top k",
    control: {
      label: "Words kept of each row, k", stops: [...Array(99).keys()].map((i) => i + 1), initial: 10, show: String,
      count: "k",
    },
    view(k) {
      const { SEL, RENORM } = NUMBERS.top_k, pairs = (values) => values.map((r, i) => [i + 1, r]);
      return {
        title: `Of the ${k} likeliest word${k === 1 ? "" : "s"} only: with the rest spread evenly the error is ` +
          `${shortly(SEL[k - 1])}, with the list scaled to 1 it is ${shortly(RENORM[k - 1])}`,
        words: "An API that returns a list of the k likeliest labels leaves the tail open. A list scaled to 1 gives the " +
          "tail nothing and is off by all of its mass. Every input was visited; only the list was told.",
        formula: Formulas.rescaled,
        picture: {
          plane: {
            x: { title: "words kept, k", name: "k", from: 1, to: 100, log: true },
            y: { title: "risk that stays", from: 0, to: 0.8, log: false },
            curves: [
              { css: "CE_ptl", name: "scaled to 1", pairs: pairs(RENORM), dots: 12 },
              { css: "SEL_ptl", name: "spread evenly", pairs: pairs(SEL), dots: 12 },
            ],
            lines: [{ x: k }],
            points: [
              { css: "CE_ptl", x: k, y: RENORM[k - 1], name: "scaled to 1" },
              { css: "SEL_ptl", x: k, y: SEL[k - 1], name: "spread evenly" },
            ],
            notes: [
              {
                css: "CE_ptl", x: 6, y: RENORM[5], text: "list scaled to 1: the tail is lost", short: "scaled to 1",
                dx: 10, dy: -12,
              },
              {
                css: "SEL_ptl", x: 5, y: SEL[4], text: "rest spread evenly", short: "spread evenly", anchor: "end",
                dx: -8, dy: 24,
              },
            ],
          },
        },
        numbers: {
          head: ["Student", "Risk that stays"],
          rows: [["spread evenly", shortly(SEL[k - 1])], ["scaled to 1", shortly(RENORM[k - 1])]],
        },
      };
    },
  },
  {
    id: "loss",
    name: "A loss",
    control: { label: "Focusing parameter γ", stops: NUMBERS.focal.gamma, initial: 2, show: String, count: "gamma" },
    view(gamma) {
      const { students, risks } = NUMBERS.focal, { word, names, p } = NUMBERS.row;
      const at = NUMBERS.focal.gamma.indexOf(gamma);
      const short = (q) => [...q.slice(0, names.length), 1 - q.slice(0, names.length).reduce((sum, x) => sum + x, 0)];
      const pairs = risks.map((r, i) => [NUMBERS.focal.gamma[i], r]);
      return {
        title: gamma === 0
          ? "At γ = 0 the focal loss is cross-entropy, and finds the teacher"
          : `The focal loss does not find the teacher: with infinitely many answers its error is ${shortly(risks[at])}`,
        words: "A student converges to the minimiser of its loss. That of the focal loss lowers likely labels and raises " +
          "rare ones: the student of infinitely many answers is flatter than the teacher.",
        formula: Formulas.focal,
        picture: {
          bars: {
            labels: [...names, "others"],
            xTitle: `the word after “${word}” (others: ${p.length - names.length} words)`,
            y: { title: "probability", to: 0.8 },
            series: [{ css: "teacher", name: "teacher", values: short(p) },
              { css: "CE_ptl", name: "focal loss", values: short(students[at]) }],
          },
        },
        numbers: {
          head: ["γ", "Risk that stays"],
          rows: pairs.filter(([g]) => g === gamma || g % 1 === 0).map(([g, r]) => [String(g), shortly(r)]),
        },
      };
    },
  },
];

// --- What scenes share -----------------------------------------------------------------------------------------

// How often each label of one row is among n samples of a seed.
function countsOfRow(p, n, seed = 1) {
  const uniform = uniforms(seed), counts = new Int32Array(p.length);
  for (let i = 0; i < n; i++) counts[place(uniform(), p)] += 1;
  return counts;
}

// The plane of students' curves against n, each named at its end, with a marker at n.
function planeOf(students, n, { from = 1, to, lowest, slopes = [], notes = [] }) {
  const told = slopes === true ? students.map(({ name }) => name) : slopes;
  return {
    x: { title: "number of samples n", name: "n", from, to, log: true },
    y: { title: "expected risk (total variation)", from: lowest, to: 1, log: true },
    curves: students.map((student) => ofCurve(student)),
    lines: [{ x: n }],
    points: students.filter(({ now }) => now >= 0).map(({ name, now }) => (
      { css: name, x: n, y: now, name, low: now < lowest }
    )),
    notes: students.filter(({ name, now }) => told.includes(name) && now >= lowest).map(({ name, now, slope }) => (
      { css: name, x: n, y: now, text: `slope ${slopeText(slope)}`, anchor: "end", dx: -12, dy: 16 }
    )).concat(notes),
  };
}

function slopesTable(students, n) {
  return {
    head: ["Student", "A sample tells", `Risk at ${grouped(n)}`, "Slope here"],
    rows: students.map(({ name, now, slope }) => [name, WORDS[name], shortly(now), slopeText(slope)]),
  };
}
