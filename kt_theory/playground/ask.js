// What a test, or a curious reader, may ask of the page; and its start.

window.playground = {
  get state() { return { ...Free.state }; },
  get busy() { return document.body.dataset.busy === "true"; },
  get curves() { return Free.curves; },
  set: (part) => Free.change(part),
  scenes: SCENES.map(({ id, control: { count, stops } }) => ({ id, count, stops })),
  view: (id, value) => SCENES.find((scene) => scene.id === id).view(value),
  complete: (part) => settled({ ...initialState(), ...part }),
  read: readState,
  link: writeState,
  least: leastSamples,
  risks: risksOf,
  bounds: boundsOf,
  problem: (at) => {
    const { rho, teacher } = problemOf(at);
    return { rho: [...rho], teacher: teacher.map((row) => [...row]) };
  },
  counts: (at) => countsOf(at, sampleOf(at)).map((row) => [...row]),
  students: (at) => {
    const there = problemOf(at), counts = countsOf(at, sampleOf(at, there));
    return Object.fromEntries(LEARNERS.map((name) => (
      [name, studentOf(name, there, counts).map((row) => [...row])]
    )));
  },
  audits: (at) => {
    const there = problemOf(at), counts = countsOf(at, sampleOf(at, there));
    return Object.fromEntries(Object.keys(LEFT_OUT).map((name) => [name, selfAudit(name, there, counts)]));
  },
  realised: (at) => {
    const there = problemOf(at), counts = countsOf(at, sampleOf(at, there));
    return Object.fromEntries(LEARNERS.map((name) => [name, riskOf(studentOf(name, there, counts), there)]));
  },
};

Story.start();
