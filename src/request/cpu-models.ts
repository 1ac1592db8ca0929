import { nearest, VtorqueError } from '../base/index.ts';
import type { ValueType } from './values.ts';

/** 64-bit processor models of QEMU 7.2 and newer; all but the first three may have `-IBRS`, `-noTSX`, `-v2` behind them. */
const models = (
  'host max qemu64 kvm64 Nehalem Westmere SandyBridge IvyBridge Haswell Broadwell Skylake-Client Skylake-Server ' +
  'Cascadelake-Server Cooperlake Icelake-Server SapphireRapids KnightsMill Denverton Snowridge Conroe Penryn ' +
  'Opteron_G1 Opteron_G2 Opteron_G3 Opteron_G4 Opteron_G5 EPYC EPYC-IBPB EPYC-Rome EPYC-Milan EPYC-Genoa Dhyana ' +
  'core2duo phenom'
).split(' ');

/** Behind a model's name; none of the two that stand for the real processor. */
const variant = /^((-IBRS|-noTSX|-noTSX-IBRS)?(-v\d{1,2})?)$/;

/** A processor model as QEMU names it. Whether the node can show it is known there only. */
export function cpuModel(): ValueType<string> {
  return {
    syntax: 'MODEL',
    words: models,
    parse(text, key) {
      const known = models.some(
        (model) => text === model || (text.startsWith(model) && variant.test(text.slice(model.length))),
      );
      if (known && !/^(host|max)./.test(text)) return text;
      const meant = nearest(text, models);
      const some = `Some models: ${['host', 'max', 'qemu64', 'Haswell', 'Skylake-Server', 'EPYC'].join(', ')}; all: qemu-system-x86_64 -cpu help`;
      throw new VtorqueError('E_VM_VALUE', `Cannot use ${key}="${text}": no such processor model`, {
        hint: meant === undefined ? some : `Did you mean ${key}=${meant}? ${some}`,
        phase: 'check',
        exitCode: 2,
      });
    },
  };
}
