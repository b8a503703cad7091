package analyze

import "testing"

// Values for the sample key of RFC 6455, Section 1.3.
func TestFindRecipe(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	if got, want := Accept(key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Fatalf("Accept(%q) = %q, want %q", key, got, want)
	}
	for _, test := range []struct {
		accept string
		want   Recipe
	}{
		{"FlscFByo7EQHPKXToHKEWjb17RQ=", RecipeGUIDTypo1},
		{"tF+4yo8PvjWV9zMFht911yVrKKY=", RecipeGUIDTypo2},
		{"WJfwerbIozKsJXHxxI0JTO1SQgU=", RecipeGUIDLowerCase},
		{"BXhwxM0SZasKmCD9S4BfpPmCnEw=", RecipeKeyDecoded},
		{"b37a4f2cc0624f1690f64606cf385945b2bec4ea", RecipeHexDigest},
		{"YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQ==", RecipeBase64OfHex},
		{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo", RecipeNoPadding},
		{"s3pPLMBiTxaQ9kYGzzhZRbK-xOo=", RecipeURLSafe},
		{"r9/ho7dygrDPAQf/zFnJxWqPVO4=", RecipeKeyLF},
		{"zvnId+CMmoYWpbuFiCx6kU/bpAw=", RecipeKeyCR},
		{"kex8Ji4w0ek1Mc3Dwcf4mOpf5b4=", RecipeKeyCRLF},
		{"s3mCG3XUBfFRrUGpYOBQiHm5i8g=", RecipeSPKey},
		{"xytUlkF2rVz2XzwONMCug9nn1qA=", RecipeKeySP},
		{"jIHLlg2Ll4lVOTyDUwiw+voDDsc=", RecipeQuotedKey},
		{"RZWuh2JK/hL0RMgTNJFfZIAppXg=", RecipeKeyNoPadding},
		{"CAV2rT4szLbzEtluVJbfjB7GFPY=", RecipeKeyLowerCase},
		{"hHLtf2V1k8aDQZfNjw3Ia1hCwt0=", RecipeNoGUID},
		{"2OZf2Seed9yzIpkj+zvC9KS9Mjw=", RecipeGUIDFirst},
		{"Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=", RecipeEmptyKey},
		{"wRn3T1d05f86S/JjgrE2dZ0BqLI=", RecipeTrailingNUL},
		{"c8qeCxwB8sJPxkSckeL76bKL7f642+KYzDiR7EbKyTY=", RecipeSHA256},
		{"fI/F95pFHyUax3HLt0ktmQ==", RecipeMD5},
		{"s3pPLMBiTxaQ9kYG", RecipePrefix},
		{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r", RecipeSuffixGarbage},
		{key, RecipeEchoesKey},
		{"", RecipeUnknown},
		{"AAAAAAAAAAAAAAAAAAAAAAAAAAA=", RecipeUnknown},
	} {
		if got := findRecipe(key, test.accept); got != test.want {
			t.Errorf("findRecipe(%q, %q) = %q, want %q", key, test.accept, got, test.want)
		}
	}
}
