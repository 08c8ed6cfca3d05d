// The server's metrics, as the difference between two looks at them.

const COUNT = ":tensorflow:serving:request_count";
const LATENCY = ":tensorflow:serving:request_latency_bucket";
const QUEUE = "greenlight_queue_rows";

/** Prometheus' text as a list of {name, labels, value}. */
export function parse(text) {
  return text.split("\n").flatMap((line) => {
    const found = /^([^#{\s]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) return [];
    const pairs = [...(found[2] ?? "").matchAll(/(\w+)="((?:\\.|[^"\\])*)"/g)];
    return [{ name: found[1], labels: Object.fromEntries(pairs.map((pair) => [pair[1], pair[2]])), value: +found[3] }];
  });
}

/** What the page needs of the samples: totals so far, and the latency's buckets. */
export function look(samples) {
  const counts = samples.filter((sample) => sample.name === COUNT);
  const total = (some) => some.reduce((sum, sample) => sum + sample.value, 0);
  const buckets = new Map();
  for (const { name, labels, value } of samples) {
    if (name === LATENCY) {
      const bound = labels.le === "+Inf" ? Infinity : +labels.le;
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
    }
  }
  return {
    requests: total(counts),
    errors: total(counts.filter((sample) => sample.labels.status !== "OK")),
    queue: total(samples.filter((sample) => sample.name === QUEUE)),
    buckets,
  };
}

/** Milliseconds within which this share of the requests between two looks was answered; undefined without any. */
export function quantile(before, after, share) {
  const bounds = [...after.buckets.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => after.buckets.get(bound) - (before.buckets.get(bound) ?? 0));
  const all = counts.at(-1);
  if (!all) return undefined;
  const place = counts.findIndex((count) => count >= share * all);
  const low = place ? bounds[place - 1] : 0;
  const high = Number.isFinite(bounds[place]) ? bounds[place] : low;
  const [under, upto] = [place ? counts[place - 1] : 0, counts[place]];
  return (low + (high - low) * ((share * all - under) / (upto - under || 1))) / 1000;
}

/** An SVG path through the values, oldest first, in a box of this size. */
export function path(values, width, height) {
  const top = Math.max(...values, 1e-9);
  const step = width / Math.max(values.length - 1, 1);
  return values
    .map((value, i) => `${i ? "L" : "M"}${(i * step).toFixed(1)} ${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`)
    .join("");
}
