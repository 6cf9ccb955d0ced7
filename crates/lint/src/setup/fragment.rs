//! What a piece of YAML is, and what it holds for the setup. Documents show pieces: a list of rules without its group, a
//! route without receivers.

use bellwether_alerts::Config as StrictRouting;
use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Diagnostics, FileId, Span};
use bellwether_promql::Expr;
use bellwether_rules::{ReadOptions, Rule as StrictRule, RuleFile};
use bellwether_slo::{Documents, Strictness};

use super::markdown::Markdown;
use super::query::{Origin, Query};
use super::routing::Routing;
use super::rule::{KnownQueries, Rule};
use super::shell::Script;
use super::{Form, SectionId, Setup, Tree};

impl Setup {
    pub(super) fn read_markdown(&mut self, file: FileId) {
        let read = Markdown::read(&mut self.sources, file);
        let document = self.documents.len();
        for block in &read.blocks {
            let section = Some(SectionId { document, section: block.section });
            match block.language.as_str() {
                "yaml" | "yml" => {
                    self.read_yaml(block.file, section);
                }
                "promql" | "metricsql" => self.read_queries(block.file, section),
                "sh" | "bash" | "shell" | "zsh" => self.read_script(block.file, &block.language, section),
                _ => {}
            }
        }
        for inline in &read.inline {
            let section = Some(SectionId { document, section: inline.section });
            let start = inline.span.start as usize;
            let query = Query::in_text(&inline.text, inline.span.file, start, Origin::Inline, section);
            if query.parsed.as_ref().is_some_and(is_worth_a_look) {
                self.queries.push(query);
            }
        }
        self.documents.push(read);
    }

    pub(super) fn read_script(&mut self, file: FileId, language: &str, section: Option<SectionId>) {
        self.scripts.push(Script::read(self.sources.text(file), file, language, section));
    }

    /// Reads YAML of whatever kind. What is broken in something that is none of ours is not our business.
    pub(super) fn read_yaml(&mut self, file: FileId, section: Option<SectionId>) -> Form {
        let mut problems = Diagnostics::new();
        let nodes = yaml::parse(&self.sources, file, &mut problems);
        let form = match nodes.first() {
            Some(node) => form_of(node),
            None => form_of_broken(self.sources.text(file)),
        };
        if form != Form::Other {
            self.problems.extend(problems);
        }
        match form {
            Form::Rules => self.read_rules(&nodes, section),
            Form::Alertmanager => nodes.iter().for_each(|node| self.read_routing(node, file, section)),
            _ => {}
        }
        let trees = nodes.into_iter().map(|node| Tree { file, form: form_of(&node), node, section });
        self.trees.extend(trees);
        form
    }

    fn read_rules(&mut self, nodes: &[Node], section: Option<SectionId>) {
        let mut found = Diagnostics::new();
        let mut refused = Diagnostics::new();
        let mut cx = Cx::new(&self.sources, &mut found);
        for node in nodes {
            // A resource of the Prometheus operator holds the same groups in its `spec`.
            let document = node.get("spec").filter(|spec| spec.get("groups").is_some()).unwrap_or(node);
            if let Some(groups) = document.get("groups") {
                let documents = std::slice::from_ref(document);
                let strict =
                    RuleFile::decode_leniently(documents, ReadOptions::default(), &mut cx, &mut refused);
                let mut known = queries_of(strict);
                for group in groups.as_sequence().unwrap_or_default() {
                    let rules = group.get("rules").and_then(Node::as_sequence).unwrap_or_default();
                    self.rules.extend(
                        rules.iter().filter_map(|rule| Rule::read(rule, Some(group), section, &mut known)),
                    );
                }
                continue;
            }
            let alone = document.as_sequence().unwrap_or(std::slice::from_ref(document));
            for rule in alone {
                let strict = StrictRule::decode(rule, ReadOptions::default(), &mut cx);
                let mut known = strict.into_iter().map(query_of).collect();
                self.rules.extend(Rule::read(rule, None, section, &mut known));
            }
        }
        // Templates and duplicates are looked at by checks, which know more: each mistake in a template has its own, and
        // rules of one name that ask different things are none.
        let is_left = |problem: &bellwether_diag::Diagnostic| {
            problem.id != "template" && problem.id != bellwether_rules::lint::DUPLICATE
        };
        self.problems.extend(found.into_iter().chain(refused).filter(is_left));
    }

