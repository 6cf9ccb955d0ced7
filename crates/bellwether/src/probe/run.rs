//! One attempt, from the question to the verdict, within its time: whatever happens, every expectation is listed, and
//! the phases that were passed keep their times.

use bellwether_model::TimeDelta;

use super::attempt::{Check, Ended, Outcome, Phase, Reason, Trace, Verdict, delta, duration_text};
use super::definition::{Ask, Bounds, Probe, Target};
use super::{dns, grpc, http, tcp};
use crate::clock;

/// Tries one target of a probe.
pub async fn run(probe: &Probe, target: &Target) -> Outcome {
    let mut trace = Trace::begin();
    let answered = tokio::time::timeout(probe.timeout.to_std(), asked(probe, target, &mut trace)).await;
    let mut checks = match answered {
        Ok(Ok(checks)) => checks,
        Ok(Err(Ended::NotTried(why))) => return Outcome::NotTried(why),
        Ok(Err(Ended::Broken(broken))) => broken_off(&probe.ask, broken.what, broken.reason),
        Err(_) => {
            let what = format!("nothing after {}{}", probe.timeout, stage(trace.present()));
            broken_off(&probe.ask, what, Reason::Timeout)
        }
    };
    checks.extend(bounds(&probe.bounds, &trace, &checks));
    Outcome::Tried(trace.finish(checks))
}

async fn asked(probe: &Probe, target: &Target, trace: &mut Trace) -> Result<Vec<Check>, Ended> {
    let (address, timeout) = (target.address.as_str(), probe.timeout.to_std());
    match &probe.ask {
        Ask::Http(ask) => {
            let answer = http::ask(ask, address, timeout, trace).await?;
            Ok(http::judge(ask, Some(&answer)))
        }
        Ask::Tcp(ask) => {
            let answer = tcp::ask(ask, address, timeout, trace).await?;
            Ok(tcp::judge(ask, Some(&answer)))
        }
        Ask::Dns(ask) => {
            let answer = dns::ask(ask, address, timeout, trace).await?;
            trace.facts.dns_answers = u32::try_from(answer.answers.len()).ok();
            Ok(dns::judge(ask, Some(&answer)))
        }
        Ask::Grpc(ask) => {
            let answer = grpc::ask(ask, address, timeout, trace).await?;
            trace.facts.grpc_status = Some(match &answer {
                grpc::Answer::State(_) => 0,
                grpc::Answer::Refused { status, .. } => *status,
            });
            Ok(grpc::judge(ask, Some(&answer)))
        }
    }
}

fn stage(phase: Option<Phase>) -> &'static str {
    match phase {
        Some(Phase::Resolve) => ", while looking for the address",
        Some(Phase::Connect) => ", while connecting",
        Some(Phase::Tls) => ", while agreeing on encryption",
        Some(Phase::Processing) => ", while waiting for the answer",
        Some(Phase::Transfer) => ", in the middle of the answer",
        None => "",
    }
}

/// The list of expectations when there is no answer to hold them against.
fn broken_off(ask: &Ask, what: String, reason: Reason) -> Vec<Check> {
    let rest = match ask {
        Ask::Http(ask) => http::judge(ask, None),
        Ask::Tcp(ask) => tcp::judge(ask, None).split_off(1),
        Ask::Dns(ask) => dns::judge(ask, None),
        Ask::Grpc(ask) => grpc::judge(ask, None),
    };
    let expected = match ask {
        Ask::Tcp(ask) if !ask.listens() => "a connection",
        Ask::Http(_) | Ask::Tcp(_) | Ask::Dns(_) | Ask::Grpc(_) => "an answer",
    };
    std::iter::once(Check::of(expected, what, Some(reason))).chain(rest).collect()
}

fn bounds(bounds: &Bounds, trace: &Trace, checks: &[Check]) -> Vec<Check> {
    let reached = checks.iter().all(|check| check.verdict != Verdict::NotReached);
    let latency = bounds.latency_below.map(|bound| {
        let expected = format!("answer in less than {bound}");
        let is_late = delta(trace.took()) >= bound;
        match reached || is_late {
            true => Check::of(expected, duration_text(trace.took()), is_late.then_some(Reason::Latency)),
            false => Check::not_reached(expected),
        }
    });
    let certificate = bounds.tls_expires_after.map(|bound| {
        let expected = format!("certificate valid for more than {bound}");
        let Some(ends) = trace.facts.certificate_ends else {
            return match reached {
                true => Check::of(expected, "no certificate was shown", Some(Reason::Certificate)),
                false => Check::not_reached(expected),
            };
        };
        let left = ends - clock::now();
        Check::of(expected, left_text(ends, left), (left <= bound).then_some(Reason::Certificate))
    });
    latency.into_iter().chain(certificate).collect()
}

fn left_text(ends: bellwether_model::Timestamp, left: TimeDelta) -> String {
    let days = left.0.div_euclid(TimeDelta::DAY.0);
    match days {
        days if days < 0 => format!("it ended on {ends}"),
        days => format!("it ends on {ends}, in {days} days"),
    }
}
