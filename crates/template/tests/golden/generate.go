// Writes cases.json: what real Go renders for a table of templates. Run by hand, with any recent Go:
//
//	go run generate.go > cases.json
//
// The project itself needs no Go: its tests read the JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
)

// data is what every case is rendered with. The Rust test builds the same by hand.
var data = map[string]any{
	"zero": 0, "one": 1, "neg": -7, "big": 123456789, "huge": 9007199254740993,
	"f0": 0.0, "f1": 1.0, "f15": 1.5, "tiny": 0.000001234, "small": 0.0001, "e20": 1e20, "e21": 1e21, "pi": 3.141592653589793,
	"third": 1.0 / 3.0, "negf": -2.5, "million": 1000000.0, "ratio": 0.9951,
	"s": "hello", "empty": "", "html": `<a href="x">T&J's</a>`, "uni": "héllo, 世界", "nl": "a\tb\n",
	"yes": true, "no": false, "null": nil,
	"list": []any{1, "two", 3.5, true}, "ints": []any{3, 1, 2}, "none": []any{}, "nested": []any{[]any{1, 2}, []any{3}},
	"m": map[string]any{"b": 2, "a": 1, "c": map[string]any{"d": "deep"}}, "em": map[string]any{},
	"kv": map[string]string{"job": "api", "alertname": "HighLatency", "zone": "eu"},
}

type testCase struct {
	Template string `json:"template"`
	Zero     bool   `json:"zero,omitempty"` // missingkey=zero
	Output   string `json:"output"`
	Fails    bool   `json:"fails,omitempty"`
}

func render(text string, zero bool) testCase {
	c := testCase{Template: text, Zero: zero}
	t := template.New("case")
	if zero {
		t = t.Option("missingkey=zero")
	}
	t, err := t.Parse(text)
	if err == nil {
		var out strings.Builder
		if err = t.Execute(&out, data); err == nil {
			c.Output = out.String()
			return c
		}
	}
	fmt.Fprintf(os.Stderr, "fails: %q: %v\n", text, err)
	c.Fails = true
	return c
}

