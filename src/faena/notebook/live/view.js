// The live form of a view, of the same values as the still one (faena/notebook/still). What people wrote is set as text.
//
// It takes the place of the still form in the page, which it finds by its key, as long as the kernel is heard of. What a
// notebook's file has is the still form at all times: this is in no output.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300, WIDE = 620, HEIGHT = 120, LEFT = 52, RIGHT = 4, TOP = 6, BOTTOM = 16;
const QUIET = 20; // seconds without a word of the kernel, which says something every five, after which that is shown
const ASKED_AGAIN = [1, 4, 16]; // seconds
const page = Math.random().toString(36).slice(2);
const newest = globalThis[Symbol.for("faena.views")] ??= new Map(); // by key: a notebook that is opened anew has another one

export default {
  initialize({ model }) {
    const key = model.get("key"), live = `fv-live-${key}`;
    const state = { view: model.get("view"), at: performance.now(), heard: new Date(), silent: false, drawn: new Set(), live };
    const stills = document.getElementsByClassName(`fv-key-${key}`), lives = document.getElementsByClassName(live);
    let answered = false, shown = false, waited = 0;
    const say = (said) => {
      try { model.send({ said, page }); } catch { /* there is no kernel any more */ }
    };
    const look = () => {
      if (newest.get(key) !== state) { leave(); return; }
      if (!answered || state.silent) return; // a notebook that is opened without its kernel has the still form
      const mine = [...state.drawn].map(({ root }) => root), before = shown;
      for (const other of [...stills, ...[...lives].filter((each) => !mine.includes(each))]) take_place(other, state);
      shown = [...state.drawn].some(({ root }) => root.isConnected);
      if (shown !== before) say(shown ? "shown" : "hidden");
    };
    const hear = () => {
      state.at = performance.now();
      state.heard = new Date();
      state.silent = false;
      answered = true;
    };
    const fall_silent = () => { state.silent = true; tick(); };
    const tick = () => {
      state.silent ||= performance.now() - state.at > QUIET * 1000;
      // JupyterLab sends the first word where cells run, which may take minutes, and later ones past them.
      if (!answered && ASKED_AGAIN.includes(++waited)) say("here");
      for (const drawn of state.drawn) drawn.tick();
    };
    model.on("change:view", () => {
      state.view = model.get("view");
      hear();
      for (const drawn of state.drawn) drawn.all();
      look();
    });
    model.on("msg:custom", (message) => {
      if (!message?.changes || message.number <= state.view.number) return;
      if (message.number !== state.view.number + 1) { say("behind"); return; }
      state.view = { ...state.view, number: message.number };
      hear();
      for (const change of message.changes) take(state, change);
      look();
    });
    model.on("comm_live_update", fall_silent); // the kernel is started anew, or gone
    const observer = new MutationObserver(look);
    observer.observe(document, { childList: true, subtree: true });
    const clock = setInterval(tick, 1000);
    const select = () => { for (const drawn of state.drawn) drawn.select(); };
    document.addEventListener("selectionchange", select);
    const leave = () => {
      observer.disconnect();
      document.removeEventListener("selectionchange", select);
      clearInterval(clock);
      fall_silent();
    };
    newest.set(key, state);
    say("here");
    return leave;
  },
};

/** Draws where a still form stands, or an older script's. One that was drawn anew there finds what was drawn before, as people left it. */
function take_place(other, state) {
  let drawn = [...state.drawn].find(({ root }) => !root.isConnected);
  if (!drawn) {
    drawn = drawing(state);
    state.drawn.add(drawn);
    drawn.all();
  }
  other.replaceWith(drawn.root);
  drawn.resume();
}

