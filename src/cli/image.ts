import { Command } from 'commander';
import { type BuildFlags, build, buildable } from './image/build.ts';
import { list } from './image/list.ts';
import { add, type OutputFlags, remove, verify } from './image/pool.ts';
import { collect, type WarmFlags, warm } from './image/templates.ts';
import { count } from './option-values.ts';

/** `vtorque image build|add|list|verify|warm|gc|delete`. */
export function imageCommand(): Command {
  const image = new Command('image').description('make, add and list the systems that guests can boot');
  image
    .command('build')
    .description('make a guest system ready to boot')
    .argument('<what>', `${buildable().join(', ')}, or the recipe in a file: FILE.toml`)
    .option('--force', 'make it again, with what the package servers have now')
    .option('--json', 'print the result as JSON')
    .action((what: string, options: BuildFlags) => build(what, options));
  image
    .command('add')
    .description('add a disk that boots by itself and has cloud-init')
    .argument('<file>', 'raw, qcow2, vmdk, vdi or vhdx')
    .argument('[name]', 'what img= will name; the name of the file unless given')
    .option('--description <text>', 'what the lists say of it')
    .option('--min-ram <size>', 'memory that its guests must have, for instance 1G')
    .option('--json', 'print the result as JSON')
    .action((file: string, name: string | undefined, options: OutputFlags) => add(file, name, options));
  image
    .command('list')
    .description('show what img= may name here')
    .option('--json', 'print the list as JSON')
    .action((options: OutputFlags) => list(options));
  image
    .command('verify')
    .description("compare an image's whole disk, and its templates, with their digests")
    .argument('<image>', 'what img= names')
    .option('--json', 'print the result as JSON')
    .action((name: string, options: OutputFlags) => verify(name, options));
  image
    .command('warm')
    .description('make the template from which VMs of an image start, ahead of their first job')
    .argument('<image>', 'what img= names')
    .option('--vcpus <number>', 'virtual CPUs of the VMs', count, 1)
    .option('--ram <size>', 'memory of the VMs', '1G')
    .option('--cpu <model>', 'processor model of the VMs, if jobs ask for one')
    .option('--kernel <file>', 'kernel of the VMs, if jobs ask for one of their own')
    .option('--json', 'print the result as JSON')
    .action((name: string, options: WarmFlags) => warm(name, options));
  image
    .command('gc')
    .description('remove templates, those first that were not used for longest')
    .option('--keep <size>', 'until the rest takes at most this much; 0: all', '4G')
    .option('--json', 'print the result as JSON')
    .action((options: OutputFlags & { keep: string }) => collect(options));
  image
    .command('delete')
    .description('remove an image that no running job uses')
    .argument('<image>', 'what img= names')
    .option('--force', 'even if a running job uses it')
    .option('--json', 'print the result as JSON')
    .action((name: string, options: OutputFlags & { force?: true }) => remove(name, options));
  return image;
}
