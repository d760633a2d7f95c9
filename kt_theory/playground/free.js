// The free scene: what is moved changes the state, and the state is drawn.

const LOWEST = 1e-6, HIGHEST = 2;

const Free = (() => {
  const named = (id) => document.getElementById(id);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // The stops of the slider of n: every number up to 20, then evenly on the logarithmic scale.
  const STOPS = [...Array(20).keys()].map((i) => i + 1);
  for (let i = 1; i <= 94; i++) STOPS.push(Math.round(20 * (MOST_SAMPLES / 20) ** (i / 94)));

  // Where the curves are computed.
  const GRID = [...new Set([...Array(37).keys()].map((i) => Math.round(MOST_SAMPLES ** (i / 36))))];

  let state, problem, sample, sampled = "", curves = null, realisedNow = {}, pending = 0, playing = 0;

  // --- Curves, a piece at a time -----------------------------------------------------------------------------

  const emptyCurves = () => Object.fromEntries(LEARNERS.map((name) => [name, new Map()]));
  let curvesOf = "";

  // Compute the curves of the state, anew only if they are others. The slow CE_ptl comes last, its value at n first.
  function startCurves() {
    const moving = state.curves === "moving" && FAMILIES[state.family].moves;
    const { family, S, A, n, shape } = state;
    const key = JSON.stringify([family, S, A, n, shape, moving]);
    if (key === curvesOf) return;
    curvesOf = key;
    curves = emptyCurves();
    const grid = [...new Set([...GRID, n])].sort((a, b) => a - b);
    const pieces = [];
    for (const name of ["CE_ful", "CE_sgl", "ADD_sgl", "SEL_ptl", "CE_ptl"]) {
      // SEL_ptl's chain of a teacher serves all n.
      if (!moving && name === "SEL_ptl") pieces.push([name, grid]);
      else for (const m of [n, ...grid.filter((other) => other !== n)]) pieces.push([name, [m]]);
    }
    clearTimeout(pending);
    document.body.dataset.busy = "true";
    const work = () => {
      const until = performance.now() + 25;
      while (pieces.length && performance.now() < until) {
        const [name, at] = pieces.shift();
        // Below its least n the instance does not exist, but its curve passes the sample that is shown.
        if (moving && at[0] < leastSamples(state) && at[0] !== n) continue;
        const values = expectedRisks(moving ? problemOf(state, at[0]) : problem, name, at);
        at.forEach((m, i) => { if (!Number.isNaN(values[i])) curves[name].set(m, values[i]); });
      }
      showChart();
      if (pieces.length) pending = setTimeout(work, 0);
      else document.body.dataset.busy = "false";
    };
    pending = setTimeout(work, 30);
  }

  // --- Showing -----------------------------------------------------------------------------------------------

  const words = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

  function showSettings() {
    // A slider takes no value beyond its end, so the ends come first.
    named("shown").max = state.n;
    named("input").max = state.S;
    for (const name of ["S", "A", "seed", "shown", "input"]) {
      named(name).value = state[name];
      named(`${name}-value`).value = name === "shown" ? `${state.shown} of ${state.n}` : state[name];
    }
    const distance = (i) => Math.abs(STOPS[i] - state.n);
    named("n").value = [...STOPS.keys()].reduce((best, i) => (distance(i) < distance(best) ? i : best));
    named("n").setAttribute("aria-valuetext", words(state.n, "sample"));
    named("n-value").value = state.n;
    const { shape, moves } = FAMILIES[state.family];
    named("shape-control").hidden = !shape;
    named("shape-label").textContent = shape || "Shape";
    named("shape").value = state.shape;
    named("shape").setAttribute("aria-valuetext", `${state.shape} per cent`);
    named("shape-value").value = `${state.shape} %`;
    for (const name of ["family", "curves"]) named(name).value = state[name];
    named("curves").options[1].disabled = !moves;
    if (!moves) named("curves").value = "fixed";
    for (const protocol in PROTOCOLS) named(protocol).checked = state[protocol] === "on";
    named("family-words").textContent = familyWords();
    note("domain", domainNote(state));
  }

  function familyWords() {
    const { family, A } = state, possible = Math.max(1, Math.round(A * state.shape / 100));
    return {
      0: "Every input is equally likely. Half of each row’s probability is on one label, the other half is spread " +
        "evenly. The teacher is the same whatever n is.",
      1: "Labels come in pairs whose probabilities differ by so little that n hard labels can hardly tell which of " +
        "the two is larger. The larger n, the smaller the difference.",
      2: "In each row every second label is either impossible or so rare that n samples meet it about once; the last " +
        "label that is used has the rest. The larger n, the rarer the rare ones.",
      3: "All inputs but the last are so rare that n samples meet each about once. The rows are those of instance 2.",
      heavy: `In each row one label has probability ${state.shape / 100}; the others share the rest evenly.`,
      support: `Each row is uniform on ${possible} of the ${A} labels; the others are impossible.`,
    }[family];
  }

  function note(id, text) {
    named(id).hidden = !text;
    if (named(id).textContent !== text) named(id).textContent = text;
  }

  function showTables() {
    const { S, A, shown } = state, picked = named("row").open ? state.input - 1 : null;
    const counts = countsOf(state, sample), visited = counts.map((row) => row.some((c) => c > 0));
    const most = Math.max(1, ...counts.map((row) => Math.max(...row)));
    const last = shown > 0 ? [Math.floor(sample[shown - 1] / A), sample[shown - 1] % A] : null;
    const seen = counts.flatMap((row) => [...row]).filter((c) => c > 0).length;
    const draw = (id, value, text, label, framed) => {
      drawTable(named(id), S, A, value, text, picked, framed ? last : null);
      named(id).setAttribute("aria-label", `${label}, ${words(S, "input")} by ${words(A, "label")}`);
    };
    const probability = (x) => (x === 0 ? "0" : x.toFixed(2).replace(/^0/, ""));
    const teacher = (s, a) => problem.teacher[s][a];
    draw("seen-hard", (s, a) => counts[s][a] / most, (s, a) => counts[s][a] || "",
      `How often each pair was seen: ${seen} of ${S * A} pairs at least once`, true);
    draw("seen-partial", (s, a) => (counts[s][a] ? teacher(s, a) : null), (s, a) => probability(teacher(s, a)),
      `Revealed probabilities of ${seen} of ${S * A} pairs`, true);
    draw("seen-soft", (s, a) => (visited[s] ? teacher(s, a) : null), (s, a) => probability(teacher(s, a)),
      `Revealed rows of ${visited.filter(Boolean).length} of ${words(S, "input")}`, true);
    for (const protocol in PROTOCOLS) {
      draw(`teacher-${protocol}`, teacher, (s, a) => probability(teacher(s, a)), "The teacher");
    }
    const students = Object.fromEntries(LEARNERS.map((name) => [name, studentOf(name, problem, counts)]));
    const now = {};
    for (const name of LEARNERS) {
      now[name] = riskOf(students[name], problem);
      named(`now-${name}`).textContent = `risk ${shortly(now[name])}`;
      draw(`student-${name}`, (s, a) => students[name][s][a], (s, a) => probability(students[name][s][a]),
        `The student ${name}, risk ${shortly(now[name])}`);
    }
    for (const name in LEFT_OUT) {
      const audit = selfAudit(name, problem, counts);
      named(`own-${name}`).textContent = audit === null ? "" : "These samples alone, each left out in turn, say that " +
        `the risk of ${name} is ${shortly(audit.risk)}, with a standard error of ${shortly(audit.error)}.`;
    }
    if (picked !== null) {
      showRow(counts[picked], problem.teacher[picked], LEARNERS.map((name) => students[name][picked]));
    }
    realisedNow = now;
  }

  function showRow(counts, teacher, students) {
    // Without the 0 before the point: eight columns fit on a phone.
    const numbers = (a) => [counts[a], ...[teacher, ...students].map((row) => shortly(row[a]).replace(/^0\./, "."))];
    named("row-caption").textContent = `Input ${state.input}, probability ${shortly(problem.rho[state.input - 1])}: ` +
      `seen ${words(counts.reduce((sum, c) => sum + c, 0), "time")}`;
    named("row-body").innerHTML = [...teacher.keys()].map((a) => (
      `<tr><th scope="row">${a + 1}</th>${numbers(a).map((x) => `<td>${x}</td>`).join("")}</tr>`
    )).join("");
  }

  function showChart() {
    const moving = state.curves === "moving" && FAMILIES[state.family].moves, { n, shown } = state;
    // Where the instance moves with n, the sample drawn belongs to its curve at n only.
    const counts = moving ? countsOf(state, sample, n) : null;
    const points = moving
      ? Object.fromEntries(LEARNERS.map((name) => [name, riskOf(studentOf(name, problem, counts), problem)]))
      : realisedNow;
    drawChart(points, moving ? n : shown);
    const large = moving ? `the whole sample, at n = ${n}` : `the ${words(shown, "sample")} shown`;
    named("chart-caption").textContent = `Expected risk of ` +
      `${moving ? "an instance that is another teacher at every n" : "the teacher of these settings"}. ` +
      `The large markers are the risks of the students of ${large}, hollow at the edge if below ${LOWEST}.` +
      `${n > MOST_OF.CE_ptl || !moving ? ` CE_ptl is computed up to n = ${grouped(MOST_OF.CE_ptl)}.` : ""}`;
    const bounds = boundsOf(state), expectedNow = (name) => (n > MOST_OF[name] ? NaN : curves[name].get(n));
    named("numbers-caption").textContent = `Risks with ${shown} of ${words(n, "sample")} shown, and at n = ${n}`;
    named("numbers").innerHTML = Object.entries(PROTOCOLS).flatMap(([protocol, names]) => names.map((name) => {
      const upper = OF_PROTOCOL[protocol] === name ? bounds[protocol].upper : NaN;
      const cells = [realisedNow[name], expectedNow(name), bounds[protocol].lower, upper];
      const key = `<svg class="key" viewBox="0 0 14 14" aria-hidden="true">${mark(name, 7, 7, 5, "dot")}</svg>`;
      return `<tr><th scope="row">${key}${name}</th>${cells.map((x) => `<td>${shortly(x)}</td>`).join("")}</tr>`;
    })).join("");
    const expected = (name) => shortly(expectedNow(name));
    const risks = LEARNERS.map((name) => `${name} ${shortly(realisedNow[name])} (${expected(name)})`);
    named("summary").textContent = `With ${shown} of ${words(n, "sample")} shown, the risk now, and in brackets the ` +
      `one expected at n = ${n}: ${risks.join(", ")}.`;
    if (!playing) say();
  }

  function drawChart(points, at) {
    const everywhere = [...Array(61).keys()].map((i) => MOST_SAMPLES ** (i / 60));
    const chosen = Object.entries(BOUNDS).filter(([protocol]) => state[protocol] === "on");
    const bounds = chosen.flatMap(([protocol, sides]) => (
      Object.entries(sides).map(([side, bound]) => ({
        css: OF_PROTOCOL[protocol], kind: `bound ${side}`,
        pairs: everywhere.map((n) => [n, bound(n, state.S, state.A)]).filter(([, r]) => r > 0),
      }))
    ));
    const lines = LEARNERS.map((name) => ({
      css: name, name, label: name, dots: 3,
      pairs: [...curves[name]].sort((one, other) => one[0] - other[0]),
    }));
    drawPlane(named("chart"), {
      x: { title: "number of samples n", name: "n", from: 1, to: MOST_SAMPLES, log: true },
      y: { title: "risk (total variation)", from: LOWEST, to: HIGHEST, log: true },
      curves: [...bounds, ...lines],
      lines: [{ x: state.n }],
      points: LEARNERS.filter((name) => at >= 1 && points[name] !== undefined).map((name) => (
        { css: name, x: at, y: points[name], name: `${name}, this sample`, low: points[name] < LOWEST }
      )),
    });
  }

  // The legend of the chart, as items of a list.
  function legendItems() {
    const sample = (inside) => `<svg class="key" viewBox="0 0 30 14" aria-hidden="true">${inside}</svg>`;
    const items = LEARNERS.map((name) => (
      sample(`<path class="curve ${name}" d="M1 7H29"/>${mark(name, 15, 7, 4, "dot")}`) + name
    ));
    items.push(sample(mark("CE_sgl", 15, 7, 6, "point")) + "risk of the sample drawn");
    for (const [protocol, learner] of Object.entries(OF_PROTOCOL)) {
      if (state[protocol] !== "on") continue;
      const line = (side, y) => `<path class="bound ${side} ${learner}" d="M1 ${y}H29"/>`;
      items.push(sample(line("upper", 3) + line("lower", 11)) + `${protocol}, upper and lower bound`);
    }
    return items.map((item) => `<li>${item}</li>`).join("");
  }

  // The summary is read out after a pause, so that a screen reader is not told every stop of a slider.
  let saying = 0;
  function say() {
    clearTimeout(saying);
    saying = setTimeout(() => {
      if (document.body.dataset.busy !== "true") note("spoken", named("summary").textContent);
    }, 600);
  }

  // --- Changing ------------------------------------------------------------------------------------------------

  function change(part, remembered = true) {
    const before = state;
    state = settled({ ...state, ...part });
    // Whoever sees all samples goes on to see all of them.
    if (before && "n" in part && !("shown" in part) && before.shown === before.n) state.shown = state.n;
    problem = problemOf(state);
    const drawn = JSON.stringify([state.family, state.S, state.A, state.n, state.shape, state.seed]);
    if (drawn !== sampled) [sample, sampled] = [sampleOf(state, problem), drawn];
    named("legend").innerHTML = legendItems();
    showSettings();
    showTables();
    startCurves();
    showChart();
    if (remembered) {
      Story.changed();
    }
  }

  // Show the state of an address, and return what was not understood of it.
  function open(hash) {
    const found = readState(hash);
    stop();
    named("free").hidden = false;
    change(found.state, false);
    return found.notes;
  }

  // Stop what goes on when another scene is shown.
  function close() {
    stop();
    clearTimeout(saying);
    if (pending) clearTimeout(pending);
    curvesOf = "";
    document.body.dataset.busy = "false";
  }

  // --- Playing -------------------------------------------------------------------------------------------------

  function stop() {
    if (!playing) return;
    clearInterval(playing);
    playing = 0;
    named("play").textContent = "Play";
    say();
  }

  function play() {
    if (playing) return stop();
    if (state.shown >= state.n) change({ shown: 0 });
    // Some ten seconds in all; a few large steps for whoever prefers no motion.
    const [steps, pause] = calm.matches ? [8, 1200] : [150, 70];
    const step = Math.max(1, Math.ceil(state.n / steps));
    named("play").textContent = "Pause";
    clearTimeout(saying);
    playing = setInterval(() => {
      change({ shown: Math.min(state.n, state.shown + step) });
      if (state.shown >= state.n) stop();
    }, Math.max(pause, Math.min(400, pause * steps / state.n)));
  }

  // --- Wiring --------------------------------------------------------------------------------------------------

  for (const [value, { name }] of Object.entries(FAMILIES)) named("family").add(new Option(name, value));
  named("n").max = STOPS.length - 1;
  for (const name of ["S", "A", "shape", "seed", "input"]) {
    named(name).addEventListener("input", (event) => change({ [name]: Number(event.target.value) }));
  }
  named("n").addEventListener("input", (event) => change({ n: STOPS[event.target.value] }));
  named("shown").addEventListener("input", (event) => {
    stop();
    change({ shown: Number(event.target.value) });
  });
  for (const name of ["family", "curves"]) {
    named(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  }
  for (const protocol in PROTOCOLS) {
    named(protocol).addEventListener("change", (event) => change({ [protocol]: event.target.checked ? "on" : "off" }));
  }
  const steps = {
    none: () => 0, back: () => Math.max(0, state.shown - 1), forth: () => state.shown + 1, all: () => state.n,
  };
  for (const [name, shown] of Object.entries(steps)) {
    named(name).addEventListener("click", () => {
      stop();
      change({ shown: shown() });
    });
  }
  named("play").addEventListener("click", play);
  named("another").addEventListener("click", () => change({ seed: state.seed % FIELDS.seed.last + 1 }));
  named("reset").addEventListener("click", () => {
    stop();
    change(FREE_START);
  });
  named("row").addEventListener("toggle", showTables);
  for (const svg of document.querySelectorAll(".heat")) {
    // With a mouse a row is picked in the picture; without one there is the slider.
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect(), s = Math.floor(state.S * (event.clientY - box.top) / box.height);
      named("row").open = true;
      change({ input: Math.min(state.S, Math.max(1, s + 1)) });
    });
  }
  for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
  named("key").textContent = "Rows are inputs, columns are labels. The darker a cell, the more; hatched is hidden. " +
    "A frame marks the latest sample. Select a row to see its numbers.";

  for (const svg of document.querySelectorAll("#free .heat, #chart")) Probe.attach(svg);
  new ResizeObserver(() => draw()).observe(named("chart-figure"));

  function draw() {
    if (state && !named("free").hidden) showChart();
  }

  return {
    open, close, draw,
    change,
    get state() { return state; },
    get curves() { return Object.fromEntries(LEARNERS.map((name) => [name, [...curves[name]]])); },
    table: () => [["curve", "n", "risk"], ...LEARNERS.flatMap((name) => (
      [...curves[name]].sort((one, other) => one[0] - other[0]).map(([n, r]) => [name, n, r])
    ))],
  };
})();
