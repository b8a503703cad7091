package pcapgen

import "testing"

// sampleKey is the key of RFC 6455, Section 1.3.
const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// sampleAccepts are values computed elsewhere for the sample key.
var sampleAccepts = map[string]string{
	"guid-typo-1":         "FlscFByo7EQHPKXToHKEWjb17RQ=",
	"guid-typo-2":         "tF+4yo8PvjWV9zMFht911yVrKKY=",
	"guid-lower-case":     "WJfwerbIozKsJXHxxI0JTO1SQgU=",
	"key-decoded":         "BXhwxM0SZasKmCD9S4BfpPmCnEw=",
	"hex-digest":          "b37a4f2cc0624f1690f64606cf385945b2bec4ea",
	"base64-of-hex":       "YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQ==",
	"no-padding":          "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
	"url-safe":            "s3pPLMBiTxaQ9kYGzzhZRbK-xOo=",
	"key-lf":              "r9/ho7dygrDPAQf/zFnJxWqPVO4=",
	"key-cr":              "zvnId+CMmoYWpbuFiCx6kU/bpAw=",
	"key-crlf":            "kex8Ji4w0ek1Mc3Dwcf4mOpf5b4=",
	"sp-key":              "s3mCG3XUBfFRrUGpYOBQiHm5i8g=",
	"key-sp":              "xytUlkF2rVz2XzwONMCug9nn1qA=",
	"quoted-key":          "jIHLlg2Ll4lVOTyDUwiw+voDDsc=",
	"key-without-padding": "RZWuh2JK/hL0RMgTNJFfZIAppXg=",
	"key-lower-case":      "CAV2rT4szLbzEtluVJbfjB7GFPY=",
	"no-guid":             "hHLtf2V1k8aDQZfNjw3Ia1hCwt0=",
	"guid-first":          "2OZf2Seed9yzIpkj+zvC9KS9Mjw=",
	"empty-key":           "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=",
	"trailing-nul":        "wRn3T1d05f86S/JjgrE2dZ0BqLI=",
	"sha256":              "c8qeCxwB8sJPxkSckeL76bKL7f642+KYzDiR7EbKyTY=",
	"md5":                 "fI/F95pFHyUax3HLt0ktmQ==",
}

func TestRecipes(t *testing.T) {
	if got, want := acceptFor(sampleKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Fatalf("acceptFor(%q) = %q, want %q", sampleKey, got, want)
	}
	tested := 0
	for _, r := range recipes {
		want, ok := sampleAccepts[r.cause]
		if !ok {
			continue
		}
		tested++
		if got := r.value(sampleKey); got != want {
			t.Errorf("%s: %q, want %q", r.cause, got, want)
		}
	}
	if tested != len(sampleAccepts) {
		t.Errorf("%d recipes have sample values, want %d", tested, len(sampleAccepts))
	}
}

var knownAccepts = map[string]string{
	"x3JJHMbDL1EzLkh9GBhXDw==": "HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
	"MDEyMzQ1Njc4OWFiY2RlZg==": "BACScCJPNqyz+UBoqMH89VmURoA=",
	"dGhlIHNhbXBsZSBub25jZQ==": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
	"94BKvjUp/+zImAvhNQWT3w==": "YEnWoN9LO/uJsUNt75XZzCYc0cA=",
	"nil":                      "Q67D9eATKx531lK8F7u2rqQNnNI=",
	"AQIDBAUGBwgJCgsMDQ4PEC==": "OfS0wDaT5NoxF2gqm7Zj2YtetzM=",
}

func TestKnownKeys(t *testing.T) {
	for _, k := range knownKeys {
		if got, want := acceptFor(k.key), knownAccepts[k.key]; got != want {
			t.Errorf("%s: %q, want %q", k.name, got, want)
		}
	}
}
