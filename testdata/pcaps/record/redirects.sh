#!/bin/bash
# redirects.sh records what real clients do with the redirects of real servers,
# as the router of a home network sees it. It needs root on Debian 12 or later.
#
#   redirects.sh            record every scenario
#   redirects.sh NAME...    record only these
#   redirects.sh -l         list the scenarios
#
# The namespace router translates the addresses of the LAN of the namespace
# client; on its other side are front and backend. dnsmasq on the router gives
# out addresses and resolves names.
#
# A scenario states with chain what it makes happen. redirect-truth.py compares
# that with the logs of the servers, adds the frames that tshark finds, and
# writes it into ../recorded/redirects.json.
prefix=wsredirect
. "$(dirname "$0")/lab.sh"

client_address=10.0.0.7
net=$work/net # certificates, logs of dnsmasq, the stated truth

# --- network ----------------------------------------------------------------

# network [DNSMASQ OPTION...] makes client, router, front and backend. If $lossy
# is set, there is a wire on either side of the router that loses segments.
network() {
  need dnsmasq-base iputils-ping nftables udhcpc
  mkdir -p "$net"
  hosts=
  resolver=10.0.0.1
  namespace client
  resolver=
  local name
  for name in router front backend ${lossy:+wire}; do namespace "$name"; done
  in_ns router sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  # Else frames of the LAN have their addresses translated before the capture.
  in_ns router sysctl -q -e -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
  bridge router lan0 02:00:00:00:00:01
  bridge router wan0 02:00:00:00:00:02
  address router lan0 10.0.0.1/24
  address router wan0 192.0.2.1/24
  plug client 02:00:00:00:00:07 lan0 1
  plug front 02:00:00:00:00:20 wan0 2
  plug backend 02:00:00:00:00:30 wan0 3
  address front eth0 192.0.2.20/24 192.0.2.21/24
  address backend eth0 192.0.2.30/24
  in_ns router nft 'table ip nat { chain out {
    type nat hook postrouting priority 100; oifname "wan0" masquerade; }; }'
  start router dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= \
    --no-resolv --no-hosts --interface=lan0 --bind-interfaces --no-ping --dhcp-authoritative \
    --dhcp-range=10.0.0.50,10.0.0.99,1h --dhcp-host=02:00:00:00:00:07,"$client_address" \
    --dhcp-leasefile="$net/leases" --log-queries --log-facility="$net/dns.log" \
    --local=/example.com/ --local=/example.net/ --host-record=ws.example.com,192.0.2.20 "$@"
  ready router 53
}

# plug NS MAC BRIDGE N makes eth0 of a namespace port N of a bridge of router.
plug() {
  local ns=$1 mac=$2 bridge=$3 port=p$4 to=$1 dev=eth0
  if [ -n "${lossy:-}" ]; then
    cable wire "w$4" "02:00:00:00:03:0$4" "$ns" eth0 "$mac"
    to=wire dev=v$4 mac=02:00:00:00:04:0$4
  fi
  cable router "$port" "02:00:00:00:01:0$4" "$to" "$dev" "$mac"
  ip -n "$prefix-router" link set "$port" master "$bridge"
  [ -z "${lossy:-}" ] || start wire "$python" "$here/wire.py" "$dev" "w$4" "$lossy$4"
}

# lease HOST-NAME gives the client its address by DHCP.
lease() {
  cat >"$net/udhcpc" <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
ip route add default via "$router"
SCRIPT
  chmod +x "$net/udhcpc"
  expect 'lease of' client udhcpc -i eth0 -n -q -f -x "hostname:$1" -s "$net/udhcpc"
}

# afterwards makes the capture go on for as long as it takes to say that a
# redirect was not followed.
afterwards() {
  sleep 1.2
  expect '1 received' client ping -c 1 10.0.0.1
}

# --- certificates -----------------------------------------------------------

