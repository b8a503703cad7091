package measure

import "testing"

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 2, 3}, 2.5},
	} {
		if got := Median(c.of); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.of, got, c.want)
		}
	}
}

func TestRatioIsMedianOfPairs(t *testing.T) {
	own := []Usage{{CPU: 2}, {CPU: 9}, {CPU: 4}}
	other := []Usage{{CPU: 1}, {CPU: 3}, {CPU: 1}}
	if got := Times(Ratio(own, other, CPU)); got != "3.00" {
		t.Errorf("ratio %s, want 3.00", got)
	}
	if got := Times(Ratio(other, own, CPU)); got != "0.33" {
		t.Errorf("ratio the other way %s, want 0.33", got)
	}
	if got := Times(Ratio(own, nil, CPU)); got != "-" {
		t.Errorf("ratio without a reference %q", got)
	}
}
