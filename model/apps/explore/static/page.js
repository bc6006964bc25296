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
// While nothing waits, Python is asked to go on with the work on the state: its ranges, the answer, charts, words.
const STAGES = ["", "values", "ranges", "answer", "all"];
class Line {
  constructor(model) {
    this.model = model; this.n = 0; this.waiting = null; this.queue = []; this.began = null; this.stage = 0;
    this.times = []; this.patience = 10000; this.late = null; this.onLate = () => {};
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
    if (message.do !== "next") {
      this.times.push({ do: message.do, began: this.began ?? performance.now(), model_ms: 0, draw_ms: 0 });
      this.began = null;
      this.stage = 0;
    }
    this.waiting = { n: ++this.n, do: message.do, time: this.times.at(-1) };
    this.late = setTimeout(() => this.onLate(true), this.patience);
    this.model.send({ ...message, n: this.n });
  }
  answered(drawn) {
    if (!this.waiting || drawn.n !== this.waiting.n) return null;
    const done = this.waiting;
    this.waiting = null;
    this.stage = drawn.stage;
    clearTimeout(this.late);
    this.onLate(false);
    if (done.time) done.time.model_ms += drawn.took_ms;
    if (!this.queue.length && drawn.stage < STAGES.length - 1) this.queue.push({ do: "next" });
    this.next();
    return done;
  }
  shown(time, stage, draw_ms) {  // how long after a move each step of its figures stood on the screen
    const now = performance.now();
    time.draw_ms += draw_ms;
    for (let k = 1; k <= stage; k += 1) time[`${STAGES[k]}_ms`] ??= now - time.began;
  }
}

function controlRow(control, line, id) {
  const hintId = `${id}-hint`, errorId = `${id}-error`;
  const about = { "aria-describedby": `${hintId} ${errorId}` };
  const error = make("div", { class: "pop-error", id: errorId, role: "alert" }), of = control.of && ` (${control.of})`;
  if (of) about["aria-label"] = `${control.label}${of}`;  // several designs have one
  if (control.options.length) {
    const dict = Object.fromEntries(control.options);
    const select = make("select", { id, ...about, onchange: (e) => line.move(control.key, e.target.value) },
      ...control.options.map(([value, text]) => make("option", { value }, text)));
    const row = make("div", { class: "pop-control", "data-key": control.key },
      make("label", { for: id }, control.label), select, error,
      make("div", { class: "pop-hint", id: hintId, role: "tooltip" },
        `Default: ${dict[control.default] ?? control.default}. Source: ${control.hint}.`));
    const show = (value, blocked = {}) => {
      for (const option of select.options) {  // what cannot be chosen now, and why
        option.disabled = option.value in blocked && option.value !== value;
        const text = dict[option.value] + (option.disabled ? ` (${blocked[option.value]})` : "");
        if (option.text !== text) option.text = text;
      }
      if (document.activeElement !== select || select.value !== value) select.value = value;
    };
    return { row, error, fields: [select], show };
  }
  const { stops } = control;
  const span = `${shownNumber(control.low)} to ${shownNumber(control.high)} ${control.unit}`;
  const slider = make("input", { type: "range", id, min: 0, max: stops.length - 1, step: 1, ...about });
  const box = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", ...about,
    "aria-label": `${control.label} in ${control.unit}${of}` });
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

// A hint goes away with Escape until the control is left.
function quietable(row) {
  row.addEventListener("keydown", (e) => { if (e.key === "Escape") row.classList.add("pop-quiet"); });
  for (const left of ["focusout", "mouseleave"]) row.addEventListener(left, () => row.classList.remove("pop-quiet"));
  return row;
}

// A row a measure, a column a design: values at the modes at once, then the middle and span of draws.
const SAID = ["working out …", "every input at its mode; ranges follow",
  "the middle of 256 draws, and what 90 % of them lie between; bold is the best of a row"];
function cellOf(drawn, row, name) {
  const cell = drawn.cells[name]?.[row.measure], kept = drawn.pinned?.cells[name]?.[row.measure];
  if (!cell) return make("td", {}, "");
  const [, main, span = ""] = cell.text.match(/^(.*?)( \(.*\))?$/s);
  const best = drawn.stage && row.best.includes(name) && row.best.length < Object.keys(drawn.designs).length;
  const look = [drawn.fresh.includes(name) ? "" : "pop-stale", drawn.named.includes(drawn.designs[name]) ? "pop-named" : ""];
  return make("td", { class: look.join(" "), "data-label": drawn.designs[name], "data-design": name,
    "data-value": cell.value, "data-low": cell.low, "data-middle": cell.middle, "data-high": cell.high },
    make(best ? "strong" : "span", { class: main.length > 24 ? "pop-long" : "" }, main), make("span", { class: "pop-span" }, span),
    kept ? make("span", { class: "pop-pinned" }, `pinned ${kept.text}`) : "");
}
function tableOf(drawn) {
  const names = Object.keys(drawn.designs);
  const head = names.map((name) => make("th", { scope: "col",
    class: drawn.named.includes(drawn.designs[name]) ? "pop-named" : "" }, drawn.designs[name]));
  const body = drawn.rows.map((row) => make("tr", { "data-measure": row.measure },
    make("th", { scope: "row" }, row.measure, " ", make("span", { class: "pop-unit" }, row.unit)),
    ...names.map((name) => cellOf(drawn, row, name))));
  const caption = `${drawn.title}; ${Number(drawn.users).toLocaleString("en")} users; ${SAID[Math.min(drawn.stage, 2)]}`
    + (drawn.pinned ? `. Pinned: ${drawn.pinned.name}, ${drawn.pinned.settings}` : "");
  return make("table", { class: "pop-table" }, make("caption", {}, caption),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "measure"), ...head)), make("tbody", {}, ...body));
}

