#!/bin/sh
# The kernel of an EC2 host as `ip` tells of it: one network device of hardware, behind it the router of its subnet. In a
# namespace there is neither, and the lab's services are at addresses of the namespace itself.
device=pp0
mac=@MAC@

hop() { case "$1" in 10.0.1.*) ;; *) printf '"gateway":"10.0.1.1",' ;; esac }

case "$*" in
*batch*)
	number=0
	status=0
	while read -r object verb first second rest; do
		number=$((number + 1))
		[ "$first" = fibmatch ] && destination=$second || destination=$first
		case "$object $verb $first $destination" in
		"rule show"*) echo '[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"},{"priority":32767,"src":"all","table":"default"}]' ;;
		*:*)
			echo 'RTNETLINK answers: Network is unreachable' >&2
			echo "Command failed -:$number" >&2
			status=1
			;;
		"route get fibmatch"*) printf '[{"type":"unicast","dst":"default",%s"dev":"%s","flags":[]}]\n' "$(hop "$destination")" "$device" ;;
		"route get"*)
			case "$second $rest" in "from "*) from="\"from\":\"${rest%% *}\"," ;; *) from='"prefsrc":"10.0.1.50",' ;; esac
			printf '[{"type":"unicast","dst":"%s",%s%s"dev":"%s","flags":[],"uid":0,"cache":[]}]\n' "$destination" "$from" "$(hop "$destination")" "$device"
			;;
		esac
	done
	exit $status
	;;
*"link show"*)
	index=$(cat /run/ifindex)
	echo "[{\"ifindex\":$index,\"ifname\":\"$device\",\"link_type\":\"ether\",\"address\":\"$mac\",\"parentbus\":\"pci\",\"parentdev\":\"0000:00:05.0\"}]"
	;;
*) exec /usr/bin/ip.real "$@" ;;
esac
