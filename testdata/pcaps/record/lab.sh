# lab.sh is what the recording scripts share: namespaces, processes, captures
# and servers. The script that sources it sets $prefix, the beginning of its
# namespaces' names, marks its scenarios with #: and calls main "$@".
#
#   SCRIPT            record every scenario
#   SCRIPT NAME...    record only these
#   SCRIPT -l         list the scenarios
#
# shellcheck shell=bash disable=SC2034,SC2154
set -euo pipefail

program=${0##*/}
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../recorded
work=$(mktemp -d)
client_log=$work/client.log
pids=()
capture_pid=
capture_file=

# Interpreters of the distribution, not of a version manager.
python=/usr/bin/python3
export NODE_PATH=$work/npm/node_modules
export PYTHONDONTWRITEBYTECODE=1

# --- tools ------------------------------------------------------------------

# need PACKAGE... installs Debian packages that are missing.
need() {
  local missing=() name
  for name; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >"$work/apt.log"
  fi
}

need_node() {
  command -v node >/dev/null || need nodejs npm
  [ -d "$work/npm" ] && return
  mkdir "$work/npm"
  npm install --silent --no-fund --no-audit --prefix "$work/npm" ws@8 https-proxy-agent@7 >/dev/null 2>&1
}

need_go() {
  command -v go >/dev/null || need golang-go
  [ -x "$work/wsgo" ] || (cd "$here/go" && go build -o "$work/wsgo" .)
}

# --- namespaces -------------------------------------------------------------

in_ns() { # in_ns NAMESPACE COMMAND...
  local ns=$1
  shift
  ip netns exec "$prefix-$ns" "$@"
}

# namespace NAME makes a namespace that resolves names only by $hosts, or by
# the name server in $resolver if that is set.
namespace() {
  ip netns add "$prefix-$1"
  mkdir -p "/etc/netns/$prefix-$1"
  echo "${resolver:+nameserver $resolver}" >"/etc/netns/$prefix-$1/resolv.conf"
  printf '127.0.0.1 localhost\n::1 localhost\n%s\n' "$hosts" >"/etc/netns/$prefix-$1/hosts"
  ip -n "$prefix-$1" link set lo up
}

# cable NS1 IF1 MAC1 NS2 IF2 MAC2 joins two namespaces by a veth pair.
cable() {
  ip link add name "$2" address "$3" netns "$prefix-$1" type veth \
    peer name "$5" address "$6" netns "$prefix-$4"
  [ -n "${offload:-}" ] || {
    in_ns "$1" ethtool -K "$2" tso off gso off gro off tx off >/dev/null
    in_ns "$4" ethtool -K "$5" tso off gso off gro off tx off >/dev/null
  }
  ip -n "$prefix-$1" link set "$2" up
  ip -n "$prefix-$4" link set "$5" up
}

address() { # address NS IF ADDRESS/LENGTH...
  local ns=$1 dev=$2 a
  shift 2
  for a; do
    case $a in
      *:*) ip -n "$prefix-$ns" address add "$a" dev "$dev" nodad ;;
      *) ip -n "$prefix-$ns" address add "$a" dev "$dev" ;;
    esac
  done
}

bridge() { # bridge NS NAME MAC
  ip -n "$prefix-$1" link add name "$2" address "$3" type bridge
  ip -n "$prefix-$1" link set "$2" up
}

remove_namespaces() {
  local ns
  for ns in $(ip netns list | awk -v p="^$prefix-" '$1 ~ p { print $1 }'); do
    ip netns delete "$ns"
    rm -rf "/etc/netns/$ns"
  done
  rmdir /etc/netns 2>/dev/null || true
}

# --- processes --------------------------------------------------------------

# start NS COMMAND... runs a server until the end of the scenario. It calls
# ip, not in_ns, because $! of a function would be a shell around the command.
start() {
  local ns=$1
  shift
  ip netns exec "$prefix-$ns" "$@" >>"$work/server.log" 2>&1 &
  pids+=($!)
}

