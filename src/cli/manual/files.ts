import { vmgrProgram } from '../vmgr.ts';
import { vtorqueProgram } from '../vtorque.ts';
import { completionScript } from './completion.ts';
import { configPage } from './config-page.ts';
import { programPage } from './program-page.ts';
import { renderPage } from './roff.ts';
import { vsubPage } from './vsub-page.ts';

/** The files of the repository that are made from the tables of the source: their paths from its root, their texts. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const pages = [
    vsubPage(),
    programPage(vmgrProgram(), {
      purpose: 'manage the images of virtual machines',
      seeAlso: '`vtorque`(1), `vsub`(1)',
    }),
    programPage(vtorqueProgram(), {
      purpose: 'run batch jobs inside virtual machines',
      seeAlso: '`vsub`(1), `vmgr`(1), `vtorque-config`(5)',
    }),
    configPage(),
  ];
  return new Map([
    ...pages.map((page): [string, string] => [`man/man${page.section}/${page.name}.${page.section}`, renderPage(page)]),
    ['completions/vtorque.bash', completionScript()],
  ]);
}
