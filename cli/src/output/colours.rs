//! The colours of everything that is printed; a writer without colours drops them.

use anstyle::{AnsiColor, Style};

use crate::commands::preview::Kind;

pub const PLAIN: Style = Style::new();
pub const BOLD: Style = Style::new().bold();
pub const FAINT: Style = Style::new().dimmed();
pub const RED: Style = AnsiColor::Red.on_default();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const CYAN: Style = AnsiColor::Cyan.on_default();
/// Begins a line about an error.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Begins a line about a hint.
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// Begins a line about a warning.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Begins a line about a problem of this kind.
pub fn style_of(kind: Kind) -> Style {
    match kind {
        Kind::Rejection => ERROR,
        Kind::Monitor | Kind::Warning => WARNING,
        Kind::Hint => HINT,
    }
}