/** Puts a change into the values and has it drawn. */
function take(state, change) {
  const id = change.block?.id ?? change.id;
  const blocks = state.view.blocks, at = blocks.findIndex((block) => block.id === id);
  if (at < 0) return;
  if (change.block) blocks[at] = change.block;
  else if (change.append !== undefined) {
    const log = blocks[at];
    blocks[at] = { ...log, start: (log.start ?? 0) + change.drop, text: [...log.text].slice(change.drop).join("") + change.append };
  } else {
    const charts = [...blocks[at].charts];
    for (const { at: place, chart, last, lines } of change.charts) {
      charts[place] = chart ?? { ...charts[place], last,
        lines: charts[place].lines.map((line, each) => ({ ...line, x: line.x.concat(lines[each].x), y: line.y.concat(lines[each].y) })) };
    }
    blocks[at] = { ...blocks[at], charts };
  }
  const which = change.charts?.map((each) => each.at);
  for (const drawn of state.drawn) drawn.one(blocks[at], which);
}

/** Each block is an element of its own, so that the others stay as they are. */
function drawing(state) {
  const root = make("div", `faena-view fv-live ${state.live}`), silence = make("p", "fv-notice fv-wait");
  let parts = new Map(), selected = null;
  root.addEventListener("scroll", ({ target }) => { target.scrolled = [target.scrollLeft, target.scrollTop]; }, true);
  return {
    root,
    all() {
      const before = parts;
      parts = new Map();
      for (const block of state.view.blocks) {
        const kept = before.get(block.id);
        const part = kept?.kind === block.kind ? kept : { kind: block.kind, el: make("div") };
        parts.set(block.id, part);
        drawers[block.kind](part.el, block);
      }
      root.replaceChildren(silence, ...[...parts.values()].map((part) => part.el));
      this.tick();
    },
    one(block, which) {
      const part = parts.get(block.id);
      if (part) drawers[block.kind](part.el, block, which);
      if (block.kind === "heading" || block.kind === "timeline") this.tick();
    },
    tick() {
      const since = (performance.now() - state.at) / 1000;
      const silent = !state.view.ended && state.silent;
      silence.hidden = !silent;
      if (silent) silence.textContent = `Nothing has come from the notebook's kernel since ${state.heard.toLocaleTimeString()}. What is shown is what it said last.`;
      if (silent || state.view.ended) return;
      for (const part of root.querySelectorAll("[data-seconds]")) part.textContent = seconds(Number(part.dataset.seconds) + since);
    },
    select() {
      const { anchorNode, anchorOffset, focusNode, focusOffset, isCollapsed } = document.getSelection();
      selected = !isCollapsed && root.contains(anchorNode) && root.contains(focusNode) ? [anchorNode, anchorOffset, focusNode, focusOffset] : null;
    },
    /** What an element forgets that leaves the page for a moment. */
    resume() {
      for (const box of root.querySelectorAll(".fv-log, .fv-wide")) if (box.scrolled) box.scrollTo(...box.scrolled);
      if (selected && root.contains(selected[0]) && root.contains(selected[2])) document.getSelection().setBaseAndExtent(...selected);
    },
  };
}

