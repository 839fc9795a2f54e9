//! The sections of a module that this crate reads and writes: custom sections and data segments.

use thiserror::Error;
use wasm_encoder::{CustomSection, Module, RawSection};
use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};

use crate::text::one_line;

/// Bytes that are no WebAssembly module.
#[derive(Debug, Error)]
pub enum SectionError {
    /// The module is damaged, or something else.
    #[error("expected a WebAssembly module: {0}")]
    Malformed(String),
    /// A component, which is not a module.
    #[error("expected a WebAssembly module, found a component")]
    Component,
}

/// The content of the first custom section called `name`, if there is one.
///
/// # Errors
///
/// [`SectionError`].
pub fn custom_section<'a>(module: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, SectionError> {
    for payload in payloads(module) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == name
        {
            return Ok(Some(section.data()));
        }
    }
    Ok(None)
}

/// The module with `content` as its only custom section called `name`, at its end; all else stays as it is.
///
/// # Errors
///
/// [`SectionError`].
pub fn with_custom_section(
    module: &[u8],
    name: &str,
    content: &[u8],
) -> Result<Vec<u8>, SectionError> {
    let mut output = Module::new();
    for payload in payloads(module) {
        let payload = payload?;
        let replaced =
            matches!(&payload, Payload::CustomSection(section) if section.name() == name);
        if let Some((id, range)) = payload.as_section()
            && !replaced
        {
            output.section(&RawSection {
                id,
                data: module.get(range).unwrap_or_default(),
            });
        }
    }
    output.section(&CustomSection {
        name: name.into(),
        data: content.into(),
    });
    Ok(output.finish())
}

/// The contents of the module's data segments, in their order.
///
/// # Errors
///
/// [`SectionError`].
pub fn data_segments(module: &[u8]) -> Result<Vec<&[u8]>, SectionError> {
    let mut segments = Vec::new();
    for payload in payloads(module) {
        if let Payload::DataSection(section) = payload? {
            for segment in section {
                segments.push(segment?.data);
            }
        }
    }
    Ok(segments)
}

impl From<BinaryReaderError> for SectionError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed(one_line(&error.to_string()))
    }
}

fn payloads(module: &[u8]) -> impl Iterator<Item = Result<Payload<'_>, SectionError>> {
    Parser::new(0)
        .parse_all(module)
        .map(|payload| match payload? {
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } => Err(SectionError::Component),
            payload => Ok(payload),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str =
        r#"(module (memory 1) (func (export "f")) (data (i32.const 0) "one") (data "two"))"#;

    #[test]
    fn adds_and_replaces_a_section() {
        let module = wat::parse_str(MODULE).unwrap();
        assert_eq!(custom_section(&module, "s").unwrap(), None);
        let once = with_custom_section(&module, "s", b"first").unwrap();
        assert_eq!(
            custom_section(&once, "s").unwrap(),
            Some(b"first".as_slice())
        );
        assert_eq!(once[..module.len()], module);
        let twice = with_custom_section(&once, "s", b"second").unwrap();
        assert_eq!(twice, with_custom_section(&module, "s", b"second").unwrap());
        wasmparser::validate(&twice).unwrap();
    }

    #[test]
    fn finds_data_segments() {
        let module = wat::parse_str(MODULE).unwrap();
        assert_eq!(
            data_segments(&module).unwrap(),
            [b"one".as_slice(), b"two".as_slice()]
        );
    }

    #[test]
    fn refuses_what_is_no_module() {
        let component = wat::parse_str("(component)").unwrap();
        for (bytes, expected) in [
            (
                b"".as_slice(),
                "expected a WebAssembly module: unexpected end-of-file (at offset 0x0)",
            ),
            (
                b"hello, world",
                "expected a WebAssembly module: magic header not detected: bad magic number",
            ),
            (
                &component,
                "expected a WebAssembly module, found a component",
            ),
        ] {
            let error = custom_section(bytes, "s").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
