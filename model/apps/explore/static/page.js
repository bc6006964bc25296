// The page: controls and table in plain HTML, charts by Plotly.react. Python does every number.
let plotlyReady;

function plotlyOf(model) {
  plotlyReady ??= (async () => {
    const packed = model.get("plotly");
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const parts = ["const module = { exports: {} }, { exports } = module;", await new Response(stream).text(),
      "\nexport default module.exports;"];  // as a module of the page's own: its policy lets no text be evaluated
    return (await import(URL.createObjectURL(new Blob(parts, { type: "text/javascript" })))).default;
  })();
  return plotlyReady;
}

function make(tag, given = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...inside);
  return made;
}

const shownNumber = (value) => String(Number(Number(value).toPrecision(8)));
const nearestStop = (stops, value) => stops.reduce(
  (best, stop, k) => (Math.abs(stop - value) < Math.abs(stops[best] - value) ? k : best), 0);

// One message is on its way at a time; the others wait in their order, moves that follow each other as one.
class Line {
  constructor(model) {
    this.model = model; this.n = 0; this.waiting = null; this.queue = []; this.began = null;
    this.why = null; this.times = []; this.patience = 10000; this.late = null; this.onLate = () => {};
  }
  get moving() { return this.queue.flatMap((m) => Object.keys(m.values ?? {})); }
  move(key, value) {
    let last = this.queue.at(-1);
    if (last?.do !== "move") this.queue.push(last = { do: "move", values: {} });
    last.values[key] = value;
    this.began ??= performance.now();
    this.next();
  }
  ask(message) {
    if (["reset", "scenario", "state"].includes(message.do)) this.queue = [];  // whatever was moved is let go
    this.queue.push(message);
    this.next();
  }
  next() {
    if (this.waiting || !this.queue.length) return;
    const message = this.queue.shift();
    clearTimeout(this.why);
    this.waiting = { n: ++this.n, began: this.began ?? performance.now(), do: message.do };
    this.began = null;
    this.late = setTimeout(() => this.onLate(true), this.patience);
    this.model.send({ ...message, n: this.n });
  }
  later(step, ms) {
    this.why = setTimeout(() => { if (!this.waiting && !this.queue.length) this.ask({ do: "why", step }); }, ms);
  }
  answered(curve, drawn) {
    if (!this.waiting || curve.n !== this.waiting.n) return null;
    const done = this.waiting;
    this.waiting = null;
    clearTimeout(this.why);
    clearTimeout(this.late);
    this.onLate(false);
    if (done.do !== "why") this.later(0, 700);
    else if (drawn.step < 2) this.later(drawn.step + 1, 30);
    this.next();
    return done;
  }
}

function controlRow(control, line, id) {
  const hintId = `${id}-hint`, errorId = `${id}-error`;
  const about = { "aria-describedby": `${hintId} ${errorId}` };
  const error = make("div", { class: "pop-error", id: errorId, role: "alert" });
  if (control.options.length) {
    const select = make("select", { id, ...about, onchange: (e) => line.move(control.key, e.target.value) },
      ...control.options.map(([value, text]) => make("option", { value }, text)));
    const initial = control.options.find(([v]) => v === control.default);
    const row = make("div", { class: "pop-control", "data-key": control.key },
      make("label", { for: id }, control.label), select, error,
      make("div", { class: "pop-hint", id: hintId, role: "tooltip" },
        `Default: ${initial ? initial[1] : control.default}. Source: ${control.hint}.`));
    const show = (value) => { if (document.activeElement !== select || select.value !== value) select.value = value; };
    return { row, error, fields: [select], show };
  }
  const { stops } = control;
  const span = `${shownNumber(control.low)} to ${shownNumber(control.high)} ${control.unit}`;
  const slider = make("input", { type: "range", id, min: 0, max: stops.length - 1, step: 1, ...about });
  const box = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", ...about,
    "aria-label": `${control.label} in ${control.unit}` });
  const say = (value) => slider.setAttribute("aria-valuetext", `${shownNumber(value)} ${control.unit}`);
  slider.addEventListener("input", () => {
    const value = stops[Number(slider.value)];
    box.value = shownNumber(value); say(value);
    line.move(control.key, value);
  });
  box.addEventListener("change", () => line.move(control.key, box.value));
  const row = make("div", { class: "pop-control", "data-key": control.key },
    make("label", { for: id }, `${control.label} `,
      make("span", { class: "pop-default" }, `(default ${shownNumber(control.default)})`)),
    slider, make("span", { class: "pop-box" }, box, make("span", {}, control.unit)), error,
    make("div", { class: "pop-hint", id: hintId, role: "tooltip" },
      `${span}; default ${shownNumber(control.default)} ${control.unit}. Source: ${control.hint}.`));
  const show = (value) => {
    slider.value = nearestStop(stops, value); say(value);
    if (document.activeElement !== box) box.value = shownNumber(value);
    else if (Number(box.value.replaceAll(",", "")) !== value) box.value = shownNumber(value);
  };
  return { row, error, fields: [slider, box], show };
}

