//! `bench lint`: a thousand rule files of fifty rules each, read, linted and printed on one core. Rules are of the kinds
//! that people have: recordings, thresholds, latencies, burn rates; few of them are wrong.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use bellwether_lint::{Setup, output};

use crate::{Outcome, target_dir};

const FILES: usize = 1000;
const GROUPS: usize = 10;
const ROUNDS: usize = 5;

/// Writes the files, and prints what each step of linting them took, the median of some rounds.
pub fn run_all() -> Outcome {
    let home = target_dir().join("bench-lint");
    write_files(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let files = read_files(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        let read = begun.elapsed();
        let setup = Setup::read_bytes(files);
        let parsed = begun.elapsed();
        let findings = bellwether_lint::lint(&setup);
        let linted = begun.elapsed();
        let text = output::text(&setup, &findings, Default::default());
        rounds.push((begun.elapsed(), read, parsed - read, linted - parsed, setup.rules.len(), text));
    }
    rounds.sort_by_key(|round| round.0);
    let (whole, read, parsed, linted, rules, text) = &rounds[ROUNDS / 2];
    println!("{rules} rules in {FILES} files: {} ms", whole.as_millis());
    println!("  files read    {:>6} ms", read.as_millis());
    println!("  taken apart   {:>6} ms", parsed.as_millis());
    println!("  checked       {:>6} ms", linted.as_millis());
    println!("  printed       {:>6} ms", (*whole - *read - *parsed - *linted).as_millis());
    println!("{}", text.lines().last().unwrap_or_default());
    Ok(())
}

fn read_files(home: &Path) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut paths: Vec<_> = fs::read_dir(home)?.collect::<Result<Vec<_>, _>>()?;
    paths.sort_by_key(fs::DirEntry::path);
    paths.iter().map(|entry| Ok((entry.path().display().to_string(), fs::read(entry.path())?))).collect()
}

fn write_files(home: &Path) -> std::io::Result<()> {
    let _ = fs::remove_dir_all(home);
    fs::create_dir_all(home)?;
    for file in 0..FILES {
        let mut text = String::from("groups:\n");
        for group in 0..GROUPS {
            let service = format!("service-{file}-{group}");
            let _ = write!(text, "- name: {service}\n  interval: 30s\n  rules:\n{}", rules(&service));
        }
        fs::write(home.join(format!("rules-{file:04}.yml")), text)?;
    }
    Ok(())
}

/// Five rules of one service.
fn rules(service: &str) -> String {
    let name: String = service.replace('-', "_");
    format!(
        r#"  - record: {name}:errors:ratio_rate5m
    expr: |
      sum(rate(http_requests_total{{service="{service}", code=~"5.."}}[5m]))
        /
      sum(rate(http_requests_total{{service="{service}"}}[5m]))
  - record: {name}:errors:ratio_rate1h
    expr: |
      sum(rate(http_requests_total{{service="{service}", code=~"5.."}}[1h]))
        /
      sum(rate(http_requests_total{{service="{service}"}}[1h]))
  - alert: {name}BudgetBurns
    expr: '{name}:errors:ratio_rate1h > (14.4 * 0.001) and {name}:errors:ratio_rate5m > (14.4 * 0.001)'
    for: 2m
    labels:
      severity: page
      service: {service}
    annotations:
      summary: '{{{{ $value | humanizePercentage }}}} of the requests of {service} fail'
      description: An hour at this rate spends 2 % of the budget of 30 days.
      runbook_url: https://runbooks.example.org/{service}
  - alert: {name}IsSlow
    expr: histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{{service="{service}"}}[5m]))) > 1.5
    for: 10m
    labels:
      severity: ticket
      service: {service}
    annotations:
      summary: '99 % of the requests of {service} take up to {{{{ $value | humanizeDuration }}}}'
      runbook_url: https://runbooks.example.org/{service}
  - alert: {name}IsDown
    expr: up{{job="{service}"}} == 0 or absent(up{{job="{service}"}})
    for: 5m
    labels:
      severity: page
      service: {service}
    annotations:
      summary: '{{{{ $labels.instance }}}} of {service} does not answer'
      runbook_url: https://runbooks.example.org/{service}
"#
    )
}
