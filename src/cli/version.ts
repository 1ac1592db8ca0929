import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installRoot } from '../site/index.ts';

/** `vtorque 1.2.3` */
export function vtorqueVersion(): string {
  const manifest = JSON.parse(readFileSync(join(installRoot, 'package.json'), 'utf8')) as { version: string };
  return `vtorque ${manifest.version}`;
}
