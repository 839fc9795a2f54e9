//! What commands complain of, as JSON.

use serde::Serialize;

use crate::commands::complaints::Complaint;

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
            level: complaint.level.name(),
            message: &complaint.text,
        }
    }
}
