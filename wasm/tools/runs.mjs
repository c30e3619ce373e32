// runs.mjs - what the generators of Unicode tables share.

/**
 * The longest run of one-character changes from changes[i] on: code, code + step, ... become to, to + rise, ...
 * @param {{ code: number, to: number[] }[]} changes
 * @param {number} i
 */
export function longestRun(changes, i) {
  const { code, to } = changes[i];
  let best = { count: 1, step: 1, rise: 0 };
  for (const step of [1, 2]) {
    for (const rise of [0, 1, 2]) {
      let count = 1;
      while (count < 1024 && changes[i + count]?.to.length === 1 && changes[i + count].code === code + step * count &&
             changes[i + count].to[0] === to[0] + rise * count) count++;
      if (count > best.count) best = { count, step, rise };
    }
  }
  return { from: code, to: to[0], ...best };
}
