export { blamesTemplate } from './blame.ts';
export { cloning } from './clone.ts';
export { type ColdBoot, coldBoot, fallback, labelOf } from './cold-boot.ts';
export { collectTemplates, listTemplates, type TemplateEntry } from './collect.ts';
export { buildTemplateMemory } from './native/build.ts';
export type { OpenTemplate } from './store.ts';
export { giveUpTemplate, type TemplateChoice, type TemplateOptions, templateFor } from './template.ts';
export { verifyTemplates } from './verify.ts';
