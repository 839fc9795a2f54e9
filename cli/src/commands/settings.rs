//! The arguments that give a policy its settings.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::input::settings::SettingsValue;

/// The flags that give a policy its settings.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub struct SettingsArgs {
    /// The YAML or JSON file with the policy's settings.
    #[arg(short, long, value_name = "FILE")]
    pub settings_path: Option<PathBuf>,
    /// The policy's settings, as JSON.
    #[arg(long, value_name = "JSON")]
    pub settings_json: Option<String>,
}

impl SettingsArgs {
    /// The settings that the flags give, if there is one.
    ///
    /// # Errors
    ///
    /// Settings that cannot be read.
    pub fn read(&self) -> Result<Option<SettingsValue>> {
        Ok(match (&self.settings_path, &self.settings_json) {
            (Some(path), _) => Some(SettingsValue::from_file(path)?),
            (None, Some(json)) => Some(SettingsValue::from_json(json)?),
            (None, None) => None,
        })
    }
}
