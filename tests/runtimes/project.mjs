// project.mjs - a project as a user has one: the packed tarball installed into an empty folder, nothing else.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** npm's own environment variables would make a nested npm look at the outer project. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
const npm = (cwd, ...args) => execFileSync('npm', [...args, '--loglevel=error', '--no-update-notifier'], { cwd, env, encoding: 'utf8' });

/**
 * Packs the package and installs it. `files` is what the tarball holds.
 * @returns {{ dir: string, tarball: string, files: { path: string, size: number }[], remove: () => void }}
 */
export function installPacked() {
  const dir = mkdtempSync(join(tmpdir(), 'vecstore-packed-'));
  const [{ filename, files }] = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', dir));
  writeFileSync(join(dir, 'package.json'), '{ "private": true, "type": "module" }\n');
  npm(dir, 'install', '--offline', '--no-audit', '--no-fund', `./${filename}`);
  return { dir, tarball: join(dir, filename), files, remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Adds the behaviour suite and the pages that run it. @param {string} dir */
export function addSuite(dir) {
  cpSync(`${root}tests/js/behaviour`, join(dir, 'behaviour'), { recursive: true });
  cpSync(`${root}tests/runtimes/site`, dir, { recursive: true });
}
