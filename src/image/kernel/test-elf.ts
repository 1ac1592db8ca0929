/** A 64-bit ELF file with one note, by default the one by which QEMU starts a kernel directly. */
export function anElf({ owner = 'Xen\0', type = 18 } = {}): Buffer {
  const elf = Buffer.alloc(64 + 56 + 24);
  elf.writeUInt32BE(0x7f454c46, 0);
  elf.writeUInt16BE(0x0201, 4);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(4, 64);
  elf.writeBigUInt64LE(120n, 64 + 8);
  elf.writeBigUInt64LE(24n, 64 + 32);
  elf.writeUInt32LE(4, 120);
  elf.writeUInt32LE(8, 124);
  elf.writeUInt32LE(type, 128);
  elf.write(owner, 132, 'latin1');
  return elf;
}
