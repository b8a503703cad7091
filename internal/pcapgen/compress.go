package pcapgen

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
)

// gzipped compresses a file. The result may differ between Go releases, what
// is in it does not.
func gzipped(file []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	w.Write(file)                                         // into memory: cannot fail
	w.Close()
	return b.Bytes()
}

// zstandard puts a file into a Zstandard frame of raw blocks (RFC 8878): the
// container matters here, not what it saves.
func zstandard(file []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xfd2fb528)
	b = append(b, 0xa0) // single segment, content size in four bytes
	b = binary.LittleEndian.AppendUint32(b, uint32(len(file)))
	parts := pieces(file, 2)
	for i, p := range parts {
		header := uint32(len(p)) << 3 // raw block
		if i == len(parts)-1 {
			header |= 1
		}
		b = append(b, byte(header), byte(header>>8), byte(header>>16))
		b = append(b, p...)
	}
	return b
}

// lz4Framed puts a file into an LZ4 frame of uncompressed blocks.
func lz4Framed(file []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x184d2204)
	b = append(b, 0x60, 0x40, 0x82) // independent blocks of up to 64 KiB; header checksum
	for _, p := range pieces(file, 2) {
		b = binary.LittleEndian.AppendUint32(b, 1<<31|uint32(len(p)))
		b = append(b, p...)
	}
	return binary.LittleEndian.AppendUint32(b, 0)
}
