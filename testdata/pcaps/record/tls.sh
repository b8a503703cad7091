#!/bin/bash
# tls.sh records TLS handshakes of real clients and servers, those that fail and
# those that carry a WebSocket. It needs root on Debian 12 or later.
#
#   tls.sh            record every scenario
#   tls.sh NAME...    record only these
#   tls.sh -l         list the scenarios
#
# The namespace router joins client and server. A scenario states for each
# connection what wssniff must say of it without keys, and behind " / " what with
# them; tls-truth.py adds what tshark shows and writes it into ../recorded/tls.json.
# Key logs and the key of RSA key exchange are kept beside the captures.
#
# shellcheck disable=SC2034,SC2086,SC2154,SC2206 # lab.sh uses variables; options in words
prefix=${prefix:-wstls}
. "$(dirname "$0")/lab.sh"

net=$work/net # certificates, keys, the stated truth
host=ws.example.com

# What clients do to a certificate that they do not take.
untrusted='tls-failed tls-cert-untrusted'
silent='tls-failed tls-client-stops-after-certificate' # asyncio of Python, and Node.js in TLS 1.3
sealed='tls-failed tls-rejected-by-client'

# --- network ----------------------------------------------------------------

network() {
  need nftables openssl faketime iputils-ping
  mkdir -p "$net"
  hosts='192.0.2.20 ws.example.com other.example.com www.example.net'
  local name
  for name in client router server; do namespace "$name"; done
  in_ns router sysctl -q -w net.ipv4.ip_forward=1
  # Chromium closes its connections when an address of IPv6 is ready.
  in_ns client sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  cable client eth0 02:00:00:00:00:07 router lan0 02:00:00:00:00:01
  cable server eth0 02:00:00:00:00:20 router wan0 02:00:00:00:00:02
  address client eth0 10.0.0.7/24
  address router lan0 10.0.0.1/24
  address router wan0 192.0.2.1/24
  address server eth0 192.0.2.20/24
  ip -n "$prefix-client" route add default via 10.0.0.1
  ip -n "$prefix-server" route add default via 192.0.2.1
  certificates
}

# drop IF BYTES makes the router drop what is larger and leaves by an interface.
drop() {
  in_ns router nft "table ip large { chain out {
    type filter hook forward priority 0; oifname \"$1\" meta length > $2 drop; }; }"
}

# --- certificates -----------------------------------------------------------

# sign NAME SUBJECT [OPTION...] makes $net/NAME.pem and $net/NAME.key. $from is
# when it becomes valid, $days for how long; the dates are the same in every
# recording.
sign() {
  local name=$1 subject=$2
  shift 2
  faketime "${from:-2025-01-01 00:00:00}" openssl req -x509 -nodes -days "${days:-36500}" -subj "$subject" \
    -keyout "$net/$name.key" -out "$net/$name.pem" "$@" 2>"$work/openssl.log"
}

# leaf NAME [OPTION...] makes a certificate of the server, signed by the
# intermediate authority.
leaf() {
  local name=$1
  shift
  sign "$name" "/CN=$host" -CA "$net/inter.pem" -CAkey "$net/inter.key" \
    -addext basicConstraints=critical,CA:FALSE -addext "subjectAltName=DNS:${san:-*.example.com}" "$@"
  cat "$net/$name.pem" "$net/inter.pem" >"$net/$name-chain.pem"
  cat "$net/$name-chain.pem" "$net/$name.key" >"$net/$name-both.pem"
}

rsa='-newkey rsa:2048'
ec='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1'

# certificates makes an authority that clients trust unless they are made by
# untrusting, an intermediate one, and two certificates of the server.
certificates() {
  sign ca '/CN=Example Authority' $ec
  sign inter '/CN=Example Intermediate' $ec -CA "$net/ca.pem" -CAkey "$net/ca.key"
  leaf rsa $rsa
  leaf ec $ec
}

# --- truth ------------------------------------------------------------------

# states CLIENT SAID TRUTH tells what one connection is: a verdict, none for one
# that is not listed, and the codes of its findings that are errors or about TLS; if
# that is not all that there is to say with keys, the same behind " / ".
states() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$net/truth"; }

# incident CODE SERVER tells of one about TLS that several connections show together.
incident() { printf '%s\t%s\n' "$1" "$2" >>"$net/incidents"; }

client_name() {
  case $* in
    *ws-client.js*) echo 'ws for Node.js' ;;
    *https*.get*) echo 'Node.js https' ;;
    *py-client.py*) echo 'Python websockets' ;;
    *openssl*) echo 'openssl s_client' ;;
    *curl*) echo curl ;;
    *wsgo*) echo 'Go crypto/tls' ;;
    *gnutls-cli*) echo gnutls-cli ;;
    *mbed-client*) echo mbedTLS ;;
    *chromium*) echo Chromium ;;
    *h2.js*) echo 'Node.js http2' ;;
    *tls-peer.py*) echo tls-peer.py ;;
  esac
}

# connections counts those that the capture shows.
connections() {
  tcpdump -ntr "$capture_file" 'tcp[tcpflags] == tcp-syn' 2>/dev/null | cut -d' ' -f2 | sort -u | wc -l
}

more_than() { [ "$(connections)" -gt "$1" ]; }

# begin TEXT TRUTH COMMAND... runs a client of one connection in the background, and
# waits for its connection, as they are numbered in this order. finish waits for all
# of them, and fails unless the output of each holds its
# TEXT.
running=()
texts=()
begin() {
  local before
  before=$(connections)
  states "$(client_name "${@:3}")" "$1" "$2"
  texts+=("$1")
  shift 2
  ip netns exec "$prefix-client" timeout 60 "$@" >"$work/client-${#running[@]}.log" 2>&1 </dev/null &
  running+=($!)
  poll "connection of client $((${#running[@]} - 1))" more_than "$before"
}

finish() {
  local n failed=0
  for n in "${!running[@]}"; do
    wait "${running[n]}" || true
    [ -z "${texts[n]}" ] || grep -qF -e "${texts[n]}" "$work/client-$n.log" && continue
    echo "$program: \"${texts[n]}\" missing in the output of client $n:" >&2
    cat "$work/client-$n.log" >&2
    failed=1
  done
  running=()
  texts=()
  rm -f "$work"/client-*.log
  return $failed
}

# saying TEXT TRUTH COMMAND... is both for one client.
saying() {
  begin "$@"
  finish
}

keep() { # keep FILE ABOUT stores the capture, its keys and its truth
  save "$1"
  stop_all
  "$python" "$here/tls-truth.py" "$out/$1" "$net" "$2"
}

# --- clients ----------------------------------------------------------------

