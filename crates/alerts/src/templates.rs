//! The templates of a configuration: the defaults, and the files it names, which may redefine them.

use std::collections::BTreeMap;

use bellwether_model::{Labels, Timestamp};
use bellwether_template::{Context, Escape, TemplateError, TemplateSet, Value, alertmanager_functions};

use crate::{Notification, template_data};

/// Definitions under Alertmanager's names.
const DEFAULTS: &str = include_str!("default.tmpl");
/// Route labels may use one another; so many rounds settle what people write.
const ROUTE_LABEL_ROUNDS: usize = 3;

/// The template files a configuration names, parsed.
#[derive(Clone, Debug)]
pub struct Templates {
    set: TemplateSet,
    problems: Vec<TemplateError>,
}

impl Default for Templates {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl Templates {
    /// From the texts of the files, by name. A file with a problem defines nothing; see [`Templates::problems`].
    pub fn new(sources: BTreeMap<String, String>) -> Self {
        let mut functions = alertmanager_functions();
        functions.add("routeLabels", (0, Some(1)), |call| {
            let labels = call.context.route_labels();
            match call.args.is_empty() {
                true => Ok(Value::from(&labels)),
                false => Ok(Value::text(labels.value_or_empty(call.text(0)?))),
            }
        });
        let mut set = TemplateSet::new(functions);
        let mut problems = set.parse("default.tmpl", DEFAULTS).err().unwrap_or_default();
        for (name, text) in &sources {
            problems.extend(set.parse(name, text).err().unwrap_or_default());
        }
        Self { set, problems }
    }

    /// What is wrong with the files. Receivers that need what they would define send plain text meanwhile.
    pub fn problems(&self) -> &[TemplateError] {
        &self.problems
    }

    /// Checks a text of a receiver's settings without rendering it.
    pub fn check(&self, name: &str, text: &str) -> Result<(), Vec<TemplateError>> {
        self.set.check(name, text, &[]).map(|_| ())
    }

    /// The names that can be called.
    pub fn names(&self) -> Vec<&str> {
        self.set.names().collect()
    }
}

/// Renders texts for one notification.
pub(crate) struct Renderer<'a> {
    templates: &'a Templates,
    data: Value,
    world: World<'a>,
}

struct World<'a> {
    now: Timestamp,
    external_url: &'a str,
    route_labels: Labels,
}

impl Context for World<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn external_url(&self) -> &str {
        self.external_url
    }

    fn route_labels(&self) -> Labels {
        self.route_labels.clone()
    }
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(
        templates: &'a Templates,
        notification: &Notification,
        external_url: &'a str,
        now: Timestamp,
    ) -> Self {
        let data = template_data::data(notification, external_url);
        let world = World { now, external_url, route_labels: Labels::empty() };
        Self { templates, data, world }
    }

    /// Renders the labels of the route; later texts can ask for them.
    pub(crate) fn route_labels(
        &mut self,
        labels: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut rendered = labels.clone();
        for _ in 0..ROUTE_LABEL_ROUNDS {
            let pairs: Result<Vec<_>, String> =
                labels.iter().map(|(name, text)| Ok((name.clone(), self.expand(text)?))).collect();
            rendered = pairs?.into_iter().collect();
            self.world.route_labels = Labels::from_pairs(rendered.clone());
        }
        Ok(rendered)
    }

    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        let rendered = self.templates.set.render_text(Escape::None, text, &self.data, &self.world);
        rendered.map_err(|error| error.to_string())
    }
}
