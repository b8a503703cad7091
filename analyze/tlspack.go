package analyze

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// session packs what is told of a TLS connection. It begins as an exchange whose
// request was complete with the ClientHello.
func (p *packer) session(s *session) {
	flags := byte(packTLS)
	if s.client == flow.BtoA {
		flags |= packServerFirst
	}
	p.b = append(p.b, flags, packSpread)
	p.stamp(s.Asked, flow.Stamp{})
	p.u32(0)
	p.u32(0)
	p.stamp(s.First, s.Asked)
	p.uint(0)
	p.uint(0)
	p.tls(s)
	p.text([]byte(s.tunnel))
}

// tls packs what is told of a TLS connection.
func (p *packer) tls(s *session) {
	p.stamp(s.Asked, flow.Stamp{})
	p.stamp(s.First, s.Asked)
	p.name(s.ServerName)
	p.flag(s.Named)
	p.uint(uint64(s.Offered))
	p.uint(uint64(len(s.ALPN)))
	for _, name := range s.ALPN {
		p.name(name)
	}
	p.list(s.Suites)
	p.list(s.Groups)
	p.text([]byte(s.JA3))
	p.name(s.JA4)
	p.u32(s.HelloTime)
	for _, at := range s.stamps() {
		p.seen(*at, s.Asked)
	}
	for _, n := range s.numbers() {
		p.uint(uint64(*n))
	}
	p.uint(uint64(s.Version))
	p.uint(uint64(s.Suite))
	p.name(s.Protocol)
	p.b = append(p.b, byte(s.Unread[0]), byte(s.Unread[1]), byte(s.Resumption), byte(s.Alert.By), byte(s.Alert.Description))
	for _, on := range s.flags() {
		p.flag(*on)
	}
	p.text([]byte(s.Other))
	p.list(s.Outline.Replies)
	p.uint(uint64(len(s.chain)))
	for _, number := range s.chain {
		p.uint(uint64(number))
	}
}

// stamps, numbers and flags are what is packed and unpacked in a row.
func (x *TLS) stamps() [10]*flow.Stamp {
	return [...]*flow.Stamp{&x.Outline.Answered, &x.Answered, &x.CertificateAt, &x.FlightDone, &x.Spoke[0], &x.Spoke[1], &x.Alert.At, &x.Opened, &x.Latest, &x.OtherAt}
}

func (x *TLS) numbers() [8]*int {
	o := &x.Outline
	return [...]*int{&x.Records[0], &x.Records[1], &x.Small[0], &x.Small[1], &o.Request, &o.More, &o.Frames, &o.Tiny}
}

func (x *TLS) flags() [9]*bool {
	return [...]*bool{&x.Outline.Whole, &x.Garbled, &x.Unnotified[0], &x.Unnotified[1], &x.Unreceived, &x.Retry, &x.AsksCertificate, &x.Alert.Fatal, &x.Alert.Sealed}
}

func (p *packer) name(s string) { p.phrase([]byte(s)) }

// list writes numbers as a text.
func (p *packer) list(numbers []uint16) {
	p.scratch = p.scratch[:0]
	for _, n := range numbers {
		p.scratch = binary.BigEndian.AppendUint16(p.scratch, n)
	}
	p.phrase(p.scratch)
}

func (u *unpacker) list() (numbers []uint16) {
	for text := u.phrase(nil); len(text) > 0; text = text[2:] {
		numbers = append(numbers, binary.BigEndian.Uint16(text))
	}
	return numbers
}

// tls reads it into x.
func (u *unpacker) tls(x *TLS, all *certificates) {
	x.Asked = u.stamp(flow.Stamp{})
	x.First = u.stamp(x.Asked)
	name := func() string { return string(u.phrase(nil)) }
	x.ServerName = name()
	x.Named = u.flag()
	x.Offered = uint16(u.uint())
	for range u.uint() {
		x.ALPN = append(x.ALPN, name())
	}
	x.Suites, x.Groups = u.list(), u.list()
	x.JA3, x.JA4, x.HelloTime = string(u.text()), name(), u.u32()
	for _, at := range x.stamps() {
		*at = u.seen(x.Asked)
	}
	for _, n := range x.numbers() {
		*n = int(u.uint())
	}
	x.Version, x.Suite, x.Protocol = uint16(u.uint()), uint16(u.uint()), name()
	x.Unread = [2]tlsdecrypt.Reason{tlsdecrypt.Reason(u.byte()), tlsdecrypt.Reason(u.byte())}
	x.Resumption, x.Alert.By, x.Alert.Description = Resumption(u.byte()), Side(u.byte()), tlswire.AlertDescription(u.byte())
	for _, on := range x.flags() {
		*on = u.flag()
	}
	x.Other = string(u.text())
	x.Outline.Replies = u.list()
	for range u.uint() {
		x.Certificates = append(x.Certificates, all.at(uint32(u.uint())))
	}
}