// The table as CSV with every digit; a text that a spreadsheet would take for a formula begins with an apostrophe.
const KINDS = [["value", ""], ["middle", "_middle"], ["low", "_low"], ["high", "_high"]];
function csvOf(drawn) {
  const columns = Object.keys(drawn.designs).flatMap((name) => KINDS.map(([kind, end]) => [name, kind, name + end]));
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    const text = typeof value === "string" && /^[=+@\t\r-]/.test(value) ? `'${value}` : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = drawn.rows.map((row) => [row.measure, row.unit,
    ...columns.map(([name, kind]) => drawn.cells[name][row.measure][kind])]);
  return [["measure", "unit", ...columns.map(([, , title]) => title)], ...lines].map((l) => `${l.map(cell).join(",")}\n`).join("");
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

const LOOKS = ["pop-before", "pop-after", "pop-before pop-dotted", "pop-after pop-dotted"];
const LABELS = { cost: "Cost against users", latency: "Distribution of notification latency",
  battery: "Battery by access network" };

// A chart in the colours of the page, light or dark.
const dark = matchMedia("(prefers-color-scheme: dark)");
function inLook(page, lines, layout) {
  const colour = (name, from = page) => getComputedStyle(from).getPropertyValue(name).trim();
  const keys = [...page.querySelectorAll(".pop-key")].map((key) => colour("--key", key));
  const axis = (one) => ({ ...one, gridcolor: colour("--line"), linecolor: colour("--edge"), zerolinecolor: colour("--line") });
  const drawn = lines.map((line, k) => ({ ...line, ...(line.line ? { line: { ...line.line, color: keys[k] } }
    : { marker: { ...line.marker, color: keys[k] } }) }));
  return [drawn, { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", xaxis: axis(layout.xaxis),
    yaxis: axis(layout.yaxis), font: { ...layout.font, color: colour("--ink") } }];
}

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
  const answer = make("div", { class: "pop-answer", role: "status", "aria-live": "polite" });
  const said = make("p", { class: "pop-said" }), why = make("p", { class: "pop-why" });
  const words = make("div", { class: "pop-words", role: "status", "aria-live": "polite" }, said, why);
  const mix = make("div", { class: "pop-note pop-mix", role: "status" });
  const notes = make("div", { class: "pop-note pop-notes" });
  const controls = make("div", { class: "pop-controls", role: "group", "aria-label": "What can be moved" });
  const table = make("div", { class: "pop-tablebox", tabindex: 0, role: "region", "aria-label": "Designs side by side" });
  const charts = Object.fromEntries(Object.keys(LABELS).map((key) => [key,
    make("div", { class: "pop-chart", "data-chart": key, role: "img", "aria-label": LABELS[key] })]));
  const legend = make("div", { class: "pop-legend" });
  const late = make("div", { class: "pop-error pop-late", role: "alert" });
  const results = make("div", { class: "pop-results" }, late, problem, answer, words, table, notes,
    top, saved, legend, make("div", { class: "pop-charts" },
      ...Object.entries(charts).map(([key, box]) => make("figure", {}, make("figcaption", {}, LABELS[key]), box))));
  page.append(make("div", { class: "pop-body" }, results, controls));
  el.append(make("div", { class: "pop-frame" }, page));
  line.onLate = (yes) => {
    late.textContent = yes ? "No answer has come: the numbers are those before the last move. If this stays, the kernel"
      + " has stopped; reload the page." : "";
    page.setAttribute("aria-busy", String(yes));
  };

  let rows = {}, listed = null;
  const buildControls = (offered) => {
    const text = JSON.stringify(offered.controls);
    if (text === listed) return;
    listed = text;
    rows = {};
    const groups = new Map(), wide = page.clientWidth > 860;
    offered.controls.forEach((control, k) => {
      const shown = !groups.size || (wide && (!control.of || offered.pair.some((d) => control.key.startsWith(`${d}.`))));
      if (!groups.has(control.group)) groups.set(control.group, make("details", { class: "pop-group", open: shown ? "" : null },
        make("summary", {}, control.group)));
      rows[control.key] = controlRow(control, line, `${unique}-${k}`);
      groups.get(control.group).append(quietable(rows[control.key].row));
    });
    groups.get("Networks")?.append(mix);
    controls.replaceChildren(...groups.values());
  };
  const showErrors = (errors) => {
    for (const [key, row] of Object.entries(rows)) {
      row.error.textContent = errors[key] ?? "";
      if (errors[key]) row.row.closest("details").open = true;
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
  const showAnswer = (drawn) => {
    const lines = [...(drawn.flip ? [make("p", { class: "pop-flip" }, drawn.flip)] : []),
      ...drawn.answer.map((sentence) => make("p", {}, sentence)), ...(drawn.answer.length ? [] : [make("p", {}, "Working out the answer …")])];
    const text = lines.map((one) => one.textContent).join();
    answer.classList.toggle("pop-stale", drawn.stage < 3);
    if (answer.dataset.text !== text) answer.replaceChildren(...lines);
    answer.dataset.text = text;
  };
  const drawCharts = async () => {
    const { traces = {}, error = "" } = model.get("traces"), drawn = model.get("drawn");
    if (error) problem.textContent = [problem.textContent, `The charts are not drawn: ${error}.`].join(" ");
    const pair = model.get("listed").pair.map((d) => drawn.designs[d]).filter(Boolean);
    const names = [...pair, ...(drawn.pinned ? pair.map((title) => `pinned: ${title}`) : [])];
    legend.replaceChildren(...names.map((text, k) => make("span", { class: `pop-key ${LOOKS[k]}` }, text)));
    const Plotly = Object.keys(traces).length && await plotlyOf(model);
    await Promise.all(Object.entries(traces).map(([key, lines]) => {
      const box = charts[key], text = JSON.stringify([lines, dark.matches]);
      if (box.popText === text) return null;
      box.popText = text;
      return Plotly.react(box, ...inLook(page, lines, model.get("layouts")[key]), { responsive: true, displayModeBar: false });
    }));
  };
  let restoring = addressed() && location.hash.length > 1;
  const restore = () => line.ask(stateOf(location.hash));
  const tell = () => {  // one entry of the history for each state that the page came to rest in
    const hash = hashOf(model.get("drawn"), model.get("listed")), going = line.waiting?.do ?? "next";
    if (addressed() && !restoring && going === "next" && !line.moving.length && hash !== location.hash) {
      history.pushState(null, "", hash || location.pathname);
    }
  };
  let resting = null, state = null;
  const draw = () => {
    const drawn = model.get("drawn"), offered = model.get("listed"), began = performance.now();
    const done = line.answered(drawn);
    buildControls(offered);
    const busy = line.moving;
    for (const [key, row] of Object.entries(rows)) {
      if (!drawn.errors[key] && !busy.includes(key)) row.show(drawn.values[key], drawn.blocked[key]);
    }
    if (scenario.options.length !== offered.choices.length) scenario.replaceChildren(...offered.choices.map((c) => make("option", { value: c },
      c.replace(/^.*\//, ""))));
    scenario.value = drawn.name;
    pin.setAttribute("aria-pressed", String(Boolean(drawn.pinned)));
    pin.textContent = drawn.pinned ? "Let go of the pinned state" : "Compare with this state";
    said.textContent = drawn.words; why.textContent = drawn.why; mix.textContent = drawn.mix;
    notes.textContent = drawn.notes.join(" ");
    showErrors(drawn.errors);
    showSaved(drawn);
    showAnswer(drawn);
    table.replaceChildren(tableOf(drawn));
    csv.download = `${drawn.name.replace(/^.*[\\/]|\.yaml$/g, "")}.csv`;
    csv.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csvOf(drawn))}`;
    requestAnimationFrame(() => setTimeout(() => {
      if (done?.do === "state") restoring = false;
      if (!restoring && drawn.stage) page.dataset.ready = "yes";
      if (done?.time) line.shown(done.time, drawn.stage, performance.now() - began);
      const now = JSON.stringify([drawn.name, drawn.values]);
      if (now !== state || done?.do === "state") {
        clearTimeout(resting);
        resting = setTimeout(tell, done?.do === "state" ? 0 : 400);
      }
      state = now;
    }, 0));
  };
  model.on("change:drawn", draw);
  model.on("change:traces", drawCharts);
  dark.addEventListener("change", drawCharts);
  page.popTimes = line.times;
  page.popLine = line;
  page.popCharts = charts;
  draw();
  drawCharts();
  if (restoring) restore(); else line.ask({ do: "next" });
  const leave = () => clearTimeout(resting);  // the kernel ends with the page
  if (addressed()) window.addEventListener("popstate", restore);
  window.addEventListener("beforeunload", leave);
  return () => {
    window.removeEventListener("popstate", restore);
    window.removeEventListener("beforeunload", leave);
    leave();
    model.off("change:drawn", draw);
    model.off("change:traces", drawCharts);
    dark.removeEventListener("change", drawCharts);
    clearTimeout(line.late);
  };
}

export default { render };
