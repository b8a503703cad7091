package analyze

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// A Recipe is a known way to compute a wrong Sec-WebSocket-Accept.
type Recipe uint8

const (
	RecipeNone    Recipe = iota // the Accept is right, or there is none to judge
	RecipeUnknown               // wrong, and no recipe fits
	RecipeOtherFlow
	RecipeGUIDTypo1
	RecipeGUIDTypo2
	RecipeGUIDLowerCase
	RecipeKeyDecoded
	RecipeHexDigest
	RecipeBase64OfHex
	RecipeNoPadding
	RecipeURLSafe
	RecipeKeyLF
	RecipeKeyCR
	RecipeKeyCRLF
	RecipeSPKey
	RecipeKeySP
	RecipeQuotedKey
	RecipeKeyNoPadding
	RecipeKeyLowerCase
	RecipeNoGUID
	RecipeGUIDFirst
	RecipeEmptyKey
	RecipeTrailingNUL
	RecipeSHA256
	RecipeMD5
	RecipePrefix
	RecipeSuffixGarbage
	RecipeEchoesKey
	RecipeKnownConstant // the Accept of a key that examples and tools use
	RecipeSecondKey     // computed from another Sec-WebSocket-Key of the same request
)

var recipeNames = [...]string{
	"", "unknown", "other-flow", "guid-typo-1", "guid-typo-2", "guid-lower-case", "key-decoded", "hex-digest",
	"base64-of-hex", "no-padding", "url-safe", "key-lf", "key-cr", "key-crlf", "sp-key", "key-sp", "quoted-key",
	"key-without-padding", "key-lower-case", "no-guid", "guid-first", "empty-key", "trailing-nul", "sha256", "md5",
	"prefix", "suffix-garbage", "echoes-key", "known-constant", "second-key",
}

// String returns the recipe's name, "" for RecipeNone.
func (r Recipe) String() string { return recipeNames[r] }

// findRecipe names the recipe by which accept was computed from key, the
// expected value of other flows aside.
func findRecipe(key, accept string) Recipe {
	if accept == key {
		return RecipeEchoesKey
	}
	for _, try := range recipes {
		if got := try.accept(key); got == accept && got != "" {
			return try.recipe
		}
	}
	for _, known := range knownKeys {
		if accept == Accept(known.key) {
			return RecipeKnownConstant
		}
	}
	want := Accept(key)
	switch {
	case len(accept) >= 4 && strings.HasPrefix(want, accept):
		return RecipePrefix
	case strings.HasPrefix(accept, want):
		return RecipeSuffixGarbage
	case len(accept) == len(want) && accept[:len(want)-1] == want[:len(want)-1]:
		return RecipePrefix
	}
	return RecipeUnknown
}

// recipes are tried in this order.
var recipes = [...]struct {
	recipe Recipe
	accept func(key string) string
}{
	{RecipeGUIDTypo1, func(k string) string { return hash(k + "258EAFA5-E914-47DA-95CA-5AB9DC11B5AB") }},
	{RecipeGUIDTypo2, func(k string) string { return hash(k + "258EAFA5-E914-47DA-95CA-5AB0DC85B11F") }},
	{RecipeGUIDLowerCase, func(k string) string { return hash(k + strings.ToLower(guid)) }},
	{RecipeKeyDecoded, keyDecoded},
	{RecipeHexDigest, hexDigest},
	{RecipeBase64OfHex, func(k string) string { return base64.StdEncoding.EncodeToString([]byte(hexDigest(k))) }},
	{RecipeNoPadding, func(k string) string { return strings.TrimRight(Accept(k), "=") }},
	{RecipeURLSafe, func(k string) string { return urlSafe(Accept(k)) }},
	{RecipeURLSafe, func(k string) string { return strings.TrimRight(urlSafe(Accept(k)), "=") }},
	{RecipeKeyLF, func(k string) string { return hash(k + "\n" + guid) }},
	{RecipeKeyCR, func(k string) string { return hash(k + "\r" + guid) }},
	{RecipeKeyCRLF, func(k string) string { return hash(k + "\r\n" + guid) }},
	{RecipeSPKey, func(k string) string { return hash(" " + k + guid) }},
	{RecipeKeySP, func(k string) string { return hash(k + " " + guid) }},
	{RecipeQuotedKey, func(k string) string { return hash(`"` + k + `"` + guid) }},
	{RecipeKeyNoPadding, func(k string) string { return hash(strings.TrimRight(k, "=") + guid) }},
	{RecipeKeyLowerCase, func(k string) string { return hash(strings.ToLower(k) + guid) }},
	{RecipeNoGUID, hash},
	{RecipeGUIDFirst, func(k string) string { return hash(guid + k) }},
	{RecipeEmptyKey, func(string) string { return hash(guid) }},
	{RecipeTrailingNUL, func(k string) string { return hash(k + guid + "\x00") }},
	{RecipeSHA256, func(k string) string {
		sum := sha256.Sum256([]byte(k + guid))
		return base64.StdEncoding.EncodeToString(sum[:])
	}},
	{RecipeMD5, func(k string) string {
		sum := md5.Sum([]byte(k + guid))
		return base64.StdEncoding.EncodeToString(sum[:])
	}},
}

// hash is the digest of RFC 6455 over any text.
func hash(s string) string {
	sum := sha1.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func hexDigest(key string) string {
	sum := sha1.Sum([]byte(key + guid))
	return hex.EncodeToString(sum[:])
}

func urlSafe(s string) string { return strings.NewReplacer("+", "-", "/", "_").Replace(s) }

// decodeKey returns what a base64 decoder makes of a key, "" if it refuses.
func decodeKey(key string) string {
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return ""
	}
	return string(b)
}

// keyDecoded hashes the decoded key; "" if the key cannot be decoded.
func keyDecoded(key string) string {
	if nonce := decodeKey(key); nonce != "" {
		return hash(nonce + guid)
	}
	return ""
}

// code returns the finding that says more about an Accept made by the recipe,
// and false if there is none.
func (r Recipe) code() (Code, bool) {
	switch r {
	case RecipeOtherFlow, RecipeKnownConstant:
		return AcceptBelongsToOtherFlow, true
	case RecipeGUIDTypo1, RecipeGUIDTypo2, RecipeGUIDLowerCase:
		return AcceptWrongGUID, true
	case RecipeKeyDecoded:
		return AcceptOfDecodedKey, true
	case RecipeHexDigest, RecipeBase64OfHex:
		return AcceptHexDigest, true
	case RecipeNoPadding, RecipeURLSafe, RecipeTrailingNUL, RecipePrefix, RecipeSuffixGarbage:
		return AcceptEncodingVariant, true
	case RecipeKeyLF, RecipeKeyCR, RecipeKeyCRLF, RecipeSPKey, RecipeKeySP, RecipeQuotedKey, RecipeKeyNoPadding, RecipeKeyLowerCase:
		return AcceptKeyTrimVariant, true
	case RecipeNoGUID, RecipeGUIDFirst, RecipeEmptyKey, RecipeSHA256, RecipeMD5:
		return AcceptWrongHash, true
	case RecipeEchoesKey:
		return AcceptEchoesKey, true
	}
	return 0, false
}