# clients makes arrays of the clients that trust the authority in $1.
clients() {
  local trust=(env "SSL_CERT_FILE=$1" "CURL_CA_BUNDLE=$1" "NODE_EXTRA_CA_CERTS=$1" "SSLKEYLOGFILE=$net/keys")
  need curl python3-websockets
  need_node
  need_go
  ossl=(openssl s_client -verify_return_error -CAfile "$1" -servername $host -connect)
  ws12=("${trust[@]}" "NODE_OPTIONS=--tls-max-v1.2 --tls-keylog=$net/keys" node "$here/ws-client.js")
  ws13=("${trust[@]}" "NODE_OPTIONS=--tls-min-v1.3 --tls-keylog=$net/keys" node "$here/ws-client.js")
  py=("${trust[@]}" "$python" "$here/py-client.py")
  curl=("${trust[@]}" curl -sv --http1.1 --max-time 8)
  go=("${trust[@]}" "$work/wsgo" wss)
}

# talk is openssl-client.py with a key log, which goes on with the arguments of
# openssl s_client.
talk=("$python" "$here/openssl-client.py")
logging() { talk_to=(-CAfile "$net/ca.pem" -servername $host -keylogfile "$net/keys" -connect); }

devices() { # devices that know TLS 1.2 only
  need gnutls-bin libmbedtls-dev gcc libc6-dev
  [ -x "$work/mbed-client" ] ||
    gcc -O1 -o "$work/mbed-client" "$here/mbed-client.c" -lmbedtls -lmbedx509 -lmbedcrypto
  mbed=("$work/mbed-client" $host)
  gnutls=(gnutls-cli --x509cafile "$net/ca.pem" --port)
}

# --- servers ----------------------------------------------------------------

# tls_server PORT CERTIFICATE [DIRECTIVE...] prints a server block of nginx that
# passes everything to port 8080.
tls_server() {
  local port=$1 cert=$2
  shift 2
  cat <<CONF
  server {
    listen $port ssl;
    ssl_certificate $net/$cert.pem;
    ssl_certificate_key $net/${cert%-*}.key;
    $*
    location / { $nginx_proxy }
  }
CONF
}

# shellcheck disable=SC2016 # these are variables of nginx
nginx_proxy='proxy_pass http://127.0.0.1:8080;
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection upgrade;
  proxy_set_header Host $http_host;'

apache_tls="LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
SSLEngine on"

haproxy_app='backend app
  server app1 127.0.0.1:8080'

caddy_options='{
  admin off
  auto_https disable_certs
}'

backend() {
  need_node
  server server 8080 --path /ws
}

# --- scenarios: certificates that the client does not take -------------------

unknown_ca_12() { #: tls-unknown-ca-12
  need nginx
  network
  backend
  devices
  sign other '/CN=Another Authority' $ec
  clients "$net/other.pem"
  tls_server 443 rsa-chain 'ssl_protocols TLSv1.2;' | nginx_on server 443
  capture router lan0
  saying 'unable to get local issuer certificate' "$untrusted" "${ossl[@]}" $host:443
  saying 'certificate verify failed' "$silent" "${py[@]}" wss://$host/ws
  saying 'unable to get local issuer certificate' "$untrusted" "${curl[@]}" https://$host/ws
  saying 'signed by unknown authority' "$untrusted" "${go[@]}" wss://$host/ws
  saying 'not correctly signed by the trusted CA' "$untrusted" "${mbed[@]}" 443 "$net/other.pem"
  # These look at the certificate when the handshake is over, so nothing shows.
  saying 'unable to get local issuer certificate' none "${ws12[@]}" wss://$host/ws
  gnutls[2]=$net/other.pem
  saying 'certificate issuer is unknown' "$untrusted" "${gnutls[@]}" 443 $host
  keep tls-unknown-ca-12.pcap 'TLS 1.2 with an authority that the clients do not know.'
}

unknown_ca_13() { #: tls-unknown-ca-13
  need nginx
  network
  backend
  sign other '/CN=Another Authority' $ec
  clients "$net/other.pem"
  tls_server 443 rsa-chain 'ssl_protocols TLSv1.3;' | nginx_on server 443
  capture router lan0
  # openssl sends the alerts of a client that has not finished in the clear.
  saying 'unable to get local issuer certificate' "$untrusted" "${ossl[@]}" $host:443
  saying 'certificate verify failed' "$silent" "${py[@]}" wss://$host/ws
  saying 'unable to get local issuer certificate' "$untrusted" "${curl[@]}" https://$host/ws
  saying 'signed by unknown authority' "$sealed" "${go[@]}" wss://$host/ws
  saying 'unable to get local issuer certificate' "$silent" "${ws13[@]}" wss://$host/ws
  keep tls-unknown-ca-13.pcap 'TLS 1.3 with an authority that the clients do not know.'
}

cert_dates() { #: tls-cert-dates
  need nginx
  network
  backend
  devices
  clients "$net/ca.pem"
  days=365 from='2025-01-01 00:00:00' leaf expired $ec
  days=365 from='2091-01-01 00:00:00' leaf future $ec
  {
    tls_server 443 expired-chain 'ssl_protocols TLSv1.2;'
    tls_server 444 expired-chain 'ssl_protocols TLSv1.3;'
    tls_server 445 future-chain 'ssl_protocols TLSv1.2;'
    tls_server 446 future-chain 'ssl_protocols TLSv1.3;'
  } | nginx_on server 443
  capture router lan0
  saying 'certificate has expired' 'tls-failed tls-cert-date' "${ossl[@]}" $host:443
  saying 'certificate has expired' 'tls-failed tls-cert-date' "${curl[@]}" https://$host/ws
  saying 'certificate has expired or is not yet valid' 'tls-failed tls-cert-date' "${go[@]}" wss://$host/ws
  saying 'validity has expired' 'tls-failed tls-cert-date' "${mbed[@]}" 443 "$net/ca.pem"
  saying 'certificate has expired' 'tls-failed tls-cert-date' "${curl[@]}" https://$host:444/ws
  saying 'certificate has expired' "$silent" "${py[@]}" wss://$host:444/ws
  saying 'certificate has expired or is not yet valid' "$sealed" "${go[@]}" wss://$host:444/ws
  saying 'certificate is not yet valid' 'tls-failed tls-cert-date' "${ossl[@]}" $host:445
  saying 'validity starts in the future' 'tls-failed tls-cert-date' "${mbed[@]}" 445 "$net/ca.pem"
  saying 'certificate is not yet valid' "$untrusted" "${curl[@]}" https://$host:446/ws
  keep tls-cert-dates.pcap 'Certificates that expired, and that are not valid yet.'
}

clock_1970() { #: tls-clock-1970
  need nginx
  network
  backend
  devices
  clients "$net/ca.pem"
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.2;'
    tls_server 444 ec-chain 'ssl_protocols TLSv1.3;'
  } | nginx_on server 443
  capture router lan0
  local then=(faketime '1970-01-01 00:02:00')
  # mbedTLS says the time in its ClientHello, openssl does not.
  saying 'validity starts in the future' 'tls-failed tls-client-clock' "${then[@]}" "${mbed[@]}" 443 "$net/ca.pem"
  saying 'certificate is not yet valid' "$untrusted" "${then[@]}" "${ossl[@]}" $host:443
  saying 'certificate is not yet valid' "$untrusted" "${then[@]}" "${ossl[@]}" $host:444
  keep tls-clock-1970.pcap 'The certificate is valid, the clocks of the clients say 1970.'
}