# certificates makes an authority that all clients trust, and the certificate
# of the servers. The dates are the same in every recording.
certificates() {
  need faketime openssl
  local name=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500)
  faketime '2025-01-01 00:00:00' openssl req -x509 "${name[@]}" -subj '/CN=Example Authority' \
    -keyout "$net/ca.key" -out "$net/ca.pem" 2>"$work/openssl.log"
  faketime '2025-01-01 00:00:00' openssl req -x509 "${name[@]}" -subj '/CN=ws.example.com' \
    -CA "$net/ca.pem" -CAkey "$net/ca.key" -addext basicConstraints=critical,CA:FALSE \
    -addext 'subjectAltName=DNS:*.example.com,DNS:*.example.net' \
    -keyout "$net/key.pem" -out "$net/cert.pem" 2>"$work/openssl.log"
  cat "$net/cert.pem" "$net/key.pem" >"$net/both.pem"
  export CURL_CA_BUNDLE=$net/ca.pem NODE_EXTRA_CA_CERTS=$net/ca.pem SSL_CERT_FILE=$net/ca.pem
}

# --- truth ------------------------------------------------------------------

# chain [FROM=ADDRESSES] [AGAIN=N] END URL STATUS... states one chain: what each
# hop asks for and the status it gets, tls:STATUS inside TLS, and - for a target
# that nobody asks for. FROM are the addresses of the hops, the last for all
# that follow. AGAIN says that it repeats the N-th chain.
chain() { echo "$*" >>"$net/truth"; }

# keep FILE ABOUT stores the capture and its truth.
keep() {
  save "$1"
  stop_all # servers log an upgraded connection when it is over
  "$python" "$here/redirect-truth.py" "$out/$1" "$net" "$work/server.log" "$2"
}

# --- clients and servers ----------------------------------------------------

py() { # py TEXT URL
  need python3-websockets
  expect "$1" client "$python" "$here/py-client.py" "$2"
}

# shellcheck disable=SC2016 # these are variables of nginx
nginx_proxy='proxy_pass http://192.0.2.30:8080;
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection upgrade;
  proxy_set_header Host $http_host;'

haproxy_log='  log stdout format raw daemon
  option dontlognull
  http-request capture req.hdr(host) len 64
  log-format "hop %[ssl_fc,iif(https,http)]://%[capture.req.hdr(0)]%[capture.req.uri] %ST"'

apache_modules="LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
CustomLog $work/server.log \"hop http://%{Host}i%U%q %>s\""

caddy_options='{
  admin off
  auto_https disable_certs
}'

# --- scenarios --------------------------------------------------------------