stop_all() {
  local i
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  pids=()
}

# poll WHAT COMMAND... waits up to 10 s until the command succeeds.
poll() {
  local what=$1 n
  shift
  for ((n = 0; n < 200; n++)); do
    "$@" && return
    sleep 0.05
  done
  echo "$program: no $what within 10 s" >&2
  return 1
}

listens() { in_ns "$1" ss -Hltun "sport = :$2" | grep -q .; }
ready() { poll "listener on port $2" listens "$1" "$2"; }

# expect TEXT NS COMMAND... runs a client to its end and fails unless its
# output holds TEXT.
expect() {
  local text=$1 ns=$2
  shift 2
  in_ns "$ns" timeout 60 "$@" >"$client_log" 2>&1 </dev/null || true
  grep -qF -e "$text" "$client_log" && return
  echo "$program: \"$text\" missing in the output of: $*" >&2
  cat "$client_log" >&2
  return 1
}

cleanup() {
  [ -z "$capture_pid" ] || kill "$capture_pid" 2>/dev/null || true
  stop_all
  remove_namespaces
  rm -rf "$work"
}

# --- capturing --------------------------------------------------------------

# capture NS IF [TCPDUMP ARGUMENT...] starts the capture of this scenario.
capture() {
  local ns=$1 dev=$2
  shift 2
  capture_file=$work/capture
  rm -f "$capture_file" "$work/capture.log"
  ip netns exec "$prefix-$ns" tcpdump -i "$dev" -U --immediate-mode -Z root -w "$capture_file" "$@" 2>"$work/capture.log" &
  capture_pid=$!
  poll 'start of the capture' grep -qs 'listening on' "$work/capture.log"
}

# capture_ng NS IF... is capture by dumpcap, which can write several
# interfaces into one pcapng file.
capture_ng() {
  local ns=$1 dev args=()
  shift
  for dev; do args+=(-i "$dev"); done
  capture_file=$work/capture
  rm -f "$capture_file" "$work/capture.log"
  ip netns exec "$prefix-$ns" dumpcap -q -n "${args[@]}" -w "$capture_file" 2>"$work/capture.log" &
  capture_pid=$!
  poll 'start of the capture' grep -qs 'Capturing on' "$work/capture.log"
  poll 'capture file' test -s "$capture_file"
}

# settle waits until no more packets come.
settle() {
  local before=-1 now
  while now=$(stat -c %s "$capture_file") && [ "$now" != "$before" ]; do
    before=$now
    sleep 1.1
  done
}

# save FILE ends the capture and stores it as recorded/FILE in the format that
# the ending names.
save() {
  settle
  kill "$capture_pid" 2>/dev/null || true
  wait "$capture_pid" || true
  capture_pid=
  case $1 in
    *.pcapng)
      editcap -F pcapng "$capture_file" "$work/capture.ng"
      "$python" "$here/strip-pcapng.py" "$work/capture.ng" "$work/stripped"
      cp "$work/stripped" "$out/$1"
      ;;
    *) cp "$capture_file" "$out/$1" ;;
  esac
}

# --- servers ----------------------------------------------------------------

server() { # server NS PORT [OPTION...]
  local ns=$1 port=$2
  shift 2
  start "$ns" node "$here/ws-server.js" --port "$port" "$@"
  ready "$ns" "$port"
}

client() { # client TEXT URL [OPTION...]
  local text=$1
  shift
  expect "$text" client node "$here/ws-client.js" "$@"
}

raw_server() { # raw_server NS PORT
  start "$1" "$python" "$here/raw-server.py" "$2"
  ready "$1" "$2"
}

# nginx_on NS PORT takes the server blocks from standard input.
nginx_on() {
  mkdir -p "$work/nginx/html"
  echo '<h1>It works</h1>' >"$work/nginx/html/index.html"
  {
    cat <<'CONF'
user root;
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
  log_format hop 'hop $scheme://$http_host$request_uri $status';
  access_log /dev/stderr hop;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
CONF
    cat
    echo '}'
  } >"$work/nginx/nginx.conf"
  start "$1" nginx -e stderr -p "$work/nginx/" -c nginx.conf
  ready "$1" "$2"
}

