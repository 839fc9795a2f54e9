//! What commands complain of, as JSON.

use serde::Serialize;

use crate::commands::complaints::{Complaint, Level};

/// Something that a command complains of.
#[derive(Serialize)]
pub struct Problem<'c> {
    level: &'static str,
    message: &'c str,
}

impl<'c> Problem<'c> {
    /// One of them.
    pub fn new(complaint: &'c Complaint) -> Self {
        Self {
            level: match complaint.level {
                Level::Error => "error",
                Level::Warning => "warning",
            },
            message: &complaint.text,
        }
    }
}
