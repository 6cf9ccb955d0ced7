//! `slo alerts` says what alerts mean, also of those that `check` refuses.

use crate::process::{Folder, run, text};

const SLOS: &str = "\
slos:
  - name: checkout
    goal: \"99.9%\"
    window: 30d
    indicator: {ratio: {bad: e, total: t}}
    alerts:
      - {name: fast, long: 1h, short: 5m, factor: 14.4}
      - {name: late, long: 3d, factor: 12}
";

#[test]
fn alerts_are_explained_in_numbers_and_words() {
    let folder = Folder::new("slo-alerts");
    let file = folder.write("slos.yml", SLOS);
    let shown = run(&["slo", "alerts", text(&file)]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for part in [
        "checkout: 99.9% over rolling 30d",
        "burn rate above 14.4 over 1h and 5m",
        "late fires after exhaustion: a burn rate of 12 over 3d spends 120 % of the budget of 30d (12 x 3d / 30d)",
        "late is not told while one of these fires: fast",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let json = run(&["slo", "alerts", "--format", "json", text(&file)]).json();
    assert_eq!(json[0]["alerts"][0]["troubles"][0]["noticed"]["after"], "51s840ms");
}

#[test]
fn a_file_with_mistakes_is_not_explained() {
    let folder = Folder::new("slo-alerts-wrong");
    let file = folder.write("slos.yml", &SLOS.replace("99.9%", "100"));
    let shown = run(&["slo", "alerts", text(&file)]);
    assert_eq!(shown.code, Some(2), "{shown:?}");
    assert!(shown.stdout.contains("leaves no budget to spend"), "{shown:?}");
}
