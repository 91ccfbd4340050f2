# big_zone: nsd on the server with a zone whose DNSKEY answer takes three fragments, and a TXT of
# about 1100 bytes. Sourced by scenarios.
big_zone() {
  python3 - > "$work/example.com.zone" <<-'END'
	import base64, random
	numbers = random.Random(7)
	print("$ORIGIN example.com.\n$TTL 300")
	print("@ SOA ns hostmaster 1 3600 900 86400 300\n@ NS ns")
	print("ns A 198.51.100.53\nwww A 203.0.113.80\nwww AAAA 2001:db8:80::80")
	for key in range(6):
	    rsa = b"\x03\x01\x00\x01" + bytes(numbers.randrange(256) for _ in range(512))
	    print("@ DNSKEY", 257 - key % 2, 3, 8, base64.b64encode(rsa).decode())
	print("mail TXT", " ".join('"%s"' % ("v=spf1 ip4:192.0.2.%d " % part * 10)[:200] for part in range(5)))
	END
  cat > "$work/nsd.conf" <<-END
	server:
	  ip-address: $server4
	  ip-address: $server6
	  username: ""
	  zonesdir: "$work"
	  pidfile: "$work/nsd.pid"
	  database: ""
	  xfrdfile: "$work/xfrd"
	  zonelistfile: "$work/zone.list"
	  xfrdir: "$work"
	  server-count: 1
	  ipv4-edns-size: 4096
	  ipv6-edns-size: 4096
	  rrl-ratelimit: 0
	remote-control:
	  control-enable: no
	zone:
	  name: example.com
	  zonefile: example.com.zone
	END
  on_server nsd -d -c "$work/nsd.conf" &
  wait_for_port "$S" $server4
}