# apache_on NS PORT takes the end of the configuration from standard input.
apache_on() {
  mkdir -p "$work/apache"
  {
    echo "Listen $2"
    echo "ServerRoot $work/apache"
    cat <<'CONF'
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_wstunnel_module /usr/lib/apache2/modules/mod_proxy_wstunnel.so
LoadModule proxy_connect_module /usr/lib/apache2/modules/mod_proxy_connect.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
User www-data
Group www-data
ServerName ws.example.com
PidFile apache.pid
DefaultRuntimeDir .
Mutex posixsem
ErrorLog /dev/null
CONF
    cat
  } >"$work/apache.conf"
  chmod 755 "$work" "$work/apache"
  start "$1" apache2 -DFOREGROUND -f "$work/apache.conf"
  ready "$1" "$2"
}

haproxy_on() { # haproxy_on NS PORT, frontend and backend from standard input
  {
    cat <<'CONF'
global
  stats timeout 1s
defaults
  mode http
  timeout connect 3s
  timeout client 10s
  timeout server 10s
  timeout tunnel 10s
CONF
    cat
  } >"$work/haproxy.cfg"
  start "$1" haproxy -db -f "$work/haproxy.cfg"
  ready "$1" "$2"
}

caddy_on() { # caddy_on NS PORT, a Caddyfile from standard input
  mkdir -p "$work/caddy"
  cat >"$work/Caddyfile"
  start "$1" env HOME="$work/caddy" XDG_DATA_HOME="$work/caddy" XDG_CONFIG_HOME="$work/caddy" \
    caddy run --config "$work/Caddyfile" --adapter caddyfile
  ready "$1" "$2"
}

tinyproxy_on() { # tinyproxy_on NS PORT, more settings from standard input
  {
    printf 'Port %s\nTimeout 60\nViaProxyName "proxy.example.com"\nLogFile "%s"\n' "$2" "$work/tinyproxy.log"
    cat
  } >"$work/tinyproxy-$2.conf"
  start "$1" tinyproxy -d -c "$work/tinyproxy-$2.conf"
  ready "$1" "$2"
}

esp() { # esp TEXT NS HOST PORT PATH [OPTION...]
  local text=$1 ns=$2
  shift 2
  expect "$text" "$ns" "$python" "$here/esp-client.py" "$@"
}

# curl_upgrade TEXT URL [OPTION...] sends a hand-made handshake with curl.
curl_upgrade() {
  local text=$1
  shift
  expect "$text" client curl -sv --http1.1 --max-time 2 \
    -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H "Sec-WebSocket-Key: $(head -c 16 /dev/urandom | base64)" "$@"
}

# --- main -------------------------------------------------------------------

# scenarios prints "name function" for each function marked with #:
scenarios() { sed -n 's/^\([a-z0-9_]*\)() { #: \(.*\)$/\2 \1/p' "$0"; }

record() { # record FUNCTION
  local hosts='' resolver='' offload=''
  "$1"
  stop_all
  remove_namespaces
  rm -rf "${work:?}"/{nginx,apache,caddy,net,home,profile,server.log}
}

main() {
  if [ "${1:-}" = -l ]; then
    scenarios | cut -d' ' -f1
    return
  fi
  trap cleanup EXIT
  trap 'exit 1' INT TERM
  need ethtool iproute2 procps tcpdump tshark
  mkdir -p "$out"
  remove_namespaces
  local name function wanted=("$@")
  if [ $# -eq 0 ]; then
    mapfile -t wanted < <(scenarios | cut -d' ' -f1)
  fi
  for name in "${wanted[@]}"; do
    function=$(scenarios | awk -v n="$name" '$1 == n { print $2 }')
    if [ -z "$function" ]; then
      echo "$program: no scenario $name, see $program -l" >&2
      return 2
    fi
    echo "$name"
    record "$function"
  done
}
