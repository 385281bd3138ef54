// Asks BuildKit's own parser and lexer what they make of Dockerfiles and words. From each line of its input, a case in
// JSON, it makes a line of output, the case with its answer:
//
//	go mod init oracle && go get github.com/moby/buildkit@v0.17.3 && go run . < cases.jsonl > answers.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

type instruction struct {
	Name     string   `json:"name"`
	Line     int      `json:"line"`
	Flags    []string `json:"flags"`
	Heredocs []string `json:"heredocs"`
}

type question struct {
	Text         string        `json:"text,omitempty"`
	Word         string        `json:"word,omitempty"`
	Refused      bool          `json:"refused,omitempty"`
	Instructions []instruction `json:"instructions,omitempty"`
	Result       string        `json:"result,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var one question
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			panic(err)
		}
		if one.Word != "" {
			env := shell.EnvsFromSlice([]string{"A=a/b.c.d", "P=abcabc*b", "E="})
			result, _, err := shell.NewLex('\\').ProcessWord(one.Word, env)
			one.Result, one.Refused = result, err != nil
		} else if result, err := parser.Parse(strings.NewReader(one.Text)); err != nil {
			one.Refused = true
		} else {
			for _, node := range result.AST.Children {
				made := instruction{strings.ToUpper(node.Value), node.StartLine, append([]string{}, node.Flags...), []string{}}
				for _, heredoc := range node.Heredocs {
					content := heredoc.Content
					if heredoc.Chomp {
						content = parser.ChompHeredocContent(content)
					}
					made.Heredocs = append(made.Heredocs, content)
				}
				one.Instructions = append(one.Instructions, made)
			}
		}
		if err := out.Encode(one); err != nil {
			panic(err)
		}
	}
}
