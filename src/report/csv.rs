//! The load over time as comma-separated values (RFC 4180), a line for each sample.
//!
//! It holds numbers and words of ours only, so that no cell can be a formula of the target's.

use std::fmt::Write as _;

use super::document::Document;
use crate::load::report::{LoadReport, Sample};

/// The columns. `of` is `target` or `reference`; what is not known is empty.
const HEAD: &str =
    "of,t_s,phase,streams,events_per_s,fanout_p50_us,fanout_p99_us,own_cpu,own_rss_bytes";

/// The head, and a line for each sample of the target and of the reference server.
pub fn render(document: &Document) -> String {
    let mut csv = format!("{HEAD}\r\n");
    let sides = [
        ("target", &document.load),
        ("reference", &document.reference),
    ];
    for (of, load) in sides {
        let samples: &[Sample] = load.as_ref().map_or(&[], |load: &LoadReport| &load.series);
        for sample in samples {
            // Writing to a string cannot fail.
            let _ = write!(csv, "{of},{}\r\n", cells(sample));
        }
    }
    csv
}

fn cells(sample: &Sample) -> String {
    let whole = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    [
        format!("{:.3}", sample.t_s),
        sample.phase.as_str().to_owned(),
        sample.streams.to_string(),
        format!("{:.1}", sample.events_per_s),
        whole(sample.fanout_p50_us),
        whole(sample.fanout_p99_us),
        sample
            .own_cpu
            .map_or_else(String::new, |share| format!("{share:.3}")),
        whole(sample.own_rss_bytes),
    ]
    .join(",")
}

#[cfg(test)]
mod tests {
    use crate::report::samples;

    use super::*;

    #[test]
    fn each_line_has_all_columns_and_without_load_there_is_the_head() {
        let columns = HEAD.split(',').count();
        let csv = render(&samples::load());
        let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
        assert!(lines.len() > 10, "{csv}");
        for line in &lines {
            assert_eq!(line.split(',').count(), columns, "{line}");
        }
        assert!(lines[1].starts_with("target,1.000,ramp,"), "{}", lines[1]);
        assert_eq!(render(&samples::red()), format!("{HEAD}\r\n"));
    }
}
