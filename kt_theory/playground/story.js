// The scenes: which one is shown, its address, its keys, and the buttons that all of them share. An address without
// `scene` is a state of the free scene.

const Story = (() => {
  const named = (id) => document.getElementById(id);
  const all = [...SCENES.map(({ id, name }) => ({ id, name })), { id: "free", name: "Free" }];
  let at = 0, stop = 0, view = null, writing = 0, saying = 0;

  const scene = () => SCENES[at];
  const initialStop = ({ control }) => control.stops.indexOf(control.initial);
  const isFree = () => at === SCENES.length;
  const addressOf = (i) => `#scene=${all[i].id}`;

  // The address of what is shown now.
  function address() {
    if (isFree()) return writeState(Free.state);
    return `${addressOf(at)}&${scene().control.count}=${scene().control.stops[stop]}`;
  }

  // What an address says: { at, stop, notes }.
  function read(hash) {
    const entries = new URLSearchParams(hash.replace(/^#/, "")), id = entries.get("scene");
    if (id === null) return { at: hash.length > 1 ? SCENES.length : 0, stop: initialStop(SCENES[0]), notes: [] };
    const found = all.findIndex((other) => other.id === id);
    const unknown = [`there is no scene “${id.slice(0, 20)}”`];
    if (found < 0) return { at: 0, stop: initialStop(SCENES[0]), notes: unknown };
    if (found === SCENES.length) return { at: found, stop: 0, notes: [], preset: true };
    const { stops, initial, count } = SCENES[found].control, notes = [];
    let chosen = initialStop(SCENES[found]);
    for (const [name, text] of entries) {
      if (name === "scene") continue;
      const place = name === count ? stops.findIndex((value) => String(value) === text) : -1;
      if (place >= 0) chosen = place;
      else if (name === count) notes.push(`${name} cannot be “${text.slice(0, 20)}”, so it is ${initial}`);
      else notes.push(`there is no setting “${name.slice(0, 20)}” in this scene`);
    }
    return { at: found, stop: chosen, notes };
  }

  function note(notes) {
    const said = notes.length ? `The link was not understood in full: ${notes.join("; ")}.` : "";
    named("link-note").hidden = !said;
    if (named("link-note").textContent !== said) named("link-note").textContent = said;
  }

  // --- Showing -------------------------------------------------------------------------------------------------

  function show() {
    Probe.hide();
    named("story").hidden = isFree();
    named("free").hidden = !isFree();
    all.forEach((_, i) => {
      if (i === at) named(`to-${all[i].id}`).setAttribute("aria-current", "page");
      else named(`to-${all[i].id}`).removeAttribute("aria-current");
    });
    named("previous").disabled = at === 0;
    named("next").disabled = isFree();
    named("link").href = address();
    if (isFree()) return;
    const { control } = scene(), value = control.stops[stop];
    view = scene().view(value);
    named("scene-title").textContent = view.title;
    named("scene-words").textContent = view.words;
    named("scene-formula").innerHTML = view.formula;
    named("scene-label").textContent = control.label;
    named("scene-value").value = control.show(value);
    named("scene-control").max = control.stops.length - 1;
    named("scene-control").value = stop;
    named("scene-control").setAttribute("aria-valuetext", control.show(value));
    named("scene-head").innerHTML = view.numbers.head.map((name) => `<th scope="col">${name}</th>`).join("");
    named("scene-rows").innerHTML = view.numbers.rows.map(([name, ...cells]) => (
      `<tr><th scope="row">${keyOf(name)}${name}</th>${cells.map((x) => `<td>${x}</td>`).join("")}</tr>`
    )).join("");
    draw();
    clearTimeout(saying);
    saying = setTimeout(() => { named("spoken").textContent = view.title; }, 600);
  }

  const keyOf = (name) => (name in MARKS
    ? `<svg class="key" viewBox="0 0 14 14" aria-hidden="true">${mark(name, 7, 7, 5, "dot")}</svg>` : "");

  function draw() {
    if (isFree() || !view) return;
    const svg = named("scene-chart"), { plane, bars } = view.picture;
    if (plane) drawPlane(svg, plane);
    else drawBars(svg, bars);
    const series = bars ? bars.series : [];
    const key = (css) => `<path class="bar ${css}" d="M4 1h22v12H4z"/>`;
    named("scene-legend").innerHTML = series.map(({ css, name }) => (
      `<li><svg class="key" viewBox="0 0 30 14" aria-hidden="true">${key(css)}</svg>${name}</li>`
    )).join("");
    // How far down the slider stays, where it is below the picture.
    document.documentElement.style.setProperty("--pinned", `${named("scene-figure").offsetHeight}px`);
  }

  // --- Going -----------------------------------------------------------------------------------------------------

  function go(to) {
    if (to >= 0 && to < all.length && to !== at) location.hash = addressOf(to);
  }

  function fromAddress() {
    clearTimeout(writing);
    const found = read(location.hash);
    [at, stop] = [found.at, found.stop];
    if (isFree()) note(Free.open(found.preset ? writeState(FREE_START) : location.hash));
    else {
      Free.close();
      note(found.notes);
    }
    show();
  }

  function remember() {
    clearTimeout(writing);
    history.replaceState(null, "", address());
  }

  // Whatever is moved is in the address a moment later.
  function changed() {
    note([]);
    clearTimeout(writing);
    writing = setTimeout(remember, 250);
    named("link").href = address();
  }

  // --- Wiring ----------------------------------------------------------------------------------------------------

  named("scenes").innerHTML = all.map(({ id, name }, i) => (
    `<li><a id="to-${id}" href="${addressOf(i)}"><span>${i + 1}</span> ${name}</a></li>`
  )).join("");
  named("previous").addEventListener("click", () => go(at - 1));
  named("next").addEventListener("click", () => go(at + 1));
  named("scene-control").addEventListener("input", (event) => {
    stop = Number(event.target.value);
    show();
    changed();
  });
  addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    const page = event.key.startsWith("Page") && isFree(); // which scrolls
    if (!way || page || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.("input, select, summary, svg, .scroll")) return;
    event.preventDefault();
    go(at + way);
  });
  addEventListener("hashchange", fromAddress);

  return {
    start() {
      Probe.attach(named("scene-chart"));
      fromAddress();
      new ResizeObserver(draw).observe(named("scene-figure"));
    },
    changed, remember, address, isFree, draw,
    get scene() { return all[at].id; },
    get svg() { return named(isFree() ? "chart" : "scene-chart"); },
    get table() { return isFree() ? Free.table() : tableOf(view.picture); },
  };
})();