cert_name() { #: tls-cert-name
  need nginx
  network
  backend
  devices
  clients "$net/ca.pem"
  san='www.example.net' leaf elsewhere $ec
  {
    tls_server 443 elsewhere-chain 'ssl_protocols TLSv1.2;'
    tls_server 444 elsewhere-chain 'ssl_protocols TLSv1.3;'
  } | nginx_on server 443
  capture router lan0
  local name='tls-failed tls-cert-name'
  saying 'hostname mismatch' "$name" "${ossl[@]}" $host:443 -verify_hostname $host
  saying 'Hostname mismatch' "$silent tls-cert-name" "${py[@]}" wss://$host/ws
  saying 'not ws.example.com' "$name" "${go[@]}" wss://$host/ws
  saying 'does not match with the expected CN' "$name" "${mbed[@]}" 443 "$net/ca.pem"
  saying 'no alternative certificate subject name matches' none "${curl[@]}" https://$host/ws
  saying 'Hostname mismatch' "$silent" "${py[@]}" wss://$host:444/ws
  saying 'not ws.example.com' "$sealed" "${go[@]}" wss://$host:444/ws
  keep tls-cert-name.pcap 'The certificate is for another name.'
}

chains() { #: tls-chains
  need nginx
  network
  backend
  devices
  clients "$net/ca.pem"
  sign self "/CN=$host" $ec -addext "subjectAltName=DNS:$host"
  cat "$net/ec.pem" "$net/ca.pem" "$net/inter.pem" >"$net/ec-order.pem"
  {
    tls_server 443 ec 'ssl_protocols TLSv1.2;'
    tls_server 444 self 'ssl_protocols TLSv1.2;'
    tls_server 445 ec-order 'ssl_protocols TLSv1.2;'
  } | nginx_on server 443
  capture router lan0
  begin 'close 1000' 'encrypted tls-chain-order' "${ws12[@]}" wss://$host:445/ws --messages 6 --every-ms 2200
  begin 'unable to get local issuer certificate' "$untrusted" "${ossl[@]}" $host:443
  begin 'certificate verify failed' "$silent" "${py[@]}" wss://$host/ws
  begin 'not correctly signed by the trusted CA' "$untrusted" "${mbed[@]}" 443 "$net/ca.pem"
  begin 'self-signed certificate' "$untrusted" "${ossl[@]}" $host:444
  begin 'signed by unknown authority' "$untrusted" "${go[@]}" wss://$host:444/ws
  begin 'not correctly signed by the trusted CA' "$untrusted" "${mbed[@]}" 444 "$net/ca.pem"
  finish
  keep tls-chains.pcap 'A chain in the wrong order, which ws does not mind; a missing intermediate certificate; a certificate signed by itself.'
}

# --- scenarios: nothing in common --------------------------------------------

versions() { #: tls-no-shared-version
  need nginx
  network
  backend
  clients "$net/ca.pem"
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.3;'
    tls_server 444 rsa-chain 'ssl_protocols TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;'
    tls_server 445 rsa-chain 'ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;'
  } | nginx_on server 443
  capture router lan0
  local none='tls-failed tls-no-shared-version'
  saying 'alert protocol version' "$none" "${ossl[@]}" $host:443 -tls1_2
  saying 'EPROTO' "$none" "${ws12[@]}" wss://$host/ws
  saying 'protocol version not supported' "$none" "${go[@]}" -tls1.2 wss://$host/ws
  saying 'alert protocol version' "$none" "${ossl[@]}" $host:444 -tls1_1 -cipher ALL:@SECLEVEL=0
  saying 'alert protocol version' "$none" "${ossl[@]}" $host:444 -tls1_3
  saying 'unsupported protocol' "$none" "${ossl[@]}" $host:445 -tls1_2
  keep tls-no-shared-version.pcap 'No version of TLS in common: the server refuses, and once the client.'
}

suites_none() { #: tls-no-shared-suite
  need nginx
  network
  backend
  clients "$net/ca.pem"
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;'
    tls_server 444 ec-chain 'ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;'
    tls_server 445 ec-chain 'ssl_protocols TLSv1.3; ssl_ecdh_curve secp521r1;'
  } | nginx_on server 443
  capture router lan0
  local none='tls-failed tls-alert-handshake-failure'
  saying 'alert handshake failure' "$none" "${ossl[@]}" $host:443 -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256
  saying 'handshake failure' "$none" "${go[@]}" -tls1.2 wss://$host/ws
  saying 'alert handshake failure' "$none" "${ossl[@]}" $host:444 -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256
  saying 'alert handshake failure' "$none" "${ossl[@]}" $host:445 -tls1_3 -groups X25519
  keep tls-no-shared-suite.pcap 'No cipher suite in common in TLS 1.2 and 1.3, and no group.'
}

alpn() { #: tls-alpn
  need nginx
  network
  backend
  clients "$net/ca.pem"
  tls_server 443 ec-chain | nginx_on server 443
  start server openssl s_server -accept 444 -cert "$net/ec.pem" -key "$net/ec.key" -alpn h2 -quiet
  ready server 444
  capture router lan0
  local none='tls-failed tls-alpn-none-agreed'
  saying 'alert no application protocol' "$none" "${ossl[@]}" $host:443 -alpn mqtt
  saying 'alert no application protocol' "$none" "${curl[@]}" https://$host:444/ws
  saying 'no application protocol' "$none" "${ossl[@]}" $host:444 -tls1_2 -alpn http/1.1,http/1.0
  keep tls-alpn.pcap 'No application protocol in common.'
}

alpn_h2() { #: tls-alpn-h2
  need nginx caddy haproxy
  network
  backend
  clients "$net/ca.pem"
  logging
  tls_server '443 http2' ec-chain | nginx_on server 443
  caddy_on server 444 <<CONF
$caddy_options
https://$host:444 {
  tls $net/ec-chain.pem $net/ec.key
  reverse_proxy 127.0.0.1:8080
}
CONF
  haproxy_on server 445 <<CONF
frontend web
  bind :445 ssl crt $net/ec-both.pem alpn h2,http/1.1
  default_backend app
