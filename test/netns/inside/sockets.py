"""Opens listening sockets in several network namespaces and becomes the program that serves them.

Usage: sockets.py SPEC PROGRAM [ARGUMENT...]. SPEC is a JSON list of {ns, kind: tcp|udp, address, port}. The program finds the
same list with a descriptor (fd) for each in PATHPROOF_STAGE_SOCKETS: a process of Node can't enter a namespace by itself.
"""
import json
import os
import socket
import sys

from entering import enter, enter_named


def main():
    with open(sys.argv[1], encoding='utf8') as file:
        wanted = json.load(file)
    home = os.open('/proc/self/ns/net', os.O_RDONLY)
    for each in wanted:
        enter_named(each['ns'])
        tcp = each['kind'] == 'tcp'
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        if tcp:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((each['address'], each['port']))
        if tcp:
            made.listen(511)
        each['fd'] = made.detach()
        os.set_inheritable(each['fd'], True)
    enter(f'/proc/self/fd/{home}')
    os.close(home)
    os.environ['PATHPROOF_STAGE_SOCKETS'] = json.dumps(wanted)
    os.execvp(sys.argv[2], sys.argv[2:])


main()
