//! `bellwether slo …`: one subcommand, one file.

pub(super) mod alerts;
mod calc;
mod convert;
mod correct;
mod generate;
mod list;
mod outlook;
mod report;
mod status;

use crate::cli::slo::Slo;
use crate::failure::Failure;

/// Runs a subcommand to its end.
pub async fn run(command: Slo) -> Result<(), Failure> {
    match command {
        Slo::Alerts(arguments) => alerts::run(&arguments),
        Slo::Generate(arguments) => generate::run(&arguments),
        Slo::Status(arguments) => status::run(arguments).await,
        Slo::Report(arguments) => report::run(arguments).await,
        Slo::Calc(arguments) => {
            calc::run(&arguments);
            Ok(())
        }
        Slo::WhatIf(arguments) => outlook::what_if(arguments).await,
        Slo::Suggest(arguments) => outlook::suggest(arguments).await,
        Slo::Forecast(arguments) => outlook::forecast(arguments).await,
        Slo::Correct(command) => correct::run(command).await,
        Slo::Import(arguments) => convert::import(&arguments),
        Slo::Export(arguments) => convert::export(&arguments),
        Slo::Convert(arguments) => convert::convert(&arguments),
        Slo::Show(arguments) => convert::show(&arguments),
        Slo::List(arguments) => list::run(arguments).await,
    }
}
