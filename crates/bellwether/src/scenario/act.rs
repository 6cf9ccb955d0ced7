//! What people and programs do in a run: through the same events as on a running server.

use std::collections::BTreeMap;

use bellwether_alerts::{self as alerts, AlertSource, Deed as AlertDeed, SilenceId, SilenceWish, Subject};
use bellwether_diag::{Cx, Diagnostics, Style};
use bellwether_model::Labels;
use bellwether_rules::{RuleFile, RuleGroup};

use super::load::Place;
use super::model::{Action, ConfigChoice, Event, HandDeed};
use super::player::Playing;

impl Playing<'_> {
    /// Does it, and notes what came of it.
    pub(super) fn act(&mut self, event: &Event) {
        let done = match &event.action {
            Action::Reload(choice) => self.reload(choice),
            Action::AddRules(node) => self.add_rules(node),
            Action::Silence { matchers, length, by, comment } => {
                let now = self.world.now();
                let wish = SilenceWish {
                    id: None,
                    new_id: self.next_silence(),
                    matchers: matchers.clone(),
                    starts_at: now,
                    ends_at: now + *length,
                    created_by: by.clone(),
                    comment: comment.clone(),
                    annotations: BTreeMap::new(),
                };
                let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
                self.silence(wish)
                    .map(|()| format!("{by} silences {} for {length}: {comment}", texts.join(", ")))
            }
            Action::Handle { deed, alert, by, note } => self.handle(*deed, alert, by, note),
            Action::Post { path, body } => self.post(path, body),
        };
        let at = self.world.moment();
        match done {
            Ok(what) => self.world.story.note(at, what, false),
            Err(why) => self.world.story.note(at, why, true),
        }
    }

    fn next_silence(&mut self) -> SilenceId {
        self.silences += 1;
        SilenceId(format!("00000000-0000-4000-8000-{:012}", self.silences))
    }

    fn silence(&mut self, wish: SilenceWish) -> Result<(), String> {
        match self.world.say(alerts::Event::SetSilence(wish)) {
            Some(alerts::Answer::Silence(Err(error))) => Err(format!("the silence is refused: {error}")),
            _ => Ok(()),
        }
    }

    fn reload(&mut self, choice: &ConfigChoice) -> Result<String, String> {
        let read = self.place.config(choice);
        let Some(config) = read.config else {
            let reasons = read.diagnostics.render(&read.sources, Style { color: false });
            let first = reasons.lines().next().unwrap_or_default();
            return Err(format!("the reload is refused: {first}"));
        };
        self.config = config;
        self.world.reload(&self.config);
        Ok("another configuration is in force".to_owned())
    }

    fn add_rules(&mut self, node: &bellwether_diag::yaml::Node) -> Result<String, String> {
        let mut added = self.place.rules(node).map_err(|why| format!("the rules are refused: {why}"))?;
        let names: Vec<String> = added
            .iter()
            .flat_map(|(_, file)| &file.groups)
            .flat_map(|group| group.rules.iter().map(|rule| rule.name.value.clone()))
            .collect();
        self.config.rules.append(&mut added);
        self.world.reload(&self.config);
        Ok(format!("reloaded with rules {}", names.join(", ")))
    }

    fn handle(&mut self, deed: HandDeed, alert: &Labels, by: &str, note: &str) -> Result<String, String> {
        let now = self.world.now();
        let (alert_deed, verb) = match deed {
            HandDeed::Acknowledge(length) => {
                (AlertDeed::Acknowledge { until: length.map(|length| now + length) }, "acknowledges")
            }
            HandDeed::Unacknowledge => (AlertDeed::Unacknowledge, "gives back"),
            HandDeed::Resolve => (AlertDeed::Resolve, "resolves by hand"),
            HandDeed::Note => (AlertDeed::Note, "writes about"),
        };
        let views = self.world.pipeline().alerts.alerts(now);
        let has = |labels: &Labels| alert.iter().all(|(name, value)| labels.value_or_empty(name) == value);
        let meant: Vec<_> = views
            .iter()
            .filter(|view| !view.resolved && has(&view.alert.labels))
            .map(|view| view.fingerprint)
            .collect();
        if meant.is_empty() {
            return Err(format!("{by} {verb} {alert}, but no such alert fires"));
        }
        for fingerprint in &meant {
            let action = alerts::Action {
                subject: Subject::Alert(*fingerprint),
                deed: alert_deed.clone(),
                by: by.to_owned(),
                note: note.to_owned(),
            };
            if let Some(alerts::Answer::Acted(Err(error))) = self.world.say(alerts::Event::Act(action)) {
                return Err(format!("{by} {verb} {alert}, which is refused: {error}"));
            }
        }
        let words = if note.is_empty() { String::new() } else { format!(": {note}") };
        Ok(format!("{by} {verb} {}{words}", alert.value_or_empty("alertname")))
    }

    fn post(&mut self, path: &str, body: &str) -> Result<String, String> {
        let now = self.world.now();
        let refused = |why: String| format!("POST {path} is refused: {why}");
        if path.ends_with("/silences") {
            let new = bellwether_web::posted::silence(body.as_bytes(), now).map_err(refused)?;
            let wish = SilenceWish {
                id: new.id.map(SilenceId),
                new_id: self.next_silence(),
                matchers: new.matchers,
                starts_at: new.starts_at,
                ends_at: new.ends_at,
                created_by: new.created_by,
                comment: new.comment,
                annotations: new.annotations,
            };
            self.silence(wish)?;
            return Ok(format!("POST {path}: a silence"));
        }
        let timeout = self.config.routing.global.resolve_timeout;
        let posted = bellwether_web::posted::alerts(body.as_bytes(), now, timeout).map_err(refused)?;
        let names: Vec<String> =
            posted.iter().map(|alert| alert.labels.value_or_empty("alertname").to_owned()).collect();
        self.world.say(alerts::Event::Alerts { source: AlertSource::Api, alerts: posted });
        Ok(format!("POST {path}: {}", names.join(", ")))
    }
}

impl Place {
    /// Rule files and groups in place, named by a list.
    fn rules(&self, node: &bellwether_diag::yaml::Node) -> Result<Vec<(String, RuleFile)>, String> {
        let mut loader = self.loader();
        let (mut inline, mut out) = (Vec::new(), Diagnostics::new());
        let items = node.as_sequence().unwrap_or_else(|| std::slice::from_ref(node));
        loader.read_file(&self.file, None);
        for item in items {
            match item.as_text() {
                Some(name) => {
                    let path = crate::config::folder_of(&self.file).join(name);
                    let read = loader.read_file(&path, None).and_then(|file| {
                        let options = loader.rule_options;
                        RuleFile::read(&loader.sources, file, options, &mut out)
                            .map(|rules| (path.display().to_string(), rules))
                    });
                    loader.rules.extend(read);
                }
                None => {
                    let mut refused = Diagnostics::new();
                    let mut cx = Cx::new(&loader.sources, &mut out);
                    inline.extend(RuleGroup::decode_leniently(
                        item,
                        loader.rule_options,
                        &mut cx,
                        &mut refused,
                    ));
                    out.extend(refused);
                }
            }
        }
        out.extend(std::mem::take(&mut loader.diagnostics));
        if out.has_errors() {
            return Err(out.render(&loader.sources, Style { color: false }).trim().to_owned());
        }
        if !inline.is_empty() {
            loader.rules.push((self.file.display().to_string(), RuleFile { groups: inline }));
        }
        Ok(loader.rules)
    }
}
