//! What this process itself uses, from `/proc` on Linux; elsewhere nothing is known.

use std::fs;

/// Linux reports processor time in hundredths of a second to programs, whatever the kernel's own tick is
/// (`USER_HZ`, proc(5)).
const TICKS_PER_S: f64 = 100.0;

/// The processor time of this process so far in seconds, user and system.
pub fn cpu_seconds() -> Option<f64> {
    parse_cpu_seconds(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// The largest resident memory of this process so far, in bytes.
pub fn rss_bytes_max() -> Option<u64> {
    parse_memory(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The resident memory of this process now, in bytes.
pub fn rss_bytes() -> Option<u64> {
    parse_memory(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// How busy the machine was, all processes together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineTime {
    busy: f64,
    total: f64,
}

impl MachineTime {
    /// The processor time of the machine since it started.
    pub fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The share of the time since `earlier` that the processors were busy, from 0 to 1.
    pub fn busy_since(&self, earlier: &Self) -> Option<f64> {
        let total = self.total - earlier.total;
        (total > 0.0).then(|| ((self.busy - earlier.busy) / total).clamp(0.0, 1.0))
    }

    fn parse(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<f64> = fields
            .split_ascii_whitespace()
            .map_while(|field| field.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; guest times are already in user.
        let total: f64 = ticks.iter().take(8).sum();
        let idle = ticks.get(3)? + ticks.get(4).copied().unwrap_or(0.0);
        Some(Self {
            busy: total - idle,
            total,
        })
    }
}

fn parse_cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the name in brackets, which may hold spaces and brackets.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_S)
}

fn parse_memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_after_any_process_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 9 0 0 0 150 50 0 0 20 0 4 0";
        assert_eq!(parse_cpu_seconds(stat), Some(2.0));
        assert_eq!(
            parse_memory("VmPeak:\t 9 kB\nVmHWM:\t   12 kB\n", "VmHWM:"),
            Some(12 * 1024)
        );
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        for text in ["", "1", "1 (x", "1 (x) S 1 2", "VmHWM: x kB", "VmHWM: 12"] {
            assert_eq!(parse_cpu_seconds(text), None, "{text}");
            assert_eq!(parse_memory(text, "VmHWM:"), None, "{text}");
            assert_eq!(MachineTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn busy_is_what_is_not_idle_or_waiting() {
        let earlier = MachineTime::parse("cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1").unwrap();
        let later = MachineTime::parse("cpu  40 0 20 120 20 0 0 0 0 0\n").unwrap();
        assert_eq!(later.busy_since(&earlier), Some(0.4));
        assert_eq!(earlier.busy_since(&earlier), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        assert!(cpu_seconds().is_some());
        assert!(rss_bytes_max().is_some_and(|bytes| bytes > 100_000));
        assert!(rss_bytes().is_some_and(|bytes| bytes > 100_000));
        assert!(MachineTime::now().is_some());
    }
}
