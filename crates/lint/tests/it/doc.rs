//! What documents tell people to do.

use crate::found::check;

fn shell(id: &str, commands: &str, expected: &[&str]) {
    check(id, &[("a.md", &format!("```sh\n{commands}\n```\n"))], expected);
}

#[test]
fn commands_that_the_shell_or_curl_mangles() {
    let cases: [(&str, &[&str]); 20] = [
        (
            "curl -X POST \\\n  -d '{}' \\\n\n$HOST/phase",
            &["3: the blank line ends this command: \"$HOST/phase\""],
        ),
        ("curl -X POST \\\n  -d '{}' \\\n  $HOST/phase", &[]),
        ("curl -X POST \\ \n  $HOST/phase", &["2: a blank after the backslash"]),
        ("echo 'a \\ \nb'", &[]),
        ("curl http://h:9090/api/v1/query?query=up&time=5", &["2: the shell ends the command at &"]),
        ("curl 'http://h:9090/api/v1/query?query=up&time=5'", &[]),
        ("curl http://h:9090/x &", &[]),
        (
            "curl http://h:9090/api/v1/query?query=up{job=\"a\"}",
            &["2: the shell removes the quotes and curl the braces"],
        ),
        (
            "curl 'http://h:9090/api/v1/query?query=up{job=\"a\"}'",
            &["2: curl takes braces of an address for a list"],
        ),
        ("curl -g 'http://h:9090/api/v1/query?query=up{job=\"a\"}'", &[]),
        ("curl \"http://h:9090/api/v1/query?query=rate(x[5m])\"", &["2: curl takes brackets"]),
        ("curl 'http://h:9090/api/v1/series?match[]=up'", &[]),
        ("curl \"http://h/x?y=${Z}\"", &[]),
        ("KEY=<your key>", &["2: angle brackets redirect"]),
        ("kubectl logs <pod-name>", &[]),
        ("sort < names.txt > sorted.txt", &[]),
        ("{app=\"api\"} | json | level=\"error\"", &["2: this is a query"]),
        ("{ echo a; } | cat", &[]),
        ("curl -d \"{\"a\": 1}\" http://h/x", &["2: the quotes of this JSON end those of the shell"]),
        ("NAME=x\ncurl -d '{\"a\": \"$NAME\"}' http://h/x", &["3: single quotes keep $NAME"]),
    ];
    for (commands, expected) in cases {
        shell("shell", commands, expected);
    }
}

#[test]
fn commands_that_mislead() {
    let events = "kubectl get events --sort-by='.lastTimestamp'";
    shell(
        "shell",
        &format!("{events} | grep Deploy | head -5"),
        &["2: sorted by time the oldest come first"],
    );
    shell("shell", &format!("{events} | tail -5"), &[]);
    shell("shell", &format!("{events} | tac | head -5"), &[]);
    shell("shell", "ping db.example\nuptime", &["2: ping does not end"]);
    shell("shell", "ping -c 3 db.example\nuptime", &[]);
    shell("shell", "open http://localhost:9093", &["2: open is a command of macOS only"]);
    let two = "kubectl rollout undo deployment/api -n prod\nkubectl scale deployment/api --replicas=3";
    shell("shell", two, &["3: api is in the namespace prod in 1 other commands"]);
    shell("shell", &format!("{two} -n prod"), &[]);
}

