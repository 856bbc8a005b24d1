// Curves as the server sends them: see server/pages/curve_bytes.py. Those that are wanted in one turn are asked for together.

const MOST_TOGETHER = 240; // curves of one request: runs times names
const MOST_NAMES = 100;
const FIRST = 1;
const USUAL = 480; // as the server's first_curves.py
const AT_ONCE = 2; // requests: the first answer comes first, where many were asked for

/** Of each metric that a run has: {name, axis, exact, base, scale, x, curves: [{run, first, low, high, …}]}. */
async function ask({ runs, names, axis, source, from, to, buckets }) {
  const query = new URLSearchParams({ axis, source, buckets });
  for (const run of runs) query.append("run", run);
  for (const name of names) query.append("name", name);
  if (from !== undefined) { query.set("from", from); query.set("to", to); }
  return answered(`/ui/curves?${query}`);
}

async function answered(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return decoded(await answer.arrayBuffer());
}

export function decoded(buffer) {
  const length = new DataView(buffer).getUint32(0, true), begin = 4 + length;
  const { charts } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  for (const chart of charts) {
    chart.x = new Float64Array(buffer, begin + chart.x.at, chart.x.count);
    for (const curve of chart.curves) {
      curve.low = new Float32Array(buffer, begin + curve.low, curve.count);
      curve.high = new Float32Array(buffer, begin + curve.high, curve.count);
    }
  }
  return charts;
}

/** What the page itself has asked for before this script was there: {address, names}, null where that is not what is wanted. */
let link = document.getElementById("first-curves");
function asked_before({ runs, axis, source, from, buckets }, names) {
  if (!link) return null;
  const address = link.href, { searchParams: given } = new URL(address), early = given.getAll("name");
  link = null; // an answer is read once
  const is_same = from === undefined && given.get("axis") === axis && given.get("source") === source && given.get("buckets") === String(buckets);
  return is_same && given.getAll("run").join() === runs.join() && early.every((name) => names.includes(name)) ? { address, names: early } : null;
}

/** How fine curves are that nobody has zoomed: charts of usual width ask alike. */
export const fineness = (width) => (width > USUAL / 2 && width <= USUAL ? USUAL : Math.max(100, Math.min(1000, width)));

const waiting = new Map();

/** One metric, null where no run has it. Metrics that are asked for at once, and in the same way, share a request. */
export function curves_of(name, wanted) {
  const key = JSON.stringify({ ...wanted, buckets: 0 });
  if (!waiting.has(key)) {
    waiting.set(key, { wanted, names: new Map() });
    queueMicrotask(() => { const group = waiting.get(key); waiting.delete(key); send(group); });
  }
  const { names } = waiting.get(key);
  return new Promise((resolve, reject) => names.set(name, [...(names.get(name) ?? []), { resolve, reject }]));
}

const queue = [];
let under_way = 0, is_begun = false;

/** `is_next`: before all that waits, as what somebody looks at more closely. */
function in_turn(work, is_next) {
  return new Promise((resolve, reject) => {
    const go = () => work().then(resolve, reject).finally(() => { under_way--; is_begun = true; next(); });
    if (is_next) queue.unshift(go); else queue.push(go);
    next();
  });
}

// The first answer comes first: until then nothing else keeps the server.
function next() {
  while (under_way < (is_begun ? AT_ONCE : 1) && queue.length) { under_way++; queue.shift()(); }
}

function send({ wanted, names }) {
  const most = Math.min(MOST_NAMES, Math.max(1, Math.floor(MOST_TOGETHER / wanted.runs.length))), all = [...names.keys()];
  const part = (some, work) => {
    const each = (done) => { for (const name of some) for (const one of names.get(name)) done(one, name); };
    in_turn(work, wanted.from !== undefined).then(
      (charts) => { const found = new Map(charts.map((chart) => [chart.name, chart])); each(({ resolve }, name) => resolve(found.get(name) ?? null)); },
      (error) => each(({ reject }) => reject(error)),
    );
  };
  const early = asked_before(wanted, all), rest = early ? all.filter((name) => !early.names.includes(name)) : all;
  if (early) part(early.names, () => answered(early.address));
  for (let start = 0, end; start < rest.length; start = end) {
    end = start + (start || early || rest.length <= most ? most : FIRST); // of many the first are there soon
    const some = rest.slice(start, end);
    part(some, () => ask({ ...wanted, names: some }));
  }
}
