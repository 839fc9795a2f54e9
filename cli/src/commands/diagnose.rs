//! `azwi-policy diagnose`: why Microsoft Entra ID refuses a token.

mod diagnosis;
mod evidence;
mod federation;
mod refused;
mod token;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use azure_workload_identity_policy::messages::Excerpt;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::commands::preview::args::ReviewArgs;
use crate::commands::preview::{self, Remarks};
use crate::entra::claims::Claims;
use crate::entra::credential::Subject;
use crate::entra::existing::{self, ExistingFile};
use crate::entra::issuer;
use crate::entra::refusal;
use crate::input::files::{STANDARD_INPUT, STANDARD_INPUT_NAME};
use crate::kubewarden::host_calls::LogSink;
pub use diagnosis::{Cause, Diagnosis, Fact, Judgement};
pub use evidence::{Evidence, Pod};
pub use refused::diagnose as of_refusal;
pub use token::diagnose as of_claims;

const AFTER_HELP: &str = "Reads the text of an error as an SDK, the Azure CLI or a log has it, and says what it means, what was \
presented, and the one cause, with what to do. Manifests, the cluster's issuer and what exists are compared with it; without them \
it says what to compare. Of several errors, that of WorkloadIdentityCredential counts, else the first.

With --token, it says so of a token, by its claims. Nothing is sent anywhere, and no part of a token is ever printed.

Each FILE of --existing has what one of these prints, as JSON or YAML:
  az identity federated-credential list --identity-name NAME --resource-group GROUP
  az ad app federated-credential list --id CLIENT_ID
  az identity list
  az ad app list
Where nothing in it says whose the credentials are, CLIENT_ID=FILE does.

Exit status: 0 if the cause is named; 1 if the error is known, but not its cause, or if nothing is wrong with the token: what to \
look at next is printed; 2 if it is no error that this program knows, or if arguments, settings, module, manifests or files are \
wrong.

Examples:
  What an error means:
    azwi-policy diagnose < error.txt
  The cause, with the manifests and what exists:
    az identity federated-credential list --identity-name shop --resource-group shop > shop.json
    kubectl logs deployment/api | azwi-policy diagnose --issuer \"$ISSUER\" --existing shop.json --policy policy.yaml manifests/
  The token of a pod:
    kubectl exec deployment/api -- sh -c 'cat \"$AZURE_FEDERATED_TOKEN_FILE\"' | azwi-policy diagnose --token - --existing shop.json";

/// The arguments of `azwi-policy diagnose`.
#[derive(Debug, Args)]
#[command(
    after_help = AFTER_HELP,
    mut_arg("paths", |paths| paths.help("Manifest files or directories of them; - for standard input, if the error is in a file"))
)]
pub struct DiagnoseArgs {
    /// A file with the text of the error; standard input by default.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub error: Option<PathBuf>,
    /// A file with the token of a pod, of which the claims are read; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub token: Option<PathBuf>,
    /// The time at which the token is presented; the present by default.
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// The issuer of the cluster's tokens, to the letter.
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// A file with credentials and identities that exist; may be given several times.
    #[arg(long, value_name = "[CLIENT_ID=]FILE")]
    pub existing: Vec<String>,
    /// What to print.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
    /// What is compared with the error.
    #[command(flatten)]
    pub review: ReviewArgs,
}

/// What to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// The largest text that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

impl DiagnoseArgs {
    /// Whether manifests are named.
    fn has_manifests(&self) -> bool {
        let review = &self.review;
        let is_rendered = review.kustomize.is_some() || review.helm.is_some();
        is_rendered || !review.paths.is_empty() || !review.filename.is_empty()
    }

    /// The file that is read.
    fn source(&self) -> &Path {
        let named = self.token.as_deref().or(self.error.as_deref());
        named.unwrap_or(Path::new(STANDARD_INPUT))
    }

    /// Fails if something else is to come from standard input as well.
    fn check_input(&self) -> Result<()> {
        if self.source() != Path::new(STANDARD_INPUT) {
            return Ok(());
        }
        let review = &self.review;
        let mut named = review
            .paths
            .iter()
            .chain(&review.filename)
            .chain(&review.policy);
        if named.any(|path| path.as_os_str() == STANDARD_INPUT) {
            let what = if self.token.is_some() {
                "token"
            } else {
                "error"
            };
            bail!(
                "expected the {what} or manifests from standard input, not both; help: name the file with the {what} by --{what} FILE"
            );
        }
        Ok(())
    }
}

