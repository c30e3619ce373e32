// repair.js - verify({ repair: true }): what opening for repair found, what is found now, and writing anew what is damaged.

/** @typedef {import('./types.js').VerifyResult} VerifyResult */
/** @typedef {{ file: string, what: string }[]} Found */
/** What the engine reports. @typedef {{ errors: Found, records: number, transactions: number }} Report */

/** What is told of a snapshot that had to be dropped. */
const SNAPSHOT = 'snapshot ';

/**
 * @param {Report | undefined} opened what opening for repair found
 * @param {() => Promise<Found>} verify
 * @param {() => Promise<Report>} rewrite writes everything that is in memory to new files
 * @returns {Promise<VerifyResult>}
 */
export async function repair(opened, verify, rewrite) {
  const found = [...(opened?.errors ?? [])];
  let remaining = await verify();
  if (remaining.length > 0) {
    found.push(...remaining);
    const { errors } = await rewrite();
    for (const error of errors) if (error.file.startsWith(SNAPSHOT)) found.push(error);
    remaining = await verify();
  }
  const snapshots = found.filter(({ file }) => file.startsWith(SNAPSHOT)).map(({ file }) => file.slice(SNAPSHOT.length));
  return {
    ok: remaining.length === 0,
    errors: found,
    repaired: found.length > 0 && remaining.length === 0,
    lost: { records: opened?.records ?? 0, transactions: opened?.transactions ?? 0, snapshots },
  };
}
