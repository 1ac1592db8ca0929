import { formatSize, VtorqueError } from '../base/index.ts';
import type { CatalogueEntry } from './types.ts';

/**
 * Refuse a guest with less memory than its image needs.
 * @param ram bytes
 * @throws VtorqueError `E_IMAGE_RAM`
 */
export function checkImageRam(entry: CatalogueEntry, ram: number): void {
  const least = entry.kind === 'host' ? undefined : entry.manifest.minRam;
  if (least === undefined || ram >= least) return;
  const [is, needed] = [formatSize(ram), formatSize(least)];
  throw new VtorqueError('E_IMAGE_RAM', `Cannot use ram=${is} with image "${entry.name}": it needs ${needed}`, {
    hint: `Ask for ram=${needed} or more`,
    phase: 'check',
  });
}
