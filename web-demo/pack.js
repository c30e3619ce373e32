// The collection that travels with the page: reads data/met.json, met.i8 and met.basis.i8 (data/README.md has the
// layout). Knows nothing of the store and nothing of the page.

const FILES = new URL('./data/', import.meta.url);

async function fetchFile(name) {
  const response = await fetch(new URL(name, FILES));
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status}`);
  return response;
}

async function fetchRows(name, count, dimension, trailers) {
  const bytes = await (await fetchFile(name)).arrayBuffer();
  const expected = count * dimension + trailers * count * 4;
  if (bytes.byteLength !== expected) throw new Error(`${name}: ${bytes.byteLength} bytes, expected ${expected}`);
  // The float32 arrays lie behind the bytes wherever those end, so they are copied out to be aligned.
  const floats = new Float32Array(bytes.slice(count * dimension));
  return { codes: new Int8Array(bytes, 0, count * dimension), floats };
}

/** The facts of every work, as `{ id, metadata }` in the collection's order, and the shape of the binary files. */
export async function readFacts() {
  const { works, columns, departments, ...shape } = await (await fetchFile('met.json')).json();
  const toRecord = (row) => {
    const { id, department, ...facts } = Object.fromEntries(columns.map((name, i) => [name, row[i]]));
    return { id, metadata: { ...facts, department: departments[department] } };
  };
  return { ...shape, departments, works: works.map(toRecord) };
}

/** A function from a work's position to its vector; a zero row comes out as zeros. */
export async function readVectors({ count, dimension }) {
  const { codes, floats: scales } = await fetchRows('met.i8', count, dimension, 1);
  return (position) => {
    const row = codes.subarray(position * dimension, (position + 1) * dimension);
    return Float32Array.from(row, (code) => code * scales[position]);
  };
}

/** A function from a vector to the few numbers its fingerprint is drawn from; null for a zero vector. */
export async function readFingerprints({ axes, dimension }) {
  const { codes, floats } = await fetchRows('met.basis.i8', axes, dimension, 2);
  return (vector) => {
    if (vector.every((x) => x === 0)) return null;
    const print = new Float32Array(axes);
    for (let j = 0; j < axes; j++) {
      let sum = 0;
      for (let i = 0; i < dimension; i++) sum += codes[j * dimension + i] * vector[i];
      print[j] = sum * floats[j] - floats[axes + j];
    }
    return print;
  };
}