$haproxy_app
CONF
  capture router lan0
  local h2='tls-alpn-h2-selected' offer=(-alpn h2,http/1.1)
  saying 'ALPN protocol: h2' "none / not-http $h2" "${talk[@]}" -- "${talk_to[@]}" $host:443 "${offer[@]}"
  saying 'ALPN protocol: h2' "none / not-http $h2" "${talk[@]}" -- "${talk_to[@]}" $host:444 "${offer[@]}"
  # HAProxy sends its settings only when it has the client's.
  saying 'ALPN protocol: h2' "none / no-response $h2" "${talk[@]}" -- "${talk_to[@]}" $host:445 "${offer[@]}"
  # The settings of nginx are there before it has sent its request.
  saying 'Parse Error' none "${ws12[@]}" wss://$host/ws --alpn h2 --alpn http/1.1
  keep tls-alpn-h2.pcap 'Clients that offer h2, get it and send the upgrade of HTTP/1.1.'
}

names() { #: tls-names
  need nginx haproxy caddy
  network
  backend
  clients "$net/ca.pem"
  {
    tls_server 443 ec-chain 'server_name other.example.com;'
    echo 'server { listen 443 ssl default_server; ssl_reject_handshake on; }'
  } | nginx_on server 443
  haproxy_on server 444 <<CONF
frontend web
  bind :444 ssl crt $net/ec-both.pem strict-sni
  default_backend app
$haproxy_app
CONF
  caddy_on server 445 <<CONF
$caddy_options
https://other.example.com:445 {
  tls $net/ec-chain.pem $net/ec.key
  respond "hello"
}
CONF
  capture router lan0
  local unknown='tls-failed tls-name-unknown'
  local unnamed=(openssl s_client -verify_return_error -CAfile "$net/ca.pem" -noservername -connect)
  saying 'unrecognized name' "$unknown" "${ossl[@]}" $host:443
  saying 'unrecognized name' "$unknown" "${ossl[@]}" $host:443 -tls1_2
  saying 'unrecognized name' "$unknown tls-sni-missing" "${unnamed[@]}" $host:443
  saying 'unrecognized name' "$unknown" "${ossl[@]}" $host:444 -servername www.example.net
  saying 'alert' "$unknown tls-sni-missing" "${unnamed[@]}" $host:444
  saying 'internal error' 'tls-failed tls-alert' "${ossl[@]}" $host:445 -servername www.example.net
  saying 'internal error' 'tls-failed tls-alert tls-sni-missing' "${unnamed[@]}" $host:445
  keep tls-names.pcap 'Names that the servers do not know, and ClientHellos without a name.'
}

# upgrading is what makes curl ask for a WebSocket.
upgrading=(-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')

other_host() { #: tls-other-host
  need nginx apache2-bin caddy
  network
  backend
  clients "$net/ca.pem"
  apache_on server 443 <<CONF
$apache_tls
SSLCertificateFile $net/ec-chain.pem
SSLCertificateKeyFile $net/ec.key
<VirtualHost *:443>
ServerName $host
</VirtualHost>
<VirtualHost *:443>
ServerName other.example.com
SSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384
</VirtualHost>
CONF
  {
    tls_server 444 ec-chain "server_name $host;"
    tls_server 444 ec-chain "server_name other.example.com; ssl_verify_client optional; ssl_client_certificate $net/ca.pem;"
  } | nginx_on server 444
  caddy_on server 445 <<CONF
{
  admin off
  auto_https disable_certs
  servers {
    strict_sni_host on
  }
}
https://$host:445, https://other.example.com:445 {
  tls $net/ec-chain.pem $net/ec.key
  reverse_proxy 127.0.0.1:8080
}
CONF
  capture router lan0
  local misdirected='none / rejected status-421 tls-sni-host-mismatch'
  saying '421' "$misdirected" "${curl[@]}" "${upgrading[@]}" -H 'Host: other.example.com' https://$host/ws
  saying '421' "$misdirected" "${ws12[@]}" wss://$host:444/ws --host other.example.com
  saying '421' "$misdirected" "${ws13[@]}" wss://$host:445/ws --host other.example.com
  # Of two names that one server serves in the same way, either will do.
  saying 'close 1000' 'encrypted / ok tls-sni-host-mismatch' "${ws12[@]}" wss://other.example.com:444/ws --host www.example.net "${long[@]}"
  keep tls-other-host.pcap 'Host names another server than the handshake: 421 by Apache, nginx and Caddy, and nginx that does not mind.'
}

client_cert() { #: tls-client-cert
  need haproxy caddy nginx
  network
  backend
  clients "$net/ca.pem"
  tls_server 443 ec-chain "ssl_verify_client on; ssl_client_certificate $net/ca.pem;" | nginx_on server 443
  start server openssl s_server -accept 444 -cert "$net/ec.pem" -key "$net/ec.key" -Verify 1 -CAfile "$net/ca.pem" -quiet
  haproxy_on server 445 <<CONF
frontend web
  bind :445 ssl crt $net/ec-both.pem verify required ca-file $net/ca.pem
  default_backend app
$haproxy_app
CONF
  caddy_on server 446 <<CONF
$caddy_options
https://$host:446 {
  tls $net/ec-chain.pem $net/ec.key {
    client_auth {
      mode require_and_verify
      trusted_ca_cert_file $net/ca.pem
    }
  }
  respond "hello"
}
CONF
  ready server 444
  sign stranger '/CN=stranger' $ec
  capture router lan0
  local demanded='tls-failed tls-client-cert-required'
  ossl=(openssl s_client -CAfile "$net/inter.pem" -partial_chain -servername $host -keylogfile "$net/keys" -connect)
  saying 'alert handshake failure' "$demanded" "${ossl[@]}" $host:444 -tls1_2
  saying 'alert handshake failure' "$demanded" "${ossl[@]}" $host:445 -tls1_2
  saying 'alert' "$demanded" "${ossl[@]}" $host:445 -tls1_2 -cert "$net/stranger.pem" -key "$net/stranger.key"
  saying 'bad certificate' "$demanded" "${ossl[@]}" $host:446 -tls1_2
  # The handshake is over for the client, and the answer of the server encrypted.
  saying 'bad certificate' 'none / tls-failed tls-client-cert-required' "${ossl[@]}" $host:446 -tls1_3 -ign_eof
  saying 'certificate required' 'none / tls-failed tls-client-cert-required' "${ossl[@]}" $host:445 -tls1_3 -ign_eof
  saying 'response: 400' 'none / rejected status-400 tls-client-cert-required' "${ws12[@]}" wss://$host/ws
  keep tls-client-cert.pcap 'Servers that demand a certificate of the client. nginx asks for it and tells of its lack inside TLS.'
}

# --- scenarios: the wrong port -------------------------------------------------

plain_to_tls() { #: tls-plain-to-tls-port
  need nginx apache2-bin caddy haproxy gnutls-bin
  network
  clients "$net/ca.pem"
  tls_server 443 ec-chain | nginx_on server 443
  apache_on server 444 <<CONF
$apache_tls
SSLCertificateFile $net/ec-chain.pem
SSLCertificateKeyFile $net/ec.key
CONF
  caddy_on server 445 <<CONF
$caddy_options
https://$host:445 {
  tls $net/ec-chain.pem $net/ec.key
  respond "hello"
}
CONF
  haproxy_on server 446 <<CONF