nginx_301() { #: redirect-nginx-301
  need nginx
  network
  nginx_on front 80 <<'CONF'
  server { listen 80; return 301 https://$host$request_uri; }
CONF
  capture router lan0
  lease esp-7f3a
  esp 'Sec-WebSocket-Accept not found' client ws.example.com 80 /ws --attempts 3 --wait 1.5
  afterwards
  chain not-followed ws://ws.example.com:80/ws 301 https://ws.example.com/ws -
  chain AGAIN=1 not-followed ws://ws.example.com:80/ws 301 https://ws.example.com/ws -
  chain AGAIN=1 not-followed ws://ws.example.com:80/ws 301 https://ws.example.com/ws -
  keep redirect-nginx-301.pcap 'A device is sent from http to https, does not follow, and tries again twice, 1.5 s after each failure.'
}

nginx_302_relative() { #: redirect-nginx-302-relative
  need_node
  need nginx
  network
  server backend 8080 --path /v2/ws
  nginx_on front 80 <<CONF
  server {
    listen 80;
    absolute_redirect off;
    location = /ws { return 302 /v2/ws?from=v1; }
    location /v2/ws { $nginx_proxy }
  }
CONF
  capture router lan0
  lease laptop
  client 'close 1000' ws://ws.example.com/ws --follow
  chain upgraded ws://ws.example.com/ws 302 http://ws.example.com/v2/ws?from=v1 101
  keep redirect-nginx-302-relative.pcap 'A relative Location with a query, followed on a new connection.'
}

nginx_slash() { #: redirect-nginx-slash
  need_node
  need curl nginx
  network
  server backend 8080 --path /ws/
  nginx_on front 80 <<CONF
  server {
    listen 80;
    location /ws/ { $nginx_proxy }
  }
CONF
  capture router lan0
  lease laptop
  curl_upgrade '101 Switching' -L http://ws.example.com/ws
  chain upgraded ws://ws.example.com/ws 301 http://ws.example.com/ws/ 101
  keep redirect-nginx-slash.pcap 'nginx adds the slash of its location; curl follows on the same connection.'
}

nginx_host_port() { #: redirect-nginx-host-port
  need_node
  need nginx
  network
  server backend 8080 --path /ws
  nginx_on front 80 <<CONF
  server {
    listen 80;
    if (\$http_host != \$host) { return 308 http://\$host\$request_uri; }
    location / { $nginx_proxy }
  }
CONF
  capture router lan0
  lease esp-7f3a
  esp 'Sec-WebSocket-Accept not found' client ws.example.com 80 /ws --attempts 3 --wait 1.5
  afterwards
  chain loop ws://ws.example.com:80/ws 308 http://ws.example.com/ws 308 \
    http://ws.example.com/ws 308 http://ws.example.com/ws -
  keep redirect-nginx-host-port.pcap 'The redirect only takes the default port out of Host, which the device writes again each time it tries, 1.5 s after each failure.'
}

caddy_308_tls() { #: redirect-caddy-308-tls
  need_node
  need caddy curl
  network
  certificates
  server backend 8080 --path /ws
  caddy_on front 443 <<CONF
$caddy_options
ws.example.com {
  tls $net/cert.pem $net/key.pem
  log
  reverse_proxy 192.0.2.30:8080
}
http://ws.example.com {
  log
  redir https://{host}{uri} 308
}
CONF
  capture router lan0
  lease laptop
  curl_upgrade '101 Switching' -L http://ws.example.com/ws
  chain into-tls ws://ws.example.com/ws 308 https://ws.example.com/ws tls:101
  keep redirect-caddy-308-tls.pcap 'curl follows from http to https on the same host.'
}

caddy_303_host() { #: redirect-caddy-303-host
  need_node
  need caddy
  network --host-record=edge.example.net,192.0.2.30 --cname=b.example.net,edge.example.net
  server backend 80 --path /ws --log
  caddy_on front 80 <<CONF
$caddy_options
http://ws.example.com {
  log
  redir http://b.example.net{uri} 303
}
CONF
  capture router lan0
  lease laptop
  client 'close 1000' ws://ws.example.com/ws --follow
  chain upgraded ws://ws.example.com/ws 303 http://b.example.net/ws 101
  keep redirect-caddy-303-host.pcap 'Another host, whose name is an alias (CNAME), followed.'
}

caddy_301_port() { #: redirect-caddy-301-port
  need_node
  need caddy
  network
  server front 8080 --path /ws --log
  caddy_on front 80 <<CONF
$caddy_options
http://ws.example.com {
  log
  redir ws://{host}:8080{uri} 301
}
CONF
  capture router lan0
  lease laptop
  client 'server response: 301' ws://ws.example.com/ws
  sleep 1.2
  py 'close 1000' ws://ws.example.com/ws
  chain not-followed ws://ws.example.com/ws 301 ws://ws.example.com:8080/ws -
  chain upgraded ws://ws.example.com/ws 301 ws://ws.example.com:8080/ws 101
  keep redirect-caddy-301-port.pcap 'A custom port with the scheme ws: ws for Node.js does not follow unless told to; 1.2 s later Python websockets on the same computer asks for the first URL and follows.'
}

