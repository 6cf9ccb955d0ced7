use bellwether_ingest::{LabelConflict, decode_series, target_labels};
use bellwether_model::Labels;

fn check(conflict: LabelConflict, scraped: &str, target: &[(&str, &str)], want: &str) {
    let scraped = decode_series(scraped).unwrap();
    let labels = target_labels(&scraped, &Labels::from_pairs(target.iter().copied()), conflict);
    assert_eq!(labels.to_string(), want);
}

#[test]
fn the_target_wins_and_the_scraped_label_is_exported() {
    let check = |scraped, target: &[_], want| check(LabelConflict::RenameScraped, scraped, target, want);
    check("up", &[("job", "api")], "up{job=\"api\"}");
    check("up{a=\"1\"}", &[("job", "api")], "up{a=\"1\", job=\"api\"}");
    check("up{job=\"x\"}", &[("job", "api")], "up{exported_job=\"x\", job=\"api\"}");
    check("up{job=\"\"}", &[("job", "api")], "up{job=\"api\"}");
    check(
        "up{job=\"x\",exported_job=\"y\"}",
        &[("job", "api")],
        "up{exported_exported_job=\"x\", exported_job=\"y\", job=\"api\"}",
    );
    check(
        "up{job=\"x\",exported_job=\"y\"}",
        &[("job", "api"), ("exported_job", "z")],
        "up{exported_exported_exported_job=\"y\", exported_exported_job=\"x\", exported_job=\"z\", job=\"api\"}",
    );
}

#[test]
fn honoured_labels_stay_even_when_empty() {
    let check = |scraped, target: &[_], want| check(LabelConflict::KeepScraped, scraped, target, want);
    check("up{job=\"x\"}", &[("job", "api"), ("instance", "a:1")], "up{instance=\"a:1\", job=\"x\"}");
    check("up{job=\"\"}", &[("job", "api"), ("instance", "a:1")], "up{instance=\"a:1\"}");
}
