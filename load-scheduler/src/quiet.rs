//! Keeps goose off stdout.

/// A logger that drops everything.
struct Silent;

impl log::Log for Silent {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _record: &log::Record<'_>) {}

    fn flush(&self) {}
}

/// Becomes the process's logger unless there is one; then goose's own, which writes on stdout, cannot be installed.
pub(crate) fn silence() {
    // An error says that there is a logger, which is just as good.
    let _already_set = log::set_logger(&Silent);
}
