//! `cargo xtask differential`: asks a real Prometheus and ourselves the same questions over the same data.
//!
//! Ours answers twice: in this process over short chunks, and as `bellwether serve` over a data folder, so that store
//! and JSON are compared as well. Whatever differs is made as short as it gets and printed.

mod answer;
mod ask;
mod case;
mod catalogue;
mod compare;
mod dataset;
mod extent;
mod generate;
mod intended;
mod intended_native;
mod memory;
mod names;
mod native;
mod question;
mod remark;
mod remote_write;
mod server;
mod shrink;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::BTreeMap;
use std::fmt;

use crate::{Outcome, cargo, peers, target_dir};
use answer::Answer;
use ask::Ask;
use case::Case;
use compare::{Difference, compare};
use dataset::Dataset;
use generate::{Dialect, Generator};
use intended::explanation;
use memory::Memory;
use server::Server;

/// Samples per chunk in this process: few enough that every window spans several.
const CHUNK_SAMPLES: usize = 7;
/// Disagreements printed in full.
const SHOWN_MAX: usize = 40;

/// What was asked for on the command line.
pub struct Options {
    pub seed: u64,
    /// Generated questions, asked after every combination of the catalogue.
    pub queries: usize,
    /// Keep the servers' folders.
    pub keep: bool,
    /// `host:port` of a server to compare with instead of the unpacked Prometheus; it must take remote writes.
    pub against: Option<String>,
    /// Leave out asking `bellwether serve`.
    pub no_serve: bool,
}

impl Options {
    /// Reads `--seed N --queries N --keep --against HOST:PORT --no-serve`.
    pub fn of_words(words: &[&str]) -> Result<Self, String> {
        let mut options = Self { seed: 1, queries: 1_000, keep: false, against: None, no_serve: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} is not a number"));
            match *word {
                "--seed" => options.seed = number(value()?)?,
                "--queries" => options.queries = number(value()?)? as usize,
                "--keep" => options.keep = true,
                "--against" => options.against = Some((*value()?).to_owned()),
                "--no-serve" => options.no_serve = true,
                _ => return Err(format!("differential has no {word:?}")),
            }
        }
        Ok(options)
    }
}

/// The sides.
struct Sides {
    memory: Memory,
    bellwether: Option<Server>,
    prometheus: Server,
}

/// What came of all questions.
#[derive(Default)]
struct Tally {
    asked: usize,
    refused: usize,
    empty: usize,
    /// How often each entry explained a difference, by its name, with its reason.
    intended: BTreeMap<(&'static str, &'static str), usize>,
    disagreements: Vec<Disagreement>,
    /// Questions about which series, labels and values there are, and those answered differently, shown.
    inquiries: usize,
    name_differences: Vec<String>,
}

/// A question answered differently.
struct Disagreement {
    side: &'static str,
    ask: Ask,
    difference: Difference,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, ask, difference } = self;
        let detail = difference.detail.replace('\n', "\n  ");
        write!(f, "{ask}\n  {side}, {:?}\n  {detail}", difference.aspect)
    }
}

/// Compares, prints, and fails when anything differs that is not meant to.
pub fn run(options: &Options) -> Outcome {
    let tally = tally(options)?;
    tally.print();
    match tally.disagreements.len() + tally.name_differences.len() {
        0 => Ok(()),
        count => {
            let asked = tally.asked + tally.inquiries;
            Err(format!("{count} of {asked} questions are answered differently"))
        }
    }
}

/// Asks all questions.
fn tally(options: &Options) -> Result<Tally, String> {
    let data = Dataset::of_seed(options.seed);
    println!("seed {}: {} series, {} samples", options.seed, data.series_count(), data.sample_count());
    let mut sides = Sides::start(options, &data)?;
    let dialect = if options.against.is_some() { Dialect::Newest } else { Dialect::Common };
    let mut tally = play(&mut sides, options, dialect)?;
    if let Some(ours) = &mut sides.bellwether {
        tally.inquiries = options.queries / 2;
        tally.name_differences =
            names::differences(options.seed, tally.inquiries, &data, ours, &mut sides.prometheus)?;
    }
    Ok(tally)
}

