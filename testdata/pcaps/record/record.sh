#!/bin/bash
# record.sh records the captures of testdata/pcaps/recorded with real servers
# and clients in network namespaces. It needs root on Debian 12 or later.
#
#   record.sh            record every scenario
#   record.sh NAME...    record only these
#   record.sh -l         list the scenarios
#
# Missing Debian packages are installed; npm and Go packages go into a
# temporary folder that is removed at the end.
#
# Most scenarios use one LAN: the namespaces client, front and backend hang on
# a bridge in the namespace switch, where tcpdump sees each frame once.
# Scenarios that need a router use the namespaces gateway and others instead.
# shellcheck source=lab.sh
prefix=wssniff
. "$(dirname "$0")/lab.sh"

# --- networks ---------------------------------------------------------------

# lan makes switch, client, front and backend.
lan() {
  hosts='192.0.2.10 client.example.com
192.0.2.20 ws.example.com
192.0.2.30 backend.example.com
2001:db8::20 ws6.example.com'
  resolver=
  local name n=1
  namespace switch
  bridge switch br0 02:00:00:00:00:01
  for name in client front backend; do
    namespace "$name"
    cable switch "p$n" "02:00:00:00:01:0$n" "$name" eth0 "02:00:00:00:00:${n}0"
    ip -n "$prefix-switch" link set "p$n" master br0
    address "$name" eth0 "192.0.2.${n}0/24" "2001:db8::${n}0/64"
    n=$((n + 1))
  done
}

# --- scenarios --------------------------------------------------------------

ws_npm() { #: ws-npm
  need_node
  lan
  server front 80 --path /ws --ping-ms 150
  capture switch br0
  client 'close 1000' ws://ws.example.com/ws --ping --hold-ms 400
  client 'close 1000' ws://ws.example.com/ws --messages 2 --size 5000
  save ws-npm.pcap
}

