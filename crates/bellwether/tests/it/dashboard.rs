//! Files of dashboards: ours and Grafana's, what is refused and what is named as left out, and the page itself.

use bellwether::dashboard;
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_web::view::{Dashboard, PanelKind, PanelUnit};

use crate::process::{Folder, Server, run, text};

fn read(name: &str, file: &str) -> (Option<Dashboard>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let id = sources.add(name, file);
    let read = dashboard::read(&sources, id, &mut out);
    (read, out.render(&sources, Style::default()))
}

#[test]
fn our_own_format_is_read_with_its_usual_values() {
    let file = "title: Login\npanels:\n- {title: Rate, type: stat, query: 'rate(a_total[$__rate_interval])'}\n\
                - {title: Slow, type: line, unit: seconds, levels: [{at: 0.15, label: goal}], \
                queries: [{expr: b, legend: '{{job}}'}, c]}\n";
    let (page, problems) = read("boards/log in.yml", file);
    assert_eq!(problems, "");
    let page = page.unwrap();
    assert_eq!((page.name.as_str(), page.range.to_string().as_str()), ("log-in", "1h"));
    assert_eq!((page.panels[0].width, page.panels[1].width), (3, 6));
    assert_eq!((page.panels[1].unit, page.panels[1].queries.len()), (PanelUnit::Seconds, 2));
}

#[test]
fn every_mistake_has_its_place_and_a_remedy() {
    let file = "title: T\npanels:\n- {title: A, type: pie, query: a}\n- {title: B, type: line, query: 'sum(b'}\n\
                - {title: C, type: stat, width: 13, query: c}\n- {title: D, type: stat}\n- {title: E, type: stat, query: e, color: red}\n";
    let (page, problems) = read("t.yml", file);
    assert!(page.is_none());
    for part in [
        "t.yml:3:20: error: \"pie\" is not a type of panel; write one of stat, gauge, line, table, heatmap",
        "t.yml:4:",
        "a width of 13 columns; write 1 to 12",
        "the panel asks nothing; write query: with PromQL",
        "unknown field \"color\"",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
}

const EXPORT: &str = r#"{"dashboard": {"title": "Shop", "schemaVersion": 39, "time": {"from": "now-6h", "to": "now"},
 "templating": {"list": [{"name": "job", "type": "query", "current": {"value": ["a", "b"]}},
   {"name": "ds", "type": "datasource", "current": {"value": "x"}}]},
 "panels": [
  {"type": "row", "title": "r", "panels": [
   {"type": "timeseries", "title": "Requests", "gridPos": {"w": 12}, "fieldConfig": {"defaults": {"unit": "reqps"}},
    "targets": [{"expr": "rate(requests_total{job=\"$job\"}[$__rate_interval])", "legendFormat": "{{code}}"}]}]},
  {"type": "gauge", "title": "Up", "targets": [{"expr": "avg(up)"}], "fieldConfig": {"defaults": {"unit": "percentunit", "max": 1,
    "thresholds": {"steps": [{"color": "red", "value": null}, {"color": "green", "value": 0.9}]}}}},
  {"type": "piechart", "title": "Pie", "targets": [{"expr": "a"}]},
  {"type": "stat", "title": "Logs", "targets": [{"expr": "{app=~\"x\"} |= \"error\""}]}]}}"#;

#[test]
fn an_export_of_grafana_is_taken_over_and_what_is_not_is_named() {
    let (page, problems) = read("shop.json", EXPORT);
    assert_eq!(problems, "");
    let page = page.unwrap();
    assert_eq!((page.title.as_str(), page.range.to_string().as_str(), page.panels.len()), ("Shop", "6h", 2));
    let requests = &page.panels[0];
    assert_eq!((requests.kind, requests.unit, requests.width), (PanelKind::Line, PanelUnit::PerSecond, 6));
    assert_eq!(requests.queries[0].expr, "rate(requests_total{job=~\"a|b\"}[$__rate_interval])");
    assert_eq!(page.panels[1].thresholds.len(), 2);
    for part in ["variable job", "\"Pie\" is of the type piechart", "panel \"Logs\""] {
        assert!(page.left_out.iter().any(|sentence| sentence.contains(part)), "{part}: {:?}", page.left_out);
    }
}

#[test]
fn describe_lists_the_metrics_of_each_panel() {
    let folder = Folder::new("dashboard-describe");
    let path = folder.write("shop.json", EXPORT);
    let ended = run(&["dashboard", "describe", text(&path)]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(
        ended.stdout.contains("requests_total") && ended.stdout.contains("left out: the panel \"Pie\""),
        "{}",
        ended.stdout
    );
    let ended = run(&["check", text(&path)]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_draws_its_panels_and_says_which_query_fails() {
    let folder = Folder::new("dashboard-page");
    folder.write(
        "own.yml",
        "title: Own\npanels:\n- {title: Number, type: stat, query: vector(42)}\n- {title: Scale, type: gauge, unit: ratio, \
         query: vector(0.5), thresholds: [{from: 0.9, tone: ok}, {from: 0, tone: bad}]}\n- {title: Lines, type: line, query: vector(7)}\n\
         - {title: Rows, type: table, query: 'label_replace(vector(3), \"shop\", \"eu\", \"\", \"\")'}\n\
         - {title: Spread, type: heatmap, query: 'label_replace(vector(5), \"le\", \"1\", \"\", \"\")'}\n\
         - {title: Broken, type: table, query: 'vector(1) * on() group_left() (vector(1) or label_replace(vector(1), \"a\", \"b\", \"\", \"\"))'}\n",
    );
    let config = folder.write("bellwether.yml", "dashboards: ['own.yml']\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let page = server.text("/dashboards/own?range=15m").await;
    for part in [">42<", "50%", "7</b>", ">eu<", "class=\"h6\"", "Broken", "▲ "] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(server.text("/dashboards").await.contains("/dashboards/own"));
    let answer = server.ask(reqwest::Method::GET, "/dashboards/nothing", None).await.unwrap();
    assert_eq!(answer.status, 404);
}
