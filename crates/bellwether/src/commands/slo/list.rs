//! `bellwether slo list`: the objectives of files, or of a running server.

use bellwether_slo::Slo;
use serde_json::{Value, json};

use super::convert::read;
use crate::cli::Format;
use crate::cli::slo::List;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};

/// Prints them.
pub(super) async fn run(arguments: List) -> Result<(), Failure> {
    let list = match arguments.files.as_slice() {
        [] => {
            let slos = Client::new(&arguments.server)?.get_list("/api/bellwether/v1/slos").await?;
            slos.iter().map(of_server).collect()
        }
        files => read(files, arguments.lenient)?.slos.iter().map(of_file).collect::<Vec<_>>(),
    };
    if arguments.format == Format::Json {
        print_json(&Value::Array(list));
        return Ok(());
    }
    if list.is_empty() {
        say("no objectives");
        return Ok(());
    }
    let columns = ["id", "goal", "period", "indicator", "owner", "dialect", "source"];
    let mut rows = Rows::new(&columns);
    for slo in &list {
        rows.push(columns.map(|column| slo[column].as_str().unwrap_or("-").to_owned()));
    }
    rows.print();
    Ok(())
}

fn of_file(slo: &Slo) -> Value {
    json!({
        "id": slo.id(),
        "goal": slo.goal.map(|goal| goal.to_string()),
        "period": slo.period.text(),
        "indicator": slo.indicator.text(),
        "owner": Some(&slo.about.owner).filter(|owner| !owner.is_empty()),
        "dialect": slo.dialect.as_str(),
        "source": "file",
    })
}

fn of_server(slo: &Value) -> Value {
    let owner = slo["owner"].as_str().filter(|owner| !owner.is_empty());
    json!({
        "id": slo["id"],
        "goal": slo["goal_text"],
        "period": slo["period_text"],
        "indicator": slo["indicator_text"],
        "owner": owner,
        "dialect": slo["dialect"],
        "source": slo["source"],
    })
}
