import { VtorqueError } from '../base/index.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;

/** Whether `name` may name an image: up to 64 letters, digits, dots, underscores, plus and minus signs. */
export function isImageName(name: string): boolean {
  return NAME.test(name);
}

/** @throws VtorqueError `E_IMAGE_NAME` */
export function checkImageName(name: string): void {
  if (isImageName(name)) return;
  throw new VtorqueError('E_IMAGE_NAME', `Cannot use ${JSON.stringify(name)} as the name of an image`, {
    hint: 'A name starts with a letter or a digit and has up to 64 letters, digits, dots, underscores, plus and minus signs',
    phase: 'check',
    exitCode: 2,
  });
}