const COLUMNS = [["before", "before"], ["after", "after"], ["change", "change"], ["claimed_before", "claimed before"],
  ["claimed_after", "claimed after"], ["verdict", "verdict on the claim"]];

// A hint goes away with Escape until the control is left.
function quietable(row) {
  row.addEventListener("keydown", (e) => { if (e.key === "Escape") row.classList.add("pop-quiet"); });
  for (const left of ["focusout", "mouseleave"]) row.addEventListener(left, () => row.classList.remove("pop-quiet"));
  return row;
}

function tableOf(drawn) {
  const pinned = drawn.pinned ? drawn.pinned.rows : null;
  const columns = COLUMNS.filter(([key]) => drawn.rows.some((r) => r.text[key]));
  const body = drawn.rows.map((row, k) => {
    const cell = (from, key, label, more = "") => make("td", {
      "data-label": label, "data-value": from.value[key] ?? null, "data-column": (more ? "pinned_" : "") + key,
      class: `${more} ${["verdict", "claimed_before", "claimed_after"].includes(key) ? "pop-text" : ""}`
        + (from.text[key] ? "" : " pop-empty") }, from.text[key]);
    const cells = columns.slice(0, 3).map(([key, label]) => cell(row, key, label));
    const kept = pinned ? columns.slice(0, 3).map(([key, label]) =>
      cell(pinned[k], key, `pinned: ${label}`, "pop-pinned")) : [];
    return make("tr", { "data-measure": row.measure },
      make("th", { scope: "row" }, row.measure, make("br"), make("span", { class: "pop-unit" }, row.unit)),
      ...cells, ...kept, ...columns.slice(3).map(([key, label]) => cell(row, key, label)));
  });
  const head = [...columns.slice(0, 3).map(([, l]) => make("th", { scope: "col" }, l)),
    ...(pinned ? columns.slice(0, 3).map(([, l]) => make("th", { scope: "col", class: "pop-pinned" }, `pinned: ${l}`)) : []),
    ...columns.slice(3).map(([, l]) => make("th", { scope: "col", class: "pop-text" }, l))];
  const caption = `${drawn.title}; ${Number(drawn.users).toLocaleString("en")} users`
    + (drawn.pinned ? `. Pinned: ${drawn.pinned.name}, ${drawn.pinned.settings}` : "");
  return make("table", { class: "pop-table" }, make("caption", {}, caption),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "measure"), ...head)), make("tbody", {}, ...body));
}

// The table as CSV with every digit; a text that a spreadsheet would take for a formula begins with an apostrophe.
function csvOf(drawn) {
  const columns = ["measure", "unit", ...COLUMNS.map(([key]) => key)];
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    const text = typeof value === "string" && /^[=+@\t\r-]/.test(value) ? `'${value}` : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = drawn.rows.map((row) => [row.measure, row.unit,
    ...COLUMNS.map(([key]) => row.value[key] ?? row.text[key])].map(cell).join(","));
  return [columns.join(","), ...lines, ""].join("\n");
}

// The address says the state, where the page is a page of its own: what differs from the scenario, and which that is.
const addressed = () => document.body.dataset.voila !== undefined;
function stateOf(hash) {
  const values = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
  const { scenario = "", ...moved } = values;
  return { do: "state", name: scenario, values: moved };
}
function hashOf(drawn, offered) {
  const moved = offered.controls.filter((c) => drawn.values[c.key] !== c.default).map((c) => [c.key, drawn.values[c.key]]);
  if (drawn.name === offered.first && !moved.length) return "";
  return `#${new URLSearchParams([["scenario", drawn.name], ...moved])}`;
}

const LEGEND = [["before", "pop-before"], ["after", "pop-after"], ["pinned before", "pop-before pop-dotted"],
  ["pinned after", "pop-after pop-dotted"]];
