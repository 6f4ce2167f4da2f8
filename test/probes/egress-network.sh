# A host, a router and what lies beyond it, each in a network namespace of its own, in one of a user. $1: node, $2: the far
# end's script, the rest: what runs on the host.
set -e
node="$1"; far="$2"; shift 2
mount -t tmpfs none /run
ip link set lo up
ip netns add router
ip netns add far
# no waiting for duplicate addresses, no sparing of refusals
calm='for of in all default; do echo 0 >/proc/sys/net/ipv6/conf/$of/accept_dad; done; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
sh -c "$calm"
ip netns exec router sh -c "$calm"
ip netns exec far sh -c "$calm"
ip link add ens5 type veth peer name r0 netns router
ip -n router link add r1 type veth peer name f0 netns far
ip addr add 10.0.1.50/24 dev ens5
ip -6 addr add 2600:1f18::50/64 dev ens5 nodad
ip link set ens5 up
ip -n router link set lo up
ip -n router addr add 10.0.1.1/24 dev r0
ip -n router -6 addr add 2600:1f18::1/64 dev r0 nodad
ip -n router link set r0 up
ip -n router addr add 198.51.100.1/24 dev r1
ip -n router -6 addr add 2001:500::1/64 dev r1 nodad
ip -n router link set r1 up
ip -n far link set lo up
ip -n far addr add 198.51.100.2/24 dev f0
ip -n far -6 addr add 2001:500::2/64 dev f0 nodad
ip -n far link set f0 up
ip -n far route add default via 198.51.100.1
ip -n far -6 route add default via 2001:500::1
ip route add default via 10.0.1.1
ip -6 route add default via 2600:1f18::1
ip netns exec router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
# what the router says of some destinations, and what this host itself says of others
for kind in unreachable prohibit blackhole; do
  case $kind in unreachable) n=1;; prohibit) n=2;; blackhole) n=3;; esac
  ip -n router route add $kind 203.0.113.$n
  ip -n router -6 route add $kind 2001:50$n::/32
  ip route add $kind 192.0.2.$n
done
mkfifo /run/ready
ip netns exec far "$node" "$far" >/run/ready &
pid=$!
read -r _ </run/ready
status=0
"$node" "$@" || status=$?
kill $pid
exit $status
