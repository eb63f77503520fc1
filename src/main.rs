//! The `mcp-plumb` binary.

fn main() -> std::process::ExitCode {
    mcp_plumb::cli::main().into()
}