frontend web
  bind :446 ssl crt $net/ec-both.pem
  default_backend app
$haproxy_app
CONF
  server server 447 --path /ws --cert "$net/ec.pem" --key "$net/ec.key"
  start server openssl s_server -accept 448 -cert "$net/ec.pem" -key "$net/ec.key" -quiet
  ready server 448
  start server gnutls-serv --quiet --port 449 --x509certfile "$net/ec.pem" --x509keyfile "$net/ec.key" --disable-client-cert
  ready server 449
  capture router lan0
  local plain=tls-plain-http-to-tls-port
  saying 'response: 400' "rejected $plain" "${ws13[@]}" ws://$host:443/ws
  saying 'response: 400' "rejected $plain" "${ws13[@]}" ws://$host:444/ws
  saying 'response: 400' "rejected $plain response-http10" "${ws13[@]}" ws://$host:445/ws
  saying 'socket hang up' "no-response tcp-fin-without-response" "${ws13[@]}" ws://$host:446/ws
  saying 'socket hang up' "no-response tcp-fin-without-response" "${ws13[@]}" ws://$host:447/ws
  saying 'socket hang up' "no-response tcp-fin-without-response" "${ws13[@]}" ws://$host:448/ws
  saying 'Parse Error' "not-http $plain" "${ws13[@]}" ws://$host:449/ws
  keep tls-plain-to-tls-port.pcap 'ws:// to ports with TLS: nginx, Apache, Caddy, HAProxy, Node.js, openssl s_server, gnutls-serv.'
}

tls_to_plain() { #: tls-to-plain-port
  need nginx haproxy
  network
  backend
  clients "$net/ca.pem"
  nginx_on server 443 <<'CONF'
  server { listen 443; return 404; }
CONF
  haproxy_on server 444 <<CONF
frontend web
  bind :444
  default_backend app
$haproxy_app
CONF
  start server "$python" -m http.server 445
  ready server 445
  start server "$python" "$here/py-server.py" 446
  ready server 446
  capture router lan0
  local plain='tls-failed tls-clienthello-to-plain-port'
  saying 'wrong version number' "$plain" "${ws13[@]}" wss://$host/ws
  saying 'wrong version number' "$plain" "${ws13[@]}" wss://$host:444/ws
  saying 'wrong version number' "$plain" "${ws13[@]}" wss://$host:445/ws
  saying 'wrong version number' "$plain" "${ws13[@]}" wss://$host:8080/ws
  saying '' "$plain" "${ws13[@]}" wss://$host:446/ws
  saying 'wrong version number' "$plain" "${ossl[@]}" $host:443
  saying 'WRONG_VERSION_NUMBER' "$plain" "${py[@]}" wss://$host:8080/ws
  saying 'first record does not look like a TLS handshake' "$plain" "${go[@]}" wss://$host/ws
  keep tls-to-plain-port.pcap 'wss:// to plain ports: nginx, HAProxy, Python http.server, Node.js, Python websockets.'
}

# --- scenarios: handshakes that stop --------------------------------------------

peer=("$python" "$here/tls-peer.py")

cut_by_server() { #: tls-cut-by-server
  network
  clients "$net/ca.pem"
  local n
  for n in '443 close' '444 reset' '445 silent'; do
    start server "${peer[@]}" serve $n
    ready server "${n% *}"
  done
  capture router lan0
  local cut='tls-failed tls-handshake-cut'
  begin 'left' 'tls-failed tls-handshake-abandoned' "${peer[@]}" leave $host 445
  begin 'socket disconnected before secure TLS' "$cut" "${ws13[@]}" wss://$host/ws
  begin '' "$cut" "${py[@]}" wss://$host/ws
  begin 'ECONNRESET' "$cut" "${ws13[@]}" wss://$host:444/ws
  begin 'EOF' "$cut" "${go[@]}" wss://$host/ws
  begin '' 'tls-failed tls-handshake-abandoned' "${curl[@]}" --max-time 3 https://$host:445/ws
  begin '' 'tls-failed tls-handshake-abandoned' timeout 3 "${ws13[@]}" wss://$host:445/ws
  finish
  keep tls-cut-by-server.pcap 'Servers that close, reset, or say nothing after the ClientHello, and clients that give up.'
}

stall() { #: tls-stall
  network
  clients "$net/ca.pem"
  start server "${peer[@]}" serve 443 silent
  ready server 443
  capture router lan0
  begin '' 'tls-failed tls-handshake-stalls' "${ws13[@]}" wss://$host/ws
  sleep 6.5
  # The capture ends before the connection does.
  local pid=${running[0]}
  in_ns client ping -c 1 10.0.0.1 >"$work/ping.log"
  save tls-stall.pcap
  kill "$pid"
  finish
  "$python" "$here/tls-truth.py" "$out/tls-stall.pcap" "$net" 'A server that says nothing after the ClientHello, and a client that waits.'
}

client_stops() { #: tls-client-stops
  need nginx
  network
  backend
  clients "$net/ca.pem"
  tls_server 443 rsa-chain 'ssl_protocols TLSv1.2 TLSv1.3;' | nginx_on server 443
  capture router lan0
  local stops='tls-failed tls-client-stops-after-certificate'
  saying 'read ' "$stops" "${peer[@]}" stop $host 443 close 1.2
  saying 'read ' "$stops" "${peer[@]}" stop $host 443 reset 1.2
  saying 'read ' "$stops" "${peer[@]}" stop $host 443 close 1.3
  saying 'read ' "$stops" "${peer[@]}" stop $host 443 reset 1.3
  keep tls-client-stops.pcap 'A client reads what the server sends first and goes without an alert, TLS 1.2 and 1.3.'
}

# --- scenarios: black holes ------------------------------------------------------

# black_hole CAPTURE-IF DROP-IF CERTIFICATE makes the router drop large packets.
black_hole() {
  need nginx
  network
  backend
  clients "$net/ca.pem"
  [ -z "$3" ] || leaf "$3" -newkey rsa:4096
  {
    tls_server 443 "${3:-ec}-chain" 'ssl_protocols TLSv1.2;'
    tls_server 444 "${3:-ec}-chain" 'ssl_protocols TLSv1.3;'
  } | nginx_on server 443
  drop "$2" 1200
  capture router "$1"
}

lost_flight() { # lost_flight CAPTURE-IF
  black_hole "$1" lan0 large
  local lost='tls-failed server-large-segments-lost'
  begin '' "$lost" timeout 12 "${ossl[@]}" $host:443
  begin '' "$lost" timeout 12 "${ossl[@]}" $host:444
  finish
}

mtu_server_lan() { #: tls-mtu-server-lan
  lost_flight lan0
  keep tls-mtu-server-lan.pcap 'Large packets of the server are lost, seen behind the loss.'
}

mtu_server_wan() { #: tls-mtu-server-wan
  lost_flight wan0
  keep tls-mtu-server-wan.pcap 'Large packets of the server are lost, seen before the loss.'
}

