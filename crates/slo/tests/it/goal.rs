//! Goals are read exactly or refused with what was meant; burn rates compare without rounding.

use bellwether_slo::{Counts, Factor, Goal, burns_faster};

fn check(text: &str, expected: &str) {
    let shown = match Goal::parse(text) {
        Ok(goal) => format!("{}/{} {goal} {}", goal.good(), goal.scale(), goal.ratio_text()),
        Err(error) => format!("{}; {}", error.message, error.help.unwrap_or_default()),
    };
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn a_goal_is_a_ratio_or_a_percentage_with_its_sign() {
    check("0.999", "999/1000 99.9% 0.999");
    check("99.9%", "999/1000 99.9% 0.999");
    check("99.995 %", "99995/100000 99.995% 0.99995");
    check("0.70", "7/10 70% 0.7");
    check("70%", "7/10 70% 0.7");
    check("99%", "99/100 99% 0.99");
    check(".5", "5/10 50% 0.5");
    check("0.5%", "5/1000 0.5% 0.005");
}

#[test]
fn what_cannot_be_a_goal_says_what_was_meant() {
    check("99.9", "goal 99.9 has no unit; write 0.999 or \"99.9%\"");
    check(
        "99,9",
        "goal 99,9 has a decimal comma; decimals are written with a point; write 0.999 or \"99.9%\"",
    );
    check(
        "99,9%",
        "goal 99,9% has a decimal comma; decimals are written with a point; write 0.999 or \"99.9%\"",
    );
    check("100", "a goal of 100 leaves no budget to spend; write less than 100 %, such as \"99.9%\"");
    check("100%", "a goal of 100% leaves no budget to spend; write less than 100 %, such as \"99.9%\"");
    check("1", "a goal of 1 leaves no budget to spend; write less than 100 %, such as \"99.9%\"");
    check("1.0", "a goal of 1.0 leaves no budget to spend; write less than 100 %, such as \"99.9%\"");
    check("0", "a goal of 0 asks for nothing; write what users need, such as \"99.9%\"");
    check("0.0", "a goal of 0 asks for nothing; write what users need, such as \"99.9%\"");
    check("101%", "a goal of 101% is more than everything; write less than 100 %");
    check("500", "goal 500 is more than everything; write a ratio such as 0.999");
    check(
        "-0.9",
        "goal \"-0.9\" is not a number; write a ratio such as 0.999 or a percentage such as \"99.9%\"",
    );
    check("", "goal \"\" is not a number; write a ratio such as 0.999 or a percentage such as \"99.9%\"");
    check(
        "0.99999999999",
        "goal 0.99999999999 has too many digits; at most nine after the point of the ratio",
    );
}

#[test]
fn burn_must_be_strictly_greater_and_is_never_rounded() {
    let burns = |bad: f64, total: f64, goal: &str, factor: &str| {
        burns_faster(Counts { bad, total }, Goal::parse(goal).unwrap(), Factor::parse(factor).unwrap())
    };
    // 0.4 / (1 - 0.8) is 2.0000000000000004 in floats: the trap this comparison is there for.
    let by_division = |bad: f64, goal: f64| bad / (1.0 - goal);
    assert_eq!(by_division(0.4, 0.8), 2.000_000_000_000_000_4);
    assert!(!burns(40.0, 100.0, "80%", "2"));
    assert!(burns(41.0, 100.0, "80%", "2"));
    assert!(!burns(45.0, 100.0, "70%", "1.5"));
    assert!(burns(46.0, 100.0, "70%", "1.5"));
    assert!(!burns(0.0, 0.0, "99%", "1"));
    let many = 9_007_199_254_740_991.0;
    assert!(burns(many, many, "99.9999999%", "999999999.9"));
    assert!(!burns(many, many, "99.9999999%", "1000000000"));
    assert!(burns(0.5, 10.0, "99%", "4.9"), "counts with fractions compare as floats");
}
