//! What findings look like in each format.

use bellwether_diag::Style;
use bellwether_lint::{Setup, lint, output};

const WRONG: &str = "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: histogram_quantile(0.9, sum(rate(x_bucket[5m])))\n";

#[test]
fn text_names_the_check_underlines_the_place_and_sums_up() {
    let setup = Setup::read([("rules.yml", WRONG)]);
    let text = output::text(&setup, &lint(&setup), Style { color: false });
    assert_eq!(
        text,
        "rules.yml:5:35: error[missing-by-le]: the label le is aggregated away before the quantile\n\
         \x20 5 |     expr: histogram_quantile(0.9, sum(rate(x_bucket[5m])))\n\
         \x20   |                                   ^^^^^^^^^^^^^^^^^^^^^^^\n\
         \x20 help: add le to the labels of by (...)\n\
         \x20 --fix would write by (le)\n\n\
         1 error in 1 file (1 rule)\n"
    );
}

#[test]
fn numbers_agree_with_what_they_count() {
    let check = |files: &[(&str, &str)], want: &str| {
        let setup = Setup::read(files.iter().copied());
        let findings: Vec<_> =
            lint(&setup).into_iter().filter(|finding| finding.problem.id == "missing-by-le").collect();
        assert_eq!(output::summary(&setup, &findings), want);
    };
    check(&[("a.yml", WRONG), ("b.yml", WRONG)], "2 errors in 2 files (2 rules)");
    check(&[("a.promql", "up\n")], "nothing is wrong in 1 file (1 query)");
    check(&[("a.promql", "up\n\ndown\n"), ("b.yml", "x: 1\n")], "nothing is wrong in 2 files (2 queries)");
    check(&[("b.yml", "x: 1\n")], "1 file read, and there is no rule, objective, query or route to look at");
}

#[test]
fn json_is_a_list_whose_objects_have_the_same_fields_always() {
    let setup = Setup::read([("rules.yml", WRONG)]);
    let want = serde_json::json!([{
        "id": "missing-by-le", "severity": "error", "file": "rules.yml", "line": 5, "column": 35,
        "message": "the label le is aggregated away before the quantile",
        "help": "add le to the labels of by (...)",
    }]);
    assert_eq!(output::json(&setup, &lint(&setup)), want);
    let right = Setup::read([("q.promql", "up\n")]);
    assert_eq!(output::json(&right, &lint(&right)), serde_json::json!([]));
}

#[test]
fn an_annotation_is_one_line_whatever_names_and_texts_hold() {
    let name = "a,b:c%\n.yml";
    let setup = Setup::read([(name, WRONG)]);
    let text = output::github(&setup, &lint(&setup));
    assert_eq!(
        text,
        "::error file=a%2Cb%3Ac%25%0A.yml,line=5,endLine=5,col=35,endColumn=58,title=missing-by-le::\
         the label le is aggregated away before the quantile%0Aadd le to the labels of by (...)\n"
    );
}

#[test]
fn sarif_has_every_rule_with_its_help_and_every_result_with_its_place() {
    let setup = Setup::read([("a b/é.yml", WRONG)]);
    let sarif = output::sarif(&setup, &lint(&setup));
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), bellwether_lint::catalogue::documented().count());
    assert!(rules.iter().all(|rule| {
        rule["help"]["markdown"].as_str().is_some_and(|text| text.contains("## Switching it off"))
    }));
    let result = &run["results"][0];
    assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A9.yml");
    let region = serde_json::json!({"startLine": 5, "startColumn": 35, "endLine": 5, "endColumn": 58});
    assert_eq!(place["region"], region);
    assert_eq!(
        result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"],
        " by (le)"
    );
}
