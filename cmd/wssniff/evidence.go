package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/evidence"
)

// keeping says which packets are written, and where.
type keeping struct {
	file      string // "": none
	seconds   int
	megabytes int
	files     int
	memory    size
}

func (k *keeping) define(fs *pflag.FlagSet) {
	fs.StringVarP(&k.file, "write", "w", "", "write the packets of what failed to `FILE`, pcapng with the verdicts as comments; .zst, .gz or .lz4 at its end compresses")
	fs.IntVarP(&k.seconds, "rotate-seconds", "G", 0, "with -w: begin a file every `SECONDS`, with its time in its name")
	fs.IntVarP(&k.megabytes, "rotate-megabytes", "C", 0, "with -w: begin a file where one would have more than `MB` million bytes")
	fs.IntVarP(&k.files, "rotate-files", "W", 0, "with -G or -C: keep `N` files, and remove the oldest")
}

func (k *keeping) defineLimit(fs *pflag.FlagSet) {
	sized(fs, &k.memory, "max-evidence", evidence.DefaultMemory, "with -w: keep `SIZE` of packets of what is not decided (of files that can be read twice, none)")
}

func (k *keeping) validate() error {
	switch {
	case k.seconds < 0 || k.megabytes < 0 || k.files < 0:
		return errors.New("-G, -C and -W are greater than 0")
	case k.file == "" && k.seconds+k.megabytes+k.files > 0:
		return errors.New("-G, -C and -W say how -w writes: name a file with it")
	case k.file == "-":
		return errors.New("--write needs a file: standard output is for the report")
	case k.files == 1:
		return errors.New("--rotate-files is 2 at least: the file that is written is one of them")
	case k.files > 0 && k.seconds+k.megabytes == 0:
		return errors.New("--rotate-files says how many to keep, and needs --rotate-seconds or --rotate-megabytes")
	case k.memory < evidence.MinMemory:
		return fmt.Errorf("--max-evidence is %dM at least", evidence.MinMemory>>20)
	}
	return nil
}

// dir is the directory in which files are made; "" if none are.
func (k *keeping) dir() string {
	if k.file == "" {
		return ""
	}
	return filepath.Dir(k.file)
}

// witness begins to write; nil if nothing is to be.
func (k *keeping) witness(src source, tell func(string)) (*witness, error) {
	if k.file == "" {
		return nil, nil
	}
	w, err := evidence.Create(k.file, &evidence.Config{
		Every: time.Duration(k.seconds) * time.Second, Size: int64(k.megabytes) * 1e6, Files: k.files,
		Interface: src.Interface, Drops: func() int64 { return src.Stats().Drops }, Tell: tell,
	})
	if err != nil {
		return nil, err
	}
	seen := &witness{writer: w, keeper: evidence.NewKeeper(w, &evidence.Limits{Memory: int(k.memory)})}
	if in, ok := src.(*capture.Source); ok {
		if files, again := in.Files(); again {
			seen.files = files
		}
	}
	return seen, nil
}