var plain = []string{
	// text, trimming, comments
	"", "plain", "a{{/* c */}}b", "a {{- /* c */ -}} b", "a {{- 1}} b", "a {{1 -}} b", "a \n\t{{- 1 -}}\n b", "{{- 1 -}}", "x{{ -1 }}", "x {{- -1 }}",
	"{{1}}{{- 2}}", "}} {{1}}", "{ {{1}} }", "{{/* unclosed", "{{1", "{{", "{{}}", "{{ }}", "{{/* a */ 1}}", "{{- /* a */}} b", "a {{/* x */ -}} b", "{{1}}\n{{2}}", "{{ 1\n}}",
	"{{-1}}", "{{- 3}}", "a {{-3}} b",
	// literals
	"{{1}}", "{{-1}}", "{{+1}}", "{{0x1F}}", "{{0o17}}", "{{017}}", "{{0b101}}", "{{1_000}}", "{{0x_ff}}", "{{1.5}}", "{{1e3}}", "{{1e21}}", "{{1e20}}", "{{.5}}", "{{5.}}", "{{1E-5}}", "{{0x1p4}}", "{{1.0}}", "{{100000000000000000000}}",
	"{{9223372036854775807}}", "{{-9223372036854775808}}", "{{9223372036854775808}}", "{{'a'}}", `{{'\n'}}`, `{{'\''}}`, "{{'世'}}", "{{'ab'}}", "{{''}}", `{{"a\tb"}}`, `{{"\x41\101\u00e9\U0001F600"}}`, `{{"\q"}}`, "{{\"a\nb\"}}", "{{`raw\\n`}}", "{{`a\nb`}}", "{{true}} {{false}}", "{{nil}}", `{{"q\"q"}}`, "{{1x}}", "{{0xg}}", "{{08}}", "{{0.1}}", "{{123456789.0}}", "{{1e6}}", "{{1.0e-4}}", "{{1e-5}}", "{{`unclosed}}",
	// fields
	"{{.s}}", "{{.zero}}", "{{.missing}}", "{{.null}}", "{{.m.a}}", "{{.m.c.d}}", "{{.m.x}}", "{{.m.x.y}}", "{{.missing.x}}", "{{.s.x}}", "{{.one.x}}", "{{.kv.job}}", "{{.kv.nope}}", "{{.}}", "{{.null.x}}", "{{$}}", "{{$.s}}", "{{$.m.c.d}}", "{{(.m).a}}", "{{(.m.c).d}}", "{{.list}}", "{{.m}}", "{{.kv}}", "{{.nested}}", "{{.none}}", "{{.em}}", "{{ .s 1 }}", "{{.m .s}}", "{{. .s}}", "{{.m. a}}", "{{1.s}}", `{{"x".s}}`, "{{true.s}}", "{{.s.}}", "{{..s}}", "{{.f1}}", "{{.f15}}", "{{.tiny}}", "{{.small}}", "{{.e20}}", "{{.e21}}", "{{.pi}}", "{{.third}}", "{{.negf}}", "{{.million}}", "{{.f0}}", "{{.ratio}}", "{{.huge}}", "{{.yes}}{{.no}}",
	// variables
	"{{$x := 1}}{{$x}}", "{{$x := 1}}{{$x = 2}}{{$x}}", "{{$x}}", "{{$x = 1}}", "{{$x := .m}}{{$x.a}}", "{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "{{if true}}{{$y := 1}}{{end}}{{$y}}", "{{$x:=1}}{{$x}}", "{{with $x := .m}}{{$x.b}}{{.a}}{{end}}", "{{$x, $y := 1}}", "{{$x := .missing}}{{$x}}", "{{$x := 3 | printf \"%03d\"}}{{$x}}", "{{$x := 1}}{{$x := \"s\"}}{{$x}}", "{{if $x := .one}}{{$x}}{{else}}{{$x}}{{end}}", "{{$x := 1}}{{$x.y}}",
	// pipelines
	"{{.s | len}}", "{{1 | 2}}", "{{.s | .x}}", "{{.s | printf \"%s-%s\" \"a\"}}", "{{(1)}}", "{{((1))}}", "{{(len .s) | printf \"%d\"}}", "{{printf \"%d\" (len .s)}}", "{{|}}", "{{1|}}", "{{|len}}", "{{(1}}", "{{1)}}", "{{()}}", "{{len (.s)}}", "{{.s|len}}", "{{nofunc}}", "{{nofunc .s}}", "{{len}}", "{{len 1 2}}", "{{1 2}}", "{{\"a\" \"b\"}}", "{{.s | $}}", "{{(1) 2}}", "{{print 1,2}}", "{{print 1 | print 2 | print 3}}", "{{print(1)}}", "{{len .s len}}", "{{.s | len | printf \"%d%%\"}}", "{{\"a\"\"b\"}}", "{{print \"a\"1}}",
	// conditions
	"{{if .yes}}a{{end}}", "{{if .no}}a{{else}}b{{end}}", "{{if .no}}a{{else if .yes}}b{{else}}c{{end}}", "{{if .no}}a{{else if .no}}b{{else}}c{{end}}", "{{if .zero}}a{{else}}b{{end}}", "{{if .one}}a{{end}}", "{{if .empty}}a{{else}}b{{end}}", "{{if .none}}a{{else}}b{{end}}", "{{if .em}}a{{else}}b{{end}}", "{{if .null}}a{{else}}b{{end}}", "{{if .missing}}a{{else}}b{{end}}", "{{if .f0}}a{{else}}b{{end}}", "{{if .list}}a{{end}}", "{{if}}a{{end}}", "{{if .yes}}a", "{{end}}", "{{else}}", "{{if .yes}}a{{else}}b{{else}}c{{end}}", "{{if .yes}}{{if .no}}x{{else}}y{{end}}{{end}}", "{{if not .yes}}a{{else}}b{{end}}", "{{if .yes}}a{{else if .x}}b{{end}}", "{{if .yes}}{{else with .m}}{{end}}", "{{if 0.0}}a{{else}}b{{end}}", "{{if true | not}}a{{else}}b{{end}}",
	"{{with .m}}{{.a}}{{end}}", "{{with .missing}}a{{else}}b{{end}}", "{{with .no}}a{{else with .m}}{{.b}}{{end}}", "{{with .no}}a{{else with .none}}b{{else}}c{{end}}", "{{with 1}}{{.}}{{end}}", "{{with .m}}{{$.s}}{{end}}", "{{with $x := 5}}{{$x}}{{.}}{{end}}", "{{with .s}}{{.}}", "{{with}}{{end}}",
	// range
	"{{range .list}}[{{.}}]{{end}}", "{{range $x := .list}}{{$x}},{{end}}", "{{range $i, $x := .list}}{{$i}}={{$x}};{{end}}", "{{range .none}}a{{else}}none{{end}}", "{{range .m}}{{.}},{{end}}", "{{range $k, $v := .m}}{{$k}}:{{$v}},{{end}}", "{{range $k, $v := .kv}}{{$k}}={{$v}} {{end}}", "{{range .kv}}{{.}} {{end}}", "{{range 3}}{{.}}{{end}}", "{{range $i := 3}}{{$i}}{{end}}", "{{range $i, $x := 3}}{{end}}", "{{range 0}}a{{else}}b{{end}}", "{{range -1}}a{{else}}b{{end}}", "{{range .s}}{{.}}{{end}}", "{{range .f15}}{{end}}", "{{range .missing}}a{{else}}b{{end}}", "{{range .null}}a{{else}}b{{end}}", "{{range .list}}{{if eq . true}}{{break}}{{end}}{{.}}{{end}}", "{{range .ints}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{end}}", "{{range .ints}}{{if eq . 1}}{{break}}{{end}}{{.}}{{end}}", "{{break}}", "{{continue}}", "{{range .ints}}{{end}}{{break}}", "{{range .nested}}{{range .}}{{.}}{{end}};{{end}}", "{{range .nested}}{{range .}}{{break}}{{end}}x{{end}}", "{{$n := 0}}{{range .ints}}{{$n = .}}{{end}}{{$n}}", "{{range $i, $x := .ints}}{{if $i}}, {{end}}{{$x}}{{end}}", "{{range .em}}a{{else}}b{{end}}", "{{range $x := .none}}a{{else}}b{{end}}", "{{$i := 9}}{{$x := 9}}{{range $i, $x = .ints}}{{end}}{{$i}}{{$x}}", "{{range $i, $x, $y := .ints}}{{end}}", "{{range $i, .x := .ints}}{{end}}", "{{range}}{{end}}", "{{range .ints}}{{$.s}}{{end}}", "{{range .no}}{{end}}", "{{range .ints}}{{define \"x\"}}{{end}}{{end}}", "{{range .ints}}{{else if .x}}{{end}}", "{{range true}}{{end}}", "{{range .ints}}a{{else}}{{break}}{{end}}",
	// templates
	`{{define "t"}}T{{.}}{{end}}{{template "t" 1}}`, `{{define "t"}}T{{.}}{{end}}{{template "t"}}`, `{{define "t"}}{{$.s}}{{end}}{{template "t" .}}`, `{{template "nope"}}`, `{{define "a"}}{{template "b" .}}{{end}}{{define "b"}}[{{.}}]{{end}}{{template "a" 7}}`, `{{block "b" .s}}<{{.}}>{{end}}`, `{{define "t"}}1{{end}}{{define "t"}}2{{end}}{{template "t"}}`, `{{define "t"}}1{{end}}{{define "t"}} {{end}}{{template "t"}}`, `{{define t}}{{end}}`, `{{define "t"}}`, `{{if .yes}}{{define "t"}}{{end}}{{end}}`, `{{define "t"}}{{if .}}{{template "t" false}}{{end}}x{{end}}{{template "t" true}}`, `{{$x := 1}}{{define "t"}}{{$x}}{{end}}`, `{{template "t" 1 2}}`, `{{template}}`, `{{template .s}}`, `{{define "t"}}{{range .}}{{template "u" .}}{{end}}{{end}}{{define "u"}}({{.}}){{end}}{{template "t" .ints}}`, "{{define `r`}}R{{end}}{{template `r`}}", `{{block "b" 1}}{{.}}{{end}}{{template "b" 2}}`, `{{range .ints}}{{block "q" .}}{{.}}{{end}}{{end}}`, `{{define "t"}}a{{else}}b{{end}}`, `{{block "b"}}{{end}}`, `{{define "t" .}}{{end}}`,
	// and or not
	"{{and 1 2}}", "{{and 0 2}}", "{{and 1 0}}", "{{or 0 2}}", "{{or 1 2}}", "{{or 0 \"\"}}", "{{and true true false}}", "{{or false false}}", "{{not 0}}", "{{not .s}}", "{{and .no (index .none 5)}}", "{{or .yes (index .none 5)}}", "{{and .yes (index .none 5)}}", "{{and}}", "{{or}}", "{{not}}", "{{not 1 2}}", "{{1 | and 2}}", "{{0 | or 0}}", "{{and .missing 1}}", "{{or .missing 1}}", "{{or .null \"dflt\"}}",
	// comparisons
	"{{eq 1 1}}", "{{eq 1 2}}", "{{eq 1 2 1}}", "{{eq 1 2 3}}", "{{eq 1 1.0}}", "{{eq 1.0 1.0}}", `{{eq "a" "a"}}`, `{{eq "a" 1}}`, "{{eq true true}}", "{{eq true 1}}", "{{eq .null nil}}", "{{eq .s nil}}", "{{eq .missing nil}}", "{{eq 1}}", "{{eq}}", "{{ne 1 2}}", "{{ne 1 1}}", "{{ne 1 2 3}}", "{{lt 1 2}}", "{{lt 2 1}}", "{{le 1 1}}", "{{gt 2 1}}", "{{ge 1 2}}", `{{lt "a" "b"}}`, "{{lt 1 1.5}}", "{{lt 1.5 2.5}}", "{{lt true false}}", "{{gt .f15 1.0}}", "{{gt .f15 1}}", "{{eq .list .list}}", "{{eq .m .m}}", "{{eq .kv .kv}}", "{{lt .missing 1}}", "{{eq .missing 1}}", `{{eq .s "hello"}}`, `{{eq .kv.job "api" "web"}}`, `{{eq .kv.nope ""}}`, "{{ne .s nil}}", "{{1 | eq 1}}", "{{eq 'a' 97}}", "{{lt .null 1}}", "{{le 2.0 1.0}}", "{{lt}}", "{{eq .list 1}}", "{{eq nil nil}}", "{{eq .none .none}}", `{{ge "b" "a"}}`,
	// len index slice
	"{{len .list}}", "{{len .m}}", "{{len .uni}}", "{{len 1}}", "{{len .missing}}", "{{len .null}}", "{{len .empty}}", "{{index .list 0}}", "{{index .list 4}}", "{{index .list -1}}", "{{index .m \"a\"}}", "{{index .m \"x\"}}", "{{index .m \"c\" \"d\"}}", "{{index .kv \"job\"}}", "{{index .kv \"nope\"}}", "{{index .nested 0 1}}", "{{index .s 1}}", "{{index .s 9}}", "{{index .list \"a\"}}", "{{index .list 1.0}}", "{{index .m 1}}", "{{index .list}}", "{{index .one 1}}", "{{index .missing 1}}", "{{index}}", "{{index .null \"a\"}}", "{{slice .s 1 3}}", "{{slice .s 2}}", "{{slice .s}}", "{{slice .list 1 2}}", "{{slice .s 3 1}}", "{{slice .s 0 9}}", "{{slice .list 1 2 3}}", "{{slice .s 1 2 3}}", "{{slice .one 1}}", "{{slice .list 4}}", "{{slice .list 1 2 1}}", "{{slice .m 1}}", "{{len nil}}", "{{1 | index .list}}",
	// print
	"{{print}}", "{{print 1}}", "{{print 1 2}}", `{{print "a" "b"}}`, `{{print 1 "b"}}`, `{{print "a" 1 2 "b"}}`, "{{println}}", "{{println 1 2}}", `{{println "a" "b"}}`, "{{print nil}}", "{{print .missing}}", "{{print .list .m}}", "{{print true 1.5}}", "{{print .null}}", "{{print .null .null}}",
	`{{html "<a&b>\"'"}}`, "{{html .html}}", "{{html 1 2}}", "{{html .missing}}", "{{.html | html}}", `{{js "it's \"<x>\" \\ &="}}`, "{{js .nl}}", "{{js .uni}}", `{{urlquery "a b&c=d/é"}}`, "{{urlquery .html}}", `{{html "\x00"}}`, "{{urlquery 1 \"a\"}}", "{{html .list}}", "{{html}}", "{{call 1}}", "{{call nil}}", "{{call}}",
}

// kept by missingkey=zero.
var zero = []string{"{{.missing}}", "{{.kv.nope}}", "{{.m.x}}", "{{.m.x.y}}", "{{.kv.nope | len}}", "{{if .kv.nope}}a{{else}}b{{end}}", "{{eq .kv.nope \"\"}}", "{{printf \"%q\" .kv.nope}}", "{{range .missing}}a{{else}}b{{end}}", "{{.missing.x}}", "{{print .missing}}", "{{index .kv \"nope\" | printf \"%q\"}}", "{{with .kv.nope}}a{{else}}b{{end}}"}

// verbs are tried with every value, as {{printf "[%...]" .value}}.
var verbs = []string{"%v", "%+v", "%s", "%q", "%d", "%x", "%X", "%t", "%f", "%g", "%e", "%T", "%5v", "%-8v|", "%08v"}
var values = []string{".one", ".neg", ".f15", ".negf", ".e21", ".tiny", ".s", ".empty", ".yes", ".null", ".list", ".m", ".kv", ".none"}

var formats = []string{
	`"%o %b %c %U %O" 65 65 65 65 65`, `"%#x %#o %#b %#X" 255 8 5 255`, `"%+d % d %05d %-5d|" 7 7 7 7`, `"%5d|%-5d|%05d" -42 -42 -42`, `"%.3d|%8.3d|%-8.3d|" 7 7 7`, `"%.0d|" 0`, `"%+.2f % .2f %08.2f" 3.14159 3.14159 3.14159`, `"%8.3f|%-8.3f|%08.3f" -3.14159 -3.14159 -3.14159`, `"%6.2f%%" 99.5`, `"%e %E" 1234.5678 0.00012`, `"%.0e %.3E" 1234.5678 0.00012`, `"%g %G" 1e21 1e-7`, `"%.3g %.10g %.1g" 1234.5678 1234.5678 1234.5678`, `"%.4g" 1e6`, `"%.4g" 99.51`, `"%.4g" 123456.0`, `"%g" 100000.0`, `"%g" 1000000.0`, `"%g" 123456789.0`, `"%.3v" 3.14159`, `"%.2v" "hello"`, `"%.2s|%5.2s|" "hello" "hello"`, `"%10s|%-10s|" "hi" "hi"`, `"%010s" "hi"`, `"%+q %q" "é世" "é世"`, `"%#q %#q" "raw" "tick\x60"`, `"%q" 'x'`, `"%q" "a\tb\n\x01\x7f"`, `"%x %X % x %#x" "hey" "hey" "hey" "hey"`, `"%c%c" 'h' 19990`, `"%U %#U" 19990 19990`, `"%t %t" true false`, `"%5t|%-7t|" true false`, `"%T %T %T %T" 1 1.5 "s" true`, `"%d" "s"`, `"%d" 1.5`, `"%s" 1`, `"%f" 1`, `"%t" 1`, `"%z" 1`, `"%!" 1`, `"%d"`, `"%d %d" 1`, `"%d" 1 2`, `"x" 1 "a"`, `"%%"`, `"%"`, `"100%"`, `"%[2]d %[1]d" 1 2`, `"%[2]d" 1 2`, `"%[3]d" 1 2`, `"%[0]d" 1`, `"%[x]d" 1`, `"%[1]d %d" 1 2`, `"%*d|" 5 42`, `"%-*d|" 5 42`, `"%.*f" 2 3.14159`, `"%[2]*[1]d|" 42 6`, `"%*d" "a" 1`, `"%p" .s`, `"%v %v" .list .m`, `"%q" .list`, `"%d" .ints`, `"%x" .ints`, `"%05d" .ints`, `"%s" .list`, `"%v" nil`, `"%d" nil`, `"%s" nil`, `"%v" .missing`, `"%s" .missing`, `"%q" .kv`, `"%v" 1e100`, `"%v" 1e-7`, `"%v" 0.00001`, `"%v" 0.0001`, `"%f" 1e15`, `"%.0f %.0f %.0f" 0.5 1.5 2.5`, `"%.1f %.1f" 0.25 0.35`, `"%.2f" 1.005`, `"%6.3v|" 1.23456`, `"%+v" 1.5`, `"%+d" -1`, `"%x" -255`, `"%b" -5`, `"%08b" 5`, `"%#08x" 255`, `"%-08d|" 5`, `"%+08d" 5`, `"% 05d" 5`, `"%5c|%-5c|" 65 65`, `"%5q|" 65`, `"%5%"`, `"%s %s" "a"`, `"%[1]s %[1]s" "a"`, `"%s" true`, `"%v" true`, `"%é" 1`, `"%.f" 2.7`, `"%5.f|" 2.7`, `"%6d|%6d" 1 -1`, `"%x" 1.5`, `"%X" "ÿ"`, `"%v" .nested`, `"%T" .list`, `"%T" .m`, `"%T" .kv`, `"%T" nil`, `"%g %g" 1e5 1e-5`, `"%G" 1e-10`, `"%.3g" 0.0`, `"%e" 0.0`, `"%f" .tiny`, `"%.10f" .third`, `"%.20f" 0.1`, `"%#g %#.3g" 1.0 1.0`, `"%s"`, `1`, `.one "a"`, `"%6.2f" .s`, `"%d%%" 5`, `"%+g" 2.0`, `"% g" 2.0`, `"%.3q" "hello"`, `"%-10q|" "hi"`, `"%c" .s`, `"%U" .s`, `"%e" "x"`, `"%10v|" .list`, `"%d" true`,
}

func main() {
	var cases []testCase
	for _, text := range plain {
		cases = append(cases, render(text, false))
	}
	for _, text := range zero {
		cases = append(cases, render(text, true))
	}
	for _, verb := range verbs {
		for _, value := range values {
			cases = append(cases, render(fmt.Sprintf("{{printf %q %s}}", "["+verb+"]", value), false))
		}
	}
	for _, format := range formats {
		cases = append(cases, render("{{printf "+format+"}}", false))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(cases); err != nil {
		panic(err)
	}
}
