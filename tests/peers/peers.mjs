// SPDX-License-Identifier: Apache-2.0
// Where the pinned packages are, and what every script here prints: one line per check, and an exit code.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.SIGNALBOX_PEERS_DIR ?? new URL('.', import.meta.url).pathname;
export const require = createRequire(join(folder, 'package.json'));
export const inModules = (path) => join(folder, 'node_modules', path);
export const load = (path) => import(pathToFileURL(inModules(path)).href);

let failures = 0;

export function check(name, holds, evidence) {
  if (!holds) {
    failures += 1;
    console.log(`FAILED ${name}: ${JSON.stringify(evidence)}`);
  } else {
    console.log(`ok ${name}`);
  }
}

export function finish() {
  console.log(failures === 0 ? 'all checks hold' : `${failures} checks failed`);
  process.exit(failures === 0 ? 0 : 1);
}
