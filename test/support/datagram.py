# Sends one datagram, or prints those that arrive: `send ADDRESS PORT HEX [DEVICE]`, `listen PORT`.
import socket
import sys

action, *words = sys.argv[1:]
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if action == "send":
    address, port, data, *device = words
    end.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if device:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device[0].encode())
    try:
        end.sendto(bytes.fromhex(data), (address, int(port)))
    except PermissionError:
        # The rules of this machine do not let it out.
        pass
else:
    end.bind(("0.0.0.0", int(words[0])))
    print("open", flush=True)
    while True:
        print(end.recv(65536).hex(), flush=True)
