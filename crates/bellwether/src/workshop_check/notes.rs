//! Participants' notes: Markdown in which lines such as `Goal: …` are what a checklist asks for.
//!
//! People write the same thing as a list, as a heading, in bold or in a table of their own; what counts is the word before
//! the colon. A value that still stands in brackets is the template's, and counts as not written.

/// What was found in notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// User journeys in order.
    pub journeys: Vec<Journey>,
    /// Objectives in order.
    pub objectives: Vec<WrittenObjective>,
    /// Headings in lower case that have something below them.
    pub headings: Vec<String>,
}

/// A user journey.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    /// What it is called.
    pub name: String,
    /// What the user wants.
    pub goal: String,
    /// How many steps it has.
    pub steps: usize,
}

/// An objective on paper; a part that is not written is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenObjective {
    /// What should go well.
    pub objective: String,
    /// What is measured.
    pub sli: String,
    /// How often it should go well.
    pub target: String,
    /// Over which time.
    pub window: String,
    /// The goal for the next month.
    pub achievable: String,
    /// The goal for the next year.
    pub aspirational: String,
}

/// A word before a colon that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Journey,
    Goal,
    Steps,
    Objective,
    Sli,
    Target,
    Window,
    Achievable,
    Aspirational,
}

/// What following lines belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Journey { in_steps: bool },
    Objective,
}

impl Notes {
    /// Reads notes.
    pub fn read(text: &str) -> Self {
        let (mut notes, mut within, mut fenced) = (Self::default(), Within::Nothing, false);
        let mut heading: Option<String> = None;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                continue;
            }
            if fenced || line.trim().is_empty() {
                continue;
            }
            let keyed = key_of(line);
            let title = line.trim_start().strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim());
            // Whatever follows a heading is something below it, another heading too.
            notes.headings.extend(match title {
                Some(title) => heading.replace(title.to_lowercase()),
                None => heading.take(),
            });
            match keyed {
                Some((key, value)) => within = notes.take(key, value, within),
                None if title.is_some() => within = Within::Nothing,
                None if within == (Within::Journey { in_steps: true }) && is_listed(line) => {
                    if let Some(journey) = notes.journeys.last_mut() {
                        journey.steps += 1;
                    }
                }
                None => {}
            }
        }
        notes
    }

    fn take(&mut self, key: Key, value: String, within: Within) -> Within {
        match key {
            Key::Journey => {
                self.journeys.push(Journey { name: value, ..Journey::default() });
                return Within::Journey { in_steps: false };
            }
            Key::Objective => {
                self.objectives.push(WrittenObjective { objective: value, ..WrittenObjective::default() });
                return Within::Objective;
            }
            Key::Goal | Key::Steps => {
                let Within::Journey { .. } = within else { return within };
                let Some(journey) = self.journeys.last_mut() else { return within };
                if key == Key::Goal {
                    journey.goal = value;
                } else {
                    journey.steps += usize::from(!value.is_empty());
                }
                return Within::Journey { in_steps: key == Key::Steps };
            }
            Key::Sli | Key::Target | Key::Window | Key::Achievable | Key::Aspirational => {}
        }
        if let Some(objective) = self.objectives.last_mut().filter(|_| within == Within::Objective) {
            *match key {
                Key::Target => &mut objective.target,
                Key::Window => &mut objective.window,
                Key::Achievable => &mut objective.achievable,
                Key::Aspirational => &mut objective.aspirational,
                Key::Sli | Key::Journey | Key::Goal | Key::Steps | Key::Objective => &mut objective.sli,
            } = value;
        }
        within
    }

    /// Whether there is a heading that has this in it, and something below it.
    pub(super) fn has_heading(&self, part: &str) -> bool {
        self.headings.iter().any(|heading| heading.contains(part))
    }
}

/// A list's mark: `-`, `*`, `+`, `1.` or `1)`.
fn without_mark(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("- ").or(line.strip_prefix("* ")).or(line.strip_prefix("+ ")) {
        return Some(rest.trim_start());
    }
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == line.len() {
        return None;
    }
    rest.strip_prefix(". ").or(rest.strip_prefix(") ")).map(str::trim_start)
}

fn is_listed(line: &str) -> bool {
    without_mark(line).is_some_and(|rest| !written(rest).is_empty())
}

/// A value without marks of Markdown; nothing if it is still the template's.
fn written(value: &str) -> String {
    let value: String = value.chars().filter(|c| !matches!(c, '*' | '`')).collect();
    let value = value.trim();
    let is_template = value.starts_with('[') && value.ends_with(']');
    if is_template { String::new() } else { value.to_owned() }
}

fn key_of(line: &str) -> Option<(Key, String)> {
    let line = line.trim_start().trim_start_matches('#').trim_start();
    let line = without_mark(line).unwrap_or(line);
    let (key, value) = line.split_once(':')?;
    let key: String = key.chars().filter(|c| !matches!(c, '*' | '_' | '`')).collect();
    let key = key.trim().to_lowercase();
    let words: Vec<&str> = key.split_whitespace().collect();
    let is_numbered = |first: &str| matches!(words.as_slice(), [word, number] if *word == first && number.bytes().all(|b| b.is_ascii_digit()));
    let key = match key.as_str() {
        "journey name" | "name" | "journey" | "user journey" => Key::Journey,
        "goal" => Key::Goal,
        "steps" => Key::Steps,
        "objective" => Key::Objective,
        "sli" | "indicator" | "service level indicator" | "service level indicator (sli)" => Key::Sli,
        "target" => Key::Target,
        "window" | "time window" => Key::Window,
        "achievable" => Key::Achievable,
        "aspirational" => Key::Aspirational,
        _ if is_numbered("uj") || is_numbered("journey") => Key::Journey,
        _ => return None,
    };
    Some((key, written(value)))
}
