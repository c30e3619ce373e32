// files.mjs - the source files the checks walk over.
import { readdirSync } from 'node:fs';

/** Paths below `root` with one of the endings, sorted. */
export function filesBelow(root, ...endings) {
  const found = [];
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const path = `${root}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules') found.push(...filesBelow(path, ...endings));
    else if (entry.isFile() && endings.some((end) => path.endsWith(end))) found.push(path);
  }
  return found.sort();
}

/** Ends the check: prints what is wrong and fails, or stays silent. */
export function conclude(wrong) {
  for (const line of wrong) console.error(line);
  process.exit(wrong.length > 0 ? 1 : 0);
}