    fn read_routing(&mut self, node: &Node, file: FileId, section: Option<SectionId>) {
        let routing = Routing::read(node, file, section);
        if routing.is_whole {
            StrictRouting::read(&self.sources, file, &mut self.problems);
        }
        self.routings.push(routing);
    }

    /// Objectives are read together at the end, since one may name what stands in another file.
    pub(super) fn read_objectives(&mut self) {
        let mut documents = Documents::default();
        let mut cx = Cx::new(&self.sources, &mut self.problems);
        for tree in self.trees.iter().filter(|tree| tree.form == Form::Objectives) {
            documents.add(tree.node.clone(), &mut cx);
        }
        for tree in self.trees.iter().filter(|tree| tree.form == Form::Bellwether) {
            let items = tree.node.get("slos").and_then(Node::as_sequence).unwrap_or_default();
            let stated = items.iter().filter(|item| item.as_mapping().is_some());
            stated.for_each(|item| documents.add_item(item.clone(), &mut cx));
        }
        self.slos = documents.slos(&self.sources, Strictness::Lenient, &mut self.problems);
    }
}

/// Queries that the strict reader could read, by where they stand, so that none is read twice.
fn queries_of(file: RuleFile) -> KnownQueries {
    file.groups.into_iter().flat_map(|group| group.rules).map(query_of).collect()
}

fn query_of(rule: StrictRule) -> (Span, Expr) {
    (rule.expr.node.span, rule.expr.parsed)
}

/// What a text was to be that cannot be read: keys at the beginning of its lines tell.
fn form_of_broken(text: &str) -> Form {
    let has = |keys: &[&str]| {
        let keyed =
            |line: &str| keys.iter().any(|key| line.strip_prefix(key).is_some_and(|it| it.starts_with(':')));
        text.lines().any(|line| keyed(line.trim_start().trim_start_matches("- ")))
    };
    if (has(&["alert", "record"]) && has(&["expr"])) || (has(&["groups"]) && has(&["rules"])) {
        Form::Rules
    } else if has(&["route"]) && has(&["receiver", "receivers"]) {
        Form::Alertmanager
    } else if has(&["scrape_configs"]) {
        Form::Prometheus
    } else {
        Form::Other
    }
}

/// What a tree is.
fn form_of(node: &Node) -> Form {
    let is_rule = |node: &Node| {
        let named = node.get("alert").is_some() || node.get("record").is_some();
        named && node.get("expr").is_some()
    };
    if let Some(items) = node.as_sequence() {
        return if !items.is_empty() && items.iter().all(is_rule) { Form::Rules } else { Form::Other };
    }
    let has = |names: &[&str]| names.iter().any(|name| node.get(name).is_some());
    if bellwether_slo::Kind::of(node)
        .is_some_and(|kind| kind.dialect() != bellwether_slo::Dialect::Bellwether)
    {
        return Form::Objectives;
    }
    if is_rule(node) || has(&["groups"]) || node.get("spec").is_some_and(|spec| spec.get("groups").is_some())
    {
        Form::Rules
    } else if has(&["prometheus", "source", "alertmanager", "alertmanagers", "rules", "slos", "probes"]) {
        Form::Bellwether
    } else if has(&["route", "receivers", "inhibit_rules"]) {
        Form::Alertmanager
    } else if has(&["scrape_configs", "rule_files", "alerting", "remote_write"]) {
        Form::Prometheus
    } else if has(&["target", "objective"]) && has(&["slo_name", "slo", "sli", "name"]) {
        Form::Described
    } else {
        Form::Other
    }
}

/// Whether code in a line that reads as a query is one: a bare name is anything.
fn is_worth_a_look(expr: &bellwether_promql::Expr) -> bool {
    use bellwether_promql::ExprKind;
    let mut selects = false;
    expr.walk(&mut |node| selects |= matches!(node.kind, ExprKind::Selector(_) | ExprKind::Range(_)));
    selects && !matches!(&expr.kind, ExprKind::Selector(selector) if selector.matchers.len() < 2)
}
