//! `azwi-policy issuer`: the documents from which Entra ID gets the keys of a self-managed cluster.

mod check;
mod documents;
mod keys;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use clap::{Args, ValueEnum};
use serde_json::Value;

use check::Compared;
use documents::{DISCOVERY, Documents, KEY_SET};
use keys::Key;

/// The longest file that is read, in bytes: many more keys than anyone has.
const LONGEST: u64 = 1 << 20;

const AFTER_HELP: &str = "The URL must be the --service-account-issuer of kube-apiserver, byte for byte: it is \
taken as it is given, with or without a slash at the end. The files are those of its --service-account-key-file: public keys (PUBLIC KEY, RSA PUBLIC \
KEY) or certificates, of RSA or on the curves P-256, P-384 and P-521. Put all keys into the documents with which tokens are still \
signed: during a rotation, the old and the new one.

Exit status: 0; 1 if --check finds a difference; 2 if arguments, keys or documents are wrong.

Examples:
  Write what is then uploaded to the issuer's URL:
    azwi-policy issuer --public-key sa.pub --url https://oidc.example.com --output-directory site
  During a rotation:
    azwi-policy issuer --public-key sa.pub --public-key sa-next.pub --url https://oidc.example.com -o jwks
  Whether what is there is right:
    curl --fail --silent https://oidc.example.com/openid/v1/jwks > jwks.json
    azwi-policy issuer --public-key sa.pub --url https://oidc.example.com --check jwks.json";

/// The arguments of `azwi-policy issuer`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct IssuerArgs {
    /// A file with public keys or certificates in PEM; may be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    pub public_key: Vec<PathBuf>,
    /// The URL of the issuer, as in --service-account-issuer.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// What to print.
    #[arg(short, long, value_name = "DOCUMENT", value_enum, default_value_t)]
    pub output: Output,
    /// Write .well-known/openid-configuration and openid/v1/jwks into this directory, and print nothing.
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub output_directory: Option<PathBuf>,
    /// Replace files in that directory that have another content.
    #[arg(long, requires = "output_directory")]
    pub overwrite: bool,
    /// Compare these documents, discovery documents and key sets, with what they should be.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["output", "output_directory"])]
    pub check: Vec<PathBuf>,
}

/// What to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The discovery document, then the key set.
    #[default]
    Both,
    /// The discovery document.
    Discovery,
    /// The key set.
    Jwks,
}

/// What the command has made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// What is printed.
    pub text: String,
    /// What is good to know.
    pub notes: Vec<String>,
    /// Whether a document that was to be checked is not as it should be.
    pub differs: bool,
}

/// Prints or writes the documents, or checks others.
///
/// # Errors
///
/// Files, keys and URLs that cannot be used, and files that are there already.
pub fn issuer(args: &IssuerArgs) -> Result<Issued> {
    let mut issued = Issued::default();
    let mut all = Vec::new();
    for path in &args.public_key {
        all.extend(keys::in_file(&path.display().to_string(), &read(path)?)?);
    }
    let keys = each_once(all, &mut issued.notes);
    let documents = Documents::new(&args.url, &keys)?;
    issued.notes.extend(note_on_algorithms(&keys));
    if !args.check.is_empty() {
        for path in &args.check {
            let file = path.display().to_string();
            let compared = check::compare(&file, &read(path)?, &documents, &keys)?;
            issued.add(&file, compared);
        }
    } else if let Some(directory) = &args.output_directory {
        write(directory, args.overwrite, &documents)?;
    } else {
        let Documents { discovery, key_set } = &documents;
        let printed = match args.output {
            Output::Both => vec![discovery, key_set],
            Output::Discovery => vec![discovery],
            Output::Jwks => vec![key_set],
        };
        for document in printed {
            issued.text += &json(document)?;
        }
    }
    Ok(issued)
}

impl Issued {
    fn add(&mut self, file: &str, compared: Compared) {
        let Compared { differences, notes } = compared;
        if differences.is_empty() {
            self.text += &format!("{file}: ok\n");
        }
        for difference in &differences {
            self.text += &format!("{file}: {difference}\n");
        }
        self.differs |= !differences.is_empty();
        let notes = notes.into_iter();
        self.notes
            .extend(notes.map(|note| format!("{file}: {note}")));
    }
}

fn json(document: &Value) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(document)?))
}

fn read(path: &Path) -> Result<String> {
    let file = path.display();
    let length = fs::metadata(path).map(|metadata| metadata.len());
    let length = length.with_context(|| format!("cannot read {file}"))?;
    if length > LONGEST {
        bail!("cannot read {file}: expected at most {LONGEST} bytes, found {length}");
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {file}"))?;
    String::from_utf8(bytes).map_err(|_| {
        anyhow::anyhow!(
            "cannot read {file}: expected text, found other bytes; help: for a key in DER, openssl pkey -pubin -inform DER -in {file}"
        )
    })
}

/// The keys, each once: its tokens name it by its ID.
fn each_once(keys: Vec<Key>, notes: &mut Vec<String>) -> Vec<Key> {
    let mut files = BTreeMap::new();
    let mut each = Vec::<Key>::new();
    for key in keys {
        if let Some(first) = files.get(&key.id) {
            let Key { file, id, .. } = &key;
            notes.push(format!(
                "{file}: key {id} is in {first} already, and counts once"
            ));
            continue;
        }
        files.insert(key.id.clone(), key.file.clone());
        each.push(key);
    }
    each
}

/// What Entra ID does not promise.
fn note_on_algorithms(keys: &[Key]) -> Option<String> {
    let others: Vec<_> = keys
        .iter()
        .filter(|key| key.algorithm != keys::SUPPORTED)
        .map(|key| format!("{} ({})", key.file, key.algorithm))
        .collect();
    let (supported, others) = (
        keys::SUPPORTED,
        (!others.is_empty()).then(|| others.join(", "))?,
    );
    Some(format!(
        "Entra ID supports tokens that are signed with {supported}, and promises nothing for {others}; help: sign with a key of RSA"
    ))
}

/// Writes the documents below `directory`: both or, if one is in the way, none.
fn write(directory: &Path, overwrite: bool, documents: &Documents) -> Result<()> {
    let files = [
        (directory.join(DISCOVERY), json(&documents.discovery)?),
        (directory.join(KEY_SET), json(&documents.key_set)?),
    ];
    for (path, content) in &files {
        let is_other = path.exists() && fs::read(path).ok().as_deref() != Some(content.as_bytes());
        if is_other && !overwrite {
            bail!(
                "{}: expected no file there, found one with another content; help: compare it with --check, or give --overwrite",
                Excerpt::new(&path.display().to_string())
            );
        }
    }
    for (path, content) in &files {
        let file = path.display();
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot write {file}"))?;
        }
        fs::write(path, content).with_context(|| format!("cannot write {file}"))?;
    }
    Ok(())
}