#[test]
fn json_in_blocks_bodies_and_here_documents() {
    let block = |json: &str| format!("```json\n{json}\n```\n");
    check("json", &[("a.md", &block("{\"a\": 1,}"))], &["2: this is no JSON: trailing comma"]);
    check("json", &[("a.md", &block("{\"a\": ...}"))], &[]);
    check("json", &[("a.md", &block("\"a\": 1,\n\"b\": 2"))], &[]);
    check("json", &[("a.md", &block("{\"a\": 1}\n{\"a\": 2}"))], &[]);
    shell(
        "json",
        "curl -d '{\"a\": 1,\n\"b\": 2\n \"c\": 3}' http://h/x",
        &["4: this body is no JSON: expected `,` or `}`"],
    );
    shell("json", "curl -d '{\"a\": 1}' http://h/x", &[]);
    shell(
        "json",
        "N=one\ncat <<EOF\n{\"a\": ${N}, \"b\": \"${N}\"}\nEOF",
        &["4: this becomes one, which is no JSON"],
    );
    shell("json", "N=5\ncat <<EOF\n{\"a\": ${N}}\nEOF", &[]);
    shell("json", "cat <<EOF\n{\"a\": ${N}, \"b\": \"$(date \"+%s\")\"}\nEOF", &[]);
    shell("json", "cat <<EOF\n{\"a\": 1\nEOF", &[]);
}

#[test]
fn calls_of_alertmanager_and_prometheus() {
    let removed = "Alertmanager has no /api/v1/";
    shell("api-removed", "curl http://localhost:9093/api/v1/alerts", &[&format!("2: {removed}alerts")]);
    shell(
        "api-removed",
        "curl \"https://alertmanager.example/api/v1/silences\"",
        &[&format!("2: {removed}silences")],
    );
    shell("api-removed", "curl http://localhost:9090/api/v1/alerts", &[]);
    check(
        "api-removed",
        &[("a.md", "Ask http://localhost:9093/api/v1/status first.\n")],
        &[&format!("1: {removed}status")],
    );
    let sender = "alerting:\n  alertmanagers:\n  - api_version: v1\n    static_configs: []\n";
    check("api-removed", &[("prometheus.yml", sender)], &["3: Alertmanager takes no alerts"]);

    let am = |path: &str, jq: &str| format!("curl -s http://localhost:9093{path} | jq '{jq}'");
    let prometheus = |path: &str, jq: &str| format!("curl -s http://localhost:9090{path} | jq '{jq}'");
    let cases: [(String, &[&str]); 11] = [
        (am("/api/v2/status", ".configYAML"), &["2: the status has no configYAML"]),
        (am("/api/v2/status", ".config.original"), &[]),
        (am("/api/v2/alerts", ".data[]"), &["2: the answers of Alertmanager's API v2 have no envelope"]),
        (am("/api/v2/alerts", "[.[] | .labels]"), &[]),
        (am("/api/v1/alerts", ".[] | .labels"), &["2: the answer of /api/v1 is no list"]),
        (
            am("/api/v2/alerts", ".[] | select(.status.state == \"firing\")"),
            &["2: no alert of Alertmanager has the state firing"],
        ),
        (
            prometheus("/api/v1/status/config", ".data.alerting"),
            &["2: the answer of /api/v1/status/config has no .data.alerting"],
        ),
        (prometheus("/api/v1/rules", ".data.groups[] | .name"), &[]),
        (prometheus("/api/v1/rules", ".groups[]"), &["2: the answer of /api/v1/rules is an envelope"]),
        (prometheus("/api/v1/query?query=up", ".data.result[0].value"), &[]),
        (prometheus("/api/v1/targets", "."), &[]),
    ];
    for (command, expected) in &cases {
        shell("api-shape", command, expected);
    }
    let silence = |more: &str, ends: &str| {
        format!(
            "curl -H 'Content-Type: application/json' http://localhost:9093/api/v2/silences -d '{{\n\"matchers\": [],\n{more}\
             \"startsAt\": \"2025-01-01T00:00:00Z\",\n\"endsAt\": \"{ends}\",\n\"createdBy\": \"me\"}}'"
        )
    };
    let comment = "\"comment\": \"why\", ";
    shell("api-shape", &silence(comment, "2025-01-01T01:00:00Z"), &["5: the silence ends at a fixed date"]);
    shell(
        "api-shape",
        &silence(comment, "2024-01-01T01:00:00Z"),
        &["5: the silence ends at 2024-01-01T01:00:00Z, not after"],
    );
    shell("api-shape", &silence("", "'\"$END\"'"), &["2: a silence needs comment as well"]);
    shell("api-shape", "curl http://localhost:9093/api/v2/alerts -d '[]'", &["2: curl sends this as a form"]);
    shell(
        "api-shape",
        "curl --json '{}' http://localhost:9093/api/v2/alerts",
        &["2: alerts are posted as a list"],
    );
}