const drawers = {
  heading(el, { title, status, tone, facts = [], elapsed, goes_on, page: address, stops, stop_page, trouble }) {
    const under = make("p", "fv-under");
    under.append(make("b", `fv-status fv-${tone}`, status));
    if (elapsed !== null && elapsed !== undefined) {
      const took = make("b", "", seconds(elapsed));
      if (goes_on) took.dataset.seconds = elapsed;
      under.append(joined(goes_on ? "for " : "took ", took));
    }
    for (const fact of facts) under.append(joined(fact.name ? `${fact.name} ` : "", make("b", "", fact.text)));
    if (is_page(address)) under.append(link(address, "Open page"));
    if (stops && is_page(stop_page)) under.append(link(stop_page, `${stops}…`));
    become(el, [make("h3", "", title), under, ...(trouble ? [make("p", "fv-notice fv-wait", trouble)] : [])]);
  },
  notice(el, { text, tone, lines = [] }) {
    const found = make("div", `fv-notice fv-${tone ?? "wait"}`);
    found.append(make("p", "", text));
    if (lines.length) found.append(make("pre", "", lines.join("\n")));
    become(el, [found]);
  },
  timeline(el, { drawn: { height, bar: tall, lanes, ticks, legend, said } }) {
    const bars = svg("svg", { class: "fv-bars", width: "100%", height, role: "img" }), list = make("ol");
    bars.append(svg("title", {}, said));
    for (const { x, text: words } of ticks) {
      const is_late = x > 92;
      bars.append(
        svg("line", { class: "fv-grid", x1: `${x}%`, x2: `${x}%`, y1: 0, y2: height - 15 }),
        svg("text", { x: `${x}%`, dx: is_late ? -3 : 3, y: height - 4, ...(is_late ? { "text-anchor": "end" } : {}) }, words),
      );
    }
    for (const { label, y, bars: own } of lanes) {
      if (label) bars.append(svg("text", { class: "fv-name", y: y - 4 }, label));
      for (const { name, x, width, text: words } of own) {
        const rect = svg("rect", { class: `fv-${name}`, x: `${x}%`, width: `${width}%`, y, height: tall });
        rect.append(svg("title", {}, words));
        bars.append(rect);
      }
    }
    for (const each of legend) {
      const item = make("li", `fv-${each.name}`, `${each.name} `), took = make("b", "", seconds(each.seconds));
      if (each.goes_on) took.dataset.seconds = each.seconds;
      item.append(took, each.goes_on ? " …" : "", each.blocker ? ` waits: ${each.blocker}` : "");
      list.append(item);
    }
    const found = make("div", "fv-phases");
    if (legend.length) found.append(bars, list);
    become(el, [found]);
  },
  log(el, { name, text }) {
    const box = make("div", "fv-log");
    box.append(make("pre", "", text));
    become(el, [section(name, [box])]);
  },
  charts(el, { title, charts, more, folded, wide }, which) {
    const figures = el.querySelectorAll("figure");
    if (which && figures.length === charts.length) {
      for (const at of which) figure(figures[at], charts[at], wide);
      return;
    }
    const grid = make("div", wide ? "fv-charts fv-broad" : "fv-charts");
    grid.append(...charts.map((chart, at) => figure(figures[at] ?? make("figure"), chart, wide)));
    const open = el.querySelector("details")?.open;
    el.replaceChildren(folded ? details(title, [grid], more) : section(title, [grid], more));
    if (open) el.querySelector("details").open = true;
  },
  facts(el, { title, facts }) {
    const table = make("table", "fv-facts");
    for (const fact of facts) {
      const row = table.appendChild(make("tr"));
      row.append(make("th", "", fact.name), make("td", "", fact.text));
    }
    become(el, [details(title, [table])]);
  },
  table(el, { title, columns, rows, more }) {
    const table = make("table", "fv-table"), head = make("tr"), body = make("tbody");
    for (const column of columns) head.append(make("th", column.is_number ? "fv-number" : "", column.name));
    for (const cells of rows) {
      const row = body.appendChild(make("tr"));
      cells.forEach((cell, at) => {
        const found = make("td", columns[at]?.is_number ? "fv-number" : "");
        found.append(cell.tone ? make("span", `fv-status fv-${cell.tone}`, cell.text) : cell.text);
        row.append(found);
      });
    }
    table.append(make("thead"), body);
    table.tHead.append(head);
    const box = make("div", "fv-wide fv-rows");
    box.append(table);
    become(el, [section(title, [box], more)]);
  },
  parallel(el, { title, axes, ranks, names, more }) {
    const apart = Math.max(90, Math.min(160, Math.floor(900 / Math.max(1, axes.length)))), tall = 170, top = 30;
    const width = apart * axes.length + 40, height = top + tall + 24;
    const found = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
    const order = ranks.map((_, at) => at).sort((one, other) => ranks[other] - ranks[one]);
    for (const thread of order) {
      let pen = "M", path = "";
      axes.forEach((axis, at) => {
        const place = axis.places[thread];
        if (place === null) { pen = "M"; return; }
        path += `${pen}${(apart * (at + 0.5)).toFixed(0)} ${(top + tall * (1 - place)).toFixed(1)}`;
        pen = "L";
      });
      const best = ranks[thread] === 0;
      const line = svg("path", { class: best ? "fv-best" : "fv-thread", d: path, opacity: best ? 1 : 0.75 - 0.6 * ranks[thread] });
      line.append(svg("title", {}, names[thread]));
      found.append(line);
    }
    axes.forEach((axis, at) => {
      const x = apart * (at + 0.5);
      found.append(svg("line", { class: "fv-axis", x1: x, x2: x, y1: top, y2: top + tall }));
      for (const [y, text, look] of [[12, axis.name, "fv-name"], [top - 5, axis.high, ""], [top + tall + 14, axis.low, ""]]) {
        found.append(svg("text", { class: look, x, y, "text-anchor": "middle" }, text.length > 18 ? `${text.slice(0, 17)}…` : text));
      }
    });
    const box = make("div", "fv-wide");
    box.append(found);
    become(el, [section(title, [box], more)]);
  },
};