fn play(sides: &mut Sides, options: &Options, dialect: Dialect) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut generator = Generator::new(options.seed, dialect);
    let generated = (0..options.queries).map(|_| generator.ask());
    for ask in catalogue::asks(options.seed, dialect).into_iter().chain(generated) {
        sides.compare(&ask, &mut tally)?;
    }
    Ok(tally)
}

impl Sides {
    fn start(options: &Options, data: &Dataset) -> Result<Self, String> {
        let folder = target_dir().join("differential").join(format!("seed-{}", options.seed));
        let prometheus = match &options.against {
            Some(address) => Server::at(address, data)?,
            None => {
                let program = peers::unpacked("prometheus");
                let program = program.ok_or("no Prometheus here; `cargo xtask peers` unpacks one")?;
                Server::prometheus(&program, &folder.join("prometheus"), options.keep, data)?
            }
        };
        let bellwether = match options.no_serve {
            true => None,
            false => {
                // What is compared is what the sources say, not what was built some time ago.
                crate::run(cargo().args(["build", "--quiet", "--locked", "--package", "bellwether"]))?;
                let program = target_dir().join("debug/bellwether");
                Some(Server::bellwether(&program, &folder.join("bellwether"), options.keep, data)?)
            }
        };
        Ok(Self { memory: Memory::new(data, CHUNK_SAMPLES), bellwether, prometheus })
    }

    fn compare(&mut self, ask: &Ask, tally: &mut Tally) -> Result<(), String> {
        let theirs = self.prometheus.ask(ask)?;
        tally.asked += 1;
        match &theirs {
            Answer::Refused { .. } => tally.refused += 1,
            Answer::Result(found) if found.rows.is_empty() => tally.empty += 1,
            Answer::Result(_) => {}
        }
        let ours = self.memory.ask(ask);
        if let Some(difference) = compare(ask, &ours, &theirs) {
            let case = Case { ask, difference: &difference };
            match explanation(&case) {
                Some(intended) => *tally.intended.entry((intended.name, intended.reason)).or_default() += 1,
                None => self.note("in memory", ask, difference, tally)?,
            }
            return Ok(());
        }
        let Some(bellwether) = &mut self.bellwether else { return Ok(()) };
        let served = bellwether.ask(ask)?;
        if let Some(difference) = compare(ask, &served, &theirs) {
            let case = Case { ask, difference: &difference };
            match explanation(&case) {
                Some(intended) => *tally.intended.entry((intended.name, intended.reason)).or_default() += 1,
                None => {
                    tally.disagreements.push(Disagreement { side: "served", ask: ask.clone(), difference })
                }
            }
        }
        Ok(())
    }

    fn note(
        &mut self,
        side: &'static str,
        ask: &Ask,
        difference: Difference,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let mut shortest = Disagreement { side, ask: ask.clone(), difference };
        if tally.disagreements.len() < SHOWN_MAX {
            let aspect = shortest.difference.aspect;
            let mut found = None;
            shortest.ask = shrink::shrink(ask, |candidate| {
                let Ok(theirs) = self.prometheus.ask(candidate) else { return false };
                let ours = self.memory.ask(candidate);
                let Some(difference) = compare(candidate, &ours, &theirs) else { return false };
                let case = Case { ask: candidate, difference: &difference };
                let holds = difference.aspect == aspect && explanation(&case).is_none();
                if holds {
                    found = Some(difference);
                }
                holds
            });
            shortest.difference = found.unwrap_or(shortest.difference);
        }
        tally.disagreements.push(shortest);
        Ok(())
    }
}

impl Tally {
    fn print(&self) {
        let mut shown = Vec::new();
        for disagreement in self.disagreements.iter().take(SHOWN_MAX) {
            let text = disagreement.to_string();
            if !shown.contains(&text) {
                println!("\n{text}");
                shown.push(text);
            }
        }
        println!(
            "\nasked {}, of which {} were refused and {} gave nothing",
            self.asked, self.refused, self.empty
        );
        for ((name, reason), count) in &self.intended {
            println!("    {count:>6} differ as intended: {name} ({reason})");
        }
        println!("    {:>6} differ", self.disagreements.len());
        for difference in self.name_differences.iter().take(SHOWN_MAX) {
            println!("\n{difference}");
        }
        let (asked, differ) = (self.inquiries, self.name_differences.len());
        println!("asked {asked} times which series, labels and values there are: {differ} differ");
    }
}
