"""Writes down which packets come in by which devices of which network namespaces: one line of JSON for each.

Usage: capture.py SPEC. SPEC is a JSON list of {at, ns, device, all}. Of TCP only what opens a connection (SYN without ACK) is
written, and where `all` is true the first packet of every other kind to each destination as well. Times are Unix milliseconds
of the reading.
"""
import json
import os
import select
import socket
import sys
import time

from entering import enter_named

ETH_P_IP = 0x0800
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4


def read(packet):
    """Protocol, source, source port, destination, destination port, whether it opens; None for what is no IPv4."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    head = (packet[0] & 15) * 4
    kind = packet[9]
    source, destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    later = (packet[6] & 0x1F) != 0 or packet[7] != 0
    if kind not in (6, 17) or later or len(packet) < head + 4:
        return {6: 'tcp', 17: 'udp', 1: 'icmp'}.get(kind, str(kind)), source, 0, destination, 0, False
    ports = int.from_bytes(packet[head:head + 2]), int.from_bytes(packet[head + 2:head + 4])
    opens = kind == 6 and len(packet) >= head + 14 and packet[head + 13] & 0x12 == 0x02
    return ('tcp' if kind == 6 else 'udp'), source, ports[0], destination, ports[1], opens


def main():
    with open(sys.argv[1], encoding='utf8') as file:
        wanted = json.load(file)
    points = {}
    for each in wanted:
        enter_named(each['ns'])
        made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        made.bind((each['device'], ETH_P_ALL))
        points[made] = each
    seen = set()
    print(json.dumps({'ready': True}), flush=True)
    while True:
        for ready in select.select([*points, 0], [], [])[0]:
            if ready == 0:
                if os.read(0, 4096) == b'':
                    return
                continue
            packet, (_, protocol, direction, *_) = ready.recvfrom(65536)
            if direction == PACKET_OUTGOING or protocol != ETH_P_IP:
                continue
            fields = read(packet)
            if fields is None:
                continue
            kind, source, source_port, destination, port, opens = fields
            point = points[ready]
            if not opens:
                # a server's reply goes to a port of the moment: its source is what tells
                key = (point['at'], kind, source, destination, port)
                if not point.get('all') or kind == 'tcp' or key in seen:
                    continue
                seen.add(key)
            print(
                json.dumps(
                    {
                        'at': point['at'],
                        'ms': round(time.time() * 1000),
                        'kind': kind,
                        'source': source,
                        'sourcePort': source_port,
                        'destination': destination,
                        'port': port,
                    }
                ),
                flush=True,
            )


main()
