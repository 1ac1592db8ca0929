"""A stand-in for a VM, at the tap that `jobnet tap` has opened as descriptor 6.

raw:               says "up", then frames in hexadecimal digits, one a line: those from standard input are sent, those
                   received printed.
stack ADDRESS MTU MAC COMMAND...: the kernel's own network stack in a network namespace of its own, which COMMAND runs in.
"""
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import threading

TAP = 6
VNET = 10
TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETLE = 0x400454CA, 0x400454D0, 0x400454DC
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_UP = 2, 0x1000, 0x4000, 1
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU, SIOCSIFHWADDR = 0x8914, 0x8916, 0x891C, 0x8922, 0x8924


def raw():
    rest = b''
    print('up', flush=True)
    while True:
        ready, _, _ = select.select([0, TAP], [], [])
        if TAP in ready:
            print(os.read(TAP, 70000)[VNET:].hex(), flush=True)
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b'\n')
            for line in lines:
                os.write(TAP, bytes(VNET) + bytes.fromhex(line.decode()))


def offload(tap):
    fcntl.ioctl(tap, TUNSETOFFLOAD, 0xF)
    fcntl.ioctl(tap, TUNSETVNETLE, struct.pack('i', 1))
    os.set_blocking(tap, True)


def copy(source, target):
    while True:
        frame = os.read(source, 70000)
        try:
            os.write(target, frame)
        except OSError:
            pass


def stack(address, mtu, mac, command):
    inner = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(inner, TUNSETIFF, struct.pack('16sH22x', b'eth0', IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    offload(inner)
    offload(TAP)
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def configure(request, name, value):
        fcntl.ioctl(control, request, struct.pack('16s24s', name, value))

    def inet(text):
        return struct.pack('HH4s', socket.AF_INET, 0, socket.inet_aton(text))

    configure(SIOCSIFHWADDR, b'eth0', struct.pack('H6s', 1, bytes.fromhex(mac.replace(':', ''))))
    configure(SIOCSIFMTU, b'eth0', struct.pack('i', int(mtu)))
    configure(SIOCSIFADDR, b'eth0', inet(address))
    configure(SIOCSIFNETMASK, b'eth0', inet('255.255.255.0'))
    configure(SIOCSIFFLAGS, b'eth0', struct.pack('H', IFF_UP))
    configure(SIOCSIFFLAGS, b'lo', struct.pack('H', IFF_UP))
    for pair in (inner, TAP), (TAP, inner):
        threading.Thread(target=copy, args=pair, daemon=True).start()
    sys.exit(subprocess.run(command).returncode)


if sys.argv[1] == 'raw':
    raw()
else:
    stack(*sys.argv[2:5], sys.argv[5:])
