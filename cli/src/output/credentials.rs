//! Federated identity credentials as output: for people, and for the tools that make them.

#[cfg(feature = "native")]
mod az;
#[cfg(feature = "native")]
mod bicep;
#[cfg(feature = "native")]
mod kubernetes;
pub mod machine;
#[cfg(feature = "native")]
mod table;
#[cfg(feature = "native")]
mod terraform;

#[cfg(feature = "native")]
use std::io::Write;

#[cfg(feature = "native")]
use anyhow::Result;

#[cfg(feature = "native")]
use crate::commands::credentials::{Credentials, Format};

/// Writes credentials in a format.
///
/// # Errors
///
/// What the output reports, and what a format or the tool that it is for cannot express.
#[cfg(feature = "native")]
pub fn write(
    output: &mut impl Write,
    credentials: &Credentials,
    format: Format,
    width: Option<usize>,
) -> Result<()> {
    match format {
        Format::Table => table::write(output, credentials, width)?,
        Format::Json => machine::write(output, credentials)?,
        Format::Az => output.write_all(az::script(credentials)?.as_bytes())?,
        Format::Bicep => output.write_all(bicep::file(credentials)?.as_bytes())?,
        Format::Terraform => output.write_all(terraform::configuration(credentials)?.as_bytes())?,
        Format::Aso => output.write_all(kubernetes::service_operator(credentials)?.as_bytes())?,
        Format::Crossplane => output.write_all(kubernetes::crossplane(credentials)?.as_bytes())?,
    }
    output.flush()?;
    Ok(())
}
