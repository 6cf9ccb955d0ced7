//! The page of a load generator as HTML.

use std::fmt::Write;

use super::System;
use super::load_page::Form;
use super::load_stats::{CallStats, LoadSnapshot};

/// What the page shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Whose users they are.
    pub system: System,
    /// Whether users run.
    pub is_running: bool,
    /// Whether any ever did.
    pub was_started: bool,
    /// For how long, in seconds.
    pub ran_s: u64,
    /// What they were started with, or would be.
    pub form: Form,
    /// What they met.
    pub met: LoadSnapshot,
}

impl Shown {
    /// Calls by name, and all of them at the end.
    pub(super) fn rows(&self) -> Vec<(String, CallStats)> {
        let mut rows: Vec<(String, CallStats)> =
            self.met.by_endpoint.iter().map(|(call, stats)| (call.to_string(), *stats)).collect();
        rows.push(("all".to_owned(), self.met.total));
        rows
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f6f7f8;--card:#fff;--ink:#16191d;--dim:#565e69;--line:#d9dde2;--bad:#b3181b;--ok:#116b3a}\
@media(prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#171b21;--ink:#e9ecef;--dim:#a0a9b4;--line:#2b323b;--bad:#ff9a96;--ok:#7bd9a2}}\
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}\
main{max-width:900px;margin:0 auto;padding:14px 16px 40px}h1{font-size:21px;margin:2px 0 2px}h2{font-size:17px;margin:22px 0 8px}\
p{margin:0 0 12px;color:var(--dim)}.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(120px,1fr));gap:10px;margin:0 0 14px}\
.facts div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:8px 12px}.facts dt{font-size:13px;color:var(--dim)}\
.facts dd{margin:0;font-size:22px;font-weight:650}form{display:grid;gap:12px;max-width:520px}label{display:block;font-size:14px;color:var(--dim)}\
input{display:block;width:100%;font:inherit;min-height:44px;padding:6px 10px;margin-top:2px;border-radius:8px;border:1px solid #808a96;background:var(--card);color:var(--ink)}\
input[aria-invalid]{border-color:var(--bad)}.why{color:var(--bad);font-size:14px}.pair{display:grid;grid-template-columns:1fr 1fr;gap:12px}\
button{font:inherit;font-weight:600;min-height:44px;padding:6px 18px;border-radius:8px;border:1px solid #0b5cad;background:#0b5cad;color:#fff;cursor:pointer;justify-self:start}\
button.stop{background:none;color:var(--bad);border-color:var(--bad)}:focus-visible{outline:3px solid #0b5cad;outline-offset:2px}\
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}table{border-collapse:collapse;width:100%;font-size:15px}\
th,td{padding:8px 12px;text-align:right;border-top:1px solid var(--line);white-space:nowrap}th:first-child,td:first-child{text-align:left}\
thead th{border-top:0;font-size:13px;color:var(--dim)}tr:last-child td{font-weight:650}td.bad{color:var(--bad)}\
@media(max-width:600px){th,td{padding:8px 6px;font-size:13.5px}th:nth-child(4),td:nth-child(4){display:none}}";

/// Draws the figures again every second. Texts go in as texts.
const SCRIPT: &str = "\
const put=(id,text)=>{const at=document.getElementById(id);if(at)at.textContent=text};\
const draw=async()=>{try{const now=await(await fetch('stats')).json();\
if(now.running!==(document.body.dataset.running==='true')){location.reload();return}\
put('users',now.users);put('rate',now.requests_per_second.toFixed(2));put('seconds',now.seconds+' s');\
const all=now.calls[now.calls.length-1];put('failed',all.requests?(100*all.failures/all.requests).toFixed(1)+' %':'0 %');\
const rows=now.calls.map(call=>{const row=document.createElement('tr');\
[call.name,call.requests,call.failures,call.unanswered,call.p50_ms+' ms',call.p95_ms+' ms'].forEach((text,place)=>{\
const cell=row.insertCell();cell.textContent=text;if((place===2||place===3)&&text>0)cell.className='bad'});return row});\
document.querySelector('tbody').replaceChildren(...rows)}catch{}};\
if(document.body.dataset.running==='true')setInterval(draw,1000);";

/// The whole page, with what is wrong with the form.
pub(super) fn page(shown: &Shown, wrong: &[(&'static str, String)]) -> String {
    let title = format!("Load: {}", shown.system.title());
    let refresh = match shown.is_running {
        true => "<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>",
        false => "",
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title>{refresh}<style>{STYLE}</style></head>\n<body data-running=\"{}\"><main><h1>{title}</h1>\n",
        shown.is_running
    );
    match (shown.is_running, shown.was_started) {
        (true, _) => running(shown, &mut out),
        (false, true) => {
            let _ = writeln!(out, "<p>Stopped after {} s.</p>", shown.ran_s);
            figures(shown, &mut out);
            out.push_str("<h2>Start again</h2>\n");
            form(&shown.form, wrong, &mut out);
        }
        (false, false) => {
            out.push_str("<p>Nobody calls yet. Users start one after the other, and call until they are stopped.</p>\n");
            form(&shown.form, wrong, &mut out);
        }
    }
    let _ = writeln!(out, "</main><script>{SCRIPT}</script></body></html>");
    out
}

fn running(shown: &Shown, out: &mut String) {
    let form = &shown.form;
    let until = match form.run_time.trim() {
        "" => "until they are stopped".to_owned(),
        time => format!("for {}", escaped(time)),
    };
    let _ = writeln!(
        out,
        "<p>Up to {} users call {} {until}; {} start each second.</p>",
        escaped(&form.users),
        escaped(&form.host),
        escaped(&form.spawn_rate)
    );
    figures(shown, out);
    out.push_str("<form method=\"post\" action=\"stop\" style=\"margin-top:14px\"><button class=\"stop\">Stop</button></form>\n");
}

fn figures(shown: &Shown, out: &mut String) {
    let total = shown.met.total;
    let failed = match total.requests {
        0 => "0 %".to_owned(),
        requests => format!("{:.1} %", 100.0 * total.failures as f64 / requests as f64),
    };
    let facts = [
        ("users", "Users", shown.met.users.to_string()),
        ("rate", "Requests/s", format!("{:.2}", shown.met.requests_per_s)),
        ("failed", "Failed", failed),
        ("seconds", "Running for", format!("{} s", shown.ran_s)),
    ];
    out.push_str("<dl class=\"facts\">");
    for (id, name, value) in facts {
        let _ = write!(out, "<div><dt>{name}</dt><dd id=\"{id}\">{value}</dd></div>");
    }
    out.push_str("</dl>\n<div class=\"scroll\"><table><thead><tr>");
    for name in ["Call", "Requests", "Failed", "Unanswered", "p50", "p95"] {
        let _ = write!(out, "<th scope=\"col\">{name}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for (name, calls) in shown.rows() {
        let bad = |count: u64| if count > 0 { " class=\"bad\"" } else { "" };
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td{}>{}</td><td{}>{}</td><td>{} ms</td><td>{} ms</td></tr>",
            escaped(&name),
            calls.requests,
            bad(calls.failures),
            calls.failures,
            bad(calls.unanswered),
            calls.unanswered,
            calls.p50_ms,
            calls.p95_ms
        );
    }
    out.push_str("</tbody></table></div>\n");
}

fn form(form: &Form, wrong: &[(&'static str, String)], out: &mut String) {
    out.push_str("<form method=\"post\" action=\"start\">\n<div class=\"pair\">");
    field("users", "Number of users at peak", &form.users, "inputmode=\"numeric\" required", wrong, out);
    let hint = "inputmode=\"decimal\" required";
    field("spawn_rate", "Spawn rate, users a second", &form.spawn_rate, hint, wrong, out);
    out.push_str("</div>\n");
    field("host", "Host", &form.host, "required", wrong, out);
    let hint = "placeholder=\"until stopped\"";
    field("run_time", "Run time, such as 7h", &form.run_time, hint, wrong, out);
    out.push_str("<button>Start</button></form>\n");
}

fn field(
    name: &str,
    label: &str,
    value: &str,
    more: &str,
    wrong: &[(&'static str, String)],
    out: &mut String,
) {
    let why = wrong.iter().find(|(field, _)| *field == name).map(|(_, why)| why);
    let invalid = if why.is_some() { " aria-invalid=\"true\"" } else { "" };
    let _ = write!(out, "<label>{label}<input name=\"{name}\" value=\"{}\" {more}{invalid}>", escaped(value));
    if let Some(why) = why {
        let _ = write!(out, "<span class=\"why\">{}</span>", escaped(why));
    }
    out.push_str("</label>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

impl super::load::LoadError {
    /// The field of the form that it is about.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Target { .. } | Self::Client(_) => "host",
            Self::SpawnRate(_) => "spawn_rate",
        }
    }
}
