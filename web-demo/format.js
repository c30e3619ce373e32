// How figures are written on the page.

/** A whole number with its thousands parted: 12,345. Intl would take longer than all else the page does at its beginning. */
export const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

export const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** A file's size: small ones in kB. */
export const fileSize = (bytes) => (bytes < 1e6 ? `${grouped(Math.ceil(bytes / 1000))} kB` : megabytes(bytes));

/** "1 passage", "2 passages". */
export const counted = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Years before our era come as negative numbers. */
export const yearOf = (year) => (year < 0 ? `${-year} BCE` : String(year));

const ENGINES = { simd: 'SIMD', relaxed: 'relaxed SIMD' };
export const engineName = (simd) => `WebAssembly, ${ENGINES[simd] ?? simd}`;
