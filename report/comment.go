package report

import (
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// A Comment is what is said of an attempt at its packets.
type Comment struct {
	Frames []int // where: the request and the answer, or what was seen first if there is neither
	Text   string
}

// CommentOn returns the verdict on an attempt and the sentences of its errors, or
// of its warnings if it has none, in one line for a terminal.
func CommentOn(a *analyze.Attempt, opt *Options) Comment {
	v := newMasker(opt.orDefault()).veil(a)
	worst, _ := a.Severity()
	var why []string
	if a.Reason != "" {
		why = append(why, v.text(a.Reason))
	}
	for _, f := range a.Findings {
		if f.Severity == worst && worst > analyze.Note {
			why = append(why, strings.TrimSuffix(Message(v.finding(f)), "."))
		}
	}
	text := "wssniff: " + a.Verdict.String()
	if len(why) > 0 {
		text += ": " + strings.Join(why, "; ")
	}
	return Comment{commentFrames(a), cellText(text)}
}

func commentFrames(a *analyze.Attempt) (frames []int) {
	add := func(frame int) {
		if frame > 0 {
			frames = append(frames, frame)
		}
	}
	if a.OnlyTLS() {
		add(a.TLS.Asked.Frame)
		add(a.TLS.Answered.Frame)
	} else {
		add(stampOf(a.Request).Frame)
		add(stampOf(a.Response).Frame)
	}
	if len(frames) == 0 {
		add(a.Start().Frame)
	}
	return frames
}
