//! Numbers with units that a person reads, to three significant digits.

/// A time in microseconds, as µs, ms or s.
pub(super) fn micros(us: u64, unicode: bool) -> String {
    // Above 2^53 µs (285 years) a rounded number is as good.
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = us as f64;
    if us < 1_000 {
        let unit = if unicode { "µs" } else { "us" };
        format!("{us} {unit}")
    } else if value < 999_500.0 {
        format!("{} ms", three_digits(value / 1e3))
    } else {
        format!("{} s", three_digits(value / 1e6))
    }
}

/// A size in bytes, as B, KiB, MiB or GiB.
pub(super) fn bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{} {unit}", three_digits(value))
}

/// `value` to three significant digits, with no digits after the point from 100 on.
pub(super) fn three_digits(value: f64) -> String {
    let text = match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `1 warning`, `2 warnings`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_fits() {
        let cases = [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1 ms"),
            (1_234, "1.23 ms"),
            (99_960, "100 ms"),
            (999_499, "999 ms"),
            (999_500, "1 s"),
            (61_500_000, "61.5 s"),
            (u64::MAX, "18446744073710 s"),
        ];
        for (us, expected) in cases {
            assert_eq!(micros(us, true), expected);
        }
        assert_eq!(micros(5, false), "5 us");
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (50_331_648, "48 MiB"),
            (1 << 40, "1024 GiB"),
        ];
        for (size, expected) in cases {
            assert_eq!(bytes(size), expected);
        }
    }
}
