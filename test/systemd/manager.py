"""What a service manager does for a service of Type=notify, without one: for tests.

manager.py listen PATH             a datagram socket at PATH; each message as a JSON line {"pid", "text"}
manager.py run HOW PATH -- COMMAND…  executes COMMAND; HOW descriptor: with descriptor 3 connected to PATH (OpenFile=),
                                   HOW socket: with NOTIFY_SOCKET alone
"""

import json
import os
import socket
import struct
import sys


def listen(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        server.bind(path)
        print(json.dumps({"listening": path}), flush=True)
        while True:
            data, ancillary, _flags, _from = server.recvmsg(65536, 4096)
            pid = None
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    pid = struct.unpack("iII", content)[0]
                elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    # BARRIER=1 of systemd-notify: to close it is the answer
                    for (descriptor,) in struct.iter_unpack("i", content):
                        os.close(descriptor)
            print(json.dumps({"pid": pid, "text": data.decode()}), flush=True)


def run(how, path, command):
    environment = dict(os.environ, NOTIFY_SOCKET=path)
    if how == "descriptor":
        client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        client.connect(path)
        os.dup2(client.fileno(), 3)
        os.set_inheritable(3, True)
        environment.update(LISTEN_FDS="1", LISTEN_FDNAMES="notify", LISTEN_PID=str(os.getpid()))
        # where OpenFile is heard of, nothing may come by the other way
        environment["NOTIFY_SOCKET"] = "/nowhere"
    if "WATCHDOG_USEC" in environment:
        environment["WATCHDOG_PID"] = str(os.getpid())
    os.execvpe(command[0], command, environment)


if sys.argv[1] == "listen":
    listen(sys.argv[2])
else:
    run(sys.argv[2], sys.argv[3], sys.argv[sys.argv.index("--") + 1 :])
