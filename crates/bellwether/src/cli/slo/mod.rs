//! The subcommands of `slo`: one line here, and a file of flags for each.

mod alerts;
mod calc;
mod convert;
mod correct;
mod generate;
mod outlook;
mod report;
mod status;

use clap::Subcommand;

pub use alerts::Alerts;
pub use calc::Calc;
pub use convert::{Convert, Export, Import, List, Show, SloFiles, SloFormat};
pub use correct::{Correct, CorrectAdd, CorrectList, CorrectRevoke};
pub use generate::{Generate, RuleDialect};
pub use outlook::{Outlook, WhatIf};
pub use report::Report;
pub use status::Status;

/// One subcommand, one file under `commands/slo/`.
#[derive(Debug, Subcommand)]
pub enum Slo {
    /// What the alerts of objectives mean: when each notices a trouble, what is spent by then, when it is over
    Alerts(Alerts),
    /// Rules for Prometheus made of objectives: our own, or Sloth's
    Generate(Generate),
    /// Budgets, burn rates and alerts of every objective
    Status(Status),
    /// A budget over one period or any stretch, corrected and as measured
    Report(Report),
    /// Stretches of time that are judged otherwise than they were measured
    #[command(subcommand)]
    Correct(Correct),
    /// What a goal means: budgets by the hour, day and month, burn rates, outages, dependencies
    Calc(Calc),
    /// What another goal would have meant for the past
    WhatIf(WhatIf),
    /// Which goals the past supports
    Suggest(Outlook),
    /// When budgets will be gone, going by how they were spent
    Forecast(Outlook),
    /// Read objectives of any dialect and write them in our own
    Import(Import),
    /// Write objectives as YAML, for another tool, as a page or as a dashboard
    Export(Export),
    /// Write objectives in another dialect
    Convert(Convert),
    /// One objective: what it means, what its alerts mean, how it is written
    Show(Show),
    /// The objectives of files, or of a running server
    List(List),
}