mtu_client_lan() { #: tls-mtu-client-lan
  black_hole lan0 wan0 ''
  begin '' 'tls-failed tls-clienthello-blackhole' timeout 12 "${go[@]}" wss://$host:444/ws
  begin '' 'tls-failed tls-clienthello-blackhole' timeout 12 "${ossl[@]}" $host:444 -groups X448:P-521:P-384:P-256:X25519 -alpn "$(printf 'protocol-%.200d,' {1..6})http/1.1"
  finish
  keep tls-mtu-client-lan.pcap 'A ClientHello larger than the path takes, seen before the loss.'
}

mtu_client_wan() { #: tls-mtu-client-wan
  black_hole wan0 wan0 ''
  # What is left of the ClientHello is not seen to be one.
  begin '' none timeout 12 "${go[@]}" wss://$host:444/ws
  finish
  keep tls-mtu-client-wan.pcap 'A ClientHello larger than the path takes, seen behind the loss: its first segment never comes.'
}

# --- scenarios: some connections, and not others -----------------------------------

by_address() { #: tls-by-address
  need nginx
  network
  backend
  address server eth0 192.0.2.21/24
  clients "$net/ca.pem"
  logging
  days=365 from='2025-01-01 00:00:00' leaf expired $ec
  {
    tls_server 192.0.2.20:443 ec-chain
    tls_server 192.0.2.21:443 expired-chain
  } | nginx_on server 443
  capture router lan0
  incident tls-intermittent-by-pop 192.0.2.21:443
  local n
  for n in 1 2 3; do
    begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" 192.0.2.20:443
    saying 'certificate has expired' 'tls-failed tls-cert-date' "${curl[@]}" --resolve $host:443:192.0.2.21 https://$host/ws
  done
  keep tls-by-address.pcap 'A name with two addresses. The certificate of one of them has expired.'
}

# A certificate in a public log has a timestamp of it, RFC 6962, Section 3.3. This one
# is of none, with a signature of nothing.
logged="-addext 1.3.6.1.4.1.11129.2.4.2=DER:04350033003100$(printf '%064d' 0)00000194222d640000000403000230$(printf '%02d' 0)"

inspected() { #: tls-mitm
  need nginx mitmproxy
  network
  backend
  address client eth0 10.0.0.8/24
  leaf logged $ec $logged
  tls_server 443 logged-chain | nginx_on server 443
  start router mitmdump --mode transparent --listen-port 8443 --ssl-insecure --set confdir="$net/mitm"
  ready router 8443
  in_ns router nft 'table ip inspect { chain in { type nat hook prerouting priority -100;
    ip saddr 10.0.0.8 tcp dport 443 redirect to :8443; }; }'
  clients "$net/ca.pem"
  logging
  capture router lan0
  incident tls-mitm-suspected 192.0.2.20:443
  local found='tls-mitm-suspected' from=(-bind 10.0.0.8)
  begin 'close 1000' encrypted "${ws12[@]}" wss://$host/ws "${long[@]}"
  saying 'unable to get local issuer certificate' "$untrusted $found" "${ossl[@]}" $host:443 -tls1_2 "${from[@]}"
  begin 'close 1000' encrypted "${ws12[@]}" wss://$host/ws "${long[@]}"
  saying 'unable to get local issuer certificate' "$untrusted $found" "${curl[@]}" --tls-max 1.2 --interface 10.0.0.8 https://$host/ws
  begin 'close 1000' "encrypted $found / ok $found" env "NODE_EXTRA_CA_CERTS=$net/mitm/mitmproxy-ca-cert.pem" "${ws12[@]:4}" wss://$host/ws "${long[@]}" --from 10.0.0.8
  finish
  keep tls-mitm.pcap 'mitmproxy reads inside TLS of one client, which trusts it in the end, and not of another.'
}

# --- scenarios: sessions that are resumed ------------------------------------------

resumption() { #: tls-resumption
  need nginx
  network
  backend
  clients "$net/ca.pem"
  logging
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.2;'
    tls_server 444 ec-chain 'ssl_protocols TLSv1.3;'
  } >"$net/nginx"
  nginx_on server 443 <"$net/nginx"
  capture router lan0
  local v first=$net/first-
  for v in 443 444; do
    begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:$v -sess_out "$first$v"
  done
  finish
  for v in 443 444; do
    begin 'Reused' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:$v -sess_in "$first$v"
  done
  finish
  # A new server has new keys for its tickets.
  kill "${pids[-1]}"
  wait "${pids[-1]}" || true
  unset 'pids[-1]'
  nginx_on server 443 <"$net/nginx"
  for v in 443 444; do
    begin 'New,' 'encrypted tls-resumption-refused' "${talk[@]}" -- "${talk_to[@]}" $host:$v -sess_in "$first$v"
  done
  finish
  keep tls-resumption.pcap 'TLS 1.2 and 1.3: a session, its resumption, and after a restart of the server one that is refused.'
}

# --- scenarios: WebSockets inside TLS --------------------------------------------

long=(--messages 6 --every-ms 2200)

nginx_wss() { #: tls-nginx
  need nginx
  network
  backend
  clients "$net/ca.pem"
  {
    tls_server 443 rsa-chain 'ssl_protocols TLSv1.2;'
    tls_server 444 ec-chain 'ssl_protocols TLSv1.3;'
  } | nginx_on server 443
  capture router lan0
  begin 'close 1000' encrypted "${ws12[@]}" wss://$host/ws "${long[@]}"
  begin 'close 1000' encrypted "${ws13[@]}" wss://$host:444/ws "${long[@]}" --deflate
  finish
  keep tls-nginx.pcap 'ws for Node.js through nginx, TLS 1.2 with RSA and 1.3 with ECDSA.'
}

node_wss() { #: tls-node
  network
  clients "$net/ca.pem"
  server server 443 --path /ws --cert "$net/ec-chain.pem" --key "$net/ec.key" --ping-ms 3000
  capture router lan0
  begin 'close 1000' encrypted "${ws13[@]}" wss://$host/ws "${long[@]}"
  begin 'close 1000' encrypted "${py[@]}" wss://$host/ws 4.5
  finish
  keep tls-node.pcap 'Node.js https with ws, which pings; its own client and Python websockets.'
}