haproxy_302_tls() { #: redirect-haproxy-302-tls
  need_node
  need haproxy
  network
  certificates
  server backend 8080 --path /ws
  haproxy_on front 443 <<CONF
frontend web
$haproxy_log
  bind :80
  bind :443 ssl crt $net/both.pem
  http-request redirect scheme https code 302 unless { ssl_fc }
  default_backend app
backend app
  server app1 192.0.2.30:8080
CONF
  capture router lan0
  lease laptop
  client 'close 1000' ws://ws.example.com/ws --follow
  chain into-tls ws://ws.example.com/ws 302 https://ws.example.com/ws tls:101
  keep redirect-haproxy-302-tls.pcap 'ws for Node.js follows from http to https on the same host.'
}

haproxy_307_loop() { #: redirect-haproxy-307-loop
  need_node
  need haproxy
  network
  haproxy_on front 80 <<CONF
frontend web
$haproxy_log
  bind :80
  http-request redirect location /a code 307 if { path /b }
  http-request redirect location /b code 307
CONF
  capture router lan0
  lease laptop
  client 'Maximum redirects exceeded' ws://ws.example.com/a --follow
  afterwards
  # shellcheck disable=SC2046 # the words are wanted
  chain loop ws://ws.example.com/a 307 \
    $(printf 'http://ws.example.com/%s 307 ' b a b a b a b a b a) http://ws.example.com/b -
  keep redirect-haproxy-307-loop.pcap 'Two paths redirect to each other; ws for Node.js gives up after its ten redirects.'
}

haproxy_host_port() { #: redirect-haproxy-host-port
  need curl haproxy
  network
  certificates
  haproxy_on front 80 <<CONF
frontend web
$haproxy_log
  bind :80
  http-request redirect scheme https code 301
CONF
  capture router lan0
  lease esp-7f3a
  esp 'Sec-WebSocket-Accept not found' client ws.example.com 80 /ws
  sleep 1.2
  curl_upgrade 'SSL routines' -L -H 'Host: ws.example.com:80' http://ws.example.com/ws
  chain not-followed ws://ws.example.com:80/ws 301 https://ws.example.com:80/ws -
  chain into-tls ws://ws.example.com:80/ws 301 https://ws.example.com:80/ws tls:-
  keep redirect-haproxy-host-port.pcap 'The port of Host stays in the Location: https on port 80. A device does not follow; 1.2 s later curl at the same address asks for the first URL, and speaks TLS to port 80.'
}

apache_301() { #: redirect-apache-301
  need apache2-bin
  network
  apache_on front 80 <<CONF
$apache_modules
Redirect 301 /ws https://ws.example.com/ws
CONF
  capture router lan0
  lease laptop
  py "https://ws.example.com/ws isn't a valid URI" ws://ws.example.com/ws
  afterwards
  chain not-followed ws://ws.example.com/ws 301 https://ws.example.com/ws -
  keep redirect-apache-301.pcap 'Python websockets takes no Location with the scheme https.'
}

apache_307_wss() { #: redirect-apache-307-wss
  need_node
  need apache2-bin
  network
  certificates
  server backend 8080 --path /ws
  apache_on front 80 <<CONF
$apache_modules
Listen 8443 https
Redirect 307 /ws wss://ws.example.com:8443/ws
<VirtualHost *:8443>
  ServerName ws.example.com
  SSLEngine on
  SSLCertificateFile $net/cert.pem
  SSLCertificateKeyFile $net/key.pem
  CustomLog $work/server.log "hop https://%{Host}i%U%q %>s"
  ProxyPass / http://192.0.2.30:8080/ upgrade=websocket
</VirtualHost>
CONF
  capture router lan0
  lease laptop
  py 'HTTP 400' ws://ws.example.com/ws
  sleep 1.2
  client 'close 1000' ws://ws.example.com/ws --follow
  chain not-followed ws://ws.example.com/ws 307 wss://ws.example.com:8443/ws -
  chain into-tls ws://ws.example.com/ws 307 wss://ws.example.com:8443/ws tls:101
  keep redirect-apache-307-wss.pcap 'A custom port with the scheme wss. Python websockets sends its plain request to the TLS port, which is not what the Location says; 1.2 s later ws for Node.js follows into TLS.'
}