# heads_refused sends the same broken heads to five servers. Those that would wait
# for the end of a head do so for two seconds.
heads_refused() { #: heads-refused
  need_node
  need nginx apache2-bin haproxy caddy
  lan
  server backend 8080 --path /ws
  server front 81 --path /ws
  nginx_on front 82 <<'CONF'
  client_header_timeout 2s;
  server {
    listen 82;
    location / {
      proxy_pass http://192.0.2.30:8080;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }
CONF
  apache_on front 83 <<'CONF'
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
RequestReadTimeout header=2
ProxyPass /ws http://192.0.2.30:8080/ws upgrade=websocket
CONF
  haproxy_on front 84 <<'CONF'
frontend web
  bind :84
  timeout http-request 2s
  default_backend app
backend app
  server app1 192.0.2.30:8080
CONF
  caddy_on front 85 <<'CONF'
{
  admin off
  auto_https off
}
:85 {
  reverse_proxy 192.0.2.30:8080
}
CONF
  capture switch br0 'tcp portrange 81-85'
  local port
  for port in 81 82 83 84 85; do
    expect 'right: HTTP/1.1 101' client "$python" "$here/broken-client.py" ws.example.com "$port"
  done
  expect 'unending: ' client "$python" "$here/broken-client.py" ws.example.com 82 unending # nginx closes
  for port in 83 84; do
    expect 'unending: HTTP/1.1 408' client "$python" "$here/broken-client.py" ws.example.com "$port" unending
  done
  save heads-refused.pcap
}

ws_npm_subprotocol_deflate() { #: ws-npm-subprotocol-deflate
  need_node
  lan
  server front 8080 --path /ws --subprotocol chat --deflate
  capture switch br0 --time-stamp-precision=nano
  client 'close 1000' ws://ws.example.com:8080/ws --deflate --subprotocol superchat --subprotocol chat --size 2000
  save ws-npm-subprotocol-deflate.pcap
}

ws_npm_origin_403() { #: ws-npm-origin-403
  need_node
  lan
  server front 80 --path /ws --origin http://ws.example.com
  capture switch br0
  client 'server response: 403' ws://ws.example.com/ws --origin http://evil.example.net
  client 'close 1000' ws://ws.example.com/ws --origin http://ws.example.com
  save ws-npm-origin-403.pcap
}

ws_npm_bad_path_400() { #: ws-npm-bad-path-400
  need_node
  lan
  server front 80 --path /ws
  capture switch br0
  client 'server response: 400' ws://ws.example.com/wss
  save ws-npm-bad-path-400.pcap
}

nginx_redirect_https() { #: nginx-redirect-https
  need_node
  need nginx
  lan
  nginx_on front 80 <<'CONF'
  server {
    listen 80;
    listen [::]:80;
    server_name ws.example.com;
    return 301 https://$host$request_uri;
  }
CONF
  capture switch br0
  client 'server response: 301' ws://ws.example.com/ws
  client 'server response: 301' ws://ws6.example.com/ws
  save nginx-redirect-https.pcap
}

# shellcheck disable=SC2016 # these are variables of nginx
nginx_upgrade_conf='
  server {
    listen 80;
    server_name ws.example.com;
    location /ws {
      proxy_pass http://192.0.2.30:8080;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_read_timeout 3s;
    }
    location / { root html; }
  }'

nginx_proxy_upgrade() { #: nginx-proxy-upgrade
  need_node
  need nginx
  lan
  server backend 8080 --path /ws
  nginx_on front 80 <<<"$nginx_upgrade_conf"
  capture switch br0
  client 'close 1000' ws://ws.example.com/ws
  save nginx-proxy-upgrade.pcap
}

nginx_proxy_no_upgrade() { #: nginx-proxy-no-upgrade
  need_node
  need nginx
  lan
  server backend 8080 --path /ws --bare
  nginx_on front 80 <<'CONF'
  server {
    listen 80;
    server_name ws.example.com;
    location / { proxy_pass http://192.0.2.30:8080; }
  }
CONF
  capture front any -y LINUX_SLL2
  client 'server response: 426' ws://ws.example.com/ws
  save nginx-proxy-no-upgrade.pcap
}

nginx_proxy_timeout() { #: nginx-proxy-timeout
  need_node
  need nginx
  lan
  server backend 8080 --path /ws
  nginx_on front 80 <<<"$nginx_upgrade_conf"
  capture switch br0
  client 'close 1006' ws://ws.example.com/ws --hold-ms 9000
  save nginx-proxy-timeout.pcap
}

nginx_502() { #: nginx-502
  need_node
  need nginx
  lan
  nginx_on front 80 <<<"$nginx_upgrade_conf"
  capture switch br0
  client 'server response: 502' ws://ws.example.com/ws
  save nginx-502.pcapng
}

haproxy_proxy() { #: haproxy-proxy
  need_node
  need haproxy
  lan
  server backend 8080 --path /ws
  haproxy_on front 80 <<'CONF'
frontend web
  bind :80
  option forwardfor
  default_backend app
backend app
  server app1 192.0.2.30:8080
CONF
  capture switch br0
  client 'close 1000' ws://ws.example.com/ws --ping
  client 'server response: 400' ws://ws.example.com/other
  save haproxy-proxy.pcap
}

haproxy_redirect() { #: haproxy-redirect
  need_node
  need haproxy
  lan
  haproxy_on front 80 <<'CONF'
frontend web
  bind :80
  http-request redirect scheme https code 302 if { path_beg /302 }
  http-request redirect scheme https code 301
CONF
  capture switch br0
  client 'server response: 301' ws://ws.example.com/ws
  client 'server response: 302' ws://ws.example.com/302/ws
  esp 'Sec-WebSocket-Accept not found' client ws.example.com 80 /ws
  save haproxy-redirect.pcap
}

apache_wstunnel() { #: apache-wstunnel
  need_node
  need apache2-bin
  lan
  server backend 8080
  apache_on front 80 <<'CONF'
ProxyPass /tunnel ws://192.0.2.30:8080/tunnel
ProxyPass /http http://192.0.2.30:8080/http upgrade=websocket
ProxyPass /plain http://192.0.2.30:8080/plain
CONF
  capture switch br0
  client 'close 1000' ws://ws.example.com/tunnel
  client 'close 1000' ws://ws.example.com/http
  client 'server response: ' ws://ws.example.com/plain
  save apache-wstunnel.pcap
}

python_websockets() { #: python-websockets
  need python3-websockets
  lan
  start front "$python" "$here/py-server.py" 80
  ready front 80
  capture switch br0
  expect 'close 1000' client "$python" "$here/py-client.py" ws://ws.example.com/
  expect 'close 1000' client "$python" "$here/py-client.py" ws://ws6.example.com/chat
  save python-websockets.pcap
}

curl_upgrade_ws() { #: curl-upgrade
  need_node
  need curl nginx
  lan
  server front 80 --path /ws --greet
  nginx_on backend 80 <<'CONF'
  server { listen 80; return 302 http://ws.example.com$request_uri; }
CONF
  capture switch br0
  curl_upgrade '101 Switching' http://ws.example.com/ws
  curl_upgrade '101 Switching' -L http://backend.example.com/ws
  expect 'HTTP/1.1 400' client curl -sv --http1.1 --max-time 2 -H 'Sec-WebSocket-Version: 13' \
    -H 'Connection: Upgrade' -H 'Upgrade: websocket' http://ws.example.com/ws
  expect 'HTTP/1.1 404' client curl -sv --http1.1 --max-time 2 -H 'Upgrade: websocket' http://ws.example.com/ws
  if curl -V | grep -q '^Protocols:.* ws '; then
    expect '101 Switching' client curl -sv --max-time 2 ws://ws.example.com/ws
  fi
  save curl-upgrade.pcap
}

go_client() { #: go-client
  need_go
  lan
  start front "$work/wsgo" serve :8080
  ready front 8080
  capture switch br0
  expect 'xnet done' client "$work/wsgo" dial ws.example.com:8080
  save go-client.pcap
}

chromium_page() { #: chromium
  need_node
  need chromium
  lan
  server front 80 --path /ws --subprotocol chat --deflate
  capture switch br0 'tcp port 80 and host 192.0.2.20'
  mkdir "$work/home" "$work/profile"
  expect 'close 1000' client env HOME="$work/home" chromium --headless --no-sandbox \
    --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$work/profile" --dump-dom http://ws.example.com/page
  save chromium.pcapng
}

lighttpd_proxy() { #: lighttpd-proxy
  need_node
  need lighttpd
  lan
  server backend 8080
  cat >"$work/lighttpd.conf" <<'CONF'
server.document-root = "/var/empty"
server.port = 80
server.modules = ( "mod_proxy" )
$HTTP["url"] =~ "^/ws" {
  proxy.server = ( "" => ( ( "host" => "192.0.2.30", "port" => 8080 ) ) )
  proxy.header = ( "upgrade" => "enable" )
}
$HTTP["url"] =~ "^/plain" {
  proxy.server = ( "" => ( ( "host" => "192.0.2.30", "port" => 8080 ) ) )
}
CONF
  start front lighttpd -D -f "$work/lighttpd.conf"
  ready front 80
  capture switch br0
  client 'close 1000' ws://ws.example.com/ws
  client 'server response: ' ws://ws.example.com/plain
  save lighttpd-proxy.pcap
}

caddy_proxy() { #: caddy-proxy
  need_node
  need caddy
  lan
  server backend 8080 --path /ws
  caddy_on front 80 <<'CONF'
{
  admin off
  auto_https off
}
:80 {
  reverse_proxy 192.0.2.30:8080
}
CONF
  capture switch br0
  client 'close 1000' ws://ws.example.com/ws
  save caddy-proxy.pcap
}

libwebsockets() { #: libwebsockets
  need_node
  need libwebsockets-test-server
  lan
  start front libwebsockets-test-server --port 7681
  ready front 7681
  # The test client sends without a pause, so the capture ends in mid-stream.
  capture switch br0 -c 500
  client 'close 1000' ws://ws.example.com:7681/ --subprotocol dumb-increment-protocol
  client 'error socket hang up' ws://ws.example.com:7681/ --subprotocol not-known
  expect 'dumb' client timeout 1 libwebsockets-test-client ws.example.com --port 7681
  save libwebsockets.pcap
}

esp_head_split() { #: esp-head-split
  lan
  raw_server front 80
  capture switch br0
  esp connected client ws.example.com 80 /split
  esp connected client ws.example.com 80 /halves
  save esp-head-split.pcap
}

esp_head_first_frame() { #: esp-head-first-frame
  lan
  raw_server front 80
  capture switch br0
  esp connected client ws.example.com 80 /coalesced
  save esp-head-first-frame.pcap
}

large_segment() { #: large-segment
  need_node
  offload=on
  lan
  offload=
  raw_server front 80
  capture front eth0
  client 'message 16384' ws://ws.example.com/big --messages 2 --size 9000
  save large-segment.pcap
}

accept_forms() { #: accept-forms
  need_node
  lan
  raw_server front 80
  capture switch br0
  local mode
  for mode in wrong-guid hex-digest decoded-key echo-key no-accept; do
    client 'Invalid Sec-WebSocket-Accept' "ws://ws.example.com/$mode"
  done
  client error ws://ws.example.com/two-accepts
  client error ws://ws.example.com/no-upgrade
  client 'close' ws://ws.example.com/http10
  client 'close 1000' ws://ws.example.com/keep-alive
  client 'close' ws://ws.example.com/lf-only
  client 'ECONNRESET' ws://ws.example.com/rst
  client 'socket hang up' ws://ws.example.com/silent
  client 'close 1000' ws://ws.example.com/right
  save accept-forms.pcap
}

not_reachable() { #: not-reachable
  need_node
  lan
  capture switch br0
  client ECONNREFUSED ws://ws.example.com/ws
  client ECONNREFUSED ws://ws6.example.com/ws
  client EHOSTUNREACH ws://192.0.2.99/ws
  save not-reachable.pcap
}

forward_proxy_connect() { #: forward-proxy-connect
  need_node
  need tinyproxy-bin
  lan
  server backend 80 --path /ws
  tinyproxy_on front 3128 <<<'ConnectPort 80'
  tinyproxy_on front 3129 <<<'ConnectPort 443'
  tinyproxy_on front 3130 <<<$'ConnectPort 80\nBasicAuth user secret'
  capture switch br0
  client 'close 1000' ws://backend.example.com/ws --proxy http://192.0.2.20:3128
  client 'error' ws://backend.example.com/ws --proxy http://192.0.2.20:3129
  client 'error' ws://backend.example.com/ws --proxy http://192.0.2.20:3130
  save forward-proxy-connect.pcap
}

forward_proxy_absolute() { #: forward-proxy-absolute
  need_node
  need curl tinyproxy-bin
  lan
  server backend 80 --path /ws
  tinyproxy_on front 3128 <<<'ConnectPort 443'
  capture switch br0
  curl_upgrade 'HTTP/1.' -x http://192.0.2.20:3128 http://backend.example.com/ws
  save forward-proxy-absolute.pcap
}

http_keepalive() { #: http-keepalive
  need_node
  lan
  server front 80 --path /ws
  capture switch br0
  expect 'upgrade 101 reused true' client node "$here/keepalive-client.js" ws.example.com 80
  save http-keepalive.pcap
}

h2c_upgrade() { #: h2c-upgrade
  need curl apache2-bin nginx
  lan
  nginx_on front 80 <<'CONF'
  server { listen 80; location / { root html; } }
CONF
  apache_on backend 80 <<'CONF'
Protocols h2c http/1.1
H2Upgrade on
<Location "/">
  Require all granted
</Location>
CONF
  capture switch br0
  expect 'HTTP/1.1 200' client curl -sv --http2 --max-time 3 http://ws.example.com/
  expect 'HTTP/1.1 101' client curl -sv --http2 --max-time 3 http://backend.example.com/
  save h2c-upgrade.pcap
}

loopback() { #: loopback
  need_node
  lan
  server front 8080 --path /ws
  capture front lo
  expect 'close 1000' front node "$here/ws-client.js" ws://127.0.0.1:8080/ws
  expect 'close 1000' front node "$here/ws-client.js" 'ws://[::1]:8080/ws'
  save loopback.pcap
}

# routed makes the networks of the gateway scenarios: clients on 192.0.2.0/24
# behind a bridge of the gateway, servers on 198.51.100.0/24 behind its other
# interface. The front end has the public address 203.0.113.80.
routed() { # routed CLIENT=OCTET=MAC...
  hosts=
  resolver=192.0.2.1
  namespace gateway
  in_ns gateway sysctl -q -w net.ipv4.ip_forward=1
  in_ns gateway sysctl -q -w net.ipv4.conf.all.send_redirects=0
  bridge gateway lan0 02:00:00:00:00:01
  address gateway lan0 192.0.2.1/24
  local spec name octet mac n=1
  for spec; do
    IFS='=' read -r name octet mac <<<"$spec"
    namespace "$name"
    cable gateway "p$n" "02:00:00:00:01:0$n" "$name" eth0 "$mac"
    ip -n "$prefix-gateway" link set "p$n" master lan0
    address "$name" eth0 "192.0.2.$octet/24"
    ip -n "$prefix-$name" route add default via 192.0.2.1
    n=$((n + 1))
  done
  namespace front
  cable gateway wan0 02:00:00:00:02:01 front eth0 02:00:00:00:02:20
  address gateway wan0 198.51.100.1/24
  address front eth0 198.51.100.20/24
  address front lo 203.0.113.80/32
  ip -n "$prefix-front" route add default via 198.51.100.1
  ip -n "$prefix-gateway" route add 203.0.113.80/32 via 198.51.100.20
}

front_end() { # the cloud-like front end of the field capture
  need nginx openssl
  server front 9000 --path /ws --host 127.0.0.1
  mkdir -p "$work/nginx"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -subj /CN=device-api.example.com -addext subjectAltName=DNS:device-api.example.com \
    -keyout "$work/nginx/key.pem" -out "$work/nginx/cert.pem" 2>"$work/openssl.log"
  nginx_on front 443 <<'CONF'
  server_tokens off;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 80;
    server_name device-api.example.com;
    add_header X-Request-Id $request_id always;
    add_header Strict-Transport-Security 'max-age=31536000; includeSubDomains' always;
    add_header Via '1.1 edge.example.com' always;
    return 301 https://$host$request_uri;
  }
  server {
    listen 80;
    server_name www.example.com;
    root html;
  }
  server {
    listen 8080;
    listen 443 ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    server_name device-api.example.com;
    root html;
    location /ws {
      proxy_pass http://127.0.0.1:9000;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
    }
  }
CONF
}

field() { #: field
  need_node
  need curl iputils-ping
  routed esp1=31=24:0a:c4:00:00:31 esp2=32=24:0a:c4:00:00:32 laptop=40=02:00:00:00:00:40
  local ns
  for ns in esp1 esp2; do # the small window and few options of lwIP
    in_ns "$ns" sysctl -q -w net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0 net.ipv4.tcp_window_scaling=0
    ip -n "$prefix-$ns" route replace default via 192.0.2.1 window 5744 advmss 1436
  done
  start gateway "$python" "$here/udp-server.py" \
    device-api.example.com=203.0.113.80 www.example.com=203.0.113.80
  ready gateway 53
  front_end
  capture_ng gateway lan0
  local site=device-api.example.com esp1
  expect '1 received' laptop ping -c 1 192.0.2.1
  esp 'Sec-WebSocket-Accept not found' esp1 "$site" 80 /ws --attempts 4 --first-port 54720 --ntp 192.0.2.1 &
  esp1=$!
  sleep 3 # the laptop joins between two attempts
  (
    client_log=$work/laptop.log # the first device still writes the other
    expect 'It works' laptop curl -s http://www.example.com/ http://www.example.com/index.html
    expect '404' laptop curl -s http://www.example.com/favicon.ico
    expect 'It works' laptop curl -sk "https://$site/"
    expect 'close 1000' laptop node "$here/ws-client.js" "wss://$site/ws" --insecure
    expect 'close 1000' laptop node "$here/ws-client.js" "ws://$site:8080/ws" --origin "http://$site:8080"
    expect '3 received' laptop ping -c 3 -i 0.3 203.0.113.80
  )
  sleep 4 # the second device starts later
  (
    client_log=$work/esp2.log
    esp connected esp2 "$site" 8080 /ws --first-port 51233 --ntp 192.0.2.1 --messages 5
  )
  wait "$esp1"
  save ../field.pcapng
}

gateway_two_interfaces() { #: gateway-two-interfaces
  need_node
  routed laptop=40=02:00:00:00:00:40
  server front 80 --path /ws
  capture_ng gateway lan0 wan0
  expect 'close 1000' laptop node "$here/ws-client.js" ws://203.0.113.80/ws
  save gateway-two-interfaces.pcapng
}

gateway_any() { #: gateway-any
  need_node
  routed laptop=40=02:00:00:00:00:40
  server front 80 --path /ws
  capture gateway any -y LINUX_SLL2 tcp
  expect 'close 1000' laptop node "$here/ws-client.js" ws://203.0.113.80/ws
  save gateway-any.pcap
}

main "$@"
