//! What the commands find wrong.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The command fails.
    Error,
    /// It fails if that is asked for.
    Warning,
}

impl Level {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// How bad it is.
    pub level: Level,
    /// What it is, and what to do.
    pub text: String,
}

impl Complaint {
    /// An error.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            text: text.into(),
        }
    }

    /// A warning.
    pub fn warning(text: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            text: text.into(),
        }
    }
}

/// Whether a command that has these complaints fails; `fail_on_warning` if warnings count as much as errors.
pub fn any_fails(complaints: &[Complaint], fail_on_warning: bool) -> bool {
    let fails = |complaint: &Complaint| complaint.level == Level::Error || fail_on_warning;
    complaints.iter().any(fails)
}
