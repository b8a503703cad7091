module github.com/wssniff/wssniff

go 1.26.0

// Asked for by name: packets and TCP, flags, tables, metrics.
require (
	github.com/google/gopacket v1.1.19
	github.com/olekukonko/tablewriter v1.1.5
	github.com/prometheus/client_golang v1.25.0
	github.com/spf13/pflag v1.1.0
)

require (
	github.com/klauspost/compress v1.20.3 // gzip and zstd: pure Go, bounded memory, what most of the ecosystem uses
	github.com/pierrec/lz4/v4 v4.1.33 // the one kept LZ4 in Go
	golang.org/x/crypto v0.58.0 // chacha20poly1305, of TLS
	golang.org/x/net v0.62.0 // bpf: the instructions of packet filters; dnsmessage: answers of DNS; http2, hpack: frames and header blocks
	golang.org/x/sys v0.49.0 // packet sockets of Linux
	golang.org/x/term v0.47.0 // is it a terminal, and how wide
)

// What a live capture gives away.
require (
	github.com/landlock-lsm/go-landlock v0.11.0
	kernel.org/pub/linux/libs/security/libcap/psx v1.2.77 // for all threads, with and without cgo
)

// The screen of --top.
require (
	charm.land/bubbletea/v2 v2.1.1
	github.com/charmbracelet/colorprofile v0.4.3 // which colours it may use
	github.com/charmbracelet/x/ansi v0.11.9 // how wide text is
	github.com/muesli/cancelreader v0.2.2 // indirect; a Read that can be called off
)

// For tests.
require (
	github.com/google/go-cmp v0.7.0
	github.com/prometheus/client_model v0.6.3 // metrics as data
	github.com/prometheus/common v0.72.0 // and as text
	github.com/rogpeppe/go-internal v1.16.0 // testscript
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // every line of JSON against the schema
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/charmbracelet/ultraviolet v0.0.0-20261008173134-6b8d4baf91b4 // indirect
	github.com/charmbracelet/x/term v0.2.2 // indirect
	github.com/charmbracelet/x/termios v0.1.1 // indirect
	github.com/charmbracelet/x/windows v0.2.2 // indirect
	github.com/clipperhouse/displaywidth v0.11.0 // indirect
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/fatih/color v1.18.0 // indirect
	github.com/lucasb-eyer/go-colorful v1.4.1 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mattn/go-runewidth v0.0.30 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/olekukonko/cat v0.0.0-20250911104152-50322a0618f6 // indirect
	github.com/olekukonko/errors v1.2.0 // indirect
	github.com/olekukonko/ll v0.1.6 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/xo/terminfo v1.0.0 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/telemetry v0.0.0-20261010193011-f71dc92da45e // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
	golang.org/x/vuln v1.9.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)

tool (
	golang.org/x/vuln/cmd/govulncheck
	honnef.co/go/tools/cmd/staticcheck
)
