// Writes cases.json and functions.json: what real Prometheus makes of the queries in queries.txt (the tree of
// /api/v1/parse_query, the text of /api/v1/format_query, or the error), and the functions it knows. Run by hand:
//
//	go mod tidy && go run generate.go
//
// The project itself needs no Go: its tests read the JSON.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	_ "unsafe"

	"github.com/prometheus/prometheus/promql/parser"
	_ "github.com/prometheus/prometheus/web/api/v1"
)

// The function behind the API's answer has no public name.
//
//go:linkname translateAST github.com/prometheus/prometheus/web/api/v1.translateAST
func translateAST(node parser.Expr) any

type queryCase struct {
	Query  string `json:"query"`
	Tree   any    `json:"tree,omitempty"`
	Pretty string `json:"pretty,omitempty"`
	Error  string `json:"error,omitempty"`
}

// An empty line ends a query, so that one may have several lines. What cannot be written plainly is written as a
// string of Go after `go:`.
func queries() []string {
	file, err := os.Open("queries.txt")
	check(err)
	defer file.Close()
	var all []string
	var lines []string
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		line := scanner.Text()
		switch {
		case line == "":
			all = append(all, flush(&lines)...)
		default:
			lines = append(lines, line)
		}
	}
	return append(all, flush(&lines)...)
}

func flush(lines *[]string) []string {
	if len(*lines) == 0 {
		return nil
	}
	text := strings.Join(*lines, "\n")
	*lines = nil
	if strings.HasPrefix(text, "go:") {
		unquoted, err := strconv.Unquote(strings.TrimPrefix(text, "go:"))
		check(err)
		text = unquoted
	}
	return []string{text}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func write(path string, value any) {
	file, err := os.Create(path)
	check(err)
	defer file.Close()
	encoder := json.NewEncoder(file)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	check(encoder.Encode(value))
}

func main() {
	p := parser.NewParser(parser.Options{
		EnableExperimentalFunctions:  true,
		ExperimentalDurationExpr:     true,
		EnableExtendedRangeSelectors: true,
		EnableBinopFillModifiers:     true,
	})
	var cases []queryCase
	for _, query := range queries() {
		c := queryCase{Query: query}
		expr, err := p.ParseExpr(query)
		if err != nil {
			c.Error = err.Error()
		} else {
			c.Pretty = expr.Pretty(0)
			c.Tree = translateAST(expr)
		}
		cases = append(cases, c)
	}
	write("cases.json", cases)
	write("functions.json", parser.Functions)
}
