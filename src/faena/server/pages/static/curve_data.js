// Curves as the server sends them: see server/pages/curve_bytes.py. Those that are wanted in one turn are asked for together.

const MOST_TOGETHER = 240; // curves of one request: runs times names
const MOST_NAMES = 100;
const AT_ONCE = 2; // requests: the first answer comes first, where many were asked for

/** Of each metric that a run has: {name, axis, exact, base, scale, x, curves: [{run, first, low, high, …}]}. */
async function ask({ runs, names, axis, source, from, to, buckets }) {
  const query = new URLSearchParams({ axis, source, buckets });
  for (const run of runs) query.append("run", run);
  for (const name of names) query.append("name", name);
  if (from !== undefined) { query.set("from", from); query.set("to", to); }
  const answer = await fetch(`/ui/curves?${query}`);
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
let under_way = 0;

/** `is_next`: before all that waits, as what somebody looks at more closely. */
function in_turn(work, is_next) {
  return new Promise((resolve, reject) => {
    const go = () => work().then(resolve, reject).finally(() => { under_way--; next(); });
    if (is_next) queue.unshift(go); else queue.push(go);
    next();
  });
}

function next() {
  while (under_way < AT_ONCE && queue.length) { under_way++; queue.shift()(); }
}

function send({ wanted, names }) {
  const most = Math.min(MOST_NAMES, Math.max(1, Math.floor(MOST_TOGETHER / wanted.runs.length))), all = [...names.keys()];
  for (let start = 0; start < all.length; start += most) {
    const part = all.slice(start, start + most);
    const each = (done) => { for (const name of part) for (const one of names.get(name)) done(one, name); };
    in_turn(() => ask({ ...wanted, names: part }), wanted.from !== undefined).then(
      (charts) => { const found = new Map(charts.map((chart) => [chart.name, chart])); each(({ resolve }, name) => resolve(found.get(name) ?? null)); },
      (error) => each(({ reject }) => reject(error)),
    );
  }
}
