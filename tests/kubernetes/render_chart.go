// render_chart CHART RELEASE NAMESPACE VALUES API…: prints what Helm makes of a chart, for a cluster that has these versions of APIs.
// VALUES is a file with values that differ from the chart's own.
//
// Helm is no Debian package. Its templates are Go's, with the functions of sprig and a few of its own, of which those that the chart
// uses are here as Helm has them (helm.sh/helm/v3/pkg/engine). What is not there, a value included, is an error, where Helm
// would print nothing.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type values = map[string]interface{}

// What .Capabilities.APIVersions is.
type versionSet []string

func (set versionSet) Has(version string) bool {
	for _, each := range set {
		if each == version {
			return true
		}
	}
	return false
}

func toYaml(value interface{}) (string, error) {
	text, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(text), "\n"), err
}

func readYaml(path string, into interface{}) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		log.Fatalf("%s: %v", path, err)
	}
}

// Maps are merged, everything else is replaced.
func overlay(base, more values) values {
	for key, value := range more {
		below, isMap := base[key].(values)
		above, bothAre := value.(values)
		if isMap && bothAre {
			base[key] = overlay(below, above)
		} else {
			base[key] = value
		}
	}
	return base
}

func parse(chart string) *template.Template {
	all := template.New("chart").Option("missingkey=error")
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["toYaml"] = toYaml
	functions["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all.Funcs(functions)
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err == nil {
			_, err = all.New(filepath.Base(path)).Parse(string(text))
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	return all
}

// The fields of Chart.yaml that templates see have capitals.
func capitalized(fields values) values {
	capital := values{}
	for key, value := range fields {
		capital[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return capital
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 5 {
		log.Fatal("usage: render_chart CHART RELEASE NAMESPACE VALUES API…")
	}
	chart, release, namespace, apis := os.Args[1], os.Args[2], os.Args[3], os.Args[5:]
	var about, own, more values
	readYaml(filepath.Join(chart, "Chart.yaml"), &about)
	readYaml(filepath.Join(chart, "values.yaml"), &own)
	readYaml(os.Args[4], &more)
	data := values{
		"Values":       overlay(own, more),
		"Chart":        capitalized(about),
		"Release":      values{"Name": release, "Namespace": namespace, "Service": "Helm"},
		"Capabilities": values{"APIVersions": versionSet(apis)},
	}
	all := parse(chart)
	for _, each := range all.Templates() {
		var text strings.Builder
		if strings.HasPrefix(each.Name(), "_") || !strings.Contains(each.Name(), ".") {
			continue // definitions, for others to include
		}
		if err := all.ExecuteTemplate(&text, each.Name(), data); err != nil {
			log.Fatal(err)
		}
		if strings.HasSuffix(each.Name(), ".yaml") {
			fmt.Printf("---\n# Source: %s\n%s\n", each.Name(), &text)
		}
	}
}
