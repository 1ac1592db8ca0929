import { formatSize } from '../base/index.ts';
import { findImage, findKernel, imageInUse, imagePools } from '../image/index.ts';
import { configAsData, showConfig } from './config.ts';
import { guestFacts, guestRow, megabytes } from './image/facts.ts';
import type { OutputFlags } from './image/pool.ts';
import { situation } from './image/situation.ts';
import { templateFacts, templatesOf } from './image/templates.ts';
import { table } from './table.ts';

/** `vmgr show image NAME`. */
export async function showImage(name: string, { json }: OutputFlags): Promise<void> {
  const { places, uid } = situation();
  const entry = await findImage(name, imagePools(places));
  const hostKernel = await findKernel(places, uid);
  const inUse = entry.kind === 'host' ? undefined : await imageInUse(entry.dir);
  const templates = await templatesOf(entry);
  if (json) {
    return print({ ...guestFacts(entry, hostKernel), inUse: inUse ?? null, templates: templates.map(templateFacts) });
  }
  const [, system = '', kernel = '', size = ''] = guestRow(entry, hostKernel);
  const rows = [
    ['name', entry.name],
    ['description', entry.description],
    ['system', system],
    ['kernel', kernel],
  ];
  if (entry.kind === 'disk') {
    const { disk, arch, created, minRam } = entry.manifest;
    rows.push(
      ['architecture', arch],
      ['file', `${disk.file}, ${disk.format}, ${size}`],
      ['guest sees', megabytes(disk.virtualSize)],
      ['least memory', minRam === undefined ? 'unknown' : formatSize(minRam)],
      ['made', created],
      ['directory', entry.dir],
      ['SHA-256', disk.sha256],
      ['in use', inUse === undefined ? 'unknown' : inUse ? 'by a running job' : 'no'],
    );
    if (entry.manifest.boot === 'disk') {
      const { file, format, sha256 } = entry.manifest.origin;
      rows.push(['added from', `${file}, ${format}, SHA-256 ${sha256}`]);
    }
  }
  for (const { manifest, bytes, lastUsed } of templates) {
    const shape = `${manifest?.vcpus} CPUs, ${formatSize(manifest?.ram ?? 0)}, ${manifest?.accelerator}`;
    const used = new Date(lastUsed).toISOString();
    rows.push([`template ${manifest?.key.slice(0, 8)}`, `${shape}, takes ${megabytes(bytes)}, used ${used}`]);
  }
  process.stdout.write(table(rows, process.stdout.columns));
}

export interface ConfigFlags extends OutputFlags {
  readonly queue?: string;
  readonly node?: string;
}

/** `vmgr show config`: where things are, then what `vtorque config show` shows. */
export async function showPlacesAndConfig({ json, queue, node }: ConfigFlags): Promise<void> {
  const { places, own, uid } = situation();
  const { loadConfig } = await import('../site/config/index.ts');
  const config = await loadConfig(process.env, uid);
  const where = { ...(queue !== undefined && { queue }), ...(node !== undefined && { node }) };
  const pools = imagePools(places);
  if (json) return print({ imagePools: pools, places, own, site: configAsData(config, where) });
  const rows = [
    ['images', ...pools],
    ['added to', ...imagePools([own])],
    ['kernels and seeds', ...places.map(({ cache }) => cache)],
    ['records of jobs', own.state],
  ];
  process.stdout.write(
    table(
      rows.map(([what = '', ...paths]) => [what, paths.join(', ')]),
      process.stdout.columns,
    ),
  );
  process.stdout.write(`\n${await showConfig(config, where)}`);
}

/** `vmgr show suspended`: this version cannot suspend, so that there can be none. */
export async function showSuspended({ json }: OutputFlags): Promise<void> {
  if (json) return print({ suspended: [] });
  process.stdout.write('There are no suspended jobs: this version cannot suspend jobs yet.\n');
}

function print(data: unknown): void {
  process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
}