/** Gives an element these children, and keeps those that can stay: what is pointed at, chosen, selected or scrolled does. */
function become(el, children) {
  children.forEach((child, at) => {
    const old = el.childNodes[at];
    if (!old) el.append(child);
    else if (old.nodeName !== child.nodeName) old.replaceWith(child);
    else if (old.nodeType === Node.TEXT_NODE) { if (old.data !== child.data) old.data = child.data; }
    else {
      for (const { name, value } of child.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      for (const name of old.getAttributeNames()) if (name !== "open" && !child.hasAttribute(name)) old.removeAttribute(name);
      become(old, [...child.childNodes]);
    }
  });
  while (el.childNodes.length > children.length) el.lastChild.remove();
}

function figure(el, chart, wide) {
  const width = wide ? WIDE : WIDTH, { title, axis, lines, last } = chart;
  let caption = el.querySelector("figcaption");
  if (!caption) {
    caption = make("figcaption");
    caption.append(make("b"), " ", make("span"));
    el.append(caption);
  }
  const [name, readout] = caption.children;
  name.textContent = title;
  const drawn = svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": last ? `${title}: ${last}` : title });
  let low = Infinity, high = -Infinity, first = Infinity, end = -Infinity;
  for (const { x, y } of lines) {
    if (x.length) { first = Math.min(first, x[0], x.at(-1)); end = Math.max(end, x[0], x.at(-1)); }
    for (const value of y) if (Number.isFinite(value)) { if (value < low) low = value; if (value > high) high = value; }
  }
  const old = el.querySelector("svg");
  if (old) old.replaceWith(drawn); else el.append(drawn);
  if (low > high) {
    readout.textContent = last;
    drawn.append(svg("text", { x: width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "no finite value"));
    return el;
  }
  const labels = [number(high, 4), number(low, 4)];
  if (!(high / 2 - low / 2 > 1e-300)) { const around = Math.abs(low) / 10 || 1; low -= around; high += around; }
  const bottom = HEIGHT - BOTTOM, right = width - RIGHT;
  // Halves, since the difference of two numbers may be more than one holds.
  const down = (value) => bottom - (value / 2 - low / 2) / (high / 2 - low / 2) * (bottom - TOP);
  const across = (value) => !(end / 2 - first / 2 > 1e-300) ? (LEFT + right) / 2 : LEFT + (value / 2 - first / 2) / (end / 2 - first / 2) * (right - LEFT);
  for (const y of [TOP, bottom]) drawn.append(svg("line", { class: "fv-grid", x1: LEFT, x2: right, y1: y, y2: y }));
  for (const [x, y, anchor, text] of [[LEFT - 5, TOP + 4, "end", labels[0]], [LEFT - 5, bottom + 3, "end", labels[1]],
    [LEFT, HEIGHT - 4, "start", number(first)], [right, HEIGHT - 4, "end", `${axis} ${number(end)}`]]) {
    drawn.append(svg("text", { x, y, "text-anchor": anchor }, text));
  }
  for (const { x, y, tone, dots } of lines) {
    let pen = "M", path = "", count = 0;
    x.forEach((place, at) => {
      if (!Number.isFinite(y[at])) { pen = "M"; return; }
      count += 1;
      if (dots) drawn.append(svg("circle", { class: `fv-dot fv-${tone ?? ""}`, cx: across(place).toFixed(1), cy: down(y[at]).toFixed(1), r: 2.2 }));
      else { path += `${pen}${across(place).toFixed(1)} ${down(y[at]).toFixed(1)}`; pen = "L"; }
    });
    if (dots) continue;
    if (count === 1) {
      const at = y.findIndex(Number.isFinite);
      drawn.append(svg("circle", { class: `fv-dot fv-${tone ?? ""}`, cx: across(x[at]).toFixed(1), cy: down(y[at]).toFixed(1), r: 2.2 }));
    } else drawn.append(svg("path", { class: `fv-line fv-${tone ?? ""}`, d: path }));
  }
  hover(el, drawn, readout, { lines, axis, last, across, down, first, end, left: LEFT, right, width });
  return el;
}

/** The value under the pointer, also while the chart is drawn anew below it. */
function hover(el, drawn, readout, { lines, axis, last, across, down, first, end, left, right, width }) {
  const mark = drawn.appendChild(svg("circle", { class: "fv-dot", r: 3, visibility: "hidden" }));
  const told = () => {
    if (el.pointed === undefined) { readout.textContent = last; mark.setAttribute("visibility", "hidden"); return; }
    const wanted = first + (el.pointed - left) / (right - left) * (end - first);
    let best = null;
    for (const { x, y } of lines) {
      const at = nearest(x, wanted);
      if (at >= 0 && Number.isFinite(y[at]) && (best === null || Math.abs(x[at] - wanted) < Math.abs(best[0] - wanted))) best = [x[at], y[at]];
    }
    if (best === null) return;
    mark.setAttribute("cx", across(best[0]));
    mark.setAttribute("cy", down(best[1]));
    mark.setAttribute("visibility", "visible");
    readout.textContent = `${axis} ${number(best[0])}: ${number(best[1])}`;
  };
  drawn.onpointermove = (event) => { el.pointed = event.offsetX * width / drawn.clientWidth; told(); };
  drawn.onpointerleave = () => { el.pointed = undefined; told(); };
  told();
}

function nearest(sorted, wanted) {
  let low = 0, high = sorted.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle; else high = middle;
  }
  return high < 0 ? -1 : wanted - sorted[low] < sorted[high] - wanted ? low : high;
}

function number(value, digits = 6) {
  if (value === null || value === undefined || Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return value.toLocaleString("en");
  if (size < 1e-4 || size >= 10 ** digits) return value.toExponential(digits - 1).replace(/\.?0+e/, "e");
  return Number(value.toPrecision(digits)).toLocaleString("en", { maximumSignificantDigits: digits });
}

function seconds(value) {
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value), two = (part) => String(part).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole % 3600 / 60))} m`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor(whole % 86400 / 3600))} h`;
}

function make(name, look = "", text) {
  const made = document.createElement(name);
  if (look) made.className = look;
  if (text !== undefined) made.textContent = text;
  return made;
}

function svg(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function joined(text, after) {
  const made = make("span");
  made.append(text, after);
  return made;
}

function is_page(address) {
  return /^(https?|file):/.test(address ?? "");
}

function link(address, text) {
  const made = make("a", "", text);
  made.href = address;
  made.target = "_blank";
  made.rel = "noopener";
  return made;
}

function section(title, parts, more) {
  const made = make("section");
  made.append(make("h4", "", title), ...parts);
  if (more) made.append(make("p", "fv-more", more));
  return made;
}

function details(title, parts, more) {
  const made = make("details");
  made.append(make("summary", "", title), ...parts);
  if (more) made.append(make("p", "fv-more", more));
  return made;
}
