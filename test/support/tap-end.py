# The program behind a tap, in QEMU's place: sends each line of hexadecimal digits that it reads as a frame, prints each frame that arrives.
import fcntl
import os
import select
import struct
import sys

TUNSETIFF = 0x400454CA
TAP, NO_PI, MULTI_QUEUE, VNET_HDR = 0x0002, 0x1000, 0x0100, 0x4000

name, kind = sys.argv[1:3]
header = b"\0" * 10 if kind == "vm" else b""
flags = TAP | NO_PI | (MULTI_QUEUE | VNET_HDR if kind == "vm" else 0)
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
print("open", flush=True)
buffer = b""
while True:
    ready, _, _ = select.select([tap, 0], [], [])
    if tap in ready:
        print(os.read(tap, 70000)[len(header) :].hex(), flush=True)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            break
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            os.write(tap, header + bytes.fromhex(line.decode()))