/// Finds the cause.
///
/// # Errors
///
/// Arguments and files that are wrong, texts that are no error that is known, and what [`preview::pods`] reports.
pub fn diagnose(args: &DiagnoseArgs, log: Option<LogSink>) -> Result<(Diagnosis, Remarks)> {
    args.check_input()?;
    let issuer = args.issuer.as_deref();
    let issuer = issuer
        .map(|url| issuer::checked("--issuer", url))
        .transpose()?;
    let now = args.now.as_deref().map(time).transpose()?;
    if now.is_some() && args.token.is_none() {
        bail!("--now: expected --token as well, whose times are compared with it");
    }
    let source = args.source();
    let text = read(source, args.token.is_some())?;
    let name = name_of(source);
    let claims = match args.token {
        Some(_) => Some(Claims::read(&text).with_context(|| name.clone())?),
        None => None,
    };
    let refusal = match claims {
        Some(_) => None,
        None => Some(refusal::read(&text).map_err(|codes| unknown(&name, codes))?),
    };
    let mut evidence = Evidence {
        issuer: issuer.map(str::to_owned),
        ..Evidence::default()
    };
    let remarks = if args.has_manifests() {
        let (input, remarks) = preview::pods(&args.review, log, |preview| evidence.add(preview))?;
        let accounts = input.accounts_with_identity(&args.review.namespace);
        evidence
            .accounts
            .extend(accounts.map(|(account, client_id)| {
                let (namespace, name) = account;
                (Subject { namespace, name }, client_id.to_lowercase())
            }));
        remarks
    } else {
        Remarks::default()
    };
    let mut client_ids = evidence.client_ids();
    let presented = refusal
        .as_ref()
        .and_then(|refusal| refusal.presented.client_id.clone());
    if client_ids.is_empty() {
        client_ids.extend(presented.map(|client_id| client_id.to_lowercase()));
    }
    let files: Vec<_> = args
        .existing
        .iter()
        .map(|file| ExistingFile::new(file))
        .collect();
    evidence.holders = existing::read(&files, &client_ids).context("--existing")?;
    let diagnosis = match (claims, refusal) {
        (Some(claims), _) => {
            let now = now.unwrap_or_else(Timestamp::now);
            of_claims(&claims, now, &evidence)
        }
        (None, Some(refusal)) => of_refusal(refusal, &evidence),
        (None, None) => bail!("{name}: expected an error or a token"),
    };
    Ok((diagnosis, remarks))
}

/// A time of the command line.
fn time(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| {
        let found = Excerpt::new(text);
        anyhow!("--now: expected a time such as 2026-11-25T12:00:00Z, found {found}")
    })
}

/// A file as messages name it.
fn name_of(path: &Path) -> String {
    match path.as_os_str() {
        path if path == STANDARD_INPUT => STANDARD_INPUT_NAME.to_owned(),
        _ => path.display().to_string(),
    }
}

/// The text of an error or a token.
fn read(path: &Path, is_token: bool) -> Result<String> {
    let name = name_of(path);
    let what = if is_token {
        "a token"
    } else {
        "the text of an error"
    };
    if path == Path::new(STANDARD_INPUT) {
        let input = io::stdin();
        if input.is_terminal() {
            bail!(
                "expected {what} from standard input, found a terminal; help: azwi-policy diagnose < error.txt"
            );
        }
        return text_from(&name, input, LARGEST, what);
    }
    let file = File::open(path).with_context(|| format!("{name}: cannot be read"))?;
    text_from(&name, file, LARGEST, what)
}

/// What `source` holds, if that is text of at most `largest` bytes.
fn text_from(name: &str, source: impl Read, largest: u64, what: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut source = source.take(largest.saturating_add(1));
    source
        .read_to_end(&mut bytes)
        .with_context(|| format!("{name}: cannot be read"))?;
    if u64::try_from(bytes.len())? > largest {
        bail!(
            "{name}: expected {what} of at most {largest} bytes, found more; help: give the lines around the error alone"
        );
    }
    // What PowerShell's redirection writes.
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => {
            let (units, _) = rest.as_chunks::<2>();
            let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
            char::decode_utf16(units)
                .collect::<Result<String, _>>()
                .ok()
        }
        _ => String::from_utf8(bytes).ok(),
    };
    match text {
        Some(text) if !text.contains('\0') => Ok(text),
        _ => bail!("{name}: expected {what}, found binary data"),
    }
}

/// What is said of a text that is no error that is known.
fn unknown(name: &str, codes: BTreeSet<String>) -> anyhow::Error {
    let codes: Vec<_> = codes.into_iter().collect();
    match codes.as_slice() {
        [] => anyhow!(
            "{name}: expected an error of Microsoft Entra ID, or of an SDK that asks it for a token, found none that this program knows; \
             help: give the whole text of the error, with its code AADSTS..."
        ),
        [first, ..] => {
            let number = first.trim_start_matches("AADSTS");
            let codes = preview::names::shortened(&codes);
            anyhow!(
                "{name}: {codes} is not an error of Microsoft Entra ID that this program knows; help: \
                 https://login.microsoftonline.com/error?code={number} says what it means"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_up_to_a_limit() {
        let read =
            |bytes: &[u8]| text_from("f", bytes, 8, "a text").map_err(|error| error.to_string());
        let too_long = "f: expected a text of at most 8 bytes, found more; help: give the lines around the error alone";
        let binary = "f: expected a text, found binary data";
        for (bytes, expected) in [
            (&b""[..], Ok("")),
            (b"12345678", Ok("12345678")),
            (b"123456789", Err(too_long)),
            (b"\xff\xfea\0b\0", Ok("ab")),
            (b"\xff\xfe\0\xd8", Err(binary)),
            (b"\xff", Err(binary)),
            (b"a\0", Err(binary)),
            ("ö".as_bytes(), Ok("ö")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(read(bytes), expected, "{bytes:?}");
        }
    }
}
