//! What this machine allows: open files and local ports, looked at before anything is sent.

use std::fs;

/// Files and ports beside those of the streams: the other connections, the runtime, the reports.
const SPARE: u64 = 200;

/// Why a run cannot start on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// Each stream is an open file.
    #[error(
        "open {needed} files: this process may open {allowed}. Raise the limit (ulimit -n {needed}) or lower --streams"
    )]
    Files {
        /// How many the run needs.
        needed: u64,
        /// How many it may have.
        allowed: u64,
    },
    /// Each stream is a connection with a local port of its own.
    #[error(
        "make {needed} connections from one address: it has {allowed} ports. Widen net.ipv4.ip_local_port_range or lower --streams"
    )]
    Ports {
        /// How many the run needs.
        needed: u64,
        /// How many there are.
        allowed: u64,
    },
}

/// Checks that `connections` at once fit the limits of this process, where they are known (Linux).
///
/// # Errors
/// Names the limit and what to do.
pub fn check(connections: usize) -> Result<(), TooMany> {
    let files = fs::read_to_string("/proc/self/limits").ok();
    let ports = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
    fits(
        connections as u64 + SPARE,
        files.as_deref().and_then(open_files),
        ports.as_deref().and_then(port_count),
    )
}

fn fits(needed: u64, files: Option<u64>, ports: Option<u64>) -> Result<(), TooMany> {
    if let Some(allowed) = files.filter(|allowed| *allowed < needed) {
        return Err(TooMany::Files { needed, allowed });
    }
    if let Some(allowed) = ports.filter(|allowed| *allowed < needed) {
        return Err(TooMany::Ports { needed, allowed });
    }
    Ok(())
}

/// The soft limit of open files in `/proc/self/limits`.
fn open_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_ascii_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

fn port_count(range: &str) -> Option<u64> {
    let mut ends = range.split_ascii_whitespace();
    let first: u64 = ends.next()?.parse().ok()?;
    let last: u64 = ends.next()?.parse().ok()?;
    (last + 1).checked_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_read_where_linux_puts_them() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             unlimited            unlimited            processes \n\
                    Max open files            1024                 4096                 files     \n";
        assert_eq!(open_files(text), Some(1024));
        assert_eq!(
            open_files("Max open files  unlimited unlimited files"),
            Some(u64::MAX)
        );
        assert_eq!(port_count("32768\t60999\n"), Some(28_232));
        for odd in ["", "x", "Max open files", "Max open files x", "9 1", "1"] {
            assert_eq!(open_files(odd), None, "{odd}");
            assert_eq!(port_count(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        assert_eq!(fits(1_200, Some(1_200), Some(1_200)), Ok(()));
        assert_eq!(fits(1_200, None, None), Ok(()));
        let files = fits(1_201, Some(1_200), None).unwrap_err().to_string();
        assert!(
            files.contains("ulimit -n 1201") && files.contains("--streams"),
            "{files}"
        );
        let ports = fits(1_201, None, Some(10)).unwrap_err().to_string();
        assert!(ports.contains("ip_local_port_range"), "{ports}");
        assert_eq!(check(1), Ok(()));
    }
}