#[test]
fn fences_that_end_elsewhere() {
    let id = "broken-fence";
    check(
        id,
        &[("a.md", "```md\n# A\n```sh\nls\n```\nText.\n```\n")],
        &["1: this block ends with the one inside of it, which begins on line 3"],
    );
    check(id, &[("a.md", "````md\n# A\n```sh\nls\n```\nText.\n````\n")], &[]);
    check(
        id,
        &[("a.md", "```sh\nls\n\n```yaml\na: 1\n```\n")],
        &["1: this block is not closed before the next begins on line 4"],
    );
    check(id, &[("a.md", "```sh\nls\n")], &["1: this block is never closed"]);
    check(
        id,
        &[("a.md", "1.  Do:\n    ```yaml\na: 1\n```\n2.  More\n")],
        &["3: this line is left of the list item"],
    );
    check(id, &[("a.md", "1.  Do:\n    ```yaml\n    a: 1\n\n    b: 2\n    ```\n2.  More\n")], &[]);
    check(id, &[("a.md", "- a\n\nText.\n\n```sh\nls\n```\n")], &[]);
}

#[test]
fn texts_about_the_code_beside_them() {
    check("mojibake", &[("a.md", "A â”Œ box\n")], &["1: this was '┌'"]);
    check("mojibake", &[("a.md", "Größe, Æther, São Paulo, 5 × 3 → 15, “so” à la carte\n")], &[]);
    check("broken-link", &[("a.md", "[x](#no)\n## Yes\n")], &["1: no section has the anchor #no"]);
    check(
        "broken-link",
        &[("a.md", "[x](#yes-its-so) [y](#z) `[a](#b)`\n## Yes, it's so\n<a name=z></a>\n")],
        &[],
    );
    check(
        "broken-link",
        &[("a.md", "See the section **What is it?** below.\n## What it is\n")],
        &["1: no section is called"],
    );
    check("broken-link", &[("a.md", "See the section on **what it is**.\n## What it is\n")], &[]);
    let list = |sentence: &str| format!("{sentence}\n\n- a\n- b\n  more of b\n- c\n\nText.\n");
    check(
        "list-count",
        &[("a.md", &list("There are four dashboards:"))],
        &["1: 4 dashboards are announced, and 3 listed"],
    );
    check("list-count", &[("a.md", &list("There are three dashboards:"))], &[]);
    check("list-count", &[("a.md", &list("At least two ways exist:"))], &[]);
    check(
        "one-line-rule",
        &[("a.md", "`alert: X expr: up == 0` and `alert: X`\n")],
        &["1: a rule in one line is no YAML"],
    );
}

/// Checks count bytes, and documents have characters of several.
#[test]
fn characters_of_several_bytes_stand_anywhere() {
    let text = "# é\n\nÜ=Éa ö#ü sectiön **ß** [é](#é) four ü:\n- é\n- ü\n\n```sh\nÄ=<ö> 'é\\ \n\"ü$(ö`é\n<<É\n{\"ä\": ${Ö}é}\nÉ\n                curl -d '{\"é\": ü}' http://ö/?ä={é\n```\n";
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        for put in ["", "ä", "`", "'", "\"", "$", "\n", "€"] {
            let changed = format!(
                "{}{put}{}",
                &text[..at],
                &text[at + text[at..].chars().next().unwrap().len_utf8()..]
            );
            let setup = bellwether_lint::Setup::read([("a.md", changed)]);
            let _ = bellwether_lint::lint(&setup);
        }
    }
}