login_page() { #: redirect-login
  need apache2-bin curl
  network --host-record=login.example.net,192.0.2.21
  mkdir -p "$net/login"
  echo '<h1>Sign in</h1>' >"$net/login/login"
  apache_on front 80 <<CONF
$apache_modules
<VirtualHost *:80>
  ServerName ws.example.com
  Redirect 302 /ws http://login.example.net/login?next=/ws
  CustomLog $work/server.log "hop http://%{Host}i%U%q %>s"
</VirtualHost>
<VirtualHost *:80>
  ServerName login.example.net
  DocumentRoot $net/login
  CustomLog $work/server.log "hop http://%{Host}i%U%q %>s"
</VirtualHost>
CONF
  capture router lan0
  lease laptop
  curl_upgrade 'Sign in' -L http://ws.example.com/ws
  chain refused ws://ws.example.com/ws 302 'http://login.example.net/login?next=/ws' 200
  keep redirect-login.pcap 'To the login page on another host; curl follows and gets the page.'
}

captive_portal() { #: redirect-captive-portal
  need_node
  need nginx
  network --host-record=portal.example.net,10.0.0.1
  nginx_on router 8080 <<'CONF'
  server {
    listen 8080;
    server_name portal.example.net;
    location / { default_type text/html; return 200 '<h1>Accept the terms</h1>'; }
  }
  server {
    listen 8080 default_server;
    add_header Cache-Control no-store always;
    return 302 http://portal.example.net:8080/terms?url=http://$host$request_uri;
  }
CONF
  in_ns router nft 'table ip portal { chain in {
    type nat hook prerouting priority -100; iifname "lan0" tcp dport 80 redirect to :8080; }; }'
  capture router lan0
  lease laptop
  client 'server response: 302' ws://ws.example.com/ws
  sleep 1.2
  client 'server response: 200' ws://ws.example.com/live --follow
  chain not-followed ws://ws.example.com/ws 302 \
    'http://portal.example.net:8080/terms?url=http://ws.example.com/ws' -
  chain refused ws://ws.example.com/live 302 \
    'http://portal.example.net:8080/terms?url=http://ws.example.com/live' 200
  keep redirect-captive-portal.pcap 'The router answers port 80 in the name of all servers. One client does not follow, the other gets the page of the portal.'
}

