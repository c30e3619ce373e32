// The shipped embedder finds what it should: at least 75 % of its encoder's nDCG@10, and what was recorded for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLLECTIONS, measure, recorded } from './embedder.mjs';
import { isThere } from './retrieval.mjs';

const SHARE_OF_ENCODER = 0.75;

for (const name of COLLECTIONS) {
  test(`${name}: nDCG@10 of the shipped embedder`, { skip: !isThere(name) && `../shared/data/retrieval/${name} is absent` }, (t) => {
    const { encoder, int8 } = recorded[name];
    const found = measure(name) ?? 0;
    t.diagnostic(`${found.toFixed(4)}, encoder ${encoder.toFixed(4)}: ${(100 * found / encoder).toFixed(1)} %`);
    assert.ok(Math.abs(found - int8) < 0.002, `${found}, recorded ${int8}`);
    assert.ok(found >= SHARE_OF_ENCODER * encoder, `${found} is below ${SHARE_OF_ENCODER * encoder}`);
  });
}
