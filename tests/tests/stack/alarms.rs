//! Alarms that are read from logs: what the functions write and what the template looks for are the
//! same, in the log of each function.

use std::collections::BTreeSet;

use crate::sources::{TEMPLATE, packages_of, product_code};

/// A function's folder, and its log group in the template.
const FUNCTIONS: [(&str, &str); 5] = [
    ("api", "ApiLogGroup"),
    ("onboarder", "OnboarderLogGroup"),
    ("operations", "OperationsLogGroup"),
    ("planner", "PlannerLogGroup"),
    ("worker", "WorkerLogGroup"),
];

/// The bodies of the template's resources of this type.
fn resources(kind: &str) -> Vec<String> {
    let separator = format!("Type: {kind}\n");
    let bodies = TEMPLATE
        .split(separator.as_str())
        .skip(1)
        .map(|rest| rest.lines().take_while(|line| line.starts_with("    ")).collect::<Vec<_>>().join("\n"));
    bodies.collect()
}

/// What stands behind this name in a resource.
fn value<'a>(resource: &'a str, name: &str) -> &'a str {
    let (_, rest) = resource.split_once(&format!("{name}: ")).unwrap_or_else(|| panic!("{name}: {resource}"));
    rest.split(['\n', ',', '}']).next().unwrap().trim()
}

/// The codes that the code below this folder writes into the field `alarm`.
fn alarms_in(folder: &str) -> BTreeSet<String> {
    let code = product_code(folder);
    assert!(!code.is_empty(), "{folder} has no code");
    let mut alarms = BTreeSet::new();
    for (file, text) in code {
        for (place, field) in text.match_indices("alarm = ") {
            let value = text[place + field.len()..].strip_prefix('"');
            let value = value.unwrap_or_else(|| panic!("{file} writes an alarm that is no literal"));
            alarms.insert(value.split('"').next().unwrap().to_owned());
        }
    }
    alarms
}

/// The log groups and codes that the template looks for, each with its metric.
fn looked_for() -> BTreeSet<(String, String, String)> {
    let filters = resources("AWS::Logs::MetricFilter").into_iter().filter_map(|filter| {
        let code = filter.split_once("{ $.fields.alarm = \"")?.1.split_once("\" }")?.0.to_owned();
        let group = value(&filter, "LogGroupName").trim_start_matches("!Ref ").to_owned();
        Some((group, code, value(&filter, "MetricName").to_owned()))
    });
    filters.collect()
}

#[test]
fn every_alarm_that_a_function_writes_is_looked_for_in_its_log_and_no_other_is() {
    let crates = ["access", "domain", "estate", "runtime", "store", "web", "work"];
    let shared: Vec<_> = crates.map(|name| (name, alarms_in(&format!("shared/{name}/src")))).into();
    let mut written = BTreeSet::new();
    for (function, group) in FUNCTIONS {
        let mut alarms = alarms_in(&format!("functions/{function}/src"));
        // What a shared crate writes, each function writes that is built from it.
        for (name, theirs) in shared.iter().filter(|(_, theirs)| !theirs.is_empty()) {
            if packages_of(function).contains(*name) {
                alarms.extend(theirs.iter().cloned());
            }
        }
        written.extend(alarms.into_iter().map(|code| (group.to_owned(), code)));
    }
    let filters: BTreeSet<_> = looked_for().into_iter().map(|(group, code, _)| (group, code)).collect();
    assert_eq!(filters, written);
    assert!(written.len() >= 5, "{written:?}");
    let folders = |folder: &str| {
        let folders = std::fs::read_dir(format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>()
    };
    assert_eq!(
        folders("functions"),
        FUNCTIONS.map(|(function, _)| function.to_owned()).into(),
        "all are read"
    );
    assert_eq!(folders("shared"), crates.map(str::to_owned).into(), "all are read");
}

#[test]
fn every_metric_from_a_log_has_its_alarm() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    let ours = alarms.iter().filter(|alarm| alarm.contains("Namespace: Drawbridge\n"));
    let watched: BTreeSet<_> = ours.map(|alarm| value(alarm, "MetricName").to_owned()).collect();
    let filters = resources("AWS::Logs::MetricFilter");
    let measured: BTreeSet<_> = filters.iter().map(|filter| value(filter, "MetricName").to_owned()).collect();
    assert_eq!(watched, measured);
    // A code is counted under its own name, wherever it is written.
    for (group, code, metric) in looked_for() {
        let told: String = metric
            .chars()
            .flat_map(|letter| {
                let gap = letter.is_ascii_uppercase().then_some('_');
                gap.into_iter().chain([letter.to_ascii_lowercase()])
            })
            .collect();
        assert_eq!(told.trim_start_matches('_'), code, "in {group}");
    }
}
