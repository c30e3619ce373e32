// chromium.mjs - starts Debian's Chromium for a test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const args = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A directory for a browser's data, and how to remove it. */
export function userData() {
  const dir = mkdtempSync(join(tmpdir(), 'vecstore-chromium-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }) };
}

/** @returns {Promise<import('playwright-core').BrowserContext>} */
export const launch = (dir) => chromium.launchPersistentContext(dir, { executablePath, headless: true, args });
