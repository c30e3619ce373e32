// plot.mjs - recall against queries per second as an SVG: error on a logarithmic axis, so that 0.99 and 0.999 are
// as far apart as 0.9 and 0.99.

const WIDTH = 760;
const HEIGHT = 460;
const LEFT = 70;
const RIGHT = 170;
const TOP = 44;
const BOTTOM = 56;
const COLOURS = ['#555555', '#c2410c', '#1d4ed8', '#047857', '#a21caf', '#b45309', '#0e7490', '#be123c'];
const RECALLS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995];

const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
const nines = (recall) => -Math.log10(Math.max(1 - recall, 2e-4));

const label = (text, where) => `<text ${where} fill="#444444">${text}</text>`;

/** Round numbers between two speeds: 1, 2 and 5 times powers of ten. */
function ticks(from, to) {
  const all = [];
  for (let power = 1; power <= to; power *= 10) all.push(power, 2 * power, 5 * power);
  return all.filter((x) => x >= from && x <= to);
}

/** @param {{ name: string, points: { recall: number, qps: number }[] }[]} curves @param {string} title */
export function plot(curves, title) {
  const points = curves.flatMap((curve) => curve.points);
  const low = Math.min(...points.map((p) => p.qps)) * 0.9;
  const high = Math.max(...points.map((p) => p.qps)) * 1.1;
  const first = Math.min(...points.map((p) => nines(p.recall)));
  const last = Math.max(...points.map((p) => nines(p.recall)));
  const x = (recall) => LEFT + ((nines(recall) - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (qps) => HEIGHT - BOTTOM - (Math.log(qps / low) / Math.log(high / low)) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}"`,
    ' font-family="system-ui, sans-serif" font-size="12">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="24" font-size="15" fill="#111111">${escape(title)}</text>`,
  ];
  for (const recall of RECALLS.filter((r) => nines(r) >= first && nines(r) <= last)) {
    const at = x(recall).toFixed(1);
    parts.push(`<path d="M${at} ${TOP}V${HEIGHT - BOTTOM}" stroke="#e5e5e5"/>`,
      label(recall, `x="${at}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle"`));
  }
  for (const qps of ticks(low, high)) {
    parts.push(`<path d="M${LEFT} ${y(qps).toFixed(1)}H${WIDTH - RIGHT}" stroke="#e5e5e5"/>`,
      label(qps.toLocaleString('en-US'), `x="${LEFT - 8}" y="${(y(qps) + 4).toFixed(1)}" text-anchor="end"`));
  }
  parts.push(label('recall', `x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle"`),
    label('queries per second', `transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle"`));
  curves.forEach((curve, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const at = curve.points.map((p) => `${x(p.recall).toFixed(1)},${y(p.qps).toFixed(1)}`);
    parts.push(`<polyline points="${at.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...at.map((p) => `<circle cx="${p.split(',')[0]}" cy="${p.split(',')[1]}" r="3" fill="${colour}"/>`),
      `<text x="${WIDTH - RIGHT + 16}" y="${TOP + 16 + i * 20}" fill="${colour}">● ${escape(curve.name)}</text>`);
  });
  return `${parts.join('\n')}\n</svg>\n`;
}
