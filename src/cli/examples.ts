/** Examples of commands, for their help and the manual pages; by the words that call them. */
const examples: Readonly<Record<string, readonly string[]>> = {
  vtorque: ['vtorque local start', 'vtorque image build debian-12'],
  'vtorque local': ['vtorque local start --nodes 2', 'eval "$(vtorque local env)"'],
  'vtorque local start': ['vtorque local start --nodes 2 --np 4'],
  'vtorque local env': ['eval "$(vtorque local env)"'],
  'vtorque image': ['vtorque image build debian-12', 'vtorque image add jammy.qcow2 --min-ram 1G'],
  'vtorque image build': ['vtorque image build debian-12', 'vtorque image build mpi.toml'],
  'vtorque image add': ['vtorque image add jammy.qcow2 jammy --description "Ubuntu 22.04"'],
  'vtorque image verify': ['vtorque image verify debian-12'],
  'vtorque ssh': ['vtorque ssh 12/1 top -b -n 1', "rsync -e 'vtorque ssh' data 12:/tmp/"],
  'vtorque scp': ['vtorque scp 12/1:/tmp/core .'],
  'vtorque config': ['vtorque config show --queue big', 'vtorque config check new.toml'],
  'vtorque config show': ['vtorque config show --queue big --node gpu1'],
  'vtorque config check': ['vtorque config check new.toml'],
  'vtorque config import': ['vtorque config import /opt/vtorque/config.sh >config.toml'],
  'vtorque doctor': ['vtorque doctor', 'vtorque doctor --role node', 'vtorque doctor --metrics'],
  vmgr: ['vmgr show images', 'vmgr add jammy.qcow2 Ubuntu 22.04 for MPI jobs'],
  'vmgr add': ['vmgr add jammy.qcow2 --name jammy --min-ram 1G Ubuntu 22.04'],
  'vmgr update': ['vmgr update jammy Ubuntu 22.04 with Open MPI'],
  'vmgr show': ['vmgr show images', 'vmgr show image debian-12'],
  'vmgr delete': ['vmgr delete image jammy'],
};

/** The commands that have examples. */
export const exampleCommands: readonly string[] = Object.keys(examples);

/** Command lines that show the use of the command `path`. */
export function examplesOf(path: string): readonly string[] {
  return examples[path] ?? [];
}