proxies() { #: tls-proxies
  need caddy haproxy
  network
  backend
  clients "$net/ca.pem"
  caddy_on server 443 <<CONF
$caddy_options
$host {
  tls $net/ec-chain.pem $net/ec.key
  reverse_proxy 127.0.0.1:8080
}
CONF
  haproxy_on server 444 <<CONF
frontend web
  bind :444 ssl crt $net/rsa-both.pem
  default_backend app
$haproxy_app
CONF
  capture router lan0
  begin 'gorilla done' encrypted "${go[@]}" -every 2s wss://$host/ws
  begin 'close 1000' encrypted "${py[@]}" wss://$host/ws 4.5
  begin 'gorilla done' encrypted "${go[@]}" -every 2s wss://$host:444/ws
  begin 'close 1000' encrypted "${ws12[@]}" wss://$host:444/ws "${long[@]}"
  # It sends no more than its request, which is too little to look like a WebSocket.
  begin '101 Switching' none "${curl[@]}" --max-time 12 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' -H "Sec-WebSocket-Key: $(head -c 16 /dev/urandom | base64)" https://$host/ws
  finish
  keep tls-proxies.pcap 'Go, Python, ws for Node.js and curl through Caddy and HAProxy.'
}

old_suites() { #: tls-suites-12
  need nginx
  network
  backend
  clients "$net/ca.pem"
  logging
  local n=443 suite
  local ec_suites='ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305
    ECDHE-ECDSA-AES128-CCM ECDHE-ECDSA-AES256-CCM8 ECDHE-ECDSA-AES128-SHA256 ECDHE-ECDSA-AES256-SHA'
  for suite in $ec_suites; do
    tls_server $((n++)) ec-chain "ssl_protocols TLSv1.2; ssl_ciphers $suite:@SECLEVEL=0;"
  done >"$net/nginx"
  tls_server 460 rsa-chain 'ssl_protocols TLSv1.2;' >>"$net/nginx"
  nginx_on server 443 <"$net/nginx"
  capture router lan0
  n=443
  for suite in $ec_suites; do
    begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:$((n++)) -cipher ALL:@SECLEVEL=0
  done
  # Go authenticates before it encrypts, openssl the other way round.
  begin 'gorilla done' encrypted "${go[@]}" -tls1.2 -every 2s wss://$host:460/ws
  finish
  keep tls-suites-12.pcap 'TLS 1.2: GCM, ChaCha20, CCM and CBC.'
}

new_suites() { #: tls-suites-13
  need nginx
  network
  backend
  clients "$net/ca.pem"
  logging
  local n=443 suite
  local all='TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_CCM_SHA256
    TLS_AES_128_CCM_8_SHA256'
  for suite in $all; do
    tls_server $((n++)) ec-chain "ssl_protocols TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0; ssl_conf_command Ciphersuites $suite;"
  done >"$net/nginx"
  nginx_on server 443 <"$net/nginx"
  capture router lan0
  n=443
  for suite in $all; do
    begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:$((n++)) -cipher ALL:@SECLEVEL=0 -ciphersuites "${all// /:}"
  done
  finish
  keep tls-suites-13.pcap 'TLS 1.3: GCM, ChaCha20 and CCM.'
}

rsa_exchange() { #: tls-rsa-key
  need nginx
  network
  backend
  clients "$net/ca.pem"
  logging
  cp "$net/rsa.key" "$net/keep.key"
  {
    tls_server 443 rsa-chain 'ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA:@SECLEVEL=0;'
    tls_server 444 rsa-chain 'ssl_protocols TLSv1.2; ssl_ciphers AES256-GCM-SHA384:@SECLEVEL=0;'
  } | nginx_on server 443
  capture router lan0
  begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:443 -cipher ALL:@SECLEVEL=0
  begin 'close 1000' encrypted "${ws12[@]}" wss://$host:444/ws "${long[@]}"
  finish
  keep tls-rsa-key.pcap 'RSA key exchange, with the private key instead of a key log.'
}

versions_old() { #: tls-old-versions
  need nginx
  network
  backend
  clients "$net/ca.pem"
  logging
  {
    tls_server 443 rsa-chain 'ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;'
    tls_server 444 rsa-chain 'ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;'
  } | nginx_on server 443
  capture router lan0
  begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:443 -tls1 -cipher ALL:@SECLEVEL=0
  begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:444 -tls1_1 -cipher ALL:@SECLEVEL=0
  finish
  keep tls-old-versions.pcap 'TLS 1.0 and 1.1.'
}

turns() { #: tls-13-turns
  need nginx
  network
  backend
  clients "$net/ca.pem"
  logging
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.3; ssl_ecdh_curve secp384r1;'
    tls_server 444 ec-chain 'ssl_protocols TLSv1.3; ssl_early_data on;'
  } | nginx_on server 443
  capture router lan0
  local ticket=$net/ticket
  begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:443
  begin 'KEYUPDATE' encrypted "${talk[@]}" --update -- "${talk_to[@]}" $host:444 -sess_out "$ticket"
  finish
  saying 'Early data was accepted' encrypted "${talk[@]}" --early "$net/early" -- "${talk_to[@]}" $host:444 -sess_in "$ticket"
  keep tls-13-turns.pcap 'TLS 1.3: HelloRetryRequest, new keys in the middle, and a request in early data.'
}

refused_inside() { #: tls-refused-inside
  need nginx haproxy
  network
  clients "$net/ca.pem"
  raw_server server 8080
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.2 TLSv1.3; location = /401 { return 401; } location = /404 { return 404; }' \
      "location = /302 { return 302 wss://$host:444/right; }"
  } | nginx_on server 443
  haproxy_on server 444 <<CONF
frontend web
  bind :444 ssl crt $net/ec-both.pem
  default_backend app
$haproxy_app
CONF
  capture router lan0
  # They are over too soon to look like a WebSocket.
  saying 'response: 401' 'none / rejected status-401' "${ws13[@]}" wss://$host/401
  saying 'response: 404' 'none / rejected status-404' "${ws12[@]}" wss://$host/404
  states 'ws for Node.js' 'close 1000' 'none / redirected'
  saying 'close 1000' 'encrypted / ok' "${ws13[@]}" wss://$host/302 --follow "${long[@]}"
  saying 'Invalid Sec-WebSocket-Accept header' 'none / accept-mismatch accept-mismatch' "${ws13[@]}" wss://$host/wrong-guid
  saying 'Invalid Sec-WebSocket-Accept header' 'none / accept-mismatch accept-mismatch accept-echoes-key' "${ws12[@]}" wss://$host/echo-key
  keep tls-refused-inside.pcap 'Inside TLS: 401, 404, a redirect that is followed to a WebSocket, and Accepts that are wrong.'
}

# --- scenarios: forward proxies ---------------------------------------------------

forward_proxies() { #: tls-forward-proxies
  need nginx tinyproxy-bin apache2-bin
  network
  backend
  clients "$net/ca.pem"
  logging
  sign other '/CN=Another Authority' $ec
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.2 TLSv1.3;'
    echo 'server { listen 444; return 404; }'
  } | nginx_on server 443
  tinyproxy_on router 3128 <<<$'ConnectPort 443\nConnectPort 444\nConnectPort 445'
  tinyproxy_on router 3129 <<<$'ConnectPort 443\nBasicAuth user secret'
  apache_on router 8008 <<CONF
