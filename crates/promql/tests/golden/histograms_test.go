// Writes ../it/scripts/native_histograms.test: what real Prometheus makes of generated queries over generated series of
// native histograms. Run by hand:
//
//	go mod tidy && go test -run Histograms
//
// The last digits of a sum depend on the order in which Prometheus happens to read series.
//
// Left out is what Prometheus does not decide by the data alone (warnings that depend on the order in which it happens
// to read series, or of which it keeps one of several), and histograms whose buckets it counts twice where zero buckets
// of different widths and schemas meet.
package main

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

func num(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Inf"
	case math.IsInf(f, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func metricText(l labels.Labels) string { return l.String() }

// a random native histogram as text.
func hist(r *rand.Rand, kind int, grow float64) string {
	var b []string
	switch kind {
	case 0, 1, 2: // exponential
		schema := []int{0, 1, -1}[kind]
		b = append(b, fmt.Sprintf("schema:%d", schema))
		n := 1 + r.Intn(5)
		var count float64
		list := func() string {
			var s []string
			for i := 0; i < n; i++ {
				c := float64(1+r.Intn(4)) * grow
				count += c
				s = append(s, num(c))
			}
			return "[" + strings.Join(s, " ") + "]"
		}
		w := 0.001
		// No bucket begins inside the zero bucket.
		least := -3
		for math.Exp2(float64(least-1)/math.Exp2(float64(schema))) < w {
			least++
		}
		b = append(b, fmt.Sprintf("offset:%d buckets:%s", least+r.Intn(5), list()))
		if true {
			b = append(b, fmt.Sprintf("n_offset:%d n_buckets:%s", least+r.Intn(4), list()))
		}
		z := float64(1+r.Intn(5)) * grow
		count += z
		b = append(b, fmt.Sprintf("z_bucket:%s z_bucket_w:%s", num(z), num(w)))
		b = append(b, fmt.Sprintf("count:%s sum:%s", num(count), num(float64(r.Intn(100)-20)/4*grow)))
	default: // custom
		bounds := [][]string{{"1", "5", "10"}, {"1", "2", "5"}, {"-2", "0", "5", "10"}}[r.Intn(3)]
		n := len(bounds) + 1
		var count float64
		var s []string
		for i := 0; i < n; i++ {
			c := float64(1+r.Intn(5)) * grow
			count += c
			s = append(s, num(c))
		}
		b = append(b, fmt.Sprintf("schema:-53 custom_values:[%s] buckets:[%s] count:%s sum:%s",
			strings.Join(bounds, " "), strings.Join(s, " "), num(count), num(float64(r.Intn(100))/4*grow)))
	}
	return strings.Join(b, " ")
}

func block(r *rand.Rand) string {
	var out strings.Builder
	out.WriteString("load 1m\n")
	line := func(name string, slot func(i int) string) {
		out.WriteString("  " + name)
		for i := 0; i < 12; i++ {
			out.WriteString(" " + slot(i))
		}
		out.WriteString("\n")
	}
	// Counters that grow by additions, with restarts.
	for _, s := range []string{"a", "b", "c"} {
		kind := r.Intn(4)
		var seq []string
		for len(seq) < 12 {
			n := 2 + r.Intn(6)
			seq = append(seq, fmt.Sprintf("{{%s}}+{{%s}}x%d", hist(r, kind, 1), hist(r, kind, 1), n))
			for i := 0; i < n; i++ {
				seq = append(seq, "")
			}
			if r.Intn(3) == 0 {
				seq = append(seq, []string{"_", "stale", "3"}[r.Intn(3)])
			}
			if r.Intn(4) == 0 {
				kind = r.Intn(4)
			}
		}
		fmt.Fprintf(&out, "  counter_total{s=%q} %s\n", s, strings.Join(strings.Fields(strings.Join(seq, " ")), " "))
	}
	for _, s := range []string{"a", "b", "c"} {
		kind := r.Intn(4)
		line(fmt.Sprintf("gauge{s=%q}", s), func(i int) string {
			switch r.Intn(12) {
			case 0:
				return "_"
			case 1:
				kind = r.Intn(4)
			}
			return "{{" + hist(r, kind, 1) + " counter_reset_hint:gauge}}"
		})
	}
	for _, s := range []string{"a", "b", "c"} {
		kind := r.Intn(4)
		line(fmt.Sprintf("mixed{s=%q}", s), func(i int) string {
			switch r.Intn(8) {
			case 0:
				return "_"
			case 1, 2:
				return num(float64(r.Intn(20)))
			case 3:
				return "stale"
			}
			return "{{" + hist(r, kind, 1) + "}}"
		})
	}
	line(`number{s="a"}`, func(i int) string { return num(float64(r.Intn(9)-3) / 2) })
	line(`number{s="b"}`, func(i int) string { return num(float64(r.Intn(9)) / 2) })
	for i, le := range []string{"1", "5", "+Inf"} {
		line(fmt.Sprintf(`classic_bucket{s="a",le=%q}`, le), func(j int) string { return num(float64((i + 1) * (j + 1))) })
	}
	return out.String()
}

var metrics = []string{"counter_total", "gauge", "mixed"}

func histogramQueries(r *rand.Rand) []string {
	var qs []string
	m := func() string { return metrics[r.Intn(len(metrics))] }
	sel := func() string {
		x := m()
		if r.Intn(3) == 0 {
			x += fmt.Sprintf("{s=%q}", string("abc"[r.Intn(3)]))
		}
		if r.Intn(6) == 0 {
			x += fmt.Sprintf(" offset %dm", r.Intn(5)-2)
		}
		if r.Intn(8) == 0 {
			x += fmt.Sprintf(" @ %d", r.Intn(900))
		}
		return x
	}
	rng := func() string {
		x := m()
		if r.Intn(3) == 0 {
			x += fmt.Sprintf("{s=%q}", string("abc"[r.Intn(3)]))
		}
		x += "[" + []string{"2m", "5m", "150s", "7m"}[r.Intn(4)]
		sub := r.Intn(6) == 0
		if sub {
			x += ":" + []string{"1m", "90s"}[r.Intn(2)]
		}
		x += "]"
		if r.Intn(6) == 0 {
			x += fmt.Sprintf(" offset %dm", r.Intn(5)-2)
		}
		return x
	}
	rngFns := []string{"rate", "increase", "delta", "irate", "idelta", "resets", "changes", "sum_over_time", "avg_over_time", "last_over_time", "first_over_time", "count_over_time", "present_over_time", "min_over_time", "max_over_time", "stddev_over_time", "stdvar_over_time", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "mad_over_time", "deriv", "absent_over_time"}
	for _, f := range rngFns {
		qs = append(qs, f+"("+rng()+")", f+"("+rng()+")")
	}
	qs = append(qs, "quantile_over_time(0.3, "+rng()+")", "predict_linear("+rng()+", 60)", "double_exponential_smoothing("+rng()+", 0.4, 0.6)")
	for _, f := range []string{"rate", "increase", "delta"} {
		for _, e := range []string{"anchored", "smoothed"} {
			qs = append(qs, fmt.Sprintf("%s(%s[5m] %s)", f, m(), e), fmt.Sprintf("%s(%s[2m] %s)", f, m(), e))
		}
	}
	qs = append(qs, m()+" smoothed", "resets("+m()+"[4m] anchored)", "changes("+m()+"[4m] anchored)")
	for _, op := range []string{"sum", "avg", "count", "group", "min", "max", "stddev", "stdvar"} {
		qs = append(qs, op+"("+sel()+")", op+" by (s) ({__name__=~\"mixed|gauge|counter_total\"})", op+"(rate("+rng()+"))")
	}
	qs = append(qs, "quantile(0.4, "+sel()+")", "topk(2, "+sel()+")", "bottomk(1, "+sel()+")", "limitk(5, "+sel()+")")
	for _, f := range []string{"histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar"} {
		qs = append(qs, f+"("+sel()+")", f+"(rate("+rng()+"))", f+"(sum("+sel()+"))", f+"(sum_over_time("+rng()+"))")
	}
	for i := 0; i < 6; i++ {
		q := []string{"0", "0.1", "0.5", "0.73", "0.99", "1", "1.5", "-1", "NaN"}[r.Intn(9)]
		qs = append(qs, "histogram_quantile("+q+", "+sel()+")", "histogram_quantile("+q+", sum(rate("+rng()+")))")
		lo, hi := num(float64(r.Intn(20)-10)/3), num(float64(r.Intn(40)-5)/3)
		qs = append(qs, "histogram_fraction("+lo+", "+hi+", "+sel()+")", "histogram_fraction(-Inf, "+hi+", "+sel()+")", "histogram_fraction("+lo+", +Inf, "+sel()+")")
		qs = append(qs, sel()+" </ "+lo, sel()+" >/ "+hi, sel()+" </ "+hi, "rate("+rng()+") >/ "+lo)
	}
	qs = append(qs, `histogram_quantiles(gauge, "q", 0.1, 0.9)`, `histogram_quantile(0.5, {__name__=~"gauge|classic_bucket"})`)
	for _, op := range []string{"+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "atan2", "</", ">/", "== bool", "!= bool", "> bool"} {
		qs = append(qs, sel()+" "+op+" "+sel(), sel()+" "+op+" on (s) number", "number "+op+" on (s) "+sel())
		qs = append(qs, sel()+" "+op+" 2", "2 "+op+" "+sel())
	}
	qs = append(qs, sel()+" * 0", sel()+" / 0", sel()+" * -1", sel()+" / -3", "-"+m())
	for _, op := range []string{"and", "or", "unless"} {
		qs = append(qs, sel()+" "+op+" on (s) "+sel(), "number "+op+" "+sel())
	}
	qs = append(qs, "abs("+sel()+")", "clamp("+sel()+", 1, 5)", "sort("+sel()+")", "scalar("+sel()+")", "timestamp("+sel()+")", "absent("+sel()+")", "minute("+sel()+")",
		"label_replace("+sel()+", \"t\", \"$1\", \"s\", \"(.*)\")", "timestamp(-"+m()+")", "counter_total * on (s) group_left () number", "number * on (s) group_right () gauge",
		"max_over_time(histogram_count("+m()+")[5m:1m])", "rate("+m()+"[4m] @ 600)", "sum(counter_total) - sum(counter_total offset 2m)", "gauge == gauge", "gauge != gauge offset 1m", "counter_total == counter_total")
	return qs
}

func faulty(v parser.Value) bool {
	bad := func(h *histogram.FloatHistogram) bool {
		total := 0.0
		for it := h.PositiveBucketIterator(); it.Next(); {
			total += it.At().Count
		}
		for it := h.NegativeBucketIterator(); it.Next(); {
			total += it.At().Count
		}
		if !h.UsesCustomBuckets() {
			total += h.ZeroCount
		}
		return math.Abs(total-h.Count) > 1e-6*(1+math.Abs(h.Count))
	}
	switch v := v.(type) {
	case promql.Vector:
		for _, s := range v {
			if s.H != nil && bad(s.H) {
				return true
			}
		}
	case promql.Matrix:
		for _, s := range v {
			for _, h := range s.Histograms {
				if bad(h.H) {
					return true
				}
			}
		}
	}
	return false
}

// Whether warnings follow from the query and the data alone, and name the place they are about.
func decided(q string) bool {
	for _, part := range []string{":1m]", ":90s]", "__name__=~", "quantile", "sum(", "avg(", "sum by", "avg by"} {
		if strings.Contains(q, part) {
			return false
		}
	}
	between := regexp.MustCompile(`[a-z0-9}] (==|!=|>=|<=|</|>/|>|<|\+|-|\*|/|%|\^|atan2)( bool)?( on \(s\))? [a-z]`)
	return !between.MatchString(q)
}

func TestHistograms(t *testing.T) {
	{
		r := rand.New(rand.NewSource(1))
		var out strings.Builder
		out.WriteString("# Written by tests/golden/histograms_test.go with the engine of Prometheus 3.14.\n\n")
		load := block(r)
		storage := promqltest.LoadedStorage(t, load)
		out.WriteString(load)
		engine := promqltest.NewTestEngine(t, false, 0, 1000000)
		for _, q := range histogramQueries(r) {
			isRange := r.Intn(2) == 0
			at := time.Unix(int64(r.Intn(18)*60+r.Intn(2)*30), 0)
			var res *promql.Result
			var head string
			var times []int64
			if isRange {
				from, step := int64(r.Intn(4)*60), int64([]int{60, 90, 120}[r.Intn(3)])
				to := from + step*3
				query, err := engine.NewRangeQuery(context.Background(), storage, nil, q, time.Unix(from, 0), time.Unix(to, 0), time.Duration(step)*time.Second)
				if err != nil {
					continue
				}
				res = query.Exec(context.Background())
				head = fmt.Sprintf("eval range from %ds to %ds step %ds %s", from, to, step, q)
				for ts := from; ts <= to; ts += step {
					times = append(times, ts*1000)
				}
			} else {
				query, err := engine.NewInstantQuery(context.Background(), storage, nil, q, at)
				if err != nil {
					continue
				}
				res = query.Exec(context.Background())
				head = fmt.Sprintf("eval instant at %ds %s", at.Unix(), q)
				times = []int64{at.Unix() * 1000}
			}
			out.WriteString("\n" + head + "\n")
			if res.Err != nil {
				out.WriteString("  expect fail\n")
				continue
			}
			if faulty(res.Value) {
				// Buckets were counted twice there.
				text := out.String()
				out.Reset()
				out.WriteString(strings.TrimSuffix(text, "\n"+head+"\n"))
				continue
			}
			warnings, infos := res.Warnings.AsStrings(q, 0, 0)
			note := func(kind string, list []string) {
				if !decided(q) {
					return
				}
				sort.Strings(list)
				if len(list) == 0 {
					out.WriteString("  expect no_" + kind + "\n")
				}
				for _, l := range list {
					out.WriteString("  expect " + kind + " msg: " + l + "\n")
				}
			}
			note("warn", warnings)
			note("info", infos)
			switch v := res.Value.(type) {
			case promql.Vector:
				var lines []string
				for _, s := range v {
					value := num(s.F)
					if s.H != nil {
						value = s.H.TestExpression()
					}
					lines = append(lines, fmt.Sprintf("  %s %s\n", metricText(s.Metric), value))
				}
				// In no order of their own, so that the file is the same every time.
				sort.Strings(lines)
				out.WriteString(strings.Join(lines, ""))
			case promql.Scalar:
				fmt.Fprintf(&out, "  %s\n", num(v.V))
			case promql.Matrix:
				if !isRange {
					t.Fatal("matrix")
				}
				for _, s := range v {
					slots := map[int64]string{}
					for _, f := range s.Floats {
						slots[f.T] = num(f.F)
					}
					for _, h := range s.Histograms {
						slots[h.T] = h.H.TestExpression()
					}
					var words []string
					for _, ts := range times {
						if w, ok := slots[ts]; ok {
							words = append(words, w)
						} else {
							words = append(words, "_")
						}
					}
					fmt.Fprintf(&out, "  %s %s\n", metricText(s.Metric), strings.Join(words, " "))
				}
			}
		}
		if err := os.WriteFile("../it/scripts/native_histograms.test", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
