package analyze

import (
	"fmt"
	"time"
)

// DurationText prints a duration with the digits that matter.
func DurationText(d time.Duration) string {
	switch abs := d.Abs(); {
	case abs < time.Millisecond:
		return fmt.Sprintf("%.3f ms", d.Seconds()*1e3)
	case abs < time.Second:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case abs < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case abs < 10*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