ProxyRequests On
AllowCONNECT 443
CONF
  capture router lan0
  local tiny=http://10.0.0.1:3128 through=10.0.0.1:3128 auth=10.0.0.1:3129
  begin 'Switching' encrypted "${talk[@]}" -- "${talk_to[@]}" $host:443 -proxy $through
  begin 'close 1000' encrypted "${ws13[@]}" wss://$host/ws "${long[@]}" --proxy $tiny
  sleep 2
  begin 'close 1000' encrypted "${ws12[@]}" wss://$host/ws "${long[@]}" --proxy http://10.0.0.1:8008
  finish
  # It asks without credentials first, and again on another connection.
  states curl '407' 'rejected connect-tunnel-refused'
  saying '400 Bad Request' none "${curl[@]}" --proxy $auth --proxy-user user:secret --proxy-anyauth \
    -H 'Connection: Upgrade' -H 'Upgrade: websocket' https://$host/ws
  saying 'response: 400' none "${ws13[@]}" wss://$host/none --proxy $tiny
  saying 'unable to get local issuer certificate' "$untrusted" "${ossl[@]}" $host:443 -CAfile "$net/other.pem" -proxy $through
  saying 'wrong version number' 'tls-failed tls-clienthello-to-plain-port' "${curl[@]}" --proxy $through https://$host:444/ws
  saying '407' 'rejected connect-tunnel-refused' "${curl[@]}" --proxy $auth https://$host/ws
  saying '403' 'rejected connect-tunnel-refused' "${curl[@]}" --proxy $through https://$host:446/ws
  saying 'CONNECT tunnel failed' 'rejected connect-tunnel-refused' "${curl[@]}" --proxy $through https://$host:445/ws
  keep tls-forward-proxies.pcap 'CONNECT through tinyproxy and Apache: WebSockets inside TLS, 400 inside, an unknown authority, a plain port; and 407, 403, a server that cannot be reached.'
}

refused_opaque() { #: tls-refused-opaque
  need nginx
  network
  backend
  local node=${pids[-1]}
  clients "$net/ca.pem"
  {
    tls_server 443 ec-chain 'ssl_protocols TLSv1.3; location = /no { return 403; }'
    tls_server 444 rsa-chain 'ssl_protocols TLSv1.2; location = /no { return 403; }'
  } | nginx_on server 443
  capture router lan0
  begin 'close 1000' encrypted "${ws13[@]}" wss://$host/ws "${long[@]}"
  begin 'close 1000' encrypted "${ws12[@]}" wss://$host:444/ws "${long[@]}"
  finish
  # The path is as long, so the request is.
  local refused='encrypted tls-opaque-likely-rejected / rejected status-403'
  saying 'response: 403' "$refused" "${ws13[@]}" wss://$host/no
  saying 'response: 403' "$refused" "${ws12[@]}" wss://$host:444/no
  # Other requests, by the same software too, are no such thing. They have no key log,
  # as what is inside is none of wssniff's business.
  saying 'status 403' none env "NODE_EXTRA_CA_CERTS=$net/ca.pem" NODE_OPTIONS=--tls-min-v1.3 node -e \
    "require('https').get('https://$host/no', (r) => console.log('status ' + r.resume().statusCode))"
  saying '403 Forbidden' none curl -sv --http1.1 --max-time 8 --cacert "$net/ca.pem" https://$host/no
  kill "$node"
  saying 'response: 502' "${refused/403/502}" "${ws13[@]}" wss://$host/ws
  keep tls-refused-opaque.pcap 'WebSockets through nginx, then the same request refused: 403, and 502 without the backend. Between, ordinary requests by the same software and by curl.'
}

# --- scenarios: Chromium and HTTP/2 -----------------------------------------------

# browse TEXT TRUTH URL opens a page and closes the browser when it has said the text,
# or after a minute.
browse() {
  need chromium
  mkdir -p "$work/home" "$work/profile"
  begin "$1" "$2" env HOME="$work/home" SSLKEYLOGFILE="$net/keys" chromium --headless \
    --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --log-level=0 $browse_options \
    --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE $host" --enable-logging=stderr \
    --user-data-dir="$work/profile" "$3"
  local n
  for ((n = 0; n < 110; n++)); do
    grep -qF -e "$1" "$work/client-0.log" && break
    sleep 0.5
  done
  sleep 1
  kill "${running[0]}" 2>/dev/null || true
  finish
}

# spares states the connections that a browser opened besides and did not use, of
# which there are none, one or two.
spares() {
  settle
  local n
  n=$(connections)
  for ((; n > 1; n--)); do states Chromium '' none; done
}

# trusting prints what makes Chromium accept a certificate.
trusting() {
  echo "--ignore-certificate-errors-spki-list=$(openssl x509 -in "$net/$1.pem" -pubkey -noout |
    openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64)"
}

chromium_wss() { #: tls-chromium
  need nginx
  network
  backend
  clients "$net/ca.pem"
  tls_server 443 ec-chain 'ssl_protocols TLSv1.2 TLSv1.3;' | nginx_on server 443
  mkdir -p "$work/home"
  cat >"$work/home/page.html" <<HTML
<script>
const ws = new WebSocket('wss://$host/ws');
let n = 0;
const send = () => ws.send('message ' + ++n);
ws.onopen = () => { console.log('open'); send(); };
ws.onmessage = () => { if (n < 6) setTimeout(send, 2200); else ws.close(1000, 'done'); };
ws.onclose = (e) => console.log('close ' + e.code);
</script>
HTML
  capture router lan0
  browse_options=
  browse 'close 1006' 'tls-failed tls-rejected-by-client' "file://$work/home/page.html"
  browse_options=$(trusting ec)
  browse 'close 1000' encrypted "file://$work/home/page.html"
  keep tls-chromium.pcap 'Headless Chromium, which first rejects the authority and then is told to accept the certificate.'
}

chromium_h2() { #: tls-chromium-h2
  network
  clients "$net/ca.pem"
  start server node "$here/h2.js" serve 443 "$net/ec-chain.pem" "$net/ec.key"
  ready server 443
  capture router lan0
  browse_options=$(trusting ec)
  mkdir -p "$work/home"
  # Chromium drops what it connects while it starts.
  echo "<script>setTimeout(() => { location = 'https://$host/'; }, 3000);</script>" >"$work/home/page.html"
  browse 'close 1000' none "file://$work/home/page.html"
  spares
  keep tls-chromium-h2.pcap 'Headless Chromium opens a WebSocket by extended CONNECT in HTTP/2 (RFC 8441).'
}

h2c() { #: tls-h2c
  network
  start server node "$here/h2.js" serve 80
  ready server 80
  capture router lan0
  begin 'status 200' h2-ok node "$here/h2.js" connect http://$host/ws
  begin 'status 403' 'h2-refused status-403' node "$here/h2.js" connect http://$host/other
  finish
  keep tls-h2c.pcap 'Without TLS: extended CONNECT in HTTP/2 by prior knowledge, accepted and refused.'
}

main "$@"
