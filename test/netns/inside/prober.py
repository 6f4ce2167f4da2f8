"""Opens a connection from each host to each of its addresses again and again, as other software there would: so that at any
moment it is known which way packets take, whatever the agent does. It says nothing: the capture sees its packets.

Usage: prober.py SPEC. SPEC is {everySeconds, ports: [first, last], hosts: [{ns, addresses, port}]}. Ends with its input.
"""
import json
import os
import select
import socket
import struct
import sys
import time

from entering import enter_named

OPEN_SECONDS = 0.3


def main():
    with open(sys.argv[1], encoding='utf8') as file:
        spec = json.load(file)
    first, last = spec['ports']
    port = first
    print(json.dumps({'ready': True}), flush=True)
    while True:
        began = time.monotonic()
        opened = []
        for host in spec['hosts']:
            enter_named(host['ns'])
            for address in host['addresses']:
                made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                made.setblocking(False)
                # what was opened is reset at once: nothing lingers, and the port is free again
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                try:
                    made.bind(('', port))
                    made.connect((address, host['port']))
                except BlockingIOError:
                    pass
                except OSError:
                    made.close()
                    continue
                finally:
                    port = first if port >= last else port + 1
                opened.append(made)
        wait = OPEN_SECONDS
        for pause in (wait, max(0.0, spec['everySeconds'] - wait - (time.monotonic() - began))):
            if select.select([0], [], [], pause)[0] and os.read(0, 4096) == b'':
                return
            for made in opened:
                made.close()
            opened = []


main()
