package tlsdecrypt

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
)

// MaxPrivateKeys bounds the private keys, as each is tried.
const MaxPrivateKeys = 16

// AddPrivateKey adds the RSA keys of a PEM file (PKCS #1 or PKCS #8, not encrypted).
// They decrypt connections whose cipher suite has RSA key exchange, and no others.
// It fails if the file has none, or there are more than MaxPrivateKeys in all; no
// error holds anything of the file.
func (k *Keys) AddPrivateKey(file []byte) error {
	found := false
	for {
		var block *pem.Block
		if block, file = pem.Decode(file); block == nil {
			break
		}
		key := parsePrivateKey(block)
		if key == nil {
			continue
		}
		if len(k.private) >= MaxPrivateKeys {
			return fmt.Errorf("more than %d private keys", MaxPrivateKeys)
		}
		k.private = append(k.private, key)
		found, k.rsa = true, true
	}
	if !found {
		return errors.New("no RSA private key in PEM form, PKCS #1 or PKCS #8, that is not encrypted")
	}
	return nil
}

// parsePrivateKey returns nil if there is no RSA private key in a block.
func parsePrivateKey(block *pem.Block) *rsa.PrivateKey {
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err == nil {
			return key
		}
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if key, ok := key.(*rsa.PrivateKey); err == nil && ok {
			return key
		}
	}
	return nil
}

// premaster returns the premaster secret that a client sent encrypted, nil if it
// cannot be opened, or its first bytes are not the version that the client offered,
// RFC 5246, Section 7.4.7.1.
func (k *Keys) premaster(encrypted []byte, version uint16) []byte {
	if len(encrypted) < premasterID {
		return nil
	}
	id := secretID{label: premasterSecret}
	copy(id.random[:premasterID], encrypted)
	if s := k.get(id, longestSecret); s != nil {
		return s
	}
	for _, key := range k.private {
		s, err := key.Decrypt(nil, encrypted, nil) // PKCS #1 v1.5
		if err == nil && len(s) == longestSecret && binary.BigEndian.Uint16(s) == version {
			return s
		}
	}
	return nil
}