const LABELS = { cost: "Cost against users", latency: "Distribution of notification latency",
  battery: "Battery by access network" };

function render({ model, el }) {
  const line = new Line(model);
  const page = make("div", { class: "pop-page", "data-ready": "no" });
  const unique = `pop${Math.random().toString(36).slice(2, 8)}`;
  const scenario = make("select", { id: `${unique}-scenario`,
    onchange: (e) => line.ask({ do: "scenario", name: e.target.value }) });
  const pin = make("button", { type: "button", "aria-pressed": "false", class: "pop-pin",
    onclick: () => line.ask({ do: "pin" }) }, "Compare with this state");
  const reset = make("button", { type: "button", class: "pop-reset", onclick: () => line.ask({ do: "reset" }) }, "Reset");
  const name = make("input", { type: "text", id: `${unique}-name`, size: 14, autocomplete: "off",
    "aria-describedby": `${unique}-saved` });
  const save = () => line.ask({ do: "save", name: name.value });
  name.addEventListener("keydown", (e) => { if (e.key === "Enter") save(); });
  const saveButton = make("button", { type: "button", class: "pop-dosave", onclick: save }, "Save as scenario");
  const csv = make("a", { class: "pop-csv", href: "#" }, "Download as CSV");
  const top = make("div", { class: "pop-top" },
    make("div", {}, make("label", { for: `${unique}-scenario` }, "Scenario"), scenario), reset, pin,
    make("div", {}, make("label", { for: `${unique}-name` }, "Name to save under"), name), saveButton, csv);
  const problem = make("div", { class: "pop-error pop-problem", role: "alert" });
  const saved = make("div", { class: "pop-save pop-note", id: `${unique}-saved`, role: "status" });
  const said = make("p", { class: "pop-said" }), why = make("p", { class: "pop-why" });
  const words = make("div", { class: "pop-words", role: "status", "aria-live": "polite" }, said, why);
  const mix = make("div", { class: "pop-note pop-mix", role: "status" });
  const others = make("p", { class: "pop-note pop-others" });
  const controls = make("div", { class: "pop-controls" });
  const table = make("div", { class: "pop-tablebox" });
  const charts = Object.fromEntries(Object.keys(LABELS).map((key) => [key,
    make("div", { class: "pop-chart", "data-chart": key, role: "img", "aria-label": LABELS[key] })]));
  const legend = make("div", { class: "pop-legend" });
  const late = make("div", { class: "pop-error pop-late", role: "alert" });
  const results = make("div", { class: "pop-results" }, late, problem, words, table, others, legend,
    make("div", { class: "pop-charts" },
      ...Object.entries(charts).map(([key, box]) => make("figure", {}, make("figcaption", {}, LABELS[key]), box))));
  page.append(top, saved, make("div", { class: "pop-body" }, controls, results));
  el.append(make("div", { class: "pop-frame" }, page));
  line.onLate = (yes) => {
    late.textContent = yes ? "No answer has come: the numbers are those before the last move. If this stays, the kernel"
      + " has stopped; reload the page." : "";
    page.setAttribute("aria-busy", String(yes));
  };

  let rows = {}, listed = null;
  const buildControls = (list) => {
    const text = JSON.stringify(list);
    if (text === listed) return;
    listed = text;
    rows = {};
    const groups = new Map();
    list.forEach((control, k) => {
      if (!groups.has(control.group)) groups.set(control.group, make("fieldset", {}, make("legend", {}, control.group)));
      rows[control.key] = controlRow(control, line, `${unique}-${k}`);
      groups.get(control.group).append(quietable(rows[control.key].row));
    });
    groups.get("Networks")?.append(mix);
    controls.replaceChildren(...groups.values());
  };
  const showErrors = (errors) => {
    for (const [key, row] of Object.entries(rows)) {
      row.error.textContent = errors[key] ?? "";
      row.fields.forEach((f) => f.setAttribute("aria-invalid", String(Boolean(errors[key]))));
    }
    const general = Object.entries(errors).filter(([key]) => !rows[key]).map(([, text]) => text);
    problem.textContent = general.join(" ");
  };
  const showSaved = (drawn) => {
    saved.replaceChildren(...(drawn.saved ? [drawn.saved, " ", make("a", { download: drawn.file,
      href: `data:text/yaml;charset=utf-8,${encodeURIComponent(drawn.yaml)}` }, `Download ${drawn.file}`),
      make("pre", { tabindex: 0, "aria-label": "The saved scenario" }, drawn.yaml)] : []));
  };
  const drawCharts = async (drawn) => {
    const Plotly = await plotlyOf(model);
    const layouts = model.get("layouts");
    const names = drawn.pinned ? LEGEND : LEGEND.slice(0, 2);
    if (legend.childElementCount !== names.length) {
      legend.replaceChildren(...names.map(([text, look]) => make("span", { class: `pop-key ${look}` }, text)));
    }
    await Promise.all(Object.entries(drawn.traces).map(([key, traces]) => drawChart(Plotly, layouts, key, traces)));
  };
  const drawChart = (Plotly, layouts, key, traces) => {
    const box = charts[key], text = JSON.stringify(traces);
    if (box.popText === text) return null;
    box.popText = text;
    return Plotly.react(box, traces, layouts[key], { responsive: true, displayModeBar: false });
  };
  let restoring = addressed() && location.hash.length > 1;
  const restore = () => line.ask(stateOf(location.hash));
  const tell = () => {  // one entry of the history for each state that the page came to rest in
    const hash = hashOf(model.get("drawn"), model.get("listed"));
    if (addressed() && !restoring && !line.waiting && !line.queue.length && hash !== location.hash) {
      history.pushState(null, "", hash || location.pathname);
    }
  };
  let first = Promise.resolve(), drawingMs = 0, drawnOnce = false, resting = null;
  const draw = async () => {
    const drawn = model.get("drawn"), offered = model.get("listed"), began = performance.now();
    buildControls(offered.controls);
    const busy = line.moving;
    for (const [key, row] of Object.entries(rows)) {
      if (!drawn.errors[key] && !busy.includes(key)) row.show(drawn.values[key]);
    }
    if (scenario.options.length !== offered.choices.length) scenario.replaceChildren(...offered.choices.map((c) => make("option", { value: c, selected: c === drawn.name ? "" : null },
      c.replace(/^.*\//, ""))));
    scenario.value = drawn.name;
    pin.setAttribute("aria-pressed", String(Boolean(drawn.pinned)));
    pin.textContent = drawn.pinned ? "Let go of the pinned state" : "Compare with this state";
    said.textContent = drawn.words; why.textContent = drawn.why; mix.textContent = drawn.mix; others.textContent = offered.others;
    showErrors(drawn.errors);
    if (drawn.same && drawnOnce) return;  // a view that opens later has drawn nothing yet
    drawnOnce = true;
    showSaved(drawn);
    table.replaceChildren(tableOf(drawn));
    csv.download = `${drawn.name.replace(/^.*[\\/]|\.yaml$/g, "")}.csv`;
    csv.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csvOf(drawn))}`;
    await drawCharts(drawn);
    drawingMs = performance.now() - began;
  };
  // The curve comes after the rest, which is drawn while Python works it out.
  const drawCurve = async () => {
    const curve = model.get("curve"), done = line.answered(curve, model.get("drawn"));
    await first;
    const began = performance.now();
    if (curve.error) problem.textContent = [problem.textContent, `Cost against users is not drawn: ${curve.error}.`].join(" ");
    await drawChart(await plotlyOf(model), model.get("layouts"), "cost", curve.traces);
    drawingMs += performance.now() - began;
    requestAnimationFrame(() => setTimeout(() => {
      if (done?.do === "state") restoring = false;
      if (!restoring) page.dataset.ready = "yes";
      clearTimeout(resting);
      resting = setTimeout(tell, done?.do === "state" ? 0 : 400);
      if (done) line.times.push({ do: done.do, ms: performance.now() - done.began, model_ms: curve.took_ms,
        draw_ms: drawingMs });
    }, 0));
  };
  const onDrawn = () => { first = draw(); };
  model.on("change:drawn", onDrawn);
  model.on("change:curve", drawCurve);
  page.popTimes = line.times;
  page.popLine = line;
  page.popCharts = charts;
  onDrawn();
  drawCurve();
  const leave = () => { clearTimeout(line.why); clearTimeout(resting); };  // the kernel ends with the page
  if (addressed()) window.addEventListener("popstate", restore);
  window.addEventListener("beforeunload", leave);
  if (restoring) restore();
  return () => {
    window.removeEventListener("popstate", restore);
    window.removeEventListener("beforeunload", leave);
    clearTimeout(resting);
    model.off("change:drawn", onDrawn);
    model.off("change:curve", drawCurve);
    clearTimeout(line.why);
    clearTimeout(line.late);
  };
}

export default { render };
