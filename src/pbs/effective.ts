import { parseAttribute } from './attributes.ts';
import type { Directive } from './directives.ts';
import { mergeResources, parseResourceList, type Resource } from './resources.ts';
import { hasOption, lastValue, type QsubOption, type WalkOptions, walkQsubArgs } from './walk.ts';

/** What is asked for in the end, by the command line and the directives of the script together. */
export interface EffectiveOptions {
  /** The value of option `name` that counts: the last one on the command line, else the last one in the script. */
  value(name: string): string | undefined;
  /** All values of option `name`, those of the command line first: for -W, which takes one attribute each. */
  values(name: string): readonly string[];
  /** Is the flag `name` given anywhere? */
  has(name: string): boolean;
  /** By resource: the command line beats the script. */
  readonly resources: ReadonlyMap<string, string>;
  /** `-I`, or `-W interactive=true`. */
  readonly interactive: boolean;
}

/** qsub's options in the words of all directives, in order. Words that are no options are ignored, as in qsub. */
export function directiveOptions(directives: readonly Directive[], walkOptions: WalkOptions = {}): QsubOption[] {
  return directives.flatMap((directive) => walkQsubArgs(directive.words, walkOptions).options);
}

/**
 * Merge the options of the command line with those of the script.
 * @throws VtorqueError `E_QSUB` for resource lists that qsub refuses
 */
export function effectiveOptions(commandLine: readonly QsubOption[], script: readonly QsubOption[]): EffectiveOptions {
  const all = [...script, ...commandLine];
  const interactive =
    hasOption(all, 'I') || all.some((option) => option.name === 'W' && isInteractive(option.value ?? ''));
  return {
    value: (name) => lastValue(commandLine, name) ?? lastValue(script, name),
    values: (name) =>
      [...commandLine, ...script].flatMap((option) =>
        option.name === name && option.value !== undefined ? [option.value] : [],
      ),
    has: (name) => hasOption(all, name),
    resources: mergeResources(resourcesOf(commandLine), resourcesOf(script)),
    interactive,
  };
}

function resourcesOf(options: readonly QsubOption[]): Resource[] {
  return options.flatMap(({ name, value }) => (name === 'l' && value !== undefined ? parseResourceList(value) : []));
}

function isInteractive(attribute: string): boolean {
  if (attribute.trim() === '') return false;
  const { name, value } = parseAttribute(attribute);
  return name === 'interactive' && value === 'true';
}
