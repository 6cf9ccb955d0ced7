//! The Bellwether program: reads the command line, runs one command, turns its end into an exit code.

use std::process::ExitCode;

use clap::Parser;

/// Alerts and samples are many small pieces; half of what taking in an alert costs would be the system's allocator. It
/// is built without huge pages (`no_thp`): one piece that is still held would keep 2 MiB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = bellwether::cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bellwether: cannot start: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(bellwether::commands::run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let sentence = failure.to_string();
            if !sentence.is_empty() {
                eprintln!("bellwether: {sentence}");
            }
            failure.exit_code()
        }
    }
}
