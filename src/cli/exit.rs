//! Exit codes. They say whose fault it is; `docs/exit-codes.md` explains them to users.

/// How a run ends, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Nothing that counts was found.
    Ok = 0,
    /// The target violated a MUST, or with `--strict` a SHOULD or a practice.
    TargetFailed = 1,
    /// The command line, a file that it names, or a scenario is wrong.
    Usage = 2,
    /// The target cannot be reached.
    Unreachable = 3,
    /// Nothing could be exercised.
    NothingExercised = 4,
    /// A load threshold was missed.
    ThresholdMissed = 5,
    /// mcp-plumb itself failed.
    OurBug = 70,
    /// The run was interrupted; what was known is reported.
    Interrupted = 130,
}

impl Exit {
    /// Every code with its meaning, for the documentation.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Ok, "nothing that counts was found"),
        (
            Self::TargetFailed,
            "the target violated a MUST (with --strict: or a SHOULD or a practice)",
        ),
        (
            Self::Usage,
            "the command line, a file that it names, or a scenario is wrong",
        ),
        (Self::Unreachable, "the target cannot be reached"),
        (Self::NothingExercised, "nothing could be exercised"),
        (
            Self::ThresholdMissed,
            "the load did not hold: a threshold was missed (without others: anything lost, doubled, reordered, foreign or unanswered), or the target died",
        ),
        (Self::OurBug, "mcp-plumb itself failed"),
        (
            Self::Interrupted,
            "the run was interrupted; what was known is reported",
        ),
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_a_contract() {
        let numbers: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 70, 130]);
    }

    #[test]
    fn the_documentation_lists_every_code() {
        let page = include_str!("../../docs/exit-codes.md");
        for (exit, meaning) in Exit::ALL {
            let row = format!("| {} | {meaning} |", exit.code());
            assert!(page.contains(&row), "docs/exit-codes.md lacks: {row}");
        }
    }
}
