//! What fires, as Alertmanager's API lists it, and what others say is over.

use bellwether_alerts::AlertSource;
use bellwether_model::{Alert, Labels, Timestamp};

use crate::script::Player;

const ROUTING: &str = "
route: {receiver: hook, group_by: [alertname], group_wait: 30s}
inhibit_rules: [{source_matchers: [alertname=down], target_matchers: [alertname=slow]}]
receivers: [{name: hook}]
";

fn player(script: &str) -> Player {
    let mut player = Player::new(ROUTING);
    player.play(script);
    player
}

/// Names of the listed alerts, each with `s` and `i` for what keeps it quiet.
fn listed(player: &Player, now: i64) -> Vec<String> {
    let alerts = player.core.listed_alerts(&|_| true, Timestamp(now));
    let shown = alerts.iter().map(|listed| {
        let mark = |by: usize, mark: &'static str| if by > 0 { mark } else { "" };
        let (s, i) = (mark(listed.silenced_by.len(), " s"), mark(listed.inhibited_by.len(), " i"));
        format!("{}{s}{i}", listed.alert.name())
    });
    let mut shown: Vec<String> = shown.collect();
    shown.sort();
    shown
}

#[test]
fn what_fires_is_listed_at_once_with_what_keeps_it_quiet() {
    let player =
        player("0s silence s1 1h alertname=disk\n 1s post disk\n 1s post slow\n 1s post down\n 1s post over");
    assert_eq!(listed(&player, 1000), ["disk s", "down", "over", "slow i"]);
    assert_eq!(listed(&player, 301_001), Vec::<String>::new(), "nobody repeated them");
    let wanted = |labels: &Labels| labels.get("alertname") == Some("disk");
    assert_eq!(player.core.listed_alerts(&wanted, Timestamp(1000)).len(), 1);
    assert_eq!(player.core.listed_groups(&wanted, Timestamp(1000)).len(), 1);
    assert_eq!(player.core.listed_groups(&|_| true, Timestamp(1000)).len(), 4);
}

#[test]
fn the_labels_of_a_route_are_listed_as_messages_would_carry_them() {
    let check = |label: &str, want: &str| {
        let mut player = Player::new(&format!(
            "route: {{receiver: hook, group_by: [alertname], labels: {{team: ops, about: '{label}'}}}}\nreceivers: [{{name: hook}}]\n"
        ));
        player.play("1s post disk instance=a\n 1s post disk instance=b");
        // Rendered with the whole group, although one of its alerts is asked for.
        let wanted = |labels: &Labels| labels.get("instance") == Some("a");
        let groups = player.core.listed_groups(&wanted, Timestamp(2000));
        let labels: Vec<_> = groups[0].route_labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!((groups.len(), labels), (1, vec![("about", want), ("team", "ops")]), "{label}");
    };
    check("as written", "as written");
    check(
        "{{ len .Alerts }} of {{ .GroupLabels.alertname }} for {{ routeLabels \"team\" }}",
        "2 of disk for ops",
    );
    check("{{ index .Alerts 7 }}", "{{ index .Alerts 7 }}");
}

#[test]
fn the_end_of_a_silence_that_hides_something_is_near_in_its_last_half_hour_or_quarter() {
    let check = |length: &str, minutes: &[(i64, bool)]| {
        for (minute, is_near) in minutes {
            // Heard again, so that it fires then.
            let player = player(&format!(
                "0s post disk\n 0s silence s1 {length} alertname=disk\n 0s silence s2 {length} a=b\n {minute}m post disk"
            ));
            let now = Timestamp(minute * 60_000);
            let near: Vec<_> =
                player.core.expiring_silences(now).into_iter().map(|(s, n)| (s.id.to_string(), n)).collect();
            let want = if *is_near { vec![("s1".to_owned(), 1)] } else { Vec::new() };
            assert_eq!(near, want, "{length} after {minute} min");
        }
    };
    check("8h", &[(0, false), (449, false), (450, true), (479, true), (480, false)]);
    check("2h", &[(0, false), (89, false), (90, true), (119, true)]);
    check("1h", &[(0, false), (44, false), (45, true), (59, true), (60, false)]);
    check("4m", &[(0, false), (2, false), (3, true)]);
}

#[test]
fn an_end_without_a_beginning_ends_what_fires_whatever_the_clock_of_who_says_it() {
    let mut player = player("10m post api");
    let now = Timestamp(660_000);
    let end = |starts_at: i64, ends_at: i64| Alert {
        labels: Labels::from_pairs([("alertname", "api")]),
        annotations: Labels::empty(),
        starts_at: Timestamp(starts_at),
        ends_at: Some(Timestamp(ends_at)),
        generator_url: String::new(),
    };
    player.hear(AlertSource::Api, end(100_000, 200_000), now);
    assert_eq!(listed(&player, 660_000), ["api"], "the end of an earlier life is not that of this one");
    player.hear(AlertSource::Api, end(200_000, 200_000), now);
    assert_eq!(listed(&player, 660_000), Vec::<String>::new());
}