dual_stack() { #: redirect-dual-stack
  need_node
  need curl nginx
  network --host-record=v6.example.com,2001:db8:2::20
  address router lan0 2001:db8:1::1/64
  address router wan0 2001:db8:2::1/64
  address front eth0 2001:db8:2::20/64
  address client eth0 2001:db8:1::7/64
  ip -n "$prefix-front" route add 2001:db8:1::/64 via 2001:db8:2::1
  ip -n "$prefix-client" route add default via 2001:db8:1::1
  poll 'way by IPv6' in_ns client ping -6 -q -c 1 -W 1 2001:db8:2::20 >"$work/ping.log"
  server backend 8080 --path /ws
  nginx_on front 80 <<CONF
  server { listen 80; return 301 http://v6.example.com\$request_uri; }
  server {
    listen [::]:80;
    server_name v6.example.com;
    location / { $nginx_proxy }
  }
CONF
  capture router lan0
  lease laptop
  curl_upgrade '101 Switching' -L http://ws.example.com/ws
  chain FROM=$client_address,2001:db8:1::7 upgraded \
    ws://ws.example.com/ws 301 http://v6.example.com/ws 101
  keep redirect-dual-stack.pcap 'The first host has an A record only, the next an AAAA record only; curl follows from IPv4 to IPv6.'
}

nxdomain() { #: redirect-nxdomain
  need curl nginx
  network
  nginx_on front 80 <<'CONF'
  server { listen 80; return 301 http://gone.example.net$request_uri; }
CONF
  capture router lan0
  lease laptop
  curl_upgrade 'Could not resolve host' -L http://ws.example.com/ws
  afterwards
  chain not-followed ws://ws.example.com/ws 301 http://gone.example.net/ws -
  keep redirect-nxdomain.pcap 'The name of the target does not exist (NXDOMAIN).'
}

refused() { #: redirect-refused
  need_node
  need nginx
  network
  nginx_on front 80 <<'CONF'
  server { listen 80; return 302 http://$host:8081$request_uri; }
CONF
  capture router lan0
  lease laptop
  client ECONNREFUSED ws://ws.example.com/ws --follow
  afterwards
  chain not-followed ws://ws.example.com/ws 302 http://ws.example.com:8081/ws -
  keep redirect-refused.pcap 'The target refuses the connection (RST).'
}

loss() { #: redirect-loss
  need_node
  need nginx
  local lossy=3 n
  network
  certificates
  server backend 8080 --path /v2/ws
  nginx_on front 80 <<CONF
  server {
    listen 80;
    add_header Set-Cookie "session=$(printf 'example-%.0s' {1..300})" always;
    location = /ws { return 302 /v2/ws; }
    location /tls { return 301 https://\$host\$request_uri; }
    location /v2/ws { $nginx_proxy }
  }
  server {
    listen 443 ssl;
    ssl_certificate $net/cert.pem;
    ssl_certificate_key $net/key.pem;
    location / { return 404; }
  }
CONF
  capture router lan0
  lease laptop
  for n in 1 2 3; do
    client 'close 1000' "ws://ws.example.com/ws?n=$n" --follow
    chain upgraded "ws://ws.example.com/ws?n=$n" 302 http://ws.example.com/v2/ws 101
  done
  client 'server response: 404' ws://ws.example.com/tls --follow
  chain into-tls ws://ws.example.com/tls 301 https://ws.example.com/tls tls:404
  keep redirect-loss.pcap 'Segments are lost, overtaken and repeated on both sides of the capture; the answers are longer than one segment.'
}

chromium_page() { #: redirect-chromium
  need chromium nginx
  network
  certificates
  nginx_on front 80 <<CONF
  server { listen 80; return 301 https://\$host\$request_uri; }
  server {
    listen 443 ssl;
    ssl_certificate $net/cert.pem;
    ssl_certificate_key $net/key.pem;
    location / { return 404; }
  }
CONF
  mkdir "$work/home" "$work/profile"
  cat >"$work/home/page.html" <<'HTML'
<script>
const ws = new WebSocket('ws://ws.example.com/ws');
ws.onclose = (e) => console.log('close ' + e.code);
</script>
HTML
  capture router lan0
  lease laptop
  expect 'close 1006' client timeout 8 env HOME="$work/home" chromium --headless \
    --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --log-level=0 \
    --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE ws.example.com' --enable-logging=stderr \
    --user-data-dir="$work/profile" "file://$work/home/page.html"
  afterwards
  chain not-followed ws://ws.example.com/ws 301 https://ws.example.com/ws -
  keep redirect-chromium.pcap 'Chromium does not follow redirects of a WebSocket.'
}

# nginx_on_and_on sends each path to a longer one, and upgrades after 25.
nginx_on_and_on() {
  nginx_on front 80 <<CONF
  server {
    listen 80;
    location / { return 302 \$uri/on; }
    location ~ "^/ws(/on){25}$" { $nginx_proxy }
  }
CONF
}

max_redirs() { #: redirect-max-redirs
  need curl nginx
  network
  nginx_on_and_on
  capture router lan0
  lease laptop
  curl_upgrade 'Maximum (3) redirects followed' -L --max-redirs 3 http://ws.example.com/ws
  afterwards
  chain not-followed ws://ws.example.com/ws 302 http://ws.example.com/ws/on 302 \
    http://ws.example.com/ws/on/on 302 http://ws.example.com/ws/on/on/on 302 \
    http://ws.example.com/ws/on/on/on/on -
  keep redirect-max-redirs.pcap 'curl gives up after three redirects, its limit.'
}

too_long() { #: redirect-too-long
  need_node
  need curl nginx
  network
  server backend 8080
  nginx_on_and_on
  capture router lan0
  lease laptop
  curl_upgrade '101 Switching' -L http://ws.example.com/ws
  local n hops=() url=://ws.example.com/ws
  for ((n = 1; n <= 25; n++)); do
    hops+=("http$url" 302)
    url+=/on
  done
  chain too-long "ws${hops[0]#http}" "${hops[@]:1}" "http$url" 101
  keep redirect-too-long.pcap '25 redirects, which curl follows until it is upgraded: more hops than a chain may have.'
}

both_sides() { #: redirect-both-sides
  need_node
  need apache2-bin nginx
  network
  cable front eth1 02:00:00:00:05:20 backend eth1 02:00:00:00:05:30
  address front eth1 10.1.0.20/24
  address backend eth1 10.1.0.30/24
  server backend 9000 --path /ws/ --host 127.0.0.1
  mkdir -p "$net/root/ws"
  apache_on backend 8080 <<CONF
$apache_modules
DocumentRoot $net/root
<Directory $net/root>
  Require all granted
</Directory>
ProxyPass /ws/ http://127.0.0.1:9000/ws/ upgrade=websocket
CONF
  nginx_on front 80 <<CONF
  server {
    listen 80;
    proxy_redirect off;
    location / { ${nginx_proxy/192.0.2.30/10.1.0.30} }
  }
CONF
  lease laptop
  capture_ng front eth0 eth1
  client 'close 1000' ws://ws.example.com/ws --follow
  chain FROM=192.0.2.1 upgraded ws://ws.example.com/ws 301 http://ws.example.com/ws/ 101
  chain FROM=10.1.0.20 upgraded ws://ws.example.com/ws 301 http://ws.example.com/ws/ 101
  keep redirect-both-sides.pcapng 'Both sides of a front end whose backend adds the slash: the same chain of the translated client and of the front end.'
}

tls_loop() { #: redirect-tls-loop
  need_node
  need nginx
  network
  certificates
  nginx_on front 80 <<CONF
  server { listen 80; return 301 https://\$host\$request_uri; }
  server {
    listen 443 ssl;
    ssl_certificate $net/cert.pem;
    ssl_certificate_key $net/key.pem;
    return 302 http://\$host\$request_uri;
  }
CONF
  capture router lan0
  lease laptop
  client 'Maximum redirects exceeded' ws://ws.example.com/ws --follow
  afterwards
  local n
  for n in 1 2 3 4 5; do
    # shellcheck disable=SC2046 # no word for the first
    chain $([ $n = 1 ] || echo AGAIN=1) into-tls ws://ws.example.com/ws 301 https://ws.example.com/ws tls:302
  done
  chain not-followed ws://ws.example.com/ws 301 https://ws.example.com/ws -
  keep redirect-tls-loop.pcap 'http redirects to https, and https, which the capture does not show, back to http; ws for Node.js gives up after its ten redirects.'
}

cut_short() { #: redirect-cut
  need nginx
  network
  nginx_on front 80 <<'CONF'
  server { listen 80; return 301 https://$host$request_uri; }
CONF
  lease esp-7f3a
  capture router lan0 -c 6 tcp # SYN, SYN and ACK, ACK, request, ACK, response
  esp 'Sec-WebSocket-Accept not found' client ws.example.com 80 /ws
  chain out-of-capture ws://ws.example.com:80/ws 301 https://ws.example.com/ws -
  keep redirect-cut.pcap 'The capture ends with the redirect.'
}

main "$@"
