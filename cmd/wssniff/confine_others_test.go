//go:build !linux

package main

func confinedMain() {}
