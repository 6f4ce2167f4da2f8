"""Carries packets between TUN devices of two network namespaces, as late as it is told: a link with a delay, or a tunnel.

Usage: relay.py SPEC. SPEC is a JSON list of {name, ends: [{ns, device}, {ns, device}]}. With an `outer` address [ip, port] at
each end the packets go inside UDP datagrams between these, over whatever network lies between; without, straight from one
device to the other. Lines of JSON on standard input change a link: {"link": NAME, "delayMs": N}. Ends with its input.
"""
import fcntl
import heapq
import json
import os
import select
import socket
import struct
import sys
import time

from entering import enter_named

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000


def device_of(name):
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def main():
    with open(sys.argv[1], encoding='utf8') as file:
        links = json.load(file)
    delays = {}
    # descriptor that gives packets -> (link, what takes them)
    ways = {}
    for link in links:
        delays[link['name']] = 0.0
        ends = []
        for end in link['ends']:
            enter_named(end['ns'])
            outer = None
            if 'outer' in end:
                outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                outer.bind(tuple(end['outer']))
                outer.setblocking(False)
            ends.append((device_of(end['device']), outer, end.get('outer')))
        for (tun, outer, _), (far, _, address) in (ends, ends[::-1]):
            if outer is None:
                ways[tun] = (link['name'], lambda packet, far=far: os.write(far, packet))
            else:
                ways[tun] = (
                    link['name'],
                    lambda packet, outer=outer, to=tuple(address): outer.sendto(packet, to),
                )
                ways[outer] = (None, lambda packet, tun=tun: os.write(tun, packet))
    print(json.dumps({'ready': True}), flush=True)
    queue, number, pending = [], 0, b''
    while True:
        wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
        readable, _, _ = select.select([*ways, 0], [], [], wait)
        for source in readable:
            if source == 0:
                text = os.read(0, 65536)
                if text == b'':
                    return
                *lines, pending = (pending + text).split(b'\n')
                for line in lines:
                    change = json.loads(line)
                    delays[change['link']] = change['delayMs'] / 1000
                    print(json.dumps(change), flush=True)
                continue
            link, take = ways[source]
            try:
                packet = os.read(source, 65536) if isinstance(source, int) else source.recv(65536)
            except OSError:
                continue
            number += 1
            heapq.heappush(queue, (time.monotonic() + delays.get(link, 0.0), number, take, packet))
        while queue and queue[0][0] <= time.monotonic():
            _, _, take, packet = heapq.heappop(queue)
            try:
                take(packet)
            except OSError:
                pass


main()
