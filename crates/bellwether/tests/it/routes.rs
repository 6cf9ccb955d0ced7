//! Who would be told, asked on the command line: without a server, and in the words of amtool.

use bellwether_testkit::peers;

use crate::process::{Ended, Folder, run, text};

const ROUTING: &str = "
route:
  receiver: default
  group_by: [alertname]
  routes:
    - matchers: [severity=critical]
      receiver: pager
      continue: true
      group_wait: 10s
    - matchers: ['team=~\"web|api\"', env=prod]
      receiver: web
      mute_time_intervals: [nights]
      routes:
        - {matchers: [service=login], receiver: login, group_by: ['...']}
    - {match: {team: db}, receiver: db}
time_intervals:
  - {name: nights, time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}]}]}
receivers: [{name: default}, {name: pager}, {name: web}, {name: login}, {name: db}]
";

fn files(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("alertmanager.yml", ROUTING);
    folder.write("bellwether.yml", "alertmanager: alertmanager.yml\n");
    folder
}

fn routes(folder: &Folder, file: &str, arguments: &[&str]) -> Ended {
    let path = folder.path(file);
    run(&[&["routes"], arguments, &["--config", text(&path)]].concat())
}

#[test]
fn the_tree_shows_what_each_route_says_otherwise_than_the_one_above() {
    let folder = files("routes-show");
    let shown = routes(&folder, "alertmanager.yml", &["show"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""), "{shown:#?}");
    assert_eq!(
        shown.stdout,
        r#"default-route  receiver: default  group_by: [alertname]  group_wait: 30s  group_interval: 5m  repeat_interval: 4h
├── {severity="critical"}  continue: true  receiver: pager  group_wait: 10s
├── {env="prod",team=~"web|api"}  receiver: web  mute_time_intervals: [nights]
│   └── {service="login"}  receiver: login  group_by: [...]
└── {team="db"}  receiver: db
"#
    );
    assert_eq!(routes(&folder, "bellwether.yml", &["show"]).stdout, shown.stdout);
    let json = routes(&folder, "bellwether.yml", &["show", "--format", "json"]).json();
    assert_eq!(json["routes"][1]["routes"][0]["receiver"], "login");
}

/// Labels and who hears of them.
const TABLE: [(&[&str], &str); 7] = [
    (&[], "default"),
    (&["severity=warning"], "default"),
    (&["severity=critical"], "pager"),
    (&["severity=critical", "team=web", "env=prod"], "pager,web"),
    (&["severity=critical", "team=api", "env=prod", "service=login"], "pager,login"),
    (&["team=\"db\"", "env=prod"], "db"),
    (&["team=webshop", "env=prod"], "default"),
];

#[test]
fn labels_are_answered_with_the_names_of_receivers() {
    let folder = files("routes-test");
    for (labels, want) in TABLE {
        let ended = routes(&folder, "alertmanager.yml", &[&["test"], labels].concat());
        assert_eq!((ended.code, ended.stdout.trim()), (Some(0), want), "{labels:?} {ended:#?}");
        let right = &["test", "--verify-receivers", want];
        assert_eq!(routes(&folder, "bellwether.yml", &[right, labels].concat()).code, Some(0), "{labels:?}");
        let wrong =
            routes(&folder, "bellwether.yml", &[&["test", "--verify-receivers", "nobody"], labels].concat());
        assert_eq!(wrong.code, Some(1), "{labels:?}");
        assert_eq!(wrong.stdout.trim(), want);
        assert_eq!(wrong.stderr, format!("bellwether: expected nobody, but {want} would hear of it\n"));
    }
}

#[test]
fn every_route_says_why_it_takes_the_alert_or_not() {
    let folder = files("routes-tree");
    let asked = ["test", "--tree", "severity=critical", "team=web", "env=test"];
    let ended = routes(&folder, "alertmanager.yml", &asked);
    assert_eq!(
        ended.stdout,
        r#"default-route
├── {severity="critical"}  receiver: pager
├── {env="prod",team=~"web|api"}  no: env="prod" does not match: env is "test"
│   └── {service="login"}  not asked: the route above it was not taken
└── {team="db"}  no: team="db" does not match: team is "web"

pager
"#
    );
    let json = routes(&folder, "alertmanager.yml", &[&asked[..], &["--format", "json"]].concat()).json();
    assert_eq!(json["receivers"], serde_json::json!(["pager"]));
    assert_eq!(json["routes"][2]["taken"], "no");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_answered() {
    let folder = files("routes-wrong");
    folder.write("undefined.yml", "route: {receiver: nobody}\nreceivers: [{name: a}]\n");
    let check = |file: &str, arguments: &[&str], part: &str| {
        let ended = routes(&folder, file, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:#?}");
        assert!(ended.stderr.contains(part), "{ended:#?}");
    };
    check("undefined.yml", &["show"], "undefined.yml:1:19: error: undefined receiver \"nobody\"");
    check("missing.yml", &["test", "a=b"], "there is no such file");
    check("alertmanager.yml", &["test", "severity=~crit.*"], "is no label; write it like severity=critical");
    check("alertmanager.yml", &["test", "severity"], "expected =");
}

/// The same labels are asked of both programs.
#[test]
fn amtool_gives_the_same_answers() {
    let Some(amtool) = peers::program("amtool") else { return };
    let folder = files("routes-amtool");
    let path = folder.path("alertmanager.yml");
    for (labels, want) in TABLE {
        for expected in [want, "nobody"] {
            let mut theirs = std::process::Command::new(&amtool);
            theirs.args([
                "config",
                "routes",
                "test",
                "--verify.receivers",
                expected,
                "--config.file",
                text(&path),
            ]);
            let theirs = theirs.args(labels).env("HOME", folder.path("")).output().unwrap();
            let answer = String::from_utf8_lossy(&theirs.stdout).into_owned();
            let ours = routes(
                &folder,
                "alertmanager.yml",
                &[&["test", "--verify.receivers", expected], labels].concat(),
            );
            assert_eq!(ours.code, theirs.status.code(), "{labels:?}");
            assert_eq!(ours.stdout.lines().next(), answer.lines().next(), "{labels:?}");
        }
    }
}
